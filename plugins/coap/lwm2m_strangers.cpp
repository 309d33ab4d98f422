// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_strangers.hpp"

#include <algorithm>
#include <array>

#include "wire/limits.hpp"

namespace hg::coap {
namespace {

bool is_name_character(char character) {
  return wire::is_name(std::string_view(&character, 1));
}

/// Two endpoints that look alike as names are told apart by it. FNV-1a.
std::string mark_of(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char character : text) hash = (hash ^ static_cast<std::uint8_t>(character)) * 16777619U;
  const std::array<std::uint8_t, 3> bytes{static_cast<std::uint8_t>(hash >> 16U), static_cast<std::uint8_t>(hash >> 8U),
                                          static_cast<std::uint8_t>(hash)};
  return to_hex(bytes);
}

std::string text_of(const Registration& as) {
  std::string text = "LwM2M " + std::string(text_of(as.version)) + (as.is_secured ? " over DTLS" : "");
  text.append(", objects ").append(text_of(as.objects));
  return wire::bounded_text(text);
}

}  // namespace

std::string name_of_endpoint(const std::string& endpoint) {
  if (wire::is_name(endpoint)) return endpoint;
  std::string name = endpoint;
  const auto is_other = [](char character) { return !is_name_character(character); };
  std::ranges::replace_if(name, is_other, '-');
  const std::string mark = "-" + mark_of(endpoint);
  return name.substr(0, wire::kMaxName - mark.size()) + mark;
}

void Strangers::met(const Registration& as, SteadyTime gone_at) {
  const std::string name = name_of_endpoint(as.endpoint);
  std::string text = text_of(as);
  const auto found = strangers_.find(name);
  if (found == strangers_.end() && strangers_.size() >= wire::kMaxStrangers) return;
  if (found != strangers_.end() && found->second.text == text) {
    found->second.gone_at = gone_at;
    return;
  }
  strangers_[name] = {text, gone_at};
  meet_(wire::Discovered{name, "lwm2m:" + as.endpoint, std::nullopt, std::nullopt, std::move(text)});
}

void Strangers::known(const std::string& endpoint) {
  const std::string name = name_of_endpoint(endpoint);
  if (strangers_.erase(name) != 0) meet_(wire::Vanished{name});
}

SteadyTime Strangers::expire(SteadyTime now) {
  SteadyTime next = SteadyTime::max();
  for (auto at = strangers_.begin(); at != strangers_.end();) {
    if (at->second.gone_at <= now) {
      meet_(wire::Vanished{at->first});
      at = strangers_.erase(at);
    } else {
      next = std::min(next, at->second.gone_at);
      ++at;
    }
  }
  return next;
}

}  // namespace hg::coap
