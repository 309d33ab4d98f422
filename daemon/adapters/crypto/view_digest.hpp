// SPDX-License-Identifier: Apache-2.0
// The digest of an image as one child gets it: SHA-256 of the shared file with a few patches laid over. The patches
// stand near the end (a wrapped key in the TLVs), so the state of the hash at the first of them is kept, and each
// further child costs the tail only. Called on pool threads, before an image is delivered, by whoever makes the
// patches.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "adapters/crypto/hashes.hpp"
#include "core/protection.hpp"
#include "images/source.hpp"
#include "ports/counters.hpp"

namespace hg::crypto {

/// Whether `patches` may be laid over a file of `size` bytes: each has bytes, they ascend, none overlaps another, all
/// are within the file, and they keep the bounds of core::View. Errors: invalid, by name.
Result<void> check_patches(std::span<const core::Patch> patches, std::uint64_t size);

/// Safe to call from several threads; who needs the head of an image that another is just reading waits for it.
class ViewDigests {
 public:
  static constexpr std::size_t kMostKept = 64;  ///< midstates; the one that was used least recently goes first

  /// `counters` outlive this.
  explicit ViewDigests(ports::Counters& counters) : counters_(counters) {}

  /// `image` is the SHA-256 of `file`, which holds the same bytes each time. Without patches it is the answer. Errors:
  /// those of check_patches() and of the source.
  Result<Digest> digest_of(const Digest& image, const images::Source& file, std::span<const core::Patch> patches);

 private:
  struct Place {
    Digest image;
    std::uint64_t offset = 0;  ///< of the first patch

    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Head {
    std::mutex reading;
    std::optional<Sha256> state;  ///< guarded by `reading`; none: not read yet, or it could not be
  };
  struct Kept {
    std::shared_ptr<Head> head;
    std::uint64_t used = 0;  ///< when, in calls
  };

  std::shared_ptr<Head> head_at(const Place& place);
  Result<Sha256> state_at(const Place& place, const images::Source& file);

  ports::Counters& counters_;
  std::mutex mutex_;
  std::map<Place, Kept> kept_;  ///< guarded by mutex_
  std::uint64_t calls_ = 0;     ///< guarded by mutex_
};

}  // namespace hg::crypto
