// SPDX-License-Identifier: Apache-2.0
#include "receiver.hpp"

#include <algorithm>
#include <utility>

#include "exchange.hpp"

namespace smp_child {
namespace {

class ConsoleReceiver : public Receiver {
 public:
  ConsoleReceiver(const LinkOptions& options, Loop& loop, OnPacket on_packet)
      : options_(options),
        loop_(loop),
        on_packet_(std::move(on_packet)),
        lines_(options.line_buffer, options.line_buffers),
        assembler_(options.buf_size) {}

  void feed(std::string_view bytes) override {
    lines_.feed(bytes);
    if (options_.line_buffers == 0) return drain();
    if (lines_.empty() || std::exchange(draining_, true)) return;
    loop_.after(options_.drain, [this] {
      draining_ = false;
      drain();
      on_later();
    });
  }

  [[nodiscard]] std::size_t to_next_event(std::string_view coming) const override {
    const std::size_t newline = coming.find('\n');
    return newline == std::string_view::npos ? coming.size() : newline + 1;
  }

  void clear() override {
    lines_.clear();
    assembler_.clear();
  }

  [[nodiscard]] std::vector<std::string> pieces(ByteView packet) const override {
    return bootloader_ ? frame_as_mcuboot(packet) : frame(packet);
  }

  /// MCUboot's buffer has room for one byte less (smp.md 6).
  void set_bootloader(bool bootloader) override {
    bootloader_ = bootloader;
    assembler_.set_size(options_.buf_size - (bootloader ? 1 : 0));
  }

  [[nodiscard]] std::size_t losses() const override { return lines_.lost() + assembler_.dropped(); }

 private:
  void drain() {
    while (const auto line = lines_.pop()) {
      if (auto packet = assembler_.take(*line)) on_packet_(std::move(*packet));
    }
  }

  const LinkOptions& options_;
  Loop& loop_;
  OnPacket on_packet_;
  LineBuffers lines_;
  Assembler assembler_;
  bool bootloader_ = false;
  bool draining_ = false;  // a timer will drain the line buffers
};

class RawReceiver : public Receiver {
 public:
  RawReceiver(const LinkOptions& options, Loop& loop, OnPacket on_packet)
      : options_(options), loop_(loop), on_packet_(std::move(on_packet)) {}

  void feed(std::string_view bytes) override {
    ++feeds_;
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), wanted());
      take(bytes.substr(0, count));
      bytes.remove_prefix(count);
    }
    if (seen_ != 0) watch_silence();
  }

  [[nodiscard]] std::size_t to_next_event(std::string_view coming) const override {
    return std::min(coming.size(), wanted());
  }

  void clear() override {
    buffer_.clear();
    seen_ = 0;
  }

  [[nodiscard]] std::vector<std::string> pieces(ByteView packet) const override {
    return {std::string(packet.begin(), packet.end())};
  }

  void set_bootloader(bool) override {}
  [[nodiscard]] std::size_t losses() const override { return lost_; }

 private:
  /// Bytes until the header, or the packet, is whole.
  [[nodiscard]] std::size_t wanted() const { return (seen_ < kHeaderSize ? kHeaderSize : length()) - seen_; }

  [[nodiscard]] std::size_t length() const { return kHeaderSize + big_endian(ByteView(buffer_).subspan(2, 2)); }

  void take(std::string_view piece) {
    seen_ += piece.size();
    if (seen_ <= options_.buf_size) buffer_.insert(buffer_.end(), piece.begin(), piece.end());
    if (seen_ < kHeaderSize || seen_ < length()) return;
    Bytes packet = std::exchange(buffer_, {});
    const bool whole = std::exchange(seen_, 0) == packet.size();
    if (whole) return on_packet_(std::move(packet));
    ++lost_;
  }

  /// Half a packet is forgotten when nothing follows for a while; without that time it waits for ever.
  void watch_silence() {
    if (options_.raw_timeout == Millis::zero()) return;
    loop_.after(options_.raw_timeout, [this, feeds = feeds_] {
      if (feeds != feeds_ || seen_ == 0) return;
      ++lost_;
      clear();
      on_later();
    });
  }

  const LinkOptions& options_;
  Loop& loop_;
  OnPacket on_packet_;
  Bytes buffer_;
  std::size_t seen_ = 0;  // bytes of the packet so far; more than the buffer holds if it is too long
  std::size_t lost_ = 0;
  std::uint64_t feeds_ = 0;
};

}  // namespace

std::unique_ptr<Receiver> make_receiver(const LinkOptions& options, Loop& loop, Receiver::OnPacket on_packet) {
  if (options.framing == Framing::raw) return std::make_unique<RawReceiver>(options, loop, std::move(on_packet));
  return std::make_unique<ConsoleReceiver>(options, loop, std::move(on_packet));
}

}  // namespace smp_child
