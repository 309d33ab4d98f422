// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/lent_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <span>
#include <system_error>
#include <thread>

namespace hg::bus {

namespace asio = boost::asio;

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kPiece = std::size_t{16} * 1024;

/// Shared by the thread that reads and the coroutine that waits for it; whoever is last closes the file, and wipes what
/// came too late for anybody.
struct Reading {
  LentFile lent;
  std::size_t limit;
  SteadyTime deadline;
  UniqueFd bell;                       ///< eventfd, rung when `outcome` is there
  std::atomic<bool> has_ended{false};  ///< `outcome` belongs to the thread until then
  Result<Bytes> outcome{Bytes{}};

  ~Reading() {
    if (outcome) wipe(*outcome);
  }
};

Error too_late() {
  return {Errc::timed_out, "it did not come to its end in time"};
}

/// What may be read at all: no device, socket or directory.
Result<void> judge(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return from_errno(errno, "look at it");
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
    return Error{Errc::invalid, "neither a regular file nor a pipe"};
  const int flags = ::fcntl(file, F_GETFL);
  if (flags < 0 || (flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_WRONLY)
    return Error{Errc::invalid, "not open for reading"};
  return {};
}

Result<void> wait_for_bytes(int file, SteadyTime deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<Duration>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return too_late();
    pollfd ready{file, POLLIN, 0};
    const int result = ::poll(&ready, 1, static_cast<int>(left));
    if (result > 0) return {};
    if (result < 0 && errno != EINTR) return from_errno(errno, "wait for it");
  }
}

Result<void> read_into(Bytes& bytes, std::span<std::uint8_t> piece, const Reading& reading) {
  const int file = reading.lent.file.get();
  if (const Result<void> may = judge(file); !may) return may;
  for (;;) {
    if (const Result<void> ready = wait_for_bytes(file, reading.deadline); !ready) return ready;
    const ssize_t count = ::read(file, piece.data(), piece.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return from_errno(errno, "read it");
    if (count == 0) break;
    if (static_cast<std::size_t>(count) > reading.limit - bytes.size())
      return Error{Errc::too_large, "more than " + std::to_string(reading.limit) + " bytes"};
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + count);
  }
  if (bytes.empty()) return Error{Errc::invalid, "it is empty"};
  return {};
}

/// It may be a key: what is small never moves while it grows, and nothing of it stays behind.
Result<Bytes> read_to_end(const Reading& reading) {
  Bytes bytes;
  bytes.reserve(std::min(reading.limit, kPiece));
  std::array<std::uint8_t, kPiece> piece{};
  const Result<void> read = read_into(bytes, piece, reading);
  wipe(piece);
  if (read) return bytes;
  wipe(bytes);
  return read.error();
}

/// Touches nothing but what it shares: the loop may be gone by its end.
void read_on_thread(const std::shared_ptr<Reading>& reading) {
  reading->outcome = read_to_end(*reading);
  reading->has_ended = true;
  ::eventfd_write(reading->bell.get(), 1);
}

Result<void> start_thread(std::shared_ptr<Reading> reading) {
  try {
    std::thread([reading = std::move(reading)] { read_on_thread(reading); }).detach();
  } catch (const std::system_error& failure) {
    return Error{Errc::busy, std::string{"no thread to read it: "} + failure.what()};
  }
  return {};
}

}  // namespace

std::shared_ptr<const void> LentPlaces::take() {
  if (taken_->load() >= kMost) return nullptr;  // only given back by other threads
  ++*taken_;
  const auto give_back = [taken = taken_](const void*) { --*taken; };
  return {taken_.get(), give_back};
}

asio::awaitable<Result<Bytes>> read_lent(LentFile lent, std::size_t limit, Duration patience) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const SteadyTime deadline = std::chrono::steady_clock::now() + patience;
  const auto reading =
      std::make_shared<Reading>(std::move(lent), limit, deadline, UniqueFd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)});
  UniqueFd heard{::fcntl(reading->bell.get(), F_DUPFD_CLOEXEC, 0)};
  if (!heard) co_return from_errno(errno, "make an eventfd");
  const auto bell = std::make_shared<asio::posix::stream_descriptor>(executor, heard.release());
  if (const Result<void> started = start_thread(reading); !started) co_return started.error();

  asio::steady_timer timer(executor, deadline);
  timer.async_wait([bell](const boost::system::error_code& cancelled) {
    if (!cancelled) bell->cancel();
  });
  co_await bell->async_wait(asio::posix::descriptor_base::wait_read, asio::as_tuple(asio::use_awaitable));
  if (!reading->has_ended) co_return too_late();
  co_return std::move(reading->outcome);
}

}  // namespace hg::bus
