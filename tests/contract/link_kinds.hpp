// SPDX-License-Identifier: Apache-2.0
// The kinds of smp::Link that test_link asks the same of: a serial line in each framing with a pty, UDP with a socket
// on loopback, and the child in memory. At the far end of each, every request is answered with its own body.
#pragma once

#include <fcntl.h>
#include <pty.h>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>

#include "plugins/loop.hpp"
#include "plugins/memory_child.hpp"
#include "serial/serial_line.hpp"
#include "smp/console.hpp"
#include "udp/udp_link.hpp"

namespace hg::test {

/// A request with this much in its body.
inline Bytes request_of(std::size_t size, std::uint8_t sequence) {
  Bytes packet(std::max(size, smp::kHeaderSize));
  for (std::size_t i = smp::kHeaderSize; i < packet.size(); ++i)
    packet[i] = static_cast<std::uint8_t>(i * 7 + sequence);
  smp::put_header(packet, smp::kEcho, 1, sequence);
  return packet;
}

/// What the far end makes of a request.
inline Bytes answer_to(Bytes request) {
  request[0] = static_cast<std::uint8_t>(request[0] + 1);
  return request;
}

/// Answers on a loop, at once or later.
class FarEnd {
 public:
  using Send = std::function<void(const Bytes&)>;
  explicit FarEnd(Loop& loop) : loop_(&loop) {}
  Milliseconds delay{0};

  void take(Bytes request, Send send) {
    const auto timer = std::make_shared<asio::steady_timer>(loop_->io, delay);
    const auto answer = [timer, request = std::move(request), send](boost::system::error_code failure) {
      if (!failure) send(answer_to(request));
    };
    timer->async_wait(answer);
  }

 private:
  Loop* loop_;
};

/// Both framings: a pty behind a symlink, as udev makes them.
template <smp::Framing framing>
class SerialKind {
 public:
  static constexpr bool kHasRealTime = true;
  explicit SerialKind(Loop& loop) : far_(loop), master_(loop.io), path_(directory_.path / "tty") {
    plug_in();
    serial::LineSettings settings;
    settings.child = "boiler";
    settings.address.node = path_;
    settings.profile.framing = framing;
    settings.profile.raw_silence = 60ms;
    const auto report = [](const wire::Link&) {};
    line_ = std::make_shared<serial::SerialLine>(loop.io.get_executor(), settings, book_, report);
    line_->start();
  }
  ~SerialKind() { line_->close(); }

  smp::Link& link() { return *line_; }
  void answer_after(Milliseconds delay) { far_.delay = delay; }
  [[nodiscard]] SteadyTime now() const { return std::chrono::steady_clock::now(); }
  void close() { line_->close(); }
  void come_back() {
    master_.close();
    plug_in();
  }

 private:
  void plug_in() {
    int ends[2];
    char name[64];
    if (::openpty(&ends[0], &ends[1], name, nullptr, nullptr) != 0) throw std::runtime_error("openpty");
    ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    slave_ = UniqueFd(ends[1]);
    master_.assign(ends[0]);
    const auto draft = directory_.path / "new";
    std::filesystem::create_symlink(name, draft);
    std::filesystem::rename(draft, path_);
    received_.clear();
    decoder_.reset();
    hear();
  }
  void hear() {
    const auto heard = [this](boost::system::error_code failure, std::size_t size) {
      if (failure) return;
      const ByteView bytes = ByteView(buffer_).first(size);
      if constexpr (framing == smp::Framing::console) {
        const auto keep = [this](Bytes packet) { answer(std::move(packet)); };
        decoder_.feed(bytes, keep);
      } else {
        received_.insert(received_.end(), bytes.begin(), bytes.end());
        cut_packets();
      }
      hear();
    };
    master_.async_read_some(asio::buffer(buffer_), heard);
  }
  void cut_packets() {
    const auto size = [this] { return smp::kHeaderSize + (std::size_t{received_[2]} << 8U | received_[3]); };
    while (received_.size() >= smp::kHeaderSize && received_.size() >= size()) {
      const auto end = received_.begin() + static_cast<std::ptrdiff_t>(size());
      answer(Bytes(received_.begin(), end));
      received_.erase(received_.begin(), end);
    }
  }
  void answer(Bytes request) {
    const auto send = [this](const Bytes& packet) {
      const auto bytes = std::make_shared<Bytes>(packet);
      if constexpr (framing == smp::Framing::console) {
        bytes->clear();
        smp::encode_console(packet, *bytes);
      }
      asio::async_write(master_, asio::buffer(*bytes), [bytes](boost::system::error_code, std::size_t) {});
    };
    far_.take(std::move(request), send);
  }

