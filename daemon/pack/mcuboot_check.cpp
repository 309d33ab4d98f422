// SPDX-License-Identifier: Apache-2.0
#include "pack/mcuboot_check.hpp"

#include <algorithm>

#include "adapters/crypto/hashes.hpp"

namespace hg::pack {

namespace {

using images::McubootDependency;
using images::McubootImage;

Error disagree(const TargetRecipe& target, const std::string& what) {
  return Error{Errc::mismatch, "target " + target.name + " (" + target.file.filename().string() + "): " + what};
}

std::string yes_or_no(bool value) {
  return value ? "encrypted" : "not encrypted";
}

/// [major, minor, revision, build], to be compared.
auto order_of(const images::McubootVersion& version) {
  return std::tuple(version.major, version.minor, version.revision, version.build);
}

/// Whether "2.0" or "2.0.0.0" and the header's 2.0.0 are the same.
bool is_version(const images::McubootVersion& version, const std::string& text) {
  suit::Version written = parse_version(text).value();
  const suit::Version header{version.major, version.minor, version.revision, std::int64_t{version.build}};
  if (written.size() > header.size()) return false;
  written.resize(header.size());
  return written == header;
}

std::string text_of(const McubootDependency& dependency) {
  return std::to_string(dependency.image) + " >= " + dependency.minimum.text();
}

const TargetRecipe* find_sibling(const Recipe& recipe, const TargetRecipe& target, std::uint8_t image_number) {
  const auto fits = [&](const TargetRecipe& other) {
    return other.mcuboot.image_number == image_number && other.vendor_id == target.vendor_id &&
           other.class_id == target.class_id;
  };
  const auto found = std::ranges::find_if(recipe.targets, fits);
  return found == recipe.targets.end() ? nullptr : &*found;
}

}  // namespace

Result<std::optional<McubootImage>> look_into(ByteView file) {
  if (file.size() < 4 || !images::looks_like_mcuboot(file.first(4))) return std::optional<McubootImage>{};
  const images::HashingWith<crypto::Sha2> hashing;
  Result<McubootImage> image = images::inspect(images::MemorySource(file), hashing);
  if (!image) return image.error();
  return std::optional(std::move(*image));
}

Result<void> check_claims(const TargetRecipe& target, const std::optional<McubootImage>& image) {
  const McubootClaims& claims = target.mcuboot;
  if (!image) {
    if (!claims.any()) return {};
    return disagree(target, "the recipe speaks of a MCUboot image, which the file is not");
  }
  if (!target.version.empty() && !is_version(image->version, target.version))
    return disagree(target,
                    "the recipe says version " + target.version + ", the image's header " + image->version.text());
  if (claims.hash && *claims.hash != image->digest)
    return disagree(target, "the recipe says image-hash " + claims.hash->hex() + ", the image " + image->digest.hex());
  if (claims.security_counter && claims.security_counter != image->security_counter)
    return disagree(target, "the recipe says security-counter " + std::to_string(*claims.security_counter) +
                                ", the image " +
                                (image->security_counter ? std::to_string(*image->security_counter) : "has none"));
  if (claims.encrypted && *claims.encrypted != image->encrypted)
    return disagree(target, "the recipe says that the MCUboot image is " + yes_or_no(*claims.encrypted) +
                                ", and it is " + yes_or_no(image->encrypted));
  if (image->padded && claims.swaps)
    return disagree(target,
                    "has a slot trailer (imgtool --pad), which a bootloader that swaps would take for a state "
                    "of its own; make it without, or say swaps = false");
  return {};
}

Result<void> check_dependencies(const Recipe& recipe, const std::vector<std::optional<McubootImage>>& images) {
  for (const TargetRecipe& target : recipe.targets)
    if (target.mcuboot.image_number && find_sibling(recipe, target, *target.mcuboot.image_number) != &target)
      return disagree(target, "image-number " + std::to_string(*target.mcuboot.image_number) + " is " +
                                  find_sibling(recipe, target, *target.mcuboot.image_number)->name + " already");
  for (std::size_t at = 0; at < images.size(); ++at) {
    const TargetRecipe& target = recipe.targets[at];
    if (!images[at]) continue;
    std::vector<std::string> claimed = target.mcuboot.dependencies;
    for (const McubootDependency& dependency : images[at]->dependencies) {
      const std::string text = text_of(dependency);
      const bool is_claimed = std::erase(claimed, text) > 0;
      const TargetRecipe* sibling = find_sibling(recipe, target, dependency.image);
      if (sibling == nullptr && !is_claimed)
        return disagree(target, "the image needs image " + text +
                                    ", which is no target of this recipe; say depends = "
                                    "[\"" +
                                    text + "\"] if it runs on the children already");
      if (sibling == nullptr) continue;
      const auto& other = images[static_cast<std::size_t>(sibling - recipe.targets.data())];
      if (!other || order_of(other->version) < order_of(dependency.minimum))
        return disagree(target, "the image needs image " + text + ", and " + sibling->name + " is " +
                                    (other ? other->version.text() : "no MCUboot image"));
    }
    if (!claimed.empty())
      return disagree(target, "the recipe says that it depends on \"" + claimed.front() + "\", and the image does not");
  }
  return {};
}

}  // namespace hg::pack
