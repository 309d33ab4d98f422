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

#include "serial/tty.hpp"

namespace hg::serial {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstLook = 100ms;  // between two attempts to open when nothing is notified; doubles
constexpr smp::Milliseconds kLastLook = 2000ms;
constexpr smp::Milliseconds kDrain = 5ms;  // until the child has taken a lone newline out of its few line buffers
constexpr std::size_t kMaxInbox = 16;      // packets; older ones are late answers
constexpr std::size_t kReadSize = 4096;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

}  // namespace

Result<LineSettings> line_settings_from(const wire::Enroll& child) {
  LineSettings settings;
  settings.child = child.child;
  settings.path = child.address;
  if (!settings.path.is_absolute()) return Error{Errc::invalid, "the address must be the absolute path of a tty"};
  const auto baud = smp::integer_in(child.profile, "baud", settings.baud, 1200, 3000000);
  if (!baud) return baud.error();
  if (!is_known_baud(*baud)) return Error{Errc::invalid, "profile: no such baud rate"};
  settings.baud = *baud;
  const auto gap = smp::integer_in(child.profile, "line_gap_ms", 0, 0, 1000);
  if (!gap) return gap.error();
  settings.line_gap = smp::Milliseconds{*gap};
  return settings;
}

SerialLine::SerialLine(const asio::any_io_executor& executor, LineSettings settings, plugin::LinkReport report)
    : executor_(executor),
      settings_(std::move(settings)),
      report_(std::move(report)),
      watch_(executor, settings_.path),
      tty_(executor),
      arrived_(executor),
      write_timer_(executor) {}

void SerialLine::start() {
  asio::co_spawn(executor_, run(shared_from_this()), asio::detached);
}

void SerialLine::close() {
  is_closed_ = true;
  lose("no longer enrolled");
  watch_.close();
}

// ----------------------------------------------------------------------------------------------- opening, reading

asio::awaitable<void> SerialLine::run(std::shared_ptr<SerialLine> self) {
  smp::Milliseconds pause = kFirstLook;
  while (!self->is_closed_) {
    self->watch_.begin();
    if (self->open()) {
      pause = kFirstLook;
      const std::string why = co_await self->read_until_lost();
      if (!self->is_closed_) self->lose(why);
      self->watch_.begin();
    }
    if (self->is_closed_) break;
    co_await self->watch_.changed(pause);
    pause = std::min(2 * pause, kLastLook);
  }
}

bool SerialLine::open() {
  auto fd = open_tty(settings_.path, settings_.baud);
  if (!fd) {
    down_text_ = fd.error().message;
    report_(settings_.child, false, down_text_);
    return false;
  }
  boost::system::error_code failure;
  tty_.assign(fd->get(), failure);
  if (failure) return false;
  static_cast<void>(fd->release());
  tty_.non_blocking(true, failure);
  decoder_.reset();
  inbox_.clear();
  newline_first_ = true;
  opening_ = {opening_.number + 1, std::chrono::steady_clock::now()};
  report_(settings_.child, true, "");
  return true;
}

asio::awaitable<std::string> SerialLine::read_until_lost() {
  std::array<std::uint8_t, kReadSize> buffer{};
  const auto keep = [this](Bytes packet) {
    if (inbox_.size() == kMaxInbox) inbox_.pop_front();
    inbox_.push_back(std::move(packet));
    arrived_.cancel();
  };
  for (;;) {
    const auto [failure, size] = co_await tty_.async_read_some(asio::buffer(buffer), kToken);
    if (failure == asio::error::eof) co_return "the tty was hung up";
    if (failure) co_return "the tty is gone: " + failure.message();
    decoder_.feed(ByteView(buffer).first(size), keep);
  }
}

void SerialLine::lose(const std::string& why) {
  boost::system::error_code ignored;
  tty_.close(ignored);
  inbox_.clear();
  down_text_ = why;
  arrived_.cancel();
  write_timer_.cancel();
  if (!is_closed_) report_(settings_.child, false, why);
}

// ------------------------------------------------------------------------------------------------------------ Link

asio::awaitable<Result<Bytes>> SerialLine::read(smp::SteadyTime deadline) {
  const auto self = shared_from_this();
  for (;;) {
    if (!inbox_.empty()) {
      Bytes packet = std::move(inbox_.front());
      inbox_.pop_front();
      co_return std::move(packet);
    }
    if (!tty_.is_open()) co_return down_error();
    if (std::chrono::steady_clock::now() >= deadline) co_return Error{Errc::timed_out, "no answer"};
    arrived_.expires_at(deadline);
    co_await arrived_.async_wait(kToken);
    const bool is_cancelled = co_await smp::was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  }
}

asio::awaitable<Result<void>> SerialLine::write(ByteView packet, smp::SteadyTime deadline) {
  const auto self = shared_from_this();
  if (!tty_.is_open()) co_return down_error();
  if (newline_first_) {
    auto cleared = co_await clear_childs_line(deadline);
    if (!cleared) co_return cleared;
  }
  lines_.clear();
  smp::encode_console(packet, lines_);
  if (settings_.line_gap == 0ms) co_return co_await write_bytes(lines_, deadline);
  ByteView rest = lines_;
  while (!rest.empty()) {
    const auto end = std::ranges::find(rest, std::uint8_t{'\n'}) - rest.begin() + 1;
    const auto written = co_await write_bytes(rest.first(static_cast<std::size_t>(end)), deadline);
    if (!written) co_return written;
    rest = rest.subspan(static_cast<std::size_t>(end));
    if (rest.empty()) break;
    co_await pause(settings_.line_gap);
    if (!tty_.is_open()) co_return down_error();
  }
  co_return Result<void>{};
}

asio::awaitable<void> SerialLine::pause(smp::Milliseconds duration) {
  write_timer_.expires_after(duration);
  co_await write_timer_.async_wait(kToken);
}

asio::awaitable<Result<void>> SerialLine::clear_childs_line(smp::SteadyTime deadline) {
  constexpr std::array<std::uint8_t, 1> kNewline = {'\n'};
  auto written = co_await write_bytes(kNewline, deadline);
  if (!written) co_return written;
  co_await pause(kDrain);
  if (!tty_.is_open()) co_return down_error();
  co_return Result<void>{};
}

asio::awaitable<Result<void>> SerialLine::write_bytes(ByteView bytes, smp::SteadyTime deadline) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(tty_.native_handle(), bytes.data(), bytes.size());
    if (size > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(size));
      continue;
    }
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK) co_return Error{Errc::unavailable, "the tty is gone"};
    // Full: wait until it takes bytes again, for as long as the packet has time.
    newline_first_ = true;
    write_timer_.expires_at(deadline);
    const auto wake = [self = shared_from_this()](boost::system::error_code) { self->write_timer_.cancel(); };
    tty_.async_wait(asio::posix::descriptor_base::wait_write, wake);
    co_await write_timer_.async_wait(kToken);
    const bool is_cancelled = co_await smp::was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
    if (!tty_.is_open()) co_return down_error();
    if (std::chrono::steady_clock::now() >= deadline) co_return Error{Errc::timed_out, "the line takes no bytes"};
  }
  newline_first_ = false;
  co_return Result<void>{};
}

}  // namespace hg::serial
