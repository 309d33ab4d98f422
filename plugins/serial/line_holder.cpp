// SPDX-License-Identifier: Apache-2.0
#include "serial/line_holder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace hg::serial {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestName = 64;

/// Whether the process of this directory of /proc has the device open; false also where it may not be looked at.
bool has_open(const fs::path& process, dev_t device) {
  std::error_code failure;
  for (fs::directory_iterator fd(process / "fd", failure), end; !failure && fd != end; fd.increment(failure)) {
    struct stat info {};
    if (::stat(fd->path().c_str(), &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == device) return true;
  }
  return false;
}

std::string name_of_process(const fs::path& process) {
  std::ifstream file(process / "comm");
  std::string name;
  std::getline(file, name);
  return name.substr(0, kLongestName);
}

}  // namespace

std::string holder_of(dev_t device, const fs::path& node) {
  const std::string self = std::to_string(::getpid());
  std::error_code failure;
  for (fs::directory_iterator process("/proc", failure), end; !failure && process != end; process.increment(failure)) {
    const std::string number = process->path().filename().native();
    const bool is_process = std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_process || number == self || !has_open(process->path(), device)) continue;
    return "by process " + number + " (" + name_of_process(process->path()) + ")";
  }
  return "by a process that cannot be seen from here (\"fuser -v " + node.native() + "\" as root tells)";
}

}  // namespace hg::serial
