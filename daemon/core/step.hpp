// SPDX-License-Identifier: Apache-2.0
// What can be carried out for a child: one step at a time. core/steps derives it, service/driver has it carried out,
// and answers with a StepEnded.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/digest.hpp"
#include "base/time.hpp"
#include "core/inspection.hpp"
#include "core/names.hpp"
#include "core/protection.hpp"
#include "core/urgency.hpp"

namespace hg::core {

/// What must be true of one image number, or an order is not carried out at all.
struct Guard {
  std::uint8_t image = 0;
  Digest active;  ///< must be the active one when the plugin looks again under its lock; empty: none may be active

  friend bool operator==(const Guard&, const Guard&) = default;
};

/// A guard, and what shall run instead.
struct Move {
  std::uint8_t image = 0;
  Digest active;
  Digest goal;  ///< for an Activate never empty

  friend bool operator==(const Move&, const Move&) = default;
};

struct Inspect {
  friend bool operator==(const Inspect&, const Inspect&) = default;
};
struct Offer {
  std::uint8_t image_number = 0;
  std::string version;
  std::uint64_t size = 0;
  Urgency urgency = Urgency::minor;
  friend bool operator==(const Offer&, const Offer&) = default;
};
struct Backup {
  friend bool operator==(const Backup&, const Backup&) = default;
};
/// Writes back what of a backup differs.
struct Restore {
  Digest saved;  ///< names the sealed blob
  friend bool operator==(const Restore&, const Restore&) = default;
};
/// Stages, commits nothing, may be repeated: the plugin asks the child what it holds already. A child that would stage
/// it elsewhere is GuardFailed, and has nothing of it.
struct Deliver {
  Digest image;  ///< names the sealed blob
  std::uint64_t size = 0;
  std::uint8_t image_number = 0;
  Digest after;
  Staging staging = Staging::aside;  ///< as the child said last
  std::optional<View> view{};        ///< what the child gets in the place of the shared bytes; none: these
  friend bool operator==(const Deliver&, const Deliver&) = default;
};
/// Wraps the content key of an image for the child. It makes a View, which is committed before the first byte leaves;
/// nothing is sent.
struct Prepare {
  Digest image;            ///< names the sealed blob
  std::uint64_t size = 0;  ///< of it, bytes
  Sealing sealing;
  ContentKey content_key;
  ChildKey child_key;
  friend bool operator==(const Prepare&, const Prepare&) = default;
};
/// The child kit's mutual identification: the child shows its key over a nonce of ours, then we over one of the child.
struct Identify {
  ChildKey key;
  friend bool operator==(const Identify&, const Identify&) = default;
};
/// Mark all goals and reset once, in one.
struct Activate {
  Epoch epoch = 0;
  std::vector<Move> moves;
  std::uint64_t size = 0;  ///< bytes of the images that change: how long it may take hangs on them
  friend bool operator==(const Activate&, const Activate&) = default;
};
struct Confirm {
  Epoch epoch = 0;
  std::vector<Guard> guards;
  friend bool operator==(const Confirm&, const Confirm&) = default;
};
/// Bring the child back to all goals: play a mark through, or reset an unconfirmed image away. An empty goal: to
/// whatever ran before, which is not known.
struct Revert {
  Epoch epoch = 0;
  std::vector<Move> moves;
  std::uint64_t size = 0;  ///< bytes of the images that change: how long it may take hangs on them
  friend bool operator==(const Revert&, const Revert&) = default;
};
/// Nothing to do with the child before `at`.
struct Wait {
  Instant at{};
  friend bool operator==(const Wait&, const Wait&) = default;
};
struct Idle {
  friend bool operator==(const Idle&, const Idle&) = default;
};

using Step =
    std::variant<Idle, Wait, Inspect, Offer, Backup, Deliver, Activate, Confirm, Revert, Restore, Prepare, Identify>;
using StepNumber = std::uint64_t;

}  // namespace hg::core
