// SPDX-License-Identifier: Apache-2.0
// One image as a manifest announces it: for which target, which bytes, where they are, and what must hold before they
// may be brought there. Found by execution, handed on by suit::open to whoever fetches, checks, seals and delivers.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "suit/component.hpp"
#include "suit/version.hpp"

namespace hg::suit {

/// RFC 9562, in network order. Compatibility data, never an identity.
using Uuid = std::array<std::uint8_t, 16>;

/// A range of an envelope.
struct Range {
  std::size_t offset = 0;
  std::size_t size = 0;
  std::size_t envelope = 0;  ///< 0: the one that was opened; n: the nth of the dependencies given with it

  friend bool operator==(const Range&, const Range&) = default;
};

/// Another target of the same deliverable must have such a version first (wait event 4).
struct TargetVersion {
  std::string target;
  std::vector<VersionCondition> versions;  ///< all must hold

  friend bool operator==(const TargetVersion&, const TargetVersion&) = default;
};

/// What must hold before an image may be brought to its target (draft-ietf-suit-update-management-14).
struct Conditions {
  std::optional<std::uint64_t> use_before;  ///< seconds since 1970
  std::optional<std::uint64_t> minimum_battery_mwh;
  std::vector<VersionCondition> versions;   ///< of what is on the target now; all must hold
  bool needs_authorization = false;         ///< condition-update-authorized, or wait event 1
  std::optional<std::uint64_t> not_before;  ///< wait event 5: seconds since 1970
  std::vector<TargetVersion> after;         ///< wait event 4, or a condition of a component that nothing is brought to
  bool is_of_present_image = false;         ///< which image is there before decides, and only a device can tell

  friend bool operator==(const Conditions&, const Conditions&) = default;
};

struct Image {
  ComponentId component;  ///< the target: where the bytes end up
  std::optional<Uuid> vendor_id;
  std::optional<Uuid> class_id;
  std::optional<Uuid> device_id;      ///< for this one device only
  std::optional<std::uint64_t> slot;  ///< for devices on which this slot is the one to be written
  std::optional<Digest> digest;  ///< of the bytes as they travel; its length tells the algorithm of the SHA-2 family
  std::optional<std::uint64_t> size;  ///< bytes, signed
  std::string uri;  ///< absolute, relative to the envelope's own, or "#name"; empty: the manifest has the bytes itself
  std::optional<Range> integrated;  ///< where the bytes stand, checked against digest and size
  Bytes encryption_info;            ///< a COSE_Encrypt as it came; empty: not encrypted
  std::optional<Digest> plaintext;  ///< of the target after decryption
  std::string version;              ///< the text member's component version, for people only; often empty
  Conditions conditions;

  friend bool operator==(const Image&, const Image&) = default;
};

}  // namespace hg::suit
