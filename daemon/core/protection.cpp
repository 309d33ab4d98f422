// SPDX-License-Identifier: Apache-2.0
#include "core/protection.hpp"

#include <algorithm>
#include <array>

namespace hg::core {

namespace {

// In the order of their enumerations.
constexpr std::array<std::string_view, 5> kProtections = {"none", "internal-link", "link", "re-wrapped", "sealed"};
constexpr std::array<std::string_view, 7> kWraps = {"unknown", "RSA2048",       "AES-KW", "EC256",
                                                    "X25519",  "X25519-SHA512", "COSE"};
constexpr std::array<std::string_view, 3> kUses = {"wrap", "identify", "link"};
constexpr std::array<std::string_view, 8> kKinds = {"aes",    "hmac",    "psk",         "p256",
                                                    "x25519", "ed25519", "certificate", "passkey"};
constexpr std::array<std::string_view, 4> kOrigins = {"configuration", "command", "list", "policy"};

template <class Enum, std::size_t N>
std::optional<Enum> from(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

bool tier_takes(std::uint8_t tier, KeyUse use, KeyKind kind) {
  const bool is_of_use = [&] {
    switch (use) {
      case KeyUse::wrap:
        return kind == KeyKind::aes || kind == KeyKind::p256 || kind == KeyKind::x25519;
      case KeyUse::identify:
        return kind == KeyKind::hmac || kind == KeyKind::p256 || kind == KeyKind::ed25519;
      case KeyUse::link:
        return kind == KeyKind::psk || kind == KeyKind::p256 || kind == KeyKind::certificate ||
               kind == KeyKind::passkey;
    }
    return false;
  }();
  if (!is_of_use || tier == 0) return is_of_use;
  if (tier == 1) return is_secret(kind);
  return use == KeyUse::link || !is_secret(kind);
}

std::string_view name_of(Protection protection) {
  return kProtections.at(static_cast<std::size_t>(protection));
}
std::string_view name_of(Wrap wrap) {
  return kWraps.at(static_cast<std::size_t>(wrap));
}
std::string_view name_of(KeyUse use) {
  return kUses.at(static_cast<std::size_t>(use));
}
std::string_view name_of(KeyKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind));
}
std::string_view name_of(Origin origin) {
  return kOrigins.at(static_cast<std::size_t>(origin));
}
std::optional<Protection> protection_from(std::string_view name) {
  return from<Protection>(kProtections, name);
}
std::optional<Wrap> wrap_from(std::string_view name) {
  return from<Wrap>(kWraps, name);
}
std::optional<KeyUse> key_use_from(std::string_view name) {
  return from<KeyUse>(kUses, name);
}
std::optional<KeyKind> key_kind_from(std::string_view name) {
  return from<KeyKind>(kKinds, name);
}
std::optional<Origin> origin_from(std::string_view name) {
  return from<Origin>(kOrigins, name);
}

}  // namespace hg::core
