// SPDX-License-Identifier: Apache-2.0
// The object list of a registration (RFC 6690, bounded to what LwM2M sends: OMA-TS-LightweightM2M_Core section 6.2.1):
// which of the objects that matter to an update a child has, in which instances and versions. All of the list is
// checked, little of it is kept. Called by lwm2m for Register and Update, and to remember what was registered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hg::coap {

/// Object ids of the OMA registry; these are kept of a list.
inline constexpr std::uint16_t kServerObject = 1;
inline constexpr std::uint16_t kDeviceObject = 3;
inline constexpr std::uint16_t kFirmwareObject = 5;
inline constexpr std::uint16_t kAdvancedFirmwareObject = 33629;

inline constexpr std::size_t kMaxObjectList = 4096;  ///< bytes
inline constexpr std::size_t kMaxObjectEntries = 64;
inline constexpr std::size_t kMaxOfferedFormats = 8;

/// `ver=` of an object. Absent means the default of the child's LwM2M version.
struct ObjectVersion {
  std::uint8_t major = 1;
  std::uint8_t minor = 0;
  friend auto operator<=>(const ObjectVersion&, const ObjectVersion&) = default;
};
/// "1.1"
std::string text_of(ObjectVersion version);

/// About 150 bytes for a usual child.
struct ObjectList {
  /// One link: an object, or one of its instances.
  struct Entry {
    std::uint16_t object = 0;
    std::optional<std::uint16_t> instance{};
    std::optional<ObjectVersion> version{};
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  std::string root{};                    ///< before every path, without slashes around it: "lwm2m"; usually empty
  std::vector<std::uint16_t> formats{};  ///< Content-Formats that the root offers by `ct`, in its order
  std::vector<Entry> entries{};          ///< of the objects above, in the order of the list

  [[nodiscard]] bool has(std::uint16_t object) const;
  /// Ascending. None: the object stands there alone, or not at all.
  [[nodiscard]] std::vector<std::uint16_t> instances(std::uint16_t object) const;
  [[nodiscard]] std::optional<ObjectVersion> version_of(std::uint16_t object) const;
  /// "5/0/3" below the root: "lwm2m/5/0/3".
  [[nodiscard]] std::string path_of(std::string_view path) const;

  friend bool operator==(const ObjectList&, const ObjectList&) = default;
};

/// Errc::invalid with the position in the list ("object list: offset 17: ..."); Errc::too_large: over kMaxObjectList
/// bytes, or more than kMaxObjectEntries links that are kept. An empty list is one.
Result<ObjectList> object_list_from(std::string_view text);

/// As link-format, so that object_list_from() gives an equal list again: to remember a registration.
std::string text_of(const ObjectList& list);

}  // namespace hg::coap
