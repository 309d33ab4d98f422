// SPDX-License-Identifier: Apache-2.0
// Counts who of the signers may say something, and tells what the first of the others lacks: its role, its validity or
// its prefix. Knows nothing of records and of cryptography. Internal to trust; called by authority.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "trust/authority.hpp"
#include "trust/root.hpp"

namespace hg::trust {

inline constexpr std::string_view kTimeUnknown = "the time is not known (clock before the build or the last head)";

/// What is spoken for: a key that is bound to prefixes must fit the product, or every one of the components.
struct Scope {
  std::string_view product;
  std::span<const std::string> components;  ///< empty: only the product counts
};

/// Who must have signed.
struct Demand {
  Role role{};
  unsigned threshold = 1;            ///< distinct keys
  unsigned offline = 0;              ///< how many of them at least must be offline
  std::vector<Scope> scopes{};       ///< a key counts if it may speak for all of them
  std::optional<TrustedTime> now{};  ///< none: validity is not asked
};

/// The role, threshold and offline keys for a product: its rule's, or the role's. Of a product that joins names, each
/// name's rule is kept: the highest numbers.
Demand authors_of(const Root& root, std::string_view product);

/// `signers`: a name for each signature; "" for a key that is not known. Errors: denied or unavailable if a signer
/// lacks something, unauthenticated if there are just too few.
Result<void> check_quorum(const Root& root, std::span<const std::string> signers, const Demand& demand);

}  // namespace hg::trust
