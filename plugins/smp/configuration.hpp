// SPDX-License-Identifier: Apache-2.0
// What was saved of a child's configuration, as a value and as bytes: settings and files by name, each with its
// SHA-256. The bytes are deterministic CBOR, so that two backups of the same configuration are the same, and travel in
// a sealed memfd; nobody but this plugin reads them. configuration_copy makes and uses it.
//
//   {0: 1, 1: [item...], 2: [item...]}   version, settings, files
//   item: {0: name, 1: state, 2?: content, 3?: SHA-256 of the content}
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace hg::smp {

/// The largest file that is saved.
inline constexpr std::size_t kLargestSavedFile = 256 * 1024;

enum class SavedState : std::uint8_t {
  saved,
  absent,     ///< the child has no such thing
  not_saved,  ///< it could not be read, or not be read to its end for certain
};

struct SavedItem {
  std::string name;
  SavedState state = SavedState::absent;
  Bytes content;  ///< when saved
  Digest sha256;  ///< of the content
  friend bool operator==(const SavedItem&, const SavedItem&) = default;
};

struct Configuration {
  std::vector<SavedItem> settings;
  std::vector<SavedItem> files;
  friend bool operator==(const Configuration&, const Configuration&) = default;
};

Digest sha256_of(ByteView bytes);

/// For people: how many settings and files were saved, and the names of what was not.
std::string describe(const Configuration& configuration);

/// Errc::too_large: more than wire::kMaxBackup bytes.
Result<Bytes> encode(const Configuration& configuration);
/// Errc::invalid: not what encode() writes; Errc::mismatch: a content is not what its SHA-256 says.
Result<Configuration> decode_configuration(ByteView bytes);

/// A read-only memfd with `bytes`, sealed against every change.
Result<UniqueFd> sealed(ByteView bytes);
/// All of a descriptor, by pread(). Errc::too_large: more than wire::kMaxBackup bytes.
Result<Bytes> contents_of(int fd);

}  // namespace hg::smp
