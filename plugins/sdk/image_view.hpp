// SPDX-License-Identifier: Apache-2.0
// An image as one child gets it: the file that all share, with the patches of a wire::Deliver laid over it. Reads by
// pread() at any offset, holds no part of the file. The SDK makes one for each Driver::deliver(), which reads through
// it and through nothing else. Cheap to copy: copies share the descriptor.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "wire/frames.hpp"

namespace hg::plugin {

class ImageView {
 public:
  /// `patches` have passed wire::check_patches().
  explicit ImageView(UniqueFd file, std::vector<wire::Patch> patches = {});

  /// Fills all of `into` with what the child gets from `offset` on. Errc::io: the file cannot be read, or ends before.
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> into) const;

 private:
  struct Content {
    UniqueFd file;
    std::vector<wire::Patch> patches;
  };
  std::shared_ptr<const Content> content_;
};

}  // namespace hg::plugin
