// SPDX-License-Identifier: Apache-2.0
// The root file: which keys there are, what each may do, for what and until when, and how many of them it takes. A
// versioned record (record.hpp) whose successor must be signed by the old and the new threshold of the role `root`.
// Reads and writes the payload; who signed it is for authority. Format: docs/trust.md.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/time.hpp"

namespace hg::trust {

enum class Role : std::uint8_t {
  root,      ///< signs root files
  author,    ///< signs manifests and permits
  director,  ///< signs key grants and enrollment lists
  head,      ///< signs channel heads
  gateway,   ///< of a gateway: receives content keys, signs reports
};
inline constexpr std::size_t kRoles = 5;
std::string_view name_of(Role role);
std::optional<Role> role_from(std::string_view name);

inline constexpr std::size_t kMaxKeys = 256;
inline constexpr std::size_t kMaxProductRules = 256;

struct Key {
  std::string name;                   ///< unique in the file; what messages and the bus show
  Bytes cose_key;                     ///< COSE_Key (RFC 9052 §7), public
  std::vector<Role> roles;            ///< never empty
  std::vector<std::string> prefixes;  ///< of products or components, as prefix.hpp has them; empty: all
  std::optional<Instant> not_before;
  std::optional<Instant> not_after;
  bool offline = false;  ///< kept where no network reaches it

  [[nodiscard]] bool has(Role role) const;

  friend bool operator==(const Key&, const Key&) = default;
};

/// How many authors a manifest or permit of a product needs, in place of the role's threshold. The longest prefix that
/// fits decides.
struct ProductRule {
  std::string prefix;
  unsigned threshold = 1;  ///< distinct author keys
  unsigned offline = 0;    ///< how many of them at least must be offline keys

  friend bool operator==(const ProductRule&, const ProductRule&) = default;
};

struct Root {
  std::uint64_t version = 1;
  Instant issued{};
  std::array<unsigned, kRoles> thresholds{1, 1, 1, 1, 1};  ///< by role; a role without keys has no say
  std::vector<Key> keys;
  std::vector<ProductRule> products;

  [[nodiscard]] unsigned threshold(Role role) const;

  friend bool operator==(const Root&, const Root&) = default;
};

/// Refused by name, malformed fields with their offset in `payload`: an unknown format version or field, what is no
/// COSE_Key of a public key, a key (point) or name twice, a key without roles, prefixes of a key that is not only for
/// authors and heads, a role or prefix twice, a role that has keys but fewer than its threshold (none for `root`),
/// validity that ends before it begins, a product rule that can never be met, two for one prefix, too many of anything.
/// Errors: invalid, unsupported, too_large. Whether points are on their curves is for cose::RingMaker.
Result<Root> read_root(ByteView payload);

/// What read_root() reads. `root` must be one that it accepts.
Bytes write_root(const Root& root);

}  // namespace hg::trust
