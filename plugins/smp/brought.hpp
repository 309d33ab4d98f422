// SPDX-License-Identifier: Apache-2.0
// Which patched image this process brought to a child last. A child lists an image by the hash of what it holds in the
// clear: two copies that are wrapped for different keys look the same, and only one of them can be opened. So what is
// listed already is taken for a patched image only if it was brought from here. Updater owns one; delivery and recovery
// ask it before they send.
#pragma once

#include <map>

#include "wire/frames.hpp"

namespace hg::smp {

class Brought {
 public:
  /// Whether an image that is listed as `request.after` is the one that is to be delivered.
  [[nodiscard]] bool vouches_for(const wire::Deliver& request) const {
    if (request.patches.empty()) return true;
    const auto found = views_.find(request.image_number);
    return found != views_.end() && found->second == request.image;
  }

  void begin(const wire::Deliver& request) { views_.erase(request.image_number); }
  void end(const wire::Deliver& request) {
    if (!request.patches.empty()) views_[request.image_number] = request.image;
  }

 private:
  std::map<std::uint8_t, Digest> views_;  // by image number
};

}  // namespace hg::smp
