// SPDX-License-Identifier: Apache-2.0
#include "images/source.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace hg::images {

Result<void> FileSource::read_at(std::uint64_t offset, std::span<std::uint8_t> into) const {
  while (!into.empty()) {
    const auto got = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return from_errno(errno, "read image");
    if (got == 0) return Error{Errc::invalid, "read image: the file is shorter than it should be"};
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Result<void> MemorySource::read_at(std::uint64_t offset, std::span<std::uint8_t> into) const {
  if (offset > bytes_.size() || into.size() > bytes_.size() - offset) {
    return Error{Errc::invalid, "read image: beyond its end"};
  }
  std::ranges::copy(bytes_.subspan(static_cast<std::size_t>(offset), into.size()), into.begin());
  return {};
}

}  // namespace hg::images
