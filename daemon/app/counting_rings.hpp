// SPDX-License-Identifier: Apache-2.0
// Counts how many signatures are verified, whoever's key ring it is asked of. Made by the composition root around the
// real maker of rings.
#pragma once

#include "cose/key_ring.hpp"
#include "ports/counters.hpp"

namespace hg::app {

class CountingRings final : public cose::RingMaker {
 public:
  /// Both outlive it, and every ring that it makes.
  CountingRings(const cose::RingMaker& rings, ports::Counters& counters) : rings_(rings), counters_(counters) {}

  [[nodiscard]] Result<std::unique_ptr<cose::KeyRing>> ring_of(std::span<const cose::NamedKey> keys) const override;

 private:
  const cose::RingMaker& rings_;
  ports::Counters& counters_;
};

}  // namespace hg::app
