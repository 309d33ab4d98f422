// SPDX-License-Identifier: Apache-2.0
#include "pack/versions.hpp"

#include <array>
#include <charconv>

namespace hg::pack {

namespace {

constexpr std::array<std::string_view, 5> kComparisons{// in the order of suit::VersionOp, from 1
                                                       ">", ">=", "=", "<=", "<"};
constexpr std::array<std::pair<std::string_view, std::int64_t>, 3> kMarks{{{"rc", -1}, {"beta", -2}, {"alpha", -3}}};

std::optional<std::int64_t> element_from(std::string_view text) {
  for (const auto& [mark, number] : kMarks)
    if (text == mark) return number;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || text.front() == '-' || error != std::errc{} || end != text.data() + text.size()) return {};
  return number;
}

Error no_rule(std::string_view text, std::string_view example) {
  return Error{Errc::invalid, "\"" + std::string(text) + "\" is no rule about a version, such as \"" +
                                  std::string(example) + "\" (with >, >=, =, <= or <)"};
}

}  // namespace

Result<suit::Version> parse_version(std::string_view text) {
  const Error error{Errc::invalid, "\"" + std::string(text) + "\" is no version, such as 2.0.1 or 1.2-rc.3"};
  suit::Version version;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(".-", begin), text.size());
    const auto element = element_from(text.substr(begin, end - begin));
    if (!element) return error;
    version.push_back(*element);
    begin = end + 1;
  }
  Bytes encoded;
  cbor::Writer writer(encoded);
  writer.array(version.size());
  for (const std::int64_t element : version) writer.integer(element);
  cbor::Reader reader(encoded);
  if (!suit::read_version(reader)) return error;
  return version;
}

Result<suit::VersionCondition> parse_rule(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return no_rule(text, ">= 1.2");
  for (std::size_t at = 0; at < kComparisons.size(); ++at) {
    if (text.substr(0, space) != kComparisons[at]) continue;
    Result<suit::Version> version = parse_version(text.substr(space + 1));
    if (!version) return version.error();
    return suit::VersionCondition{static_cast<suit::VersionOp>(at + 1), std::move(*version)};
  }
  return no_rule(text, ">= 1.2");
}

Result<suit::TargetVersion> parse_other_rule(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == 0 || space == std::string_view::npos) return no_rule(text, "radio >= 1.2");
  Result<suit::VersionCondition> rule = parse_rule(text.substr(space + 1));
  if (!rule) return no_rule(text, "radio >= 1.2");
  return suit::TargetVersion{std::string(text.substr(0, space)), {std::move(*rule)}};
}

}  // namespace hg::pack
