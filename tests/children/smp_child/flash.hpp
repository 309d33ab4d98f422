// SPDX-License-Identifier: Apache-2.0
// A slot of flash in a file: bytes never written read as 0xff, erasing empties the file. Used by board, upload and
// bootloader.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "bytes.hpp"
#include "files.hpp"

namespace smp_child {

class Slot {
 public:
  Slot(std::filesystem::path path, std::uint64_t size);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] bool erased() const { return used() == 0; }

  /// The bytes from the first to the last one written.
  [[nodiscard]] std::uint64_t used() const;

  [[nodiscard]] Bytes read(std::uint64_t offset, std::size_t count) const;

  /// From the first to the last byte written.
  [[nodiscard]] Bytes content() const { return read(0, used()); }
  void write(std::uint64_t offset, ByteView bytes);
  void erase();

  /// Lays new contents aside; take_prepared() puts them in place, if they are (still) there.
  void prepare(ByteView bytes) const;
  void take_prepared();

 private:
  [[nodiscard]] std::filesystem::path aside() const { return path_.string() + ".moved"; }

  std::filesystem::path path_;
  Fd file_;
  std::uint64_t size_;
};

}  // namespace smp_child
