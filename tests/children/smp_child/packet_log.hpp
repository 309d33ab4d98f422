// SPDX-License-Identifier: Apache-2.0
// Every packet that came in, as it was after its framing, whatever became of it: what a listener on the line could have
// read. `packets` in the state directory, a line of hexadecimal each. Used by the child.
#pragma once

#include <filesystem>

#include "bytes.hpp"
#include "files.hpp"

namespace smp_child {

class PacketLog {
 public:
  explicit PacketLog(const std::filesystem::path& state);

  void add(ByteView packet);

 private:
  Fd file_;
};

}  // namespace smp_child
