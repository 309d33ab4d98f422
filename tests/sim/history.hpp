// SPDX-License-Identifier: Apache-2.0
// All that happened in a run, as a hash (FNV-1a), its last lines for people, and what was found to be wrong.
#pragma once

#include <cstdint>
#include <deque>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace hg::sim {

class History {
 public:
  explicit History(bool is_shown) : is_shown_(is_shown) {}

  void add(Duration at, std::string_view who, std::string_view what) {
    std::string line = std::to_string(at.count());
    line.append(" ").append(who).append(" ").append(what);
    for (const char c : line) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    if (is_shown_) std::cerr << line << '\n';
    last_.push_back(std::move(line));
    if (last_.size() > kLast) last_.pop_front();
  }

  /// Something that must never be.
  void wrong(Duration at, std::string_view who, std::string_view what) {
    ++violations_;
    add(at, who, std::string("VIOLATION ").append(what));
    if (first_.empty()) first_.assign(last_.begin(), last_.end());
  }

  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::uint64_t violations() const { return violations_; }
  /// Up to the first violation.
  [[nodiscard]] const std::vector<std::string>& first() const { return first_; }

 private:
  static constexpr std::size_t kLast = 80;
  bool is_shown_;
  std::uint64_t hash_ = 14695981039346656037ULL;
  std::uint64_t violations_ = 0;
  std::deque<std::string> last_;
  std::vector<std::string> first_;
};

}  // namespace hg::sim
