// SPDX-License-Identifier: Apache-2.0
// What a caller lends as a descriptor, read to its end: a regular file or a pipe, bounded in size, time and number. Any
// read may hang (somebody else empties the pipe, a file system does not answer): each file is read by a thread of its
// own, which is left behind when it does. The face reads envelopes so, after the caller was authorized.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <memory>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/time.hpp"
#include "base/unique_fd.hpp"

namespace hg::bus {

/// How many files may be lent at a time: from when the caller is authorized until they are read, those left behind
/// included.
class LentPlaces {
 public:
  static constexpr unsigned kMost = 16;

  /// Given back with its last owner, on any thread; null: all are taken.
  [[nodiscard]] std::shared_ptr<const void> take();

 private:
  std::shared_ptr<std::atomic<unsigned>> taken_ = std::make_shared<std::atomic<unsigned>>(0);
};

struct LentFile {
  UniqueFd file;
  std::shared_ptr<const void> place;
};

/// All from where the file stands, at least one byte and at most `limit`, within `patience`. Errc::invalid (neither
/// regular file nor pipe, not open for reading, empty), Errc::too_large, Errc::timed_out, Errc::busy (no thread for
/// it), or what reading says.
[[nodiscard]] boost::asio::awaitable<Result<Bytes>> read_lent(LentFile lent, std::size_t limit, Duration patience);

}  // namespace hg::bus
