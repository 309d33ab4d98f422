// SPDX-License-Identifier: Apache-2.0
#include "adapters/cloud/settings.hpp"

#include <string.h>

namespace hg::cloud {
namespace {

// All that the text has room for: a moved-from short text is empty, but its characters are still there.
void wipe(std::string& text) {
  text.resize(text.capacity());
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace

// A short text is copied by a move: the source is overwritten, too.
Secret::Secret(Secret&& other) noexcept : text_(std::move(other.text_)) {
  wipe(other.text_);
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe(text_);
  text_ = std::move(other.text_);
  wipe(other.text_);
  return *this;
}

Secret::~Secret() {
  wipe(text_);
}

}  // namespace hg::cloud
