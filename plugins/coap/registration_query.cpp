// SPDX-License-Identifier: Apache-2.0
#include "coap/registration_query.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/cbor.hpp"

namespace hg::coap {
namespace {

constexpr std::size_t kMaxParameters = 32;
constexpr std::size_t kLongestParameter = 255;  // RFC 7252 table 4
constexpr std::size_t kLongestBinding = 8;
constexpr std::uint8_t kFirstC1Lead = 0xC2;  // U+0080 to U+009F are C2 80 to C2 9F

Error wrong(std::string_view name, std::string_view what) {
  return Error{Errc::invalid, "registration: " + std::string(name) + ": " + std::string(what)};
}

/// The parameters that we know. Values live as long as the query.
struct Parameters {
  std::optional<std::string_view> endpoint;
  std::optional<std::string_view> lifetime;
  std::optional<std::string_view> version;
  std::optional<std::string_view> binding;
  std::optional<std::string_view> queue;

  std::optional<std::string_view>* find(std::string_view name) {
    if (name == "ep") return &endpoint;
    if (name == "lt") return &lifetime;
    if (name == "lwm2m") return &version;
    if (name == "b") return &binding;
    if (name == "Q") return &queue;
    return nullptr;
  }
};

Result<Parameters> parameters_in(const std::vector<std::string>& query) {
  if (query.size() > kMaxParameters) return wrong("query", "more than 32 parameters");
  Parameters parameters;
  for (const std::string& parameter : query) {
    if (parameter.size() > kLongestParameter) return wrong("query", "a parameter of more than 255 bytes");
    const std::string_view whole = parameter;
    const std::size_t equals = std::min(whole.find('='), whole.size());
    const std::string_view name = whole.substr(0, equals);
    auto* known = parameters.find(name);
    if (known == nullptr) continue;
    if (*known) return wrong(name, "said twice");
    *known = whole.substr(std::min(equals + 1, whole.size()));
  }
  return parameters;
}

Result<std::optional<std::uint32_t>> lifetime_in(const Parameters& parameters) {
  if (!parameters.lifetime) return std::optional<std::uint32_t>{};
  const std::string_view text = *parameters.lifetime;
  std::uint32_t seconds = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool is_whole = failure == std::errc{} && end == text.data() + text.size();
  if (!is_whole || seconds == 0 || seconds > kLongestLifetime)
    return wrong("lt", "no number of seconds from 1 to 2^31");
  return std::optional{seconds};
}

Result<std::optional<bool>> queues_in(const Parameters& parameters) {
  if (!parameters.binding && !parameters.queue) return std::optional<bool>{};
  const std::string_view binding = parameters.binding.value_or("U");
  const bool is_binding = !binding.empty() && binding.size() <= kLongestBinding &&
                          std::ranges::all_of(binding, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!is_binding) return wrong("b", "no binding mode");
  return std::optional{parameters.queue || binding.find('Q') != std::string_view::npos};
}

/// "1.1"; or with the number of a corrected edition, as coap-node says "1.0.0".
bool names(std::string_view text, Lwm2mVersion version) {
  if (!text.starts_with(text_of(version))) return false;
  text.remove_prefix(text_of(version).size());
  return text.empty() || (text.size() == 2 && text[0] == '.' && text[1] >= '0' && text[1] <= '9');
}

Result<Lwm2mVersion> version_in(const Parameters& parameters) {
  const std::string_view text = parameters.version.value_or("1.0");
  for (const auto version : {Lwm2mVersion::v1_0, Lwm2mVersion::v1_1, Lwm2mVersion::v1_2}) {
    if (names(text, version)) return version;
  }
  return Error{Errc::unsupported, "registration: lwm2m: a version that is neither 1.0, 1.1 nor 1.2"};
}

}  // namespace

std::string_view text_of(Lwm2mVersion version) {
  switch (version) {
    case Lwm2mVersion::v1_0:
      return "1.0";
    case Lwm2mVersion::v1_1:
      return "1.1";
    case Lwm2mVersion::v1_2:
      break;
  }
  return "1.2";
}

bool is_endpoint(std::string_view name) {
  if (name.empty() || name.size() > kLongestEndpoint || !cbor::is_utf8(as_bytes(name))) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(name[i]);
    if (byte < 0x20 || byte == 0x7F) return false;
    if (byte == kFirstC1Lead && static_cast<std::uint8_t>(name[i + 1]) < 0xA0) return false;
  }
  return true;
}

Result<RegistrationQuery> registration_query_from(const std::vector<std::string>& query) {
  const auto parameters = parameters_in(query);
  if (!parameters) return parameters.error();
  const auto version = version_in(*parameters);
  if (!version) return version.error();
  const auto lifetime = lifetime_in(*parameters);
  if (!lifetime) return lifetime.error();
  const auto queues = queues_in(*parameters);
  if (!queues) return queues.error();
  if (parameters->endpoint && !is_endpoint(*parameters->endpoint)) {
    return wrong("ep", "no UTF-8 of 1 to 200 bytes without control characters");
  }
  if (!parameters->endpoint && *version == Lwm2mVersion::v1_0) return wrong("ep", "missing");
  RegistrationQuery found;
  found.endpoint = std::string(parameters->endpoint.value_or(""));
  found.lifetime = lifetime->value_or(kDefaultLifetime);
  found.version = *version;
  found.queues = queues->value_or(false);
  return found;
}

Result<UpdateQuery> update_query_from(const std::vector<std::string>& query) {
  const auto parameters = parameters_in(query);
  if (!parameters) return parameters.error();
  const auto lifetime = lifetime_in(*parameters);
  if (!lifetime) return lifetime.error();
  const auto queues = queues_in(*parameters);
  if (!queues) return queues.error();
  return UpdateQuery{*lifetime, *queues};
}

}  // namespace hg::coap
