// SPDX-License-Identifier: Apache-2.0
// What a simulator keeps for each child of a population. They are named "child-0", "child-1" and so on, so that the
// name says where it stands: to ask for one costs the same in every fleet.
#pragma once

#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/names.hpp"

namespace hg::sim {

inline constexpr std::string_view kChildPrefix = "child-";

inline core::ChildId child_name(std::size_t number) {
  return std::string(kChildPrefix) + std::to_string(number);
}

template <class Value>
class PerChild {
 public:
  explicit PerChild(std::size_t count = 0) : values_(count) {}

  [[nodiscard]] std::size_t size() const { return values_.size(); }
  void push_back(Value value) { values_.push_back(std::move(value)); }
  [[nodiscard]] auto begin() { return values_.begin(); }
  [[nodiscard]] auto end() { return values_.end(); }

  [[nodiscard]] Value& at(std::string_view child) { return values_.at(number_of(child)); }
  [[nodiscard]] const Value& at(std::string_view child) const { return values_.at(number_of(child)); }
  [[nodiscard]] Value& operator[](std::string_view child) { return at(child); }

 private:
  static std::size_t number_of(std::string_view child) {
    std::size_t number = 0;
    child.remove_prefix(kChildPrefix.size());
    std::from_chars(child.data(), child.data() + child.size(), number);
    return number;
  }

  std::vector<Value> values_;
};

}  // namespace hg::sim
