// SPDX-License-Identifier: Apache-2.0
#include "trust/quorum.hpp"

#include <algorithm>

#include "trust/prefix.hpp"

namespace hg::trust {
namespace {

std::string joined(const std::vector<std::string>& names, std::string_view between) {
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "" : between).append(name);
  return text;
}

Error denied(const Key& key, const std::string& why) {
  return Error{Errc::denied, "key " + key.name + " " + why};
}

Result<void> check_role(const Key& key, Role role) {
  if (key.has(role)) return {};
  std::vector<std::string> roles;
  for (const Role own : key.roles) roles.emplace_back(name_of(own));
  return denied(key, "is for " + joined(roles, " and ") + ", not for " + std::string(name_of(role)));
}

Result<void> check_validity(const Key& key, const std::optional<TrustedTime>& now) {
  if (!now || (!key.not_before && !key.not_after)) return {};
  if (!now->is_known) {
    return Error{Errc::unavailable, std::string(kTimeUnknown) + ": validity of key " + key.name + " cannot be judged"};
  }
  if (key.not_before && now->at < *key.not_before) return denied(key, "is valid from " + to_text(*key.not_before));
  if (key.not_after && now->at > *key.not_after) return denied(key, "is valid until " + to_text(*key.not_after));
  return {};
}

bool covers(const Key& key, std::string_view name) {
  return std::ranges::any_of(key.prefixes, [&](const std::string& prefix) { return fits(prefix, name); });
}

Result<void> check_scope(const Key& key, const Scope& scope) {
  const auto is_covered = [&](std::string_view name) { return covers(key, name); };
  if (key.prefixes.empty() || std::ranges::all_of(names_in(scope.product), is_covered)) return {};
  if (!scope.components.empty() && std::ranges::all_of(scope.components, is_covered)) return {};
  return denied(key, "may sign " + joined(key.prefixes, ", ") + ", not " + std::string(scope.product));
}

Result<void> check_key(const Key& key, const Demand& demand) {
  if (auto may = check_role(key, demand.role); !may) return may;
  if (auto may = check_validity(key, demand.now); !may) return may;
  for (const Scope& scope : demand.scopes) {
    if (auto may = check_scope(key, scope); !may) return may;
  }
  return {};
}

/// The keys that count, each once, and what the first of the others lacks: a signer of ours before a stranger.
struct Counted {
  std::vector<const Key*> keys;
  std::optional<Error> lack;
};

Result<const Key*> counting_key(const Root& root, const std::string& signer, const Demand& demand,
                                const std::vector<const Key*>& before) {
  const auto key = std::ranges::find(root.keys, signer, &Key::name);
  if (key == root.keys.end()) return Error{Errc::unauthenticated, "key " + signer + " is not in the root"};
  if (auto may = check_key(*key, demand); !may) return may.error();
  if (std::ranges::find(before, &*key) != before.end()) {
    return Error{Errc::unauthenticated, "two signatures by one key (" + signer + ")"};
  }
  return &*key;
}

Counted count(const Root& root, std::span<const std::string> signers, const Demand& demand) {
  Counted counted;
  bool has_stranger = false;
  for (const std::string& signer : signers) {
    if (signer.empty()) {
      has_stranger = true;
      continue;
    }
    const auto key = counting_key(root, signer, demand, counted.keys);
    if (key) {
      counted.keys.push_back(*key);
    } else if (!counted.lack) {
      counted.lack = key.error();
    }
  }
  if (has_stranger && !counted.lack) counted.lack = Error{Errc::unauthenticated, "a signature by no key of the root"};
  return counted;
}

Error too_few(std::size_t have, unsigned need, const std::string& of_what, const std::optional<Error>& lack) {
  const std::string count = std::to_string(have) + " of " + std::to_string(need) + " " + of_what + " keys";
  return lack ? lack->within(count) : Error{Errc::unauthenticated, count};
}

/// The rule with the longest prefix that fits a name.
const ProductRule* rule_for(const Root& root, std::string_view name) {
  const ProductRule* longest = nullptr;
  for (const ProductRule& rule : root.products) {
    const bool is_longer = longest == nullptr || rule.prefix.size() > longest->prefix.size();
    if (is_longer && fits(rule.prefix, name)) longest = &rule;
  }
  return longest;
}

}  // namespace

Demand authors_of(const Root& root, std::string_view product) {
  Demand demand{.role = Role::author, .threshold = 0};
  for (const std::string_view name : names_in(product)) {
    const ProductRule* const rule = rule_for(root, name);
    demand.threshold = std::max(demand.threshold, rule != nullptr ? rule->threshold : root.threshold(Role::author));
    demand.offline = std::max(demand.offline, rule != nullptr ? rule->offline : 0);
  }
  return demand;
}

Result<void> check_quorum(const Root& root, std::span<const std::string> signers, const Demand& demand) {
  const Counted counted = count(root, signers, demand);
  const auto offline = static_cast<std::size_t>(std::ranges::count(counted.keys, true, &Key::offline));
  const std::string role(name_of(demand.role));
  if (counted.keys.size() < demand.threshold) {
    return too_few(counted.keys.size(), demand.threshold, role, counted.lack);
  }
  if (offline < demand.offline) return too_few(offline, demand.offline, "offline " + role, counted.lack);
  return {};
}

}  // namespace hg::trust
