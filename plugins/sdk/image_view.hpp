// SPDX-License-Identifier: Apache-2.0
// An image as one child gets it: the file that all share, with the patches of a wire::Deliver laid over it. Reads by
// pread() at any offset, or from the mapped file for who reads small pieces often; holds no part of the file. The SDK
// makes one for each Driver::deliver(), which reads through it and through nothing else. Cheap to copy: copies share
// the descriptor and the mapping.
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

  /// From now on this and its copies read from memory: no system call for each piece. Where the file cannot be mapped
  /// they go on by pread(). The file must not become shorter: those of the daemon never do.
  void map() const;

 private:
  struct Content {
    UniqueFd file;
    std::vector<wire::Patch> patches;
    std::span<const std::uint8_t> mapped{};  // the whole file as it was then; empty: not mapped

    Content(UniqueFd opened, std::vector<wire::Patch> laid) : file(std::move(opened)), patches(std::move(laid)) {}
    Content(const Content&) = delete;
    Content& operator=(const Content&) = delete;
    ~Content();
    Result<void> read(std::uint64_t offset, std::span<std::uint8_t> into) const;
  };
  std::shared_ptr<Content> content_;
};

}  // namespace hg::plugin
