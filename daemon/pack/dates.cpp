// SPDX-License-Identifier: Apache-2.0
#include "pack/dates.hpp"

#include <algorithm>
#include <string>

namespace hg::pack {

namespace {

/// Whether the text has a digit wherever the form has a '0', and else the form's own character.
bool has_form(std::string_view text, std::string_view form) {
  const auto fits = [](char given, char wanted) {
    return wanted == '0' ? given >= '0' && given <= '9' : given == wanted;
  };
  return std::ranges::equal(text, form, fits);
}

int number(std::string_view text, std::size_t at, std::size_t digits) {
  return std::stoi(std::string(text.substr(at, digits)));
}

}  // namespace

Result<Instant> parse_date(std::string_view text) {
  const bool has_time = has_form(text, "0000-00-00T00:00:00Z");
  const Error error{Errc::invalid, "\"" + std::string(text) + "\" is no date: 2027-01-31 or 2027-01-31T12:00:00Z"};
  if (!has_time && !has_form(text, "0000-00-00")) return error;
  const auto unsigned_number = [&](std::size_t at) { return static_cast<unsigned>(number(text, at, 2)); };
  const std::chrono::year_month_day day{std::chrono::year{number(text, 0, 4)}, std::chrono::month{unsigned_number(5)},
                                        std::chrono::day{unsigned_number(8)}};
  if (!day.ok()) return error;
  if (day.year() < std::chrono::year{1970}) return Error{Errc::invalid, "\"" + std::string(text) + "\" is before 1970"};
  if (!has_time) return Instant{std::chrono::sys_days{day}};
  const int hours = number(text, 11, 2), minutes = number(text, 14, 2), seconds = number(text, 17, 2);
  if (hours > 23 || minutes > 59 || seconds > 59) return error;
  return Instant{std::chrono::sys_days{day} + std::chrono::hours{hours} + std::chrono::minutes{minutes} +
                 std::chrono::seconds{seconds}};
}

Instant now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

}  // namespace hg::pack
