// SPDX-License-Identifier: Apache-2.0
// The payload of the record `enrollment`: children that a director makes known to gateways or to one of them, with
// their keys and groups, and children that it takes away again. Reads and writes it; whether the signers may say so,
// and whether it is still true, is for authority; what becomes of each child for service/trust_records. docs/trust.md.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/time.hpp"

namespace hg::trust {

inline constexpr std::size_t kMaxListedChildren = 1024;
inline constexpr std::size_t kMaxListedTargets = 16;
inline constexpr std::size_t kMaxListedKeyBytes = 4096;  ///< of a public key or certificate

/// What a key of a child is for. The numbers stand in the record.
enum class ListedUse : std::uint8_t { wrap = 0, identify = 1, link = 2 };
inline constexpr std::size_t kListedUses = 3;

/// A key of a child: its public half, or a secret that only this gateway can read. One of the two is empty.
struct ListedKey {
  ListedUse use = ListedUse::wrap;
  std::string name;      ///< kid, or the identity of a PSK; empty: none
  Bytes public_half;     ///< DER of a SubjectPublicKeyInfo or of an X.509 certificate; nothing of it was read
  Bytes wrapped_secret;  ///< COSE_Encrypt (tag 96) with one recipient, whose content key is the secret

  friend bool operator==(const ListedKey&, const ListedKey&) = default;
};

struct ListedTarget {
  std::string component;
  std::uint8_t image_number = 0;  ///< 0 to 15

  friend bool operator==(const ListedTarget&, const ListedTarget&) = default;
};

/// What the child is part of. The gateway's configuration has the layout.
struct ListedMembership {
  std::string group;
  std::string layout;
  std::string role;

  friend bool operator==(const ListedMembership&, const ListedMembership&) = default;
};

struct ListedChild {
  using Uuid = std::array<std::uint8_t, 16>;

  std::string id;
  std::string transport;
  std::string address;  ///< at most 256 bytes of printable ASCII
  std::string profile;
  Uuid vendor{};
  Uuid device_class{};
  std::vector<ListedTarget> targets;  ///< none: "app", image 0
  std::vector<ListedKey> keys;        ///< at most one for each use
  std::optional<ListedMembership> membership;

  friend bool operator==(const ListedChild&, const ListedChild&) = default;
};

struct EnrollmentList {
  std::string name;
  std::uint64_t version = 0;      ///< higher than that of the list of this name before
  std::optional<Digest> gateway;  ///< SHA-256 of the SubjectPublicKeyInfo of the one gateway that it is for; none: all
  std::optional<Instant> not_after;
  std::vector<ListedChild> children;
  std::vector<std::string> forgets;  ///< children that this list, or an earlier one, takes away

  friend bool operator==(const EnrollmentList&, const EnrollmentList&) = default;
};

/// By the name of a list: the version that was taken last.
using ListVersions = std::map<std::string, std::uint64_t>;

/// Refused beside malformed ones: a list that says nothing; a child, or an address of a transport, twice; a child that
/// it also forgets; two keys for one use; a key that is not exactly one of public and secret; a secret in a list that
/// names no gateway; targets that are not told apart; a group of two layouts. Errors: invalid, unsupported, too_large.
Result<EnrollmentList> read_enrollment_list(ByteView payload);

/// What read_enrollment_list() reads. `list` must be one that it accepts.
Bytes write_enrollment_list(const EnrollmentList& list);

}  // namespace hg::trust
