// SPDX-License-Identifier: Apache-2.0
// The socket file that plugins connect to: made with its mode and group, taken over from a daemon that died, never from
// one that lives. Who is let in is the board's decision.
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <filesystem>
#include <optional>

#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace hg::transport {

class ListeningSocket {
 public:
  explicit ListeningSocket(boost::asio::any_io_executor executor) : socket_(std::move(executor)) {}
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  ~ListeningSocket() { close(); }

  /// Errc::exists when somebody listens there already.
  Result<void> open(const std::filesystem::path& path, mode_t mode, std::optional<gid_t> group);

  /// The next connection, close-on-exec. Errc::cancelled after close(); Errc::io when the system has no descriptor
  /// left.
  boost::asio::awaitable<Result<UniqueFd>> accept();

  /// Also removes the socket file.
  void close();

 private:
  boost::asio::posix::stream_descriptor socket_;
  std::filesystem::path path_;
};

}  // namespace hg::transport
