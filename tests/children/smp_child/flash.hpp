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
  void write(std::uint64_t offset, ByteView bytes);
  void erase();

  /// Exchanges the contents of two slots in one step that a kill cannot halve.
  static void exchange(Slot& a, Slot& b);

 private:
  std::filesystem::path path_;
  Fd file_;
  std::uint64_t size_;
};

}  // namespace smp_child
