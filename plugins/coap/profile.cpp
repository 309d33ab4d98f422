// SPDX-License-Identifier: Apache-2.0
#include "coap/profile.hpp"

#include <algorithm>
#include <charconv>

#include "coap/block_option.hpp"
#include "coap/link_format.hpp"
#include "coap/registration_query.hpp"
#include "sdk/profile_values.hpp"

namespace hg::coap {
namespace {

constexpr std::int64_t kLongestMs = 10 * 60 * 1000;
constexpr std::int64_t kDayMs = 24 * 60 * 60 * 1000;
constexpr std::int64_t kLongestDefer = 30 * 24 * 60 * 60;
constexpr std::int64_t kLeastTimeout = 100;
constexpr std::int64_t kLongestTimeout = 60 * 1000;
constexpr std::int64_t kLeastPoll = 1000;
constexpr std::int64_t kMostPayloads = 16;
constexpr std::size_t kLongestPath = 128;
constexpr std::size_t kLongestHost = 253;  // RFC 1035 section 2.3.4, written out
constexpr std::string_view kLwm2m = "lwm2m:";
constexpr std::string_view kPlain = "coap://";
constexpr std::string_view kSecure = "coaps://";

/// As a Request has it: segments without a '/' before the first or behind the last.
bool is_path(std::string_view path) {
  const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F || c == '?' || c == '#'; };
  return !path.starts_with('/') && !path.ends_with('/') && path.find("//") == std::string_view::npos &&
         std::ranges::none_of(path, is_bad);
}

Result<void> check(const Profile& profile) {
  const bool is_known = profile.object == 0 || profile.object == kFirmwareObject;
  if (!is_known && profile.object != kAdvancedFirmwareObject) return plugin::wrong_value("object", "0, 5 or 33629");
  if (!is_block_size(profile.block)) return plugin::wrong_value("block", "16, 32, 64, 128, 256, 512 or 1024");
  if (!is_path(profile.trigger)) return plugin::wrong_value("trigger", "a path without '/' before it");
  if (!is_path(profile.version)) return plugin::wrong_value("version", "a path without '/' before it");
  if (!is_path(profile.manifest)) return plugin::wrong_value("manifest", "a path without '/' before it");
  return {};
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  return failure == std::errc{} && end == text.data() + text.size() && port != 0;
}

bool is_host(std::string_view host) {
  const auto is_fine = [](char c) {
    return c > ' ' && c < 0x7F && std::string_view{"[]/?#@\\\""}.find(c) == std::string_view::npos;
  };
  return !host.empty() && host.size() <= kLongestHost && std::ranges::all_of(host, is_fine);
}

/// "host", "host:port" or "[v6]:port": always with a port afterwards.
Result<std::string> host_and_port_from(std::string_view text, std::string_view usual_port) {
  const bool is_literal = text.starts_with('[');
  const std::size_t end = is_literal ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return Error{Errc::invalid, "address: ']' is missing"};
  const std::string_view host = is_literal ? text.substr(1, end - 1) : text.substr(0, end);
  if (!is_host(host)) return Error{Errc::invalid, "address: there is no host in it, or more than host and port"};
  const std::string_view rest = text.substr(is_literal ? end + 1 : end);
  if (rest.empty()) return std::string(text) + ":" + std::string(usual_port);
  if (!rest.starts_with(':') || !is_port(rest.substr(1))) {
    return Error{Errc::invalid, "address: only ':' and a port may follow the host; IPv6 stands in brackets"};
  }
  return std::string(text);
}

}  // namespace

Result<Profile> profile_from(const wire::ProfileValues& values) {
  Profile profile;
  plugin::ProfileReading read(values);
  read.choice("evidence", {"version", "package", "result"}, profile.evidence);
  read.choice("way", {"auto", "pull", "push"}, profile.way);
  read.number("object", 0, kAdvancedFirmwareObject, profile.object);
  read.number("block", kSmallestBlock, kLargestBlock, profile.block);
  read.ms("ack_timeout_ms", kLeastTimeout, kLongestTimeout, profile.ack_timeout);
  read.ms("answer_ms", 1, kLongestMs, profile.answer);
  read.ms("awake_ms", 1, kDayMs, profile.awake);
  read.ms("grace_ms", 0, kDayMs, profile.grace);
  read.number("defer_s", 0, kLongestDefer, profile.defer_s);
  read.ms("poll_ms", kLeastPoll, kDayMs, profile.poll);
  read.boolean("takes_older", profile.takes_older);
  read.boolean("installs_at_once", profile.installs_at_once);
  read.text("trigger", kLongestPath, profile.trigger);
  read.text("version", kLongestPath, profile.version);
  read.text("manifest", kLongestPath, profile.manifest);
  read.ms("verdict_ms", 1, kDayMs, profile.verdict);
  read.ms("refusal_ms", 1, kDayMs, profile.refusal);
  read.number("payloads", 1, kMostPayloads, profile.payloads);
  if (auto result = read.result(); !result) return result.error();
  if (auto checked = check(profile); !checked) return checked.error();
  return profile;
}

Result<Address> address_from(std::string_view text) {
  if (text.starts_with(kLwm2m)) {
    const std::string_view endpoint = text.substr(kLwm2m.size());
    if (!is_endpoint(endpoint)) {
      return Error{Errc::invalid, "address: an endpoint has 1 to 200 bytes of UTF-8 without control characters"};
    }
    return Address{Address::Kind::lwm2m, std::string(endpoint), false};
  }
  const bool is_secured = text.starts_with(kSecure);
  if (!is_secured && !text.starts_with(kPlain)) {
    return Error{Errc::invalid, "address: must be lwm2m:ENDPOINT, coap://HOST[:PORT] or coaps://HOST[:PORT]"};
  }
  auto name = host_and_port_from(text.substr((is_secured ? kSecure : kPlain).size()), is_secured ? "5684" : "5683");
  if (!name) return name.error();
  return Address{Address::Kind::suit, std::move(*name), is_secured};
}

}  // namespace hg::coap
