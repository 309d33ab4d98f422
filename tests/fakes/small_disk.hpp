// SPDX-License-Identifier: Apache-2.0
// A tmpfs of a few MiB in a mount namespace of the test's own, so that a full disk is a real one. The process keeps
// the namespace; nothing is left when it ends. Needs root or unprivileged user namespaces: is_there() tells.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/unique_fd.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg::fakes {

class SmallDisk {
 public:
  explicit SmallDisk(std::uint64_t size_bytes) {
    if (!enter_namespace()) return;
    const std::string options = "size=" + std::to_string(size_bytes);
    is_there_ = ::mount("tmpfs", path().c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (is_there_) ::umount2(path().c_str(), MNT_DETACH);
  }

  [[nodiscard]] bool is_there() const { return is_there_; }
  [[nodiscard]] const std::filesystem::path& path() const { return mount_point_.path(); }

  /// Writes into one file until nothing more fits.
  void fill() const {
    const UniqueFd file(::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    static constexpr std::array<char, 4096> kPage{};
    while (::write(file.get(), kPage.data(), kPage.size()) > 0) {
    }
  }
  void empty() const { ::unlink(filler().c_str()); }

 private:
  [[nodiscard]] std::filesystem::path filler() const { return path() / "filler"; }

  static bool enter_namespace() {
    static const bool is_entered = [] {
      const auto uid = std::to_string(::getuid());
      if (::getuid() == 0 && ::unshare(CLONE_NEWNS) == 0) return make_private();
      if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
      std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
      return make_private();
    }();
    return is_entered;
  }
  static bool make_private() { return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0; }

  TemporaryDirectory mount_point_;
  bool is_there_ = false;
};

}  // namespace hg::fakes
