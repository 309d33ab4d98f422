// SPDX-License-Identifier: Apache-2.0
// What a prefix of products or components covers. Prefixes end where names are divided, never inside a word, so that a
// key for acme says nothing about acmeevil. Used by authority; the rules are for operators too: docs/trust.md.
#pragma once

#include <string_view>
#include <vector>

namespace hg::trust {

/// "acme" fits "acme" and "acme/boiler"; "acme/" fits "acme/boiler" only; neither fits "acmeevil". The empty prefix
/// fits nothing. Case counts.
bool fits(std::string_view prefix, std::string_view name);

/// The names that a product's name joins with '+' (suit::Manifest::product): one for most, two for "mcu0+mcu1". Who
/// speaks for such a product speaks for each of them. Slices of `product`.
std::vector<std::string_view> names_in(std::string_view product);

}  // namespace hg::trust
