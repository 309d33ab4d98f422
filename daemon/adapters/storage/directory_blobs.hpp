// SPDX-License-Identifier: Apache-2.0
// The store of sealed images as files: <cache>/blobs/incoming holds what is on its way in and is emptied at start,
// <cache>/blobs/sha256/<hex> what was checked and is never written again. It decides nothing about what is kept.
// Made by app; service/ingest fills it, service/deliver reads from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "ports/blobs.hpp"
#include "ports/counters.hpp"

namespace hg::storage {

class DirectoryBlobs final : public ports::Blobs {
 public:
  /// Makes the directories below an existing `cache_directory`, removes what an earlier run left in incoming, and adds
  /// up what is there: one stat for each image. `limit` in bytes. `counters` outlive it, null: nobody counts. Errc::io,
  /// Errc::no_space.
  static Result<std::unique_ptr<DirectoryBlobs>> open(const std::filesystem::path& cache_directory, std::uint64_t limit,
                                                      ports::Counters* counters = nullptr);
  /// Waits for a seal that is under way. Intakes that are left may be destroyed later, but not sealed.
  ~DirectoryBlobs() override;

  [[nodiscard]] bool has(const Digest& digest) const override;

  /// Errc::invalid: `digest` is no SHA-256. Errc::no_space is answered before a byte is written: for the limit,
  /// counting in the intakes under way, and for the disk, whose blocks are allocated here where the file system can do
  /// that.
  [[nodiscard]] Result<std::unique_ptr<ports::Intake>> receive(const Digest& digest, std::uint64_t size) override;

  [[nodiscard]] Result<UniqueFd> open(const Digest& digest) const override;

  [[nodiscard]] Result<void> remove(const Digest& digest) override;

  [[nodiscard]] std::uint64_t used() const override;
  [[nodiscard]] std::uint64_t limit() const override;

 private:
  struct Store;
  class FileIntake;
  explicit DirectoryBlobs(std::shared_ptr<Store> store);

  std::shared_ptr<Store> store_;
};

}  // namespace hg::storage
