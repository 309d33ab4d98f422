// SPDX-License-Identifier: Apache-2.0
// What became of the deliverables that were announced lately: on its way, sealed, known already, or refused and why.
// A short memory for operators; what lasts stands in the catalogue and the journal. Kept by ingest, shown by the bus.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "ports/control.hpp"

namespace hg::service {

class Arrivals {
 public:
  static constexpr std::size_t kMax = 32;

  /// A new line for `url`, or its line again if it has one.
  void begin(const std::string& url, Instant now);
  void note(const std::string& url, ports::ArrivalState state, std::string text);
  void progress(const std::string& url, std::uint64_t done, std::uint64_t total);

  /// Newest first.
  [[nodiscard]] std::vector<ports::Arrival> list() const { return {lines_.begin(), lines_.end()}; }

 private:
  ports::Arrival* find(const std::string& url);

  std::deque<ports::Arrival> lines_;
};

}  // namespace hg::service
