// SPDX-License-Identifier: Apache-2.0
// Values out of a child's profile, each with its type and range checked. The daemon has checked them by the schema of
// the transport already; a plugin does not count on it. What the keys mean is the plugin's. Called by the profiles of
// smp and coap, and by links for values of their own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "wire/frames.hpp"

namespace hg::plugin {

/// One value of a profile: `fallback` when it is not there. Errc::invalid names a value of another type or out of
/// range.
Result<std::int64_t> integer_in(const wire::ProfileValues& values, const std::string& name, std::int64_t fallback,
                                std::int64_t least, std::int64_t most);
Result<bool> boolean_in(const wire::ProfileValues& values, const std::string& name, bool fallback);
/// One of `choices` as its place among them; the first one when the value is not there.
Result<std::size_t> choice_in(const wire::ProfileValues& values, const std::string& name,
                              const std::vector<std::string>& choices);
/// Texts of 1 to `longest` bytes each; none when the value is not there.
Result<std::vector<std::string>> texts_in(const wire::ProfileValues& values, const std::string& name,
                                          std::size_t longest);
/// A text of 1 to `longest` bytes.
Result<std::string> text_in(const wire::ProfileValues& values, const std::string& name, const std::string& fallback,
                            std::size_t longest);

/// Errc::invalid "profile: NAME must be EXPECTED", for rules of the plugin's own.
Error wrong_value(const std::string& name, const std::string& expected);

/// Reads values one after the other into members that hold their defaults; the first one that is wrong stays the
/// answer.
class ProfileReading {
 public:
  explicit ProfileReading(const wire::ProfileValues& values) : values_(&values) {}

  template <class Number>
  void number(const std::string& name, std::int64_t least, std::int64_t most, Number& member) {
    if (const auto value = keep(integer_in(*values_, name, static_cast<std::int64_t>(member), least, most))) {
      member = static_cast<Number>(*value);
    }
  }
  void ms(const std::string& name, std::int64_t least, std::int64_t most, std::chrono::milliseconds& member) {
    std::int64_t value = member.count();
    number(name, least, most, value);
    member = std::chrono::milliseconds{value};
  }
  void boolean(const std::string& name, bool& member) {
    if (const auto value = keep(boolean_in(*values_, name, member))) member = *value;
  }
  template <class Choice>
  void choice(const std::string& name, const std::vector<std::string>& choices, Choice& member) {
    if (const auto value = keep(choice_in(*values_, name, choices))) member = static_cast<Choice>(*value);
  }
  void texts(const std::string& name, std::size_t longest, std::vector<std::string>& member) {
    if (auto value = keep(texts_in(*values_, name, longest))) member = std::move(*value);
  }
  void text(const std::string& name, std::size_t longest, std::string& member) {
    if (auto value = keep(text_in(*values_, name, member, longest))) member = std::move(*value);
  }
  [[nodiscard]] Result<void> result() const { return error_ ? Result<void>{*error_} : Result<void>{}; }

 private:
  template <class T>
  Result<T> keep(Result<T> value) {
    if (!value && !error_) error_ = value.error();
    return value;
  }

  const wire::ProfileValues* values_;
  std::optional<Error> error_;
};

}  // namespace hg::plugin
