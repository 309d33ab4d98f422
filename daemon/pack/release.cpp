// SPDX-License-Identifier: Apache-2.0
#include "pack/release.hpp"

#include <algorithm>

#include "adapters/crypto/hashes.hpp"
#include "cose/encrypted.hpp"
#include "pack/files.hpp"
#include "pack/mcuboot_check.hpp"

namespace hg::pack {

namespace {

constexpr std::uint64_t kTagBytes = 16;  // of every AEAD that we know

/// A target, and what its file (or plaintext) is for MCUboot.
struct Made {
  ReleaseTarget target;
  std::optional<images::McubootImage> image;
};

std::string who(const TargetRecipe& recipe) {
  return "target " + recipe.name;
}

/// The ciphertext must be as long as the cipher makes it of this plaintext: a wrong pair of files is found here.
Result<void> check_sizes(const cose::Encrypted& info, std::uint64_t ciphertext, std::uint64_t plaintext) {
  const std::uint64_t expected = plaintext + (info.algorithm > 0 ? kTagBytes : 0);
  if (ciphertext == expected) return {};
  return Error{Errc::mismatch, "the ciphertext has " + std::to_string(ciphertext) +
                                   " bytes, of this plaintext it must "
                                   "have " +
                                   std::to_string(expected)};
}

Result<Encryption> read_encryption(const TargetRecipe& recipe, std::uint64_t ciphertext_size, ByteView plaintext) {
  Result<Bytes> info = read_file(*recipe.encryption_info);
  if (!info) return info.error();
  cbor::Reader reader(*info);
  const Result<cose::Encrypted> encrypted = cose::read_encrypted(reader);
  if (!encrypted) return encrypted.error().within(recipe.encryption_info->string());
  if (const Result<void> end = reader.finish(); !end) return end.error().within(recipe.encryption_info->string());
  if (encrypted->ciphertext)
    return Error{Errc::invalid, recipe.encryption_info->string() + ": the ciphertext must be in a file of its own"};
  if (const auto sizes = check_sizes(*encrypted, ciphertext_size, plaintext.size()); !sizes) return sizes.error();
  return Encryption{std::move(*info), crypto::Sha256::of(plaintext), plaintext.size(), recipe.staging};
}

Result<Made> make_target(const TargetRecipe& recipe) {
  Result<Bytes> file = read_file(recipe.file);
  if (!file) return file.error();
  if (file->empty()) return Error{Errc::invalid, recipe.file.string() + " is empty"};
  Result<Bytes> plaintext = recipe.plaintext ? read_file(*recipe.plaintext) : *file;
  if (!plaintext) return plaintext.error();
  Result<std::optional<images::McubootImage>> image = look_into(*plaintext);
  if (!image) return image.error().within(recipe.plaintext.value_or(recipe.file).string());

  Made made{{recipe.component,
             recipe.vendor_id,
             recipe.class_id,
             crypto::Sha256::of(*file),
             file->size(),
             recipe.uri,
             {},
             recipe.version,
             recipe.gates,
             {}},
            std::move(*image)};
  if (recipe.encryption_info) {
    Result<Encryption> encryption = read_encryption(recipe, file->size(), *plaintext);
    if (!encryption) return encryption.error();
    made.target.encryption = std::move(*encryption);
  }
  if (made.target.version.empty() && made.image) made.target.version = made.image->version.text();
  if (recipe.uri.empty()) made.target.integrated = std::move(*file);
  return made;
}

/// A target that waits for a version that this release does not bring would wait for ever.
Result<void> check_order(const Release& release) {
  for (const ReleaseTarget& target : release.targets)
    for (const suit::TargetVersion& other : target.gates.after) {
      const auto is_it = [&](const ReleaseTarget& each) { return each.component.text() == other.target; };
      const auto found = std::ranges::find_if(release.targets, is_it);
      if (found == release.targets.end() || found->version.empty()) continue;
      const Result<suit::Version> version = parse_version(found->version);
      if (!version) return version.error().within("target " + other.target);
      for (const suit::VersionCondition& condition : other.versions)
        if (!holds(condition, *version))
          return Error{Errc::mismatch, "target " + target.component.text() + " waits for " + other.target + " " +
                                           suit::condition_text(condition) + ", and this release brings " +
                                           found->version};
    }
  return {};
}

}  // namespace

Result<Release> make_release(const Recipe& recipe) {
  Release release{recipe.sequence, recipe.product, recipe.version, recipe.description, {}};
  std::vector<std::optional<images::McubootImage>> images;
  for (const TargetRecipe& target : recipe.targets) {
    Result<Made> made = make_target(target);
    if (!made) return made.error().within(who(target));
    if (const Result<void> agrees = check_claims(target, made->image); !agrees) return agrees.error();
    release.targets.push_back(std::move(made->target));
    images.push_back(std::move(made->image));
  }
  if (const Result<void> met = check_dependencies(recipe, images); !met) return met.error();
  if (const Result<void> ends = check_order(release); !ends) return ends.error();
  return release;
}

}  // namespace hg::pack
