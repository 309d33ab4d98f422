// SPDX-License-Identifier: Apache-2.0
// The names by which core's values refer to each other.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace hg::core {

/// A child's name as enrolled, e.g. "boiler-3"; unique on the gateway, at most 64 characters of [A-Za-z0-9._-].
using ChildId = std::string;
/// The lower-case hexadecimal SHA-256 of the manifest (draft-ietf-suit-manifest §8.3): the deliverable's name.
using DeliverableId = std::string;
using RolloutId = std::uint64_t;
/// A group's name as configured or created; like a child's, and in a space of its own.
using GroupId = std::string;
/// Names one update of one child for ever; also the number of its job on the bus.
using Epoch = std::uint64_t;
/// RFC 9562 UUID, in network order. Vendor and class ids are compatibility data, never an identity.
using Uuid = std::array<std::uint8_t, 16>;

}  // namespace hg::core