  Directory directory_;
  FarEnd far_;
  asio::posix::stream_descriptor master_;
  UniqueFd slave_;  // so that the pty is there before and after somebody has it open
  std::filesystem::path path_;
  std::array<std::uint8_t, 4096> buffer_{};
  smp::ConsoleDecoder decoder_;
  Bytes received_;
  std::shared_ptr<serial::LineBook> book_ = std::make_shared<serial::LineBook>();
  std::shared_ptr<serial::SerialLine> line_;
};

class UdpKind {
 public:
  static constexpr bool kHasRealTime = true;
  using Udp = asio::ip::udp;
  explicit UdpKind(Loop& loop) : loop_(&loop), far_(loop), socket_(loop.io, {asio::ip::address_v4::loopback(), 0}) {
    endpoint_ = socket_.local_endpoint();
    hear();
    const auto report = [](const wire::Link&) {};
    const udp::UdpAddress address{"127.0.0.1", endpoint_.port()};
    link_ = std::make_shared<udp::UdpLink>(loop.io.get_executor(), "boiler", address, report);
    link_->start();
  }
  ~UdpKind() { link_->close(); }

  smp::Link& link() { return *link_; }
  void answer_after(Milliseconds delay) { far_.delay = delay; }
  [[nodiscard]] SteadyTime now() const { return std::chrono::steady_clock::now(); }
  void close() { link_->close(); }
  void come_back() {
    socket_.close();  // the next datagram is refused: there is no other way to learn of it
    const Bytes packet = request_of(20, 99);
    static_cast<void>(loop_->wait(link_->write(packet, now() + 1s)));
    static_cast<void>(loop_->wait(link_->read(now() + 5s)));
    socket_ = Udp::socket(loop_->io, endpoint_);
    hear();
  }

 private:
  void hear() {
    const auto heard = [this](boost::system::error_code failure, std::size_t size) {
      if (failure) return;
      const auto send = [this, to = from_](const Bytes& packet) {
        boost::system::error_code ignored;
        socket_.send_to(asio::buffer(packet), to, 0, ignored);
      };
      far_.take(Bytes(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size)), send);
      hear();
    };
    socket_.async_receive_from(asio::buffer(buffer_), from_, heard);
  }

  Loop* loop_;
  FarEnd far_;
  Udp::socket socket_;
  Udp::endpoint endpoint_;
  Udp::endpoint from_;
  std::array<std::uint8_t, 65536> buffer_{};
  std::shared_ptr<udp::UdpLink> link_;
};

class MemoryKind {
 public:
  static constexpr bool kHasRealTime = false;
  explicit MemoryKind(Loop& loop) : loop_(&loop) {
    child_.answers_instead = [](const MemoryChild::Asked& asked) { return asked.body; };
    child_.largest = child_.limits().largest_packet;
  }

  smp::Link& link() { return child_; }
  void answer_after(Milliseconds delay) { child_.answer_time = delay; }
  [[nodiscard]] SteadyTime now() const { return child_.now(); }
  /// It has no close(): its link is lost for long by a reset.
  void close() {
    child_.answers_instead = [](const MemoryChild::Asked&) { return std::nullopt; };
    child_.link_lost_for_after_reset = 24h;
    Bytes reset = request_of(smp::kHeaderSize, 200);
    smp::put_header(reset, smp::kReset, 1, 200);
    static_cast<void>(loop_->wait(child_.write(reset, now() + 1s)));
    static_cast<void>(loop_->wait(child_.read(now() + 2 * child_.reset_delay)));
    static_cast<void>(loop_->wait(child_.read(now() + 2 * child_.reset_delay)));
  }
  void come_back() { child_.reopen(); }

 private:
  Loop* loop_;
  MemoryChild child_;
};

}  // namespace hg::test
