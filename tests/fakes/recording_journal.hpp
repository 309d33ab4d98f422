// SPDX-License-Identifier: Apache-2.0
// A journal that keeps its lines for a test to look at.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ports/journal.hpp"

namespace hg::fakes {

class RecordingJournal final : public ports::Journal {
 public:
  struct Line {
    ports::Level level = ports::Level::info;
    std::string child;
    std::string deliverable;
    std::string job;
    std::string text;
  };

  void write(ports::Level level, const ports::About& about, std::string_view text) override {
    const std::scoped_lock lock(mutex_);
    lines_.push_back(
        {level, std::string(about.child), std::string(about.deliverable), std::string(about.job), std::string(text)});
  }

  /// A copy: adapters may write from their own threads.
  [[nodiscard]] std::vector<Line> lines() const {
    const std::scoped_lock lock(mutex_);
    return lines_;
  }

  /// How many lines have `part` in their text.
  [[nodiscard]] std::size_t count(std::string_view part) const {
    const auto has_part = [part](const Line& line) { return line.text.find(part) != std::string::npos; };
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(lines_, has_part));
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
};

}  // namespace hg::fakes
