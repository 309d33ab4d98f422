// SPDX-License-Identifier: Apache-2.0
// An owned file descriptor, and small files written so that a reader, or the next start after a kill, sees the old
// text or the new one and never half of either. Used by flash, records, boot state and the pty.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace smp_child {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }

  /// Takes the result of a system call; throws what errno says, with `doing`, if it failed.
  static Fd checked(int result, const std::string& doing);

  [[nodiscard]] int get() const { return fd_; }
  void close();

 private:
  int fd_ = -1;
};

/// Throws what errno says, with `doing`, unless `ok`.
void check(bool ok, const std::string& doing);

void write_atomically(const std::filesystem::path& path, std::string_view text);

/// The whole file; empty if there is none.
std::string read_text(const std::filesystem::path& path);

}  // namespace smp_child
