// SPDX-License-Identifier: Apache-2.0
#include "coap/exchange.hpp"

#include <array>
#include <utility>

namespace hg::coap {
namespace {

constexpr std::array<std::pair<Code, std::string_view>, 22> kNames{{
    {Code::created, "Created"},
    {Code::deleted, "Deleted"},
    {Code::valid, "Valid"},
    {Code::changed, "Changed"},
    {Code::content, "Content"},
    {Code::go_on, "Continue"},
    {Code::bad_request, "Bad Request"},
    {Code::unauthorized, "Unauthorized"},
    {Code::bad_option, "Bad Option"},
    {Code::forbidden, "Forbidden"},
    {Code::not_found, "Not Found"},
    {Code::not_allowed, "Method Not Allowed"},
    {Code::not_acceptable, "Not Acceptable"},
    {Code::incomplete, "Request Entity Incomplete"},
    {Code::conflict, "Conflict"},
    {Code::precondition_failed, "Precondition Failed"},
    {Code::too_large, "Request Entity Too Large"},
    {Code::unsupported_format, "Unsupported Content-Format"},
    {Code::too_many, "Too Many Requests"},
    {Code::internal_error, "Internal Server Error"},
    {Code::not_implemented, "Not Implemented"},
    {Code::unavailable, "Service Unavailable"},
}};

}  // namespace

std::string text_of(Code code) {
  const auto value = static_cast<unsigned>(code);
  const unsigned detail = value & 0x1FU;
  std::string text = std::to_string(value >> 5U) + (detail < 10 ? ".0" : ".") + std::to_string(detail);
  for (const auto& [known, name] : kNames) {
    if (known == code) return text.append(" ").append(name);
  }
  return text;
}

}  // namespace hg::coap
