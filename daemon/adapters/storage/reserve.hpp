// SPDX-License-Identifier: Apache-2.0
// One mebibyte of the disk that is kept back, so that decisions can still be written when somebody else has filled
// it. Given up on the first ENOSPC and taken back when there is room again. Used by SqliteCatalogue on its thread.
#pragma once

#include <cstdint>
#include <filesystem>

namespace hg::storage {

class Reserve {
 public:
  static constexpr std::int64_t kSizeBytes = 1 << 20;
  /// It is only taken back when so much more is free: not from the last bytes that others wait for.
  static constexpr std::uint64_t kRoomBytes = 8ULL << 20;

  explicit Reserve(std::filesystem::path file) : file_(std::move(file)) {}

  [[nodiscard]] bool held() const { return held_; }

  /// Makes the file if it is not there and the disk has room. Failing is no error: there is nothing to keep back then.
  void take();

  /// Whether there was something to give up.
  bool give_up();

 private:
  std::filesystem::path file_;
  bool held_ = false;
};

}  // namespace hg::storage
