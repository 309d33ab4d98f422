// SPDX-License-Identifier: Apache-2.0
// Writes a release as a SUIT envelope of headgate's profile v1 (draft-ietf-suit-manifest-37, update-management-14,
// firmware-encryption-26): conditions, digests and sizes in the shared sequence, gates and fetches in install, text
// severed. The envelope is unsigned: `headgate-pack sign` adds authentication blocks. Knows no files and no keys.
#pragma once

#include "base/digest.hpp"
#include "pack/recipe.hpp"

namespace hg::pack {

/// What a child decrypts with.
struct Encryption {
  Bytes info;  ///< COSE_Encrypt, tagged
  Digest plaintext;
  std::uint64_t plaintext_size = 0;
  suit::ComponentId staging;
};

struct ReleaseTarget {
  suit::ComponentId component;
  crypto::Uuid vendor_id{};
  crypto::Uuid class_id{};
  Digest digest;  ///< SHA-256 of the bytes as they travel
  std::uint64_t size = 0;
  std::string uri;   ///< empty: integrated
  Bytes integrated;  ///< the bytes, if they travel in the envelope
  std::string version;
  Gates gates;
  std::optional<Encryption> encryption;
};

struct Release {
  std::uint64_t sequence = 0;
  suit::ComponentId product;
  suit::Version version;
  std::string description;
  std::vector<ReleaseTarget> targets;
};

Bytes write_envelope(const Release& release);

}  // namespace hg::pack
