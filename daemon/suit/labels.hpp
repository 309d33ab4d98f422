// SPDX-License-Identifier: Apache-2.0
// The numbers of the manifest's members (draft-ietf-suit-manifest-37 §12.2 and the IANA group "SUIT") and what is true
// of each by number alone. Used by the readers of envelope and manifest and by the symbolic run.
#pragma once

#include <cstdint>
#include <string_view>

namespace hg::suit {

namespace label {
inline constexpr std::int64_t kManifestVersion = 1;
inline constexpr std::int64_t kSequenceNumber = 2;
inline constexpr std::int64_t kCommon = 3;
inline constexpr std::int64_t kReferenceUri = 4;
inline constexpr std::int64_t kManifestComponentId = 5;
inline constexpr std::int64_t kSetVersion = 6;
inline constexpr std::int64_t kValidate = 7;
inline constexpr std::int64_t kLoad = 8;
inline constexpr std::int64_t kInvoke = 9;
inline constexpr std::int64_t kCoswid = 14;
inline constexpr std::int64_t kDependencyResolution = 15;
inline constexpr std::int64_t kPayloadFetch = 16;
inline constexpr std::int64_t kCandidateVerification = 18;
inline constexpr std::int64_t kInstall = 20;
inline constexpr std::int64_t kText = 23;
inline constexpr std::int64_t kUninstall = 24;
}  // namespace label

/// Whether the member may be taken out of the manifest and leave its digest there.
constexpr bool is_severable(std::int64_t key) {
  return key == label::kCoswid || key == label::kDependencyResolution || key == label::kPayloadFetch ||
         key == label::kCandidateVerification || key == label::kInstall || key == label::kText;
}

/// Whether the member is a command sequence.
constexpr bool is_sequence(std::int64_t key) {
  return key == label::kValidate || key == label::kLoad || key == label::kInvoke || key == label::kUninstall ||
         (is_severable(key) && key != label::kCoswid && key != label::kText);
}

/// The name of a member that is a command sequence or severable: "payload-fetch".
constexpr std::string_view name_of_member(std::int64_t key) {
  switch (key) {
    case label::kValidate:
      return "validate";
    case label::kLoad:
      return "load";
    case label::kInvoke:
      return "invoke";
    case label::kCoswid:
      return "coswid";
    case label::kDependencyResolution:
      return "dependency-resolution";
    case label::kPayloadFetch:
      return "payload-fetch";
    case label::kCandidateVerification:
      return "candidate-verification";
    case label::kInstall:
      return "install";
    case label::kText:
      return "text";
    case label::kUninstall:
      return "uninstall";
    default:
      return "member";
  }
}

}  // namespace hg::suit
