// SPDX-License-Identifier: Apache-2.0
// How often what is expensive was done: the promise that the thousandth child costs no signature check and no hash of a
// whole image is held against these. Adapters count, also on threads of their own; app makes the one Counters of the
// daemon, and service/control shows it.
#pragma once

#include <atomic>
#include <cstdint>

namespace hg::ports {

/// Since the start.
struct Counts {
  std::uint64_t signatures_verified = 0;  ///< by public key, also those that did not hold
  std::uint64_t images_hashed = 0;        ///< whole images read for a digest: when they come in, are sealed, inspected
  std::uint64_t image_heads_hashed = 0;   ///< images read up to their first patch, for a midstate
  std::uint64_t content_keys_opened = 0;  ///< unwrapped with this gateway's key
  std::uint64_t keys_wrapped = 0;         ///< content keys, for a child

  friend bool operator==(const Counts&, const Counts&) = default;
};

struct Counters {
  std::atomic<std::uint64_t> signatures_verified{0};
  std::atomic<std::uint64_t> images_hashed{0};
  std::atomic<std::uint64_t> image_heads_hashed{0};
  std::atomic<std::uint64_t> content_keys_opened{0};
  std::atomic<std::uint64_t> keys_wrapped{0};

  [[nodiscard]] Counts now() const {
    return {signatures_verified, images_hashed, image_heads_hashed, content_keys_opened, keys_wrapped};
  }
};

}  // namespace hg::ports
