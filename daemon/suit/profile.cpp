// SPDX-License-Identifier: Apache-2.0
#include "suit/profile.hpp"

#include <algorithm>
#include <set>

namespace hg::suit {
namespace {

bool is_missing_payload(const Image& image) {
  return image.uri.starts_with('#') && !image.integrated;
}

Result<void> check_image(const Image& image) {
  const std::string name = "component " + image.component.text();
  const auto lacks = [&name](Errc code, const std::string& what) { return Error{code, name + what}; };
  if (!image.vendor_id) return lacks(Errc::invalid, " has no vendor condition: it would fit any device");
  if (!image.class_id) return lacks(Errc::invalid, " has no class condition: it would fit any device");
  if (!image.digest) return lacks(Errc::invalid, " has no digest of the bytes that travel");
  if (!image.size) return lacks(Errc::invalid, " has no image size");
  const bool is_encrypted = !image.encryption_info.empty();
  if (is_encrypted && !image.plaintext) return lacks(Errc::invalid, " is encrypted without a digest of the plaintext");
  if (image.conditions.is_of_present_image) {
    return lacks(Errc::unsupported, " is for devices that have a certain image before, which no gateway can ask");
  }
  if (is_missing_payload(image)) return lacks(Errc::not_found, ": payload " + image.uri + " is not in the envelope");
  return {};
}

}  // namespace

Result<void> check_deliverable(const Manifest& manifest) {
  if (!manifest.absent_sections.empty()) {
    return Error{Errc::not_found,
                 manifest.absent_sections.front() + " is severed and absent: what it brings is unknown"};
  }
  const auto elsewhere = std::ranges::find(manifest.dependencies, false, &Dependency::is_here);
  if (elsewhere != manifest.dependencies.end()) {
    return Error{Errc::not_found, "dependency " + elsewhere->id.text() + " is not here"};
  }
  if (manifest.images.empty()) return Error{Errc::unsupported, "no image is fetched or written: nothing to distribute"};
  for (const Image& image : manifest.images) {
    if (auto checked = check_image(image); !checked) return checked;
  }
  return {};
}

std::vector<std::string> target_components(const Manifest& manifest) {
  std::set<std::string> components(manifest.components.begin(), manifest.components.end());
  for (const Image& image : manifest.images) components.insert(image.component.text());
  return {components.begin(), components.end()};
}

std::vector<std::string> missing_payloads(const Manifest& manifest) {
  std::vector<std::string> missing;
  const auto note = [&missing](const std::string& uri) {
    if (std::ranges::find(missing, uri) == missing.end()) missing.push_back(uri);
  };
  for (const Image& image : manifest.images) {
    if (is_missing_payload(image)) note(image.uri);
  }
  for (const Dependency& dependency : manifest.dependencies) {
    if (!dependency.is_here && dependency.uri.starts_with('#')) note(dependency.uri);
  }
  return missing;
}

}  // namespace hg::suit
