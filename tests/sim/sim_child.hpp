// SPDX-License-Identifier: Apache-2.0
// A child as its flash and its bootloader make it: slots, marks, tests, its start counter, what it takes back by itself
// and what it does not, and what is wrong with it at the moment. What it says of itself is true, but for what it says
// that it can do (`Nature::self_confirming`) and has done (`lies`).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/inspection.hpp"

namespace hg::sim {

/// What becomes of a new image, whatever the child says of that.
enum class Nature : std::uint8_t {
  self_reverting,
  swap_back,
  self_confirming,
  reinstall,  ///< overwrites, and takes an older image again
  irrevocable,
  unstageable,
  unknown,
};

class SimChild {
 public:
  struct Held {
    std::string version;
    Digest digest;
  };

  SimChild() = default;
  SimChild(Nature nature, std::vector<Held> factory);

  // What it is asked.
  [[nodiscard]] core::Inspection listing() const;
  [[nodiscard]] core::Staging staging() const {
    return is_in_recovery_ ? core::Staging::in_place : core::Staging::aside;
  }
  /// Beside what runs, or in its place: in recovery, or because of its nature.
  void stage(std::uint8_t number, Held image);
  /// Whether the child says that it is done.
  bool mark(std::uint8_t number, const Digest& digest);
  void confirm();

  // What happens to it.
  void reset();
  void finish_test() {  ///< the time for its test is over
    if (is_under_test()) reset();
  }
  /// Whoever works at it starts a test of what stands in the other slot.
  void mark_by_somebody();

  [[nodiscard]] bool is_under_test() const;
  [[nodiscard]] bool is_in_recovery() const { return is_in_recovery_; }
  [[nodiscard]] Nature nature() const { return nature_; }
  [[nodiscard]] std::uint64_t starts() const { return starts_; }
  [[nodiscard]] bool is_silent(Duration now) const { return is_dead || now < silent_until || now < up_at; }

  bool is_dead = false;
  bool tells_starts = true;
  bool refuses_images = false;
  bool refuses_second_image = false;
  bool is_held_in_recovery = false;  ///< at its next start
  bool is_meddled_with = false;      ///< somebody else has marked an image on it once
  unsigned lies = 0;                 ///< so many orders it will say it has done, and not do
  std::uint8_t battery = 100;
  Duration silent_until{0};
  Duration up_at{0};  ///< after a start it takes a time until it answers
  Duration busy_until{0};

 private:
  struct Image {
    Held first;
    std::optional<Held> second;
    bool is_confirmed = true;
    bool is_marked = false;
  };
  void boot(Image& image, bool refuses);

  Nature nature_ = Nature::self_reverting;
  std::vector<Image> images_;
  bool is_in_recovery_ = false;
  std::uint64_t starts_ = 1;
};

}  // namespace hg::sim
