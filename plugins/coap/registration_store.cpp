// SPDX-License-Identifier: Apache-2.0
#include "coap/registration_store.hpp"

#include <array>
#include <charconv>

#include "base/bytes.hpp"
#include "coap/remembered.hpp"

namespace hg::coap {
namespace {

constexpr std::string_view kHead = "headgate-registration 1";

std::optional<Lwm2mVersion> version_from(std::string_view text) {
  for (const auto version : {Lwm2mVersion::v1_0, Lwm2mVersion::v1_1, Lwm2mVersion::v1_2}) {
    if (text == text_of(version)) return version;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> number_from(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string location_text(std::uint64_t location) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t at = 0; at < bytes.size(); ++at) bytes[at] = static_cast<std::uint8_t>(location >> (56 - 8 * at));
  return to_hex(bytes);
}

std::optional<std::uint64_t> location_from(std::string_view text) {
  const auto bytes = text.size() == 16 ? from_hex(text) : std::nullopt;
  if (!bytes) return std::nullopt;
  std::uint64_t location = 0;
  for (const std::uint8_t byte : *bytes) location = location << 8U | byte;
  return location;
}

std::filesystem::path RegistrationStore::file_of(const std::string& child) const {
  return directory_.empty() ? directory_ : directory_ / (child + ".registration");
}

std::optional<Registration> RegistrationStore::load(const std::string& child) const {
  const Facts facts = recall(file_of(child), kHead);
  const auto location = location_from(fact(facts, "location"));
  const auto lifetime = number_from(fact(facts, "lifetime"));
  const auto version = version_from(fact(facts, "version"));
  auto objects = object_list_from(fact(facts, "objects"));
  if (!location || !lifetime || !version || !objects) return std::nullopt;
  Registration registration;
  registration.endpoint = fact(facts, "endpoint");
  registration.location = *location;
  registration.lifetime = *lifetime;
  registration.version = *version;
  registration.queues = fact(facts, "queues") == "1";
  registration.is_secured = fact(facts, "secured") == "1";
  registration.address = fact(facts, "address");
  registration.objects = std::move(*objects);
  if (!is_endpoint(registration.endpoint)) return std::nullopt;
  return registration;
}

void RegistrationStore::save(const std::string& child, const Registration& registration) const {
  const Facts facts{{"endpoint", registration.endpoint},
                    {"location", location_text(registration.location)},
                    {"lifetime", std::to_string(registration.lifetime)},
                    {"version", std::string(text_of(registration.version))},
                    {"queues", registration.queues ? "1" : "0"},
                    {"secured", registration.is_secured ? "1" : "0"},
                    {"address", registration.address},
                    {"objects", text_of(registration.objects)}};
  static_cast<void>(remember(file_of(child), kHead, facts));
}

void RegistrationStore::remove(const std::string& child) const {
  forget(file_of(child));
}

}  // namespace hg::coap
