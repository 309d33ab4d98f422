// SPDX-License-Identifier: Apache-2.0
// A component identifier: the path of byte strings by which a manifest names what it updates, and itself
// (draft-ietf-suit-manifest-37 §8.4.3). Decides which paths we take and how they are written for people and as keys.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "base/cbor.hpp"

namespace hg::suit {

struct ComponentId {
  std::vector<Bytes> parts;

  /// The path with '/' between its parts: a part of letters, digits and "._-" as it is, any other as "0x" and
  /// hexadecimal digits. Different paths have different texts.
  [[nodiscard]] std::string text() const;

  friend auto operator<=>(const ComponentId&, const ComponentId&) = default;
  friend bool operator==(const ComponentId&, const ComponentId&) = default;
};

/// [+ bstr]. Refuses empty paths and parts, too many or too long ones, and texts that would walk a file system:
/// ".", ".." and anything printable with a '/' or a backslash in it.
Result<ComponentId> read_component_id(cbor::Reader& reader);

}  // namespace hg::suit
