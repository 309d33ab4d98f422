// SPDX-License-Identifier: Apache-2.0
#include "adapters/cloud/announcement_text.hpp"

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <string>

namespace hg::cloud {

Result<ports::Announcement> read_announcement(std::string_view message) {
  namespace json = boost::json;
  constexpr std::size_t kDeepest = 8;
  if (message.size() > kLongestAnnouncementBytes) {
    return Error{Errc::too_large, "longer than " + std::to_string(kLongestAnnouncementBytes) + " bytes"};
  }
  json::parse_options strict;
  strict.max_depth = kDeepest;
  json::monotonic_resource memory;
  boost::system::error_code failed;
  const json::value value = json::parse(json::string_view(message.data(), message.size()), failed, &memory, strict);
  if (failed) return Error{Errc::invalid, "not JSON: " + failed.message()};
  const json::object* const object = value.if_object();
  if (object == nullptr) return Error{Errc::invalid, "not a JSON object"};
  const json::value* const url = object->if_contains("url");
  if (url == nullptr || !url->is_string()) return Error{Errc::invalid, "no member \"url\" with a text"};
  const std::string text(url->get_string().c_str(), url->get_string().size());
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7f'; };  // RFC 3986 §2
  if (!std::ranges::all_of(text, is_plain)) return Error{Errc::invalid, "\"url\" has characters that no URL has"};
  if (!text.starts_with("https://")) return Error{Errc::unsupported, "\"url\" is not https"};
  return ports::Announcement{text};
}

}  // namespace hg::cloud
