// SPDX-License-Identifier: Apache-2.0
#include "service/arrivals.hpp"

#include <algorithm>

namespace hg::service {

void Arrivals::begin(const std::string& url, Instant now) {
  std::erase_if(lines_, [&](const ports::Arrival& line) { return line.url == url; });
  ports::Arrival arrival;
  arrival.url = url;
  arrival.since = now;
  lines_.push_front(std::move(arrival));
  if (lines_.size() > kMax) lines_.pop_back();
}

void Arrivals::note(const std::string& url, ports::ArrivalState state, std::string text) {
  if (ports::Arrival* line = find(url)) {
    line->state = state;
    line->text = std::move(text);
  }
}

void Arrivals::progress(const std::string& url, std::uint64_t done, std::uint64_t total) {
  if (ports::Arrival* line = find(url)) {
    line->done = done;
    line->total = total;
  }
}

ports::Arrival* Arrivals::find(const std::string& url) {
  const auto found = std::ranges::find_if(lines_, [&](const ports::Arrival& line) { return line.url == url; });
  return found == lines_.end() ? nullptr : &*found;
}

}  // namespace hg::service
