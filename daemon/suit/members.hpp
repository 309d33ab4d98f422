// SPDX-License-Identifier: Apache-2.0
// The manifest map and its common block (draft-ietf-suit-manifest-37 §8.4), read after authentication: which members
// there are, checked and in slices, with severed ones taken from the envelope under their signed digest. Commands are
// not interpreted here but in execution. Called by suit::open.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "suit/component.hpp"
#include "suit/envelope.hpp"
#include "suit/version.hpp"

namespace hg::suit {

/// Another manifest that this one names in its common block.
struct DependencyEntry {
  std::uint64_t index = 0;  ///< by which commands select it; not below the number of components
  ComponentId id;           ///< the prefix
};

/// Slices of the envelope, which must outlive this.
struct Members {
  std::uint64_t sequence_number = 0;
  std::vector<ComponentId> components;  ///< no two alike; never empty
  std::vector<DependencyEntry> dependencies;
  std::optional<cbor::Reader> shared_sequence;  ///< at its array
  std::optional<ComponentId> manifest_id;
  Version set_version;                        ///< empty: none
  std::map<std::int64_t, Element> sequences;  ///< by their key
  std::vector<std::int64_t> absent;           ///< keys of sequences that were severed and are not there
  std::optional<Element> text;
};

/// Refuses unknown members, a severed member that is not announced, not as signed or both inside and outside.
/// Text and CoSWID may be absent. So may severed sequences, if the manifest still says how to invoke what they
/// installed: the draft severs them after the update, and a manifest that can neither install nor boot is of no use.
Result<Members> read_members(const Envelope& envelope, const cose::KeyRing& ring);

}  // namespace hg::suit
