// SPDX-License-Identifier: Apache-2.0
#include "sdk/profile_values.hpp"

#include <algorithm>

namespace hg::plugin {

Error wrong_value(const std::string& name, const std::string& expected) {
  return Error{Errc::invalid, "profile: " + name + " must be " + expected};
}

Result<std::int64_t> integer_in(const wire::ProfileValues& values, const std::string& name, std::int64_t fallback,
                                std::int64_t least, std::int64_t most) {
  const auto found = values.find(name);
  if (found == values.end()) return fallback;
  const auto* value = std::get_if<std::int64_t>(&found->second);
  if (value == nullptr || *value < least || *value > most) {
    return wrong_value(name, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return *value;
}

Result<bool> boolean_in(const wire::ProfileValues& values, const std::string& name, bool fallback) {
  const auto found = values.find(name);
  if (found == values.end()) return fallback;
  const auto* value = std::get_if<bool>(&found->second);
  if (value == nullptr) return wrong_value(name, "true or false");
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
  return wrong_value(name, expected);
}

Result<std::vector<std::string>> texts_in(const wire::ProfileValues& values, const std::string& name,
                                          std::size_t longest) {
  const auto found = values.find(name);
  if (found == values.end()) return std::vector<std::string>{};
  const auto* texts = std::get_if<std::vector<std::string>>(&found->second);
  const auto fits = [&](const std::string& text) { return !text.empty() && text.size() <= longest; };
  if (texts == nullptr || !std::ranges::all_of(*texts, fits)) {
    return wrong_value(name, "a list of texts of 1 to " + std::to_string(longest) + " bytes");
  }
  return *texts;
}

Result<std::string> text_in(const wire::ProfileValues& values, const std::string& name, const std::string& fallback,
                            std::size_t longest) {
  const auto found = values.find(name);
  if (found == values.end()) return fallback;
  const auto* text = std::get_if<std::string>(&found->second);
  if (text == nullptr || text->empty() || text->size() > longest) {
    return wrong_value(name, "a text of 1 to " + std::to_string(longest) + " bytes");
  }
  return *text;
}

}  // namespace hg::plugin
