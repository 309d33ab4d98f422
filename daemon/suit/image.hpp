// SPDX-License-Identifier: Apache-2.0
// One image as a manifest announces it: for which target, which bytes, and where they are. Found by execution, handed
// on by suit::open to whoever fetches, checks and seals the bytes.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "suit/component.hpp"

namespace hg::suit {

/// RFC 9562, in network order. Compatibility data, never an identity.
using Uuid = std::array<std::uint8_t, 16>;

/// A range of the envelope.
struct Range {
  std::size_t offset = 0;
  std::size_t size = 0;

  friend bool operator==(const Range&, const Range&) = default;
};

struct Image {
  ComponentId component;
  Uuid vendor_id{};
  Uuid class_id{};
  std::optional<Uuid> device_id;    ///< for this one device only
  Digest digest;                    ///< SHA-256 of the bytes as they travel
  std::uint64_t size = 0;           ///< bytes, signed
  std::string uri;                  ///< absolute, relative to the envelope's own, or "#name" for an integrated payload
  std::string version;              ///< the text member's component version, for people only; often empty
  std::optional<Range> integrated;  ///< where the bytes stand in the envelope, checked against digest and size

  friend bool operator==(const Image&, const Image&) = default;
};

}  // namespace hg::suit
