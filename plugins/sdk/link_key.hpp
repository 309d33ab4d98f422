// SPDX-License-Identifier: Apache-2.0
// The key that a child and this gateway end their link with, as the daemon hands it to a plugin
// (docs/plugin-protocol.md, LinkKey). In memory only: locked, wiped when it goes, never printed, never written down.
#pragma once

#include <string>

#include "base/digest.hpp"
#include "base/secret.hpp"

namespace hg::plugin {

enum class LinkKeyKind : std::uint8_t {
  none,         ///< the child has none, or no longer
  psk,          ///< a shared secret of 16 to 64 bytes, by the name `identity`
  certificate,  ///< the child's certificate is pinned by its digest
  passkey,      ///< of a Bluetooth pairing: six decimal digits as text
};

struct LinkKey {
  LinkKeyKind kind = LinkKeyKind::none;
  std::string identity{};  ///< of the PSK, 1 to 64 bytes
  Secret secret{0};        ///< of the PSK, or the passkey's digits
  Digest certificate{};    ///< SHA-256 of its DER
};

}  // namespace hg::plugin
