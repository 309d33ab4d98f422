// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/view_digest.hpp"

#include <algorithm>

namespace hg::crypto {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

Result<void> hash_between(const images::Source& file, std::uint64_t begin, std::uint64_t end, Sha256& hash) {
  if (begin > end || end > file.size()) return Error{Errc::invalid, "read image: beyond its end"};
  Bytes buffer(static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, kPiece)));
  while (begin < end) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, buffer.size()));
    const std::span<std::uint8_t> piece(buffer.data(), size);
    if (auto read = file.read_at(begin, piece); !read) return read;
    hash.update(piece);
    begin += size;
  }
  return {};
}

Error overlay_error(const core::Patch& patch, std::string_view what) {
  return Error{Errc::invalid, "overlay " + std::string(what) + ": " + std::to_string(patch.bytes.size()) +
                                  " bytes at offset " + std::to_string(patch.offset)};
}

}  // namespace

Result<void> check_patches(std::span<const core::Patch> patches, std::uint64_t size) {
  if (patches.size() > core::kMaxPatches) {
    return Error{Errc::invalid, "overlay of more than " + std::to_string(core::kMaxPatches) + " patches"};
  }
  std::uint64_t free_from = 0;  // the first byte that no patch has taken
  std::size_t total = 0;
  for (const core::Patch& patch : patches) {
    if (patch.bytes.empty()) return overlay_error(patch, "without bytes");
    if (patch.offset > size || patch.bytes.size() > size - patch.offset) {
      return overlay_error(patch, "beyond the end of the file, which has " + std::to_string(size) + " bytes");
    }
    if (patch.offset < free_from) return overlay_error(patch, "out of order, or over another one");
    free_from = patch.offset + patch.bytes.size();
    total += patch.bytes.size();
  }
  if (total <= core::kMaxPatchBytes) return {};
  return Error{Errc::invalid, "overlay of more than " + std::to_string(core::kMaxPatchBytes) + " bytes"};
}

Result<Digest> ViewDigests::digest_of(const Digest& image, const images::Source& file,
                                      std::span<const core::Patch> patches) {
  if (auto checked = check_patches(patches, file.size()); !checked) return checked.error();
  if (patches.empty()) return image;
  auto hash = state_at({image, patches.front().offset}, file);
  if (!hash) return hash.error();
  std::uint64_t at = patches.front().offset;
  for (const core::Patch& patch : patches) {
    if (auto hashed = hash_between(file, at, patch.offset, *hash); !hashed) return hashed.error();
    hash->update(patch.bytes);
    at = patch.offset + patch.bytes.size();
  }
  if (auto hashed = hash_between(file, at, file.size(), *hash); !hashed) return hashed.error();
  return hash->finish();
}

std::shared_ptr<ViewDigests::Head> ViewDigests::head_at(const Place& place) {
  const std::lock_guard lock(mutex_);
  if (!kept_.contains(place) && kept_.size() == kMostKept) {
    kept_.erase(std::ranges::min_element(kept_, {}, [](const auto& each) { return each.second.used; }));
  }
  Kept& kept = kept_[place];
  if (!kept.head) kept.head = std::make_shared<Head>();
  kept.used = ++calls_;
  return kept.head;
}

Result<Sha256> ViewDigests::state_at(const Place& place, const images::Source& file) {
  const std::shared_ptr<Head> head = head_at(place);
  const std::lock_guard lock(head->reading);
  if (head->state) return *head->state;
  Sha256 hash;
  ++counters_.image_heads_hashed;
  if (auto hashed = hash_between(file, 0, place.offset, hash); !hashed) return hashed.error();
  head->state = hash;
  return hash;
}

}  // namespace hg::crypto
