// SPDX-License-Identifier: Apache-2.0
#include "smp/profile.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace hg::smp {
namespace {

constexpr std::int64_t kLongestMs = 10 * 60 * 1000;
constexpr std::int64_t kLongestGapMs = 1000;
constexpr std::int64_t kLargestPacket = 16 * 1024;
constexpr std::int64_t kSmallestPacket = 96;  // the first upload request with its digests
constexpr std::int64_t kLargestWindow = 16;
constexpr std::int64_t kLargestAlign = 64;
constexpr std::size_t kLongestSetting = 255;
constexpr std::size_t kLongestPath = 255;

/// Reads values one after the other; the first one that is wrong stays the answer.
class Reading {
 public:
  explicit Reading(const wire::ProfileValues& values) : values_(&values) {}

  template <class Number>
  void number(const std::string& name, std::int64_t least, std::int64_t most, Number& member) {
    if (const auto value = keep(integer_in(*values_, name, static_cast<std::int64_t>(member), least, most))) {
      member = static_cast<Number>(*value);
    }
  }
  void ms(const std::string& name, std::int64_t least, std::int64_t most, Milliseconds& member) {
    std::int64_t value = member.count();
    number(name, least, most, value);
    member = Milliseconds{value};
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

Error wrong(const std::string& name, const std::string& expected) {
  return Error{Errc::invalid, "profile: " + name + " must be " + expected};
}

}  // namespace

Result<std::int64_t> integer_in(const wire::ProfileValues& values, const std::string& name, std::int64_t fallback,
                                std::int64_t least, std::int64_t most) {
  const auto found = values.find(name);
  if (found == values.end()) return fallback;
  const auto* value = std::get_if<std::int64_t>(&found->second);
  if (value == nullptr || *value < least || *value > most) {
    return wrong(name, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return *value;
}

Result<bool> boolean_in(const wire::ProfileValues& values, const std::string& name, bool fallback) {
  const auto found = values.find(name);
  if (found == values.end()) return fallback;
  const auto* value = std::get_if<bool>(&found->second);
  if (value == nullptr) return wrong(name, "true or false");
  return *value;
}

Result<std::size_t> choice_in(const wire::ProfileValues& values, const std::string& name,
                              const std::vector<std::string>& choices) {
  const auto found = values.find(name);
  if (found == values.end()) return std::size_t{0};
  const auto* value = std::get_if<std::string>(&found->second);
  const auto place = value == nullptr ? choices.end() : std::ranges::find(choices, *value);
  if (place != choices.end()) return static_cast<std::size_t>(place - choices.begin());
  std::string expected;
  for (const std::string& choice : choices) expected += (expected.empty() ? "\"" : " or \"") + choice + "\"";
  return wrong(name, expected);
}

Result<std::vector<std::string>> texts_in(const wire::ProfileValues& values, const std::string& name,
                                          std::size_t longest) {
  const auto found = values.find(name);
  if (found == values.end()) return std::vector<std::string>{};
  const auto* texts = std::get_if<std::vector<std::string>>(&found->second);
  const auto fits = [&](const std::string& text) { return !text.empty() && text.size() <= longest; };
  if (texts == nullptr || !std::ranges::all_of(*texts, fits)) {
    return wrong(name, "a list of texts of 1 to " + std::to_string(longest) + " bytes");
  }
  return *texts;
}

Result<Profile> profile_from(const wire::ProfileValues& values) {
  Profile profile;
  Reading read(values);
  read.number("packet", 0, kLargestPacket, profile.packet);
  read.number("window", 0, kLargestWindow, profile.window);
  read.number("chunk_align", 1, kLargestAlign, profile.chunk_align);
  read.ms("line_gap_ms", 0, kLongestGapMs, profile.line_gap);
  read.ms("reset_delay_ms", 0, kLongestMs, profile.reset_delay);
  read.ms("boot_silence_ms", 0, kLongestMs, profile.boot_silence);
  read.ms("erase_ms", 1, kLongestMs, profile.erase);
  read.ms("chunk_ms", 1, kLongestMs, profile.chunk);
  read.ms("last_ms", 1, kLongestMs, profile.last);
  read.ms("raw_silence_ms", 0, kLongestMs, profile.raw_silence);
  read.number("smp_version", 0, 2, profile.speaks);
  read.choice("recovery", {"auto", "never"}, profile.rescue);
  read.choice("framing", {"console", "raw"}, profile.framing);
  read.boolean("confirms_all", profile.confirms_all);
  read.boolean("takes_older", profile.takes_older);
  read.boolean("force_reset", profile.force_reset);
  read.texts("backup_settings", kLongestSetting, profile.backup_settings);
  read.texts("backup_files", kLongestPath, profile.backup_files);
  if (auto result = read.result(); !result) return result.error();
  if (profile.packet != 0 && profile.packet < kSmallestPacket) {
    return wrong("packet", "0 or at least " + std::to_string(kSmallestPacket));
  }
  return profile;
}

}  // namespace hg::smp
