// SPDX-License-Identifier: Apache-2.0
// A directory into which whoever may write there drops envelopes and trust records: from a stick, by a script of the
// integrator. Nothing in it is trusted: signatures decide, as for what comes from the cloud. adapters/system watches
// it; service/ingest empties it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::ports {

struct Dropped {
  std::string name;  ///< of the file in the directory
  Bytes bytes;       ///< at most kMaxEnvelope
};

class DropBox {
 public:
  virtual ~DropBox() = default;

  /// The next file, however long that takes; those that were there at the start come first, in the order of their
  /// names. What cannot be read, or is too large, is set aside and written to the journal. Only Errc::cancelled ends
  /// it.
  [[nodiscard]] virtual boost::asio::awaitable<Result<Dropped>> next() = 0;

  /// It was taken in, and is durable elsewhere: it is removed.
  virtual void taken(const std::string& name) = 0;
  /// It was refused: it stays, as NAME.refused.
  virtual void refused(const std::string& name) = 0;
  /// next() brings it once more.
  virtual void again(const std::string& name) = 0;
};

}  // namespace hg::ports
