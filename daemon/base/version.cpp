// SPDX-License-Identifier: Apache-2.0
#include "base/version.hpp"

#include <array>
#include <charconv>
#include <compare>

namespace hg {

namespace {

constexpr std::array<std::string_view, 3> kMarks = {"rc", "beta", "alpha"};  // -1, -2, -3
constexpr std::array<std::string_view, 5> kOps = {"greater", "greater-equal", "equal", "lesser-equal", "lesser"};

/// The mark that `text` begins with, or 0.
std::int64_t mark_at(std::string_view text) {
  for (std::size_t i = 0; i < kMarks.size(); ++i)
    if (text.starts_with(kMarks[i])) return -1 - static_cast<std::int64_t>(i);
  return 0;
}

std::size_t length_of_mark(std::int64_t mark) {
  return kMarks[static_cast<std::size_t>(-1 - mark)].size();
}

/// Takes one number from the front of `text`.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

bool holds(const VersionCondition& condition, const Version& current) {
  std::strong_ordering order = std::strong_ordering::equal;
  for (std::size_t i = 0; i < condition.version.size() && order == 0; ++i)
    order = (i < current.size() ? current[i] : 0) <=> condition.version[i];
  switch (condition.op) {
    case VersionOp::greater:
      return order > 0;
    case VersionOp::greater_equal:
      return order >= 0;
    case VersionOp::equal:
      return order == 0;
    case VersionOp::lesser_equal:
      return order <= 0;
    case VersionOp::lesser:
      return order < 0;
  }
  return false;
}

std::optional<Version> version_from(std::string_view text) {
  Version version;
  bool has_mark = false;
  bool is_last = false;  // what follows a '+'
  for (;;) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    version.push_back(*number);
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      const std::int64_t mark = mark_at(text);
      if (mark == 0 || has_mark) return std::nullopt;
      has_mark = true;
      text.remove_prefix(length_of_mark(mark));
      version.push_back(mark);
    }
    if (text.empty()) return version;
    if (is_last || (text.front() != '.' && text.front() != '+')) return std::nullopt;
    is_last = text.front() == '+';
    text.remove_prefix(1);
  }
}

std::string to_text(const Version& version) {
  std::string text;
  for (const std::int64_t part : version) {
    const bool is_mark = part < 0 && part >= -static_cast<std::int64_t>(kMarks.size());
    if (is_mark) {
      text.append("-").append(kMarks[static_cast<std::size_t>(-1 - part)]);
    } else {
      if (!text.empty()) text += '.';
      text += std::to_string(part);
    }
  }
  return text;
}

std::string_view name_of(VersionOp op) {
  const auto index = static_cast<std::size_t>(op) - 1;
  return index < kOps.size() ? kOps[index] : "unknown";
}

std::optional<VersionOp> version_op_from(std::string_view name) {
  for (std::size_t i = 0; i < kOps.size(); ++i)
    if (kOps[i] == name) return static_cast<VersionOp>(i + 1);
  return std::nullopt;
}

}  // namespace hg
