// SPDX-License-Identifier: Apache-2.0
#include "coap/suit_untold.hpp"

#include <utility>

#include "coap/remembered.hpp"

namespace hg::coap {
namespace {

constexpr std::string_view kHead = "headgate-coap untold 1";

/// "1 0031..." as it was written.
std::pair<std::uint8_t, Digest> image_from(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || space == 0 || space > 3) return {};
  unsigned number = 0;
  for (const char c : text.substr(0, space)) {
    if (c < '0' || c > '9') return {};
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  if (number > 255) return {};
  return {static_cast<std::uint8_t>(number), Digest::from_text(text.substr(space + 1)).value_or(Digest{})};
}

}  // namespace

SuitUntold::SuitUntold(std::filesystem::path file) : file_(std::move(file)) {
  const Facts facts = recall(file_, kHead);
  version_ = fact(facts, "version");
  for (const auto& [name, value] : facts) {
    if (name != "image") continue;
    const auto [number, after] = image_from(value);
    if (!after.empty()) images_[number] = after;
  }
}

void SuitUntold::add(const std::string& version, std::uint8_t number, const Digest& after) {
  version_ = version;
  images_[number] = after;
  write();
}

void SuitUntold::hear(const std::string& version) {
  if (images_.empty() || version == version_) return;
  images_.clear();
  write();
}

void SuitUntold::write() const {
  if (images_.empty()) return forget(file_);
  Facts facts{{"version", version_}};
  for (const auto& [number, after] : images_) facts.emplace_back("image", std::to_string(number) + " " + after.hex());
  remember(file_, kHead, facts);
}

}  // namespace hg::coap
