// SPDX-License-Identifier: Apache-2.0
// Looks into an image that is sealed, once, for what core must know of it. adapters/inspection does it off the loop;
// service/ingest calls it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "core/protection.hpp"

namespace hg::ports {

struct ImageFacts {
  std::string version;                     ///< "1.2.3[.4]"; empty: the format is not known to us
  Digest running_digest;                   ///< what a child reports when it runs the image; empty: cannot be told
  bool encrypted = false;                  ///< the payload is ciphertext
  bool is_clear = false;                   ///< it is meant to be encrypted, and its payload is plain (imgtool --clear)
  std::optional<core::Sealing> sealing{};  ///< of both: where the wrapped content key stands
};

class Inspector {
 public:
  virtual ~Inspector() = default;

  /// `image` is read from its beginning, `size` bytes. A format that we do not know is no error: the facts are empty.
  /// Errc::invalid, Errc::mismatch: it claims to be a format that we know and breaks its rules.
  [[nodiscard]] virtual boost::asio::awaitable<Result<ImageFacts>> inspect(UniqueFd image, std::uint64_t size) = 0;
};

}  // namespace hg::ports
