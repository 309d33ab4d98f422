// SPDX-License-Identifier: Apache-2.0
#include "serial/serial_line.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

#include "sdk/profile_values.hpp"
#include "serial/tty.hpp"

namespace hg::serial {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr smp::Milliseconds kFirstLook = 100ms;  // between two attempts to open when nothing is notified; doubles
constexpr smp::Milliseconds kLastLook = 2000ms;
constexpr std::size_t kReadSize = 4096;
constexpr std::size_t kBitsPerByte = 10;  // with start and stop bit
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

}  // namespace

Result<LineSettings> line_settings_from(const wire::Enroll& child) {
  LineSettings settings;
  settings.child = child.child;
  auto address = line_address_from(child.address);
  if (!address) return address.error();
  settings.address = std::move(*address);
  const auto baud = plugin::integer_in(child.profile, "baud", settings.baud, 1200, 4000000);
  if (!baud) return baud.error();
  if (!is_known_baud(*baud)) return Error{Errc::invalid, "profile: no such baud rate: " + std::to_string(*baud)};
  settings.baud = *baud;
  auto profile = smp::profile_from(child.profile);
  if (!profile) return profile.error();
  settings.profile = std::move(*profile);
  return settings;
}

SerialLine::SerialLine(const asio::any_io_executor& executor, LineSettings settings, std::shared_ptr<LineBook> book,
                       plugin::LinkReport report)
    : executor_(executor),
      settings_(std::move(settings)),
      book_(std::move(book)),
      report_(std::move(report)),
      device_(executor, settings_.address),
      tty_(executor),
      write_timer_(executor),
      inbox_(executor),
      framing_(make_framing(settings_.profile)) {}

void SerialLine::start() {
  asio::co_spawn(executor_, run(shared_from_this()), asio::detached);
}

void SerialLine::close() {
  is_closed_ = true;
  lose("no longer enrolled");
  device_.close();
}

void SerialLine::set_line_gap(smp::Milliseconds gap) {
  if (settings_.profile.line_gap == 0ms) framing_->set_line_gap(gap);
}

// ------------------------------------------------------------------------------------------------ opening, reading

asio::awaitable<void> SerialLine::run(std::shared_ptr<SerialLine> self) {
  smp::Milliseconds pause = kFirstLook;
  while (!self->is_closed_) {
    self->device_.begin();
    if (const auto opened = self->open(); opened) {
      pause = kFirstLook;
      const std::string why = co_await self->read_until_lost();
      if (!self->is_closed_) self->lose(why);
      self->device_.begin();
    } else {
      self->inbox_.close(opened.error().message);
      self->report_({self->settings_.child, false, opened.error().message});
    }
    if (self->is_closed_) break;
    co_await self->device_.changed(pause);
    pause = std::min(2 * pause, kLastLook);
  }
}

Result<void> SerialLine::open() {
  auto node = device_.find();
  if (!node) return node.error();
  ExclusiveLine::Wanted wanted;
  wanted.child = settings_.child;
  wanted.node = std::move(*node);
  wanted.baud = settings_.baud;
  auto line = ExclusiveLine::take(book_, wanted);
  if (!line) return line.error();
  boost::system::error_code failure;
  tty_.assign(line->fd(), failure);
  if (failure) return Error{Errc::io, "wait for the tty: " + failure.message()};
  line_ = std::move(*line);
  framing_->reset();
  is_anew_ = true;
  sent_until_ = std::chrono::steady_clock::now();
  opening_ = {opening_.number + 1, sent_until_};
  inbox_.open();
  report_({settings_.child, true, ""});
  return {};
}

asio::awaitable<std::string> SerialLine::read_until_lost() {
  std::array<std::uint8_t, kReadSize> buffer{};
  const auto keep = [this](Bytes packet) { inbox_.put(std::move(packet)); };
  for (;;) {
    const auto [failure, size] = co_await tty_.async_read_some(asio::buffer(buffer), kToken);
    if (failure == asio::error::eof) co_return "the tty was hung up";
    if (failure) co_return "the tty is gone: " + failure.message();
    framing_->feed(ByteView(buffer).first(size), keep);
  }
}

void SerialLine::lose(const std::string& why) {
  if (tty_.is_open()) static_cast<void>(tty_.release());  // line_ closes it
  line_ = ExclusiveLine();
  inbox_.close(why);
  write_timer_.cancel();
  if (!is_closed_) report_({settings_.child, false, why});
}

asio::awaitable<Result<Bytes>> SerialLine::read(smp::SteadyTime deadline) {
  const auto self = shared_from_this();
  co_return co_await inbox_.take(deadline);
}

// ---------------------------------------------------------------------------------------------------------- writing

asio::awaitable<Result<void>> SerialLine::write(ByteView packet, smp::SteadyTime deadline) {
  const auto self = shared_from_this();
  if (!inbox_.is_open()) co_return inbox_.down_error();
  const bool is_anew = is_anew_ || framing_->is_out_of_step();
  if (is_anew && framing_->silence() > 0ms) {
    auto silent = co_await wait_until(sent_until_ + framing_->silence());
    if (!silent) co_return silent;
    framing_->after_silence();
  }
  framing_->put(packet, is_anew, pieces_);
  is_anew_ = true;  // until all of it is out
  auto written = co_await write_pieces(deadline);
  if (written) is_anew_ = false;
  co_return written;
}

asio::awaitable<Result<void>> SerialLine::write_pieces(smp::SteadyTime deadline) {
  for (const LineFraming::Piece& piece : pieces_) {
    if (piece.pause > 0ms) {
      auto waited = co_await wait_until(std::chrono::steady_clock::now() + piece.pause);
      if (!waited) co_return waited;
    }
    auto written = co_await write_bytes(piece.bytes, deadline);
    if (!written) co_return written;
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> SerialLine::write_bytes(ByteView bytes, smp::SteadyTime deadline) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(line_.fd(), bytes.data(), bytes.size());
    if (size > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(size));
      const auto begun = std::max(sent_until_, std::chrono::steady_clock::now());
      sent_until_ = begun + wire_time(static_cast<std::size_t>(size));
      continue;
    }
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK) co_return Error{Errc::unavailable, "the tty is gone"};
    auto room = co_await wait_for_room(deadline);
    if (!room) co_return room;
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> SerialLine::wait_for_room(smp::SteadyTime deadline) {
  write_timer_.expires_at(deadline);
  const auto wake = [self = shared_from_this()](boost::system::error_code) { self->write_timer_.cancel(); };
  tty_.async_wait(asio::posix::descriptor_base::wait_write, wake);
  co_await write_timer_.async_wait(kToken);
  const bool is_cancelled = co_await smp::was_cancelled();
  if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  if (!inbox_.is_open()) co_return inbox_.down_error();
  if (std::chrono::steady_clock::now() >= deadline) co_return Error{Errc::timed_out, "the line takes no bytes"};
  co_return Result<void>{};
}

asio::awaitable<Result<void>> SerialLine::wait_until(smp::SteadyTime time) {
  while (std::chrono::steady_clock::now() < time) {
    write_timer_.expires_at(time);
    co_await write_timer_.async_wait(kToken);
    const bool is_cancelled = co_await smp::was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
    if (!inbox_.is_open()) co_return inbox_.down_error();
  }
  co_return Result<void>{};
}

std::chrono::microseconds SerialLine::wire_time(std::size_t bytes) const {
  return std::chrono::microseconds(bytes * kBitsPerByte * 1000000 / static_cast<std::size_t>(settings_.baud));
}

}  // namespace hg::serial
