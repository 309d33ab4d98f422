// SPDX-License-Identifier: Apache-2.0
// The payloads of the three records that a root's keys sign: channel heads, permits and key grants, as values. Reads
// and writes them; whether the signers may say so, and whether it is still true, is for authority. docs/trust.md.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/time.hpp"

namespace hg::trust {

inline constexpr std::size_t kMaxHeadEntries = 1024;
inline constexpr std::size_t kMaxNameBytes = 256;  ///< of channels, products and children

/// One manifest that is current in a channel.
struct HeadEntry {
  std::string product;
  std::uint64_t sequence = 0;
  Digest manifest;            ///< SHA-256 of the manifest (draft-ietf-suit-manifest §8.3)
  std::uint64_t minimum = 0;  ///< no gateway of the channel goes below this sequence number; 0: says nothing

  friend bool operator==(const HeadEntry&, const HeadEntry&) = default;
};

/// What is current, all of it at one time: freshness, and no mix and match.
struct Head {
  std::string channel;
  std::uint64_t version = 0;
  Instant issued{};
  Instant expires{};
  std::vector<HeadEntry> entries;  ///< one for a product

  friend bool operator==(const Head&, const Head&) = default;
};

/// The vendor's permission to go back, once per child.
struct Permit {
  using Class = std::array<std::uint8_t, 16>;

  Bytes id;  ///< 16 bytes, by chance: names the permit for ever
  std::string product;
  std::uint64_t from = 0;                 ///< the sequence number that the child has confirmed
  std::uint64_t to = 0;                   ///< the lower one that it may be brought to
  std::variant<std::string, Class> whom;  ///< one child by its id, or all of a class
  Instant not_after{};

  friend bool operator==(const Permit&, const Permit&) = default;
};

/// A content key for one gateway, beside the deliverable.
struct Grant {
  Digest image;         ///< SHA-256 of the sealed bytes
  Digest gateway;       ///< SHA-256 of the SubjectPublicKeyInfo of the gateway's key
  Bytes encrypted_key;  ///< COSE_Encrypt (tag 96) with one recipient, whose content key is the image's
  Instant not_after{};

  friend bool operator==(const Grant&, const Grant&) = default;
};

// Readers refuse unknown format versions and fields, and values out of bounds, by name and offset in `payload`; writers
// want what the readers accept. Errors: invalid, unsupported, too_large.

/// Refused beside malformed ones: a product twice, one below its own minimum, a head that expires before it is issued.
Result<Head> read_head(ByteView payload);
Bytes write_head(const Head& head);

/// Refused beside malformed ones: `to` that is not below `from`, anything but exactly one of child and class.
Result<Permit> read_permit(ByteView payload);
Bytes write_permit(const Permit& permit);

/// Refused beside malformed ones: an encrypted key with a ciphertext, or with other than one recipient.
Result<Grant> read_grant(ByteView payload);
Bytes write_grant(const Grant& grant);

}  // namespace hg::trust
