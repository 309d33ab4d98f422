// SPDX-License-Identifier: Apache-2.0
#include "packet_log.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace smp_child {

PacketLog::PacketLog(const std::filesystem::path& state) {
  const std::string path = state / "packets";
  file_ = Fd::checked(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644), path);
}

void PacketLog::add(ByteView packet) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string line;
  for (const std::uint8_t byte : packet) {
    line.push_back(kDigits[byte >> 4U]);
    line.push_back(kDigits[byte & 0xFU]);
  }
  line.push_back('\n');
  check(::write(file_.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()), "packets");
}

}  // namespace smp_child
