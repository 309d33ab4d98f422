// SPDX-License-Identifier: Apache-2.0
// Who lives in a fleet: products of two to four members, with their layouts and orders, lone children between them, and
// the deliverables of each.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/model.hpp"
#include "sim/faults.hpp"
#include "sim/per_child.hpp"
#include "sim/random.hpp"
#include "sim/sim_child.hpp"

namespace hg::sim {

struct Population {
  std::vector<core::Layout> layouts;
  std::vector<core::Group> groups;
  std::vector<core::Enrollment> enrollments;
  PerChild<SimChild> children;
  std::set<core::ChildId> with_keys;
};

/// Exactly so many children.
Population populate(std::size_t children, const Faults& faults, Random& random);

/// The names of the products; each has deliverables with the sequence numbers from 2.
const std::vector<std::string>& products();
core::Deliverable deliverable_of(const std::string& product, std::uint64_t sequence);

/// The child's n-th key for this use.
core::ChildKey key_of(const core::ChildId& child, core::KeyUse use, std::uint64_t n);
/// The content keys of its images.
std::vector<core::ContentKey> content_keys_of(const core::Deliverable& deliverable);

}  // namespace hg::sim
