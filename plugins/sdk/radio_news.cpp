// SPDX-License-Identifier: Apache-2.0
#include "sdk/radio_news.hpp"

#include <algorithm>
#include <utility>

#include "wire/limits.hpp"

namespace hg::plugin {

RadioNews::RadioNews(const boost::asio::any_io_executor& executor, std::chrono::milliseconds pause, Say say)
    : pause_(pause), say_(std::move(say)), timer_(executor) {}

void RadioNews::report(wire::Radio radio) {
  radio.adapter = wire::bounded_text(radio.adapter, wire::kMaxName);
  if (radio.rssi_dbm && (*radio.rssi_dbm < wire::kLeastRssi || *radio.rssi_dbm > wire::kMostRssi))
    radio.rssi_dbm.reset();
  const auto [known, is_new] = last_.try_emplace(radio.child);
  Last& last = known->second;
  if (!is_new && last.radio == radio) return;
  last.radio = std::move(radio);
  last.is_untold = true;
  if (std::chrono::steady_clock::now() >= last.next) {
    tell(last);
  } else {
    tell_later();
  }
}

void RadioNews::say_again(const std::string& child) {
  if (const auto known = last_.find(child); known != last_.end()) tell(known->second);
}

void RadioNews::tell(Last& last) {
  last.is_untold = false;
  last.next = std::chrono::steady_clock::now() + pause_;
  say_(last.radio);
}

void RadioNews::tell_due() {
  const auto now = std::chrono::steady_clock::now();
  bool is_more = false;
  for (auto& [child, last] : last_) {
    if (last.is_untold && last.next <= now) tell(last);
    is_more = is_more || last.is_untold;
  }
  if (is_more) tell_later();
}

/// One timer for all: it looks again when the earliest is due.
void RadioNews::tell_later() {
  if (is_waiting_) return;
  auto earliest = SteadyTime::max();
  for (const auto& [child, last] : last_) {
    if (last.is_untold) earliest = std::min(earliest, last.next);
  }
  is_waiting_ = true;
  timer_.expires_at(earliest);
  const auto look = [this](boost::system::error_code failure) {
    if (failure) return;  // stopped, or gone
    is_waiting_ = false;
    tell_due();
  };
  timer_.async_wait(look);
}

}  // namespace hg::plugin
