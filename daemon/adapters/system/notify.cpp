// SPDX-License-Identifier: Apache-2.0
#include "adapters/system/notify.hpp"

#include <systemd/sd-daemon.h>
#include <time.h>

#include <algorithm>
#include <string>

#include "adapters/system/journal_text.hpp"

namespace hg::system {
namespace {

// A systemd that does not listen is nothing that the daemon could do anything about.
void send(const std::string& message) {
  (void)::sd_notify(0, message.c_str());
}

std::string monotonic_usec() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(now.tv_sec * 1'000'000LL + now.tv_nsec / 1000);
}

}  // namespace

Notify::Notify() {
  std::uint64_t usec = 0;
  if (::sd_watchdog_enabled(0, &usec) <= 0) return;
  const auto interval = std::chrono::duration_cast<Duration>(std::chrono::microseconds{usec});
  watchdog_ = std::max(interval, Duration{2});
}

void Notify::ready(std::string_view status) {
  send("READY=1\nSTATUS=" + clean_text(status));
}
void Notify::status(std::string_view text) {
  send("STATUS=" + clean_text(text));
}
// The time stamp is what Type=notify-reload waits for (systemd 253).
void Notify::reloading() {
  send("RELOADING=1\nMONOTONIC_USEC=" + monotonic_usec());
}
void Notify::stopping() {
  send("STOPPING=1");
}
void Notify::extend_timeout(Duration by) {
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(std::chrono::microseconds{by}.count()));
}

boost::asio::awaitable<Result<void>> Notify::keep_alive(ports::Clock& clock) {
  if (!watchdog_) co_return Result<void>{};
  for (;;) {
    send("WATCHDOG=1");
    const auto slept = co_await clock.sleep_for(*watchdog_ / 2);
    if (!slept) co_return slept.error();
  }
}

}  // namespace hg::system
