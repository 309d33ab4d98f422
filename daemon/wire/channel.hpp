// SPDX-License-Identifier: Apache-2.0
// One end of a plugin connection (AF_UNIX, SOCK_SEQPACKET): sends and receives whole frames, some with a descriptor.
// It knows sizes, descriptors and the end of the connection; who may say what and when is for adapters/transport and
// plugins/sdk, which both use it. One thread, one reader.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <deque>
#include <memory>

#include "base/secret.hpp"
#include "base/unique_fd.hpp"
#include "wire/frames.hpp"

namespace hg::wire {

/// What waits to be sent when the peer does not read: more than this closes the channel.
inline constexpr std::size_t kMaxQueuedFrames = 8192;  ///< of each child there may be an Enroll and a LinkKey
inline constexpr std::size_t kMaxQueuedBytes = 2 * 1024 * 1024;

class Channel : public std::enable_shared_from_this<Channel> {
 public:
  struct Arrival {
    Frame frame;
    UniqueFd fd;  ///< close-on-exec; only with a frame that carries one, and even then possibly missing
  };

  /// Takes a connected socket, or fails with Errc::io.
  static Result<std::shared_ptr<Channel>> open(boost::asio::any_io_executor executor, UniqueFd socket);

  Channel(boost::asio::any_io_executor executor, int socket);

  /// The next frame. Errc::unavailable: the peer closed; Errc::cancelled: close() was called here, or the coroutine was
  /// cancelled; Errc::too_large and Errc::invalid: the peer broke the protocol, and the caller should close. A
  /// descriptor that does not belong to its frame is closed.
  boost::asio::awaitable<Result<Arrival>> receive();

  /// Sends now or as soon as the peer reads; `fd` is owned until it is sent. Errc::unavailable: the channel is closed,
  /// or was closed because too much was waiting; Errc::internal: there is no locked memory for a secret in it. No copy
  /// of a secret stays here.
  Result<void> send(const Frame& frame, UniqueFd fd = {});

  /// Ends receive() and drops what was not sent.
  void close();
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }

  /// SO_PEERCRED: who connected, as the kernel vouches for it.
  struct Peer {
    unsigned uid = 0;
    int pid = 0;
  };
  [[nodiscard]] Result<Peer> peer();

 private:
  struct Outgoing {
    Bytes bytes;       // of a frame that holds a secret none
    Secret hidden{0};  // these instead, in locked memory
    UniqueFd fd;

    [[nodiscard]] ByteView view() const { return bytes.empty() ? hidden.view() : ByteView(bytes); }
  };
  enum class Sent { yes, would_block, failed };

  static Result<Outgoing> outgoing_of(const Frame& frame, UniqueFd fd);
  Sent send_now(const Outgoing& outgoing);
  void send_when_writable();
  void flush();
  /// Nothing when the kernel has nothing yet.
  std::optional<Result<Arrival>> receive_now();
  /// The frame in the first bytes of the buffer, in which no secret stays.
  Result<Frame> take_frame(std::size_t size);

  boost::asio::posix::stream_descriptor socket_;
  std::deque<Outgoing> queue_;
  std::size_t queued_bytes_ = 0;
  Bytes buffer_;
};

}  // namespace hg::wire
