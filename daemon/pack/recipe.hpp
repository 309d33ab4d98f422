// SPDX-License-Identifier: Apache-2.0
// What a vendor writes to have an envelope made: one TOML file with the release and its targets. Decides what may stand
// in it and what is left out means; whether the image files agree with it is for release. Called by `headgate-pack
// create`; the keys are described in headgate-pack(1).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "adapters/crypto/uuid5.hpp"
#include "base/time.hpp"
#include "pack/versions.hpp"
#include "suit/component.hpp"

namespace hg::pack {

/// What must hold before a child is brought the image.
struct Gates {
  std::optional<Instant> use_before;
  std::optional<Instant> not_before;
  std::optional<std::uint64_t> minimum_battery_mwh;
  std::vector<suit::VersionCondition> versions;  ///< of what runs on the target now; all must hold
  std::vector<suit::TargetVersion> after;
  bool needs_authorization = false;
  std::optional<std::int64_t> priority;  ///< smaller is more urgent
};

/// Things that a MCUboot image says itself: given here, they must be the same there.
struct McubootClaims {
  std::optional<std::uint8_t> image_number;  ///< stands in no image; what dependencies of the others mean
  std::optional<Digest> hash;
  std::optional<std::uint64_t> security_counter;
  std::optional<bool> encrypted;
  std::vector<std::string> dependencies;  ///< "0 >= 1.2.3": met by what runs on the child already
  bool swaps = true;                      ///< the bootloader swaps slots, so no padded file will do

  [[nodiscard]] bool any() const {
    return image_number || hash || security_counter || encrypted || !dependencies.empty();
  }
};

struct TargetRecipe {
  suit::ComponentId component;
  std::string name;  ///< the component as text
  std::filesystem::path file;
  std::string uri;  ///< empty: the bytes travel in the envelope
  crypto::Uuid vendor_id{};
  crypto::Uuid class_id{};
  std::string version;  ///< of the image, for people; empty: the MCUboot header's
  Gates gates;
  McubootClaims mcuboot;
  // Encrypted: `file` is the ciphertext.
  std::optional<std::filesystem::path> encryption_info;
  std::optional<std::filesystem::path> plaintext;
  suit::ComponentId staging;  ///< where the ciphertext is put
};

struct Recipe {
  std::uint64_t sequence = 0;
  suit::ComponentId product;
  suit::Version version;
  std::string description;
  std::vector<TargetRecipe> targets;
};

/// Errors name file, line and column.
Result<Recipe> read_recipe(const std::filesystem::path& path);

}  // namespace hg::pack
