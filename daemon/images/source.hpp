// SPDX-License-Identifier: Apache-2.0
// Where the bytes of an image come from: a file, or memory in tests. Random access, so that an image of hundreds of
// megabytes is never loaded.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::images {

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  [[nodiscard]] virtual std::uint64_t size() const = 0;  ///< bytes

  /// Fills `into` from `offset` on, completely or not at all. The caller stays within size().
  [[nodiscard]] virtual Result<void> read_at(std::uint64_t offset, std::span<std::uint8_t> into) const = 0;
};

/// A file by its descriptor, which stays the caller's and must stay open.
class FileSource : public Source {
 public:
  /// `size` as fstat() or the signed manifest gives it.
  FileSource(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read_at(std::uint64_t offset, std::span<std::uint8_t> into) const override;

 private:
  int descriptor_;
  std::uint64_t size_;
};

/// Bytes in memory, which must outlive this.
class MemorySource : public Source {
 public:
  explicit MemorySource(ByteView bytes) : bytes_(bytes) {}

  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] Result<void> read_at(std::uint64_t offset, std::span<std::uint8_t> into) const override;

 private:
  ByteView bytes_;
};

}  // namespace hg::images
