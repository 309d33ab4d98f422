// SPDX-License-Identifier: Apache-2.0
#include "adapters/transport/sealed_memory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace hg::transport {

Result<Bytes> copy_sealed(int memory, std::uint64_t limit) {
  // Only memory has seals, and memory with these does not change and cannot make a read wait.
  constexpr int kNeeded = F_SEAL_WRITE | F_SEAL_SHRINK;
  const int seals = ::fcntl(memory, F_GET_SEALS);
  if (seals < 0) return Error{Errc::invalid, "the descriptor is no memfd"};
  if ((seals & kNeeded) != kNeeded)
    return Error{Errc::invalid, "the memfd is not sealed against writing and shrinking"};
  struct stat found {};
  if (::fstat(memory, &found) != 0) return from_errno(errno, "size of the memfd");
  const auto size = static_cast<std::uint64_t>(found.st_size);
  if (size > limit)
    return Error{Errc::too_large, std::to_string(size) + " bytes, at most " + std::to_string(limit) + " are taken"};
  Bytes content(static_cast<std::size_t>(size));
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = ::pread(memory, content.data() + done, content.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return from_errno(errno, "read the memfd");
    if (got == 0) return Error{Errc::io, "the memfd ended early"};
    done += static_cast<std::size_t>(got);
  }
  return content;
}

}  // namespace hg::transport
