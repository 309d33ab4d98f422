// SPDX-License-Identifier: Apache-2.0
#include "sdk/image_view.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
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
    : content_(std::make_shared<Content>(std::move(file), std::move(patches))) {}

ImageView::Content::~Content() {
  if (mapped.empty()) return;
  ::munmap(const_cast<std::uint8_t*>(mapped.data()), mapped.size());
}

Result<void> ImageView::Content::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
  if (mapped.empty()) return read_file(file.get(), offset, into);
  if (offset > mapped.size() || into.size() > mapped.size() - offset) {
    return Error{Errc::io, "the image is shorter than announced"};
  }
  std::ranges::copy(mapped.subspan(static_cast<std::size_t>(offset), into.size()), into.begin());
  return {};
}

void ImageView::map() const {
  struct stat status {};
  if (!content_->mapped.empty() || ::fstat(content_->file.get(), &status) != 0 || status.st_size <= 0) return;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, content_->file.get(), 0);
  if (memory == MAP_FAILED) return;
  content_->mapped = {static_cast<const std::uint8_t*>(memory), size};
}

Result<void> ImageView::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
  if (auto read = content_->read(offset, into); !read) return read;
  for (const wire::Patch& patch : content_->patches) lay_over(patch, offset, into);
  return {};
}

}  // namespace hg::plugin
