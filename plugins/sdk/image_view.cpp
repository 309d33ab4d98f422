// SPDX-License-Identifier: Apache-2.0
#include "sdk/image_view.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace hg::plugin {
namespace {

Result<void> read_file(int file, std::uint64_t offset, std::span<std::uint8_t> into) {
  while (!into.empty()) {
    const ssize_t size = ::pread(file, into.data(), into.size(), static_cast<off_t>(offset));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return from_errno(errno, "read the image");
    if (size == 0) return Error{Errc::io, "the image is shorter than announced"};
    into = into.subspan(static_cast<std::size_t>(size));
    offset += static_cast<std::uint64_t>(size);
  }
  return {};
}

/// The part of the patch that falls on what was read from `offset` on.
void lay_over(const wire::Patch& patch, std::uint64_t offset, std::span<std::uint8_t> into) {
  const std::uint64_t begin = std::max(patch.offset, offset);
  const std::uint64_t end = std::min(patch.offset + patch.bytes.size(), offset + into.size());
  if (begin >= end) return;
  const auto part = ByteView(patch.bytes)
                        .subspan(static_cast<std::size_t>(begin - patch.offset), static_cast<std::size_t>(end - begin));
  std::ranges::copy(part, into.subspan(static_cast<std::size_t>(begin - offset)).begin());
}

}  // namespace

ImageView::ImageView(UniqueFd file, std::vector<wire::Patch> patches)
    : content_(std::make_shared<const Content>(Content{std::move(file), std::move(patches)})) {}

Result<void> ImageView::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
  if (auto read = read_file(content_->file.get(), offset, into); !read) return read;
  for (const wire::Patch& patch : content_->patches) lay_over(patch, offset, into);
  return {};
}

}  // namespace hg::plugin
