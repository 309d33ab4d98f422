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

/// Slices of the envelope, which must outlive this.
struct Members {
  std::uint64_t sequence_number = 0;
  std::vector<ComponentId> components;          ///< no two alike; never empty
  std::optional<cbor::Reader> shared_sequence;  ///< at its array
  std::optional<ComponentId> manifest_id;
  Version set_version;                        ///< empty: none
  std::map<std::int64_t, Element> sequences;  ///< by their key
  std::optional<Element> text;
};

/// Refuses unknown members, dependencies (not in this slice of profile v1), a severed member that is not announced, not
/// as signed, both inside and outside, or needed and absent. Text and CoSWID may be absent.
Result<Members> read_members(const Envelope& envelope, const cose::KeyRing& anchors);

}  // namespace hg::suit
