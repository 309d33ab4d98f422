// SPDX-License-Identifier: Apache-2.0
// What one child may pull in one update: its manifest, under the path that it is told, and its payloads under the paths
// that stand signed in the manifest (coap.md 2). Keeps them on the shelf while it lives, and says how far the child has
// come by the blocks that it was sent. suit_child makes one for each update.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coap/clock.hpp"
#include "coap/image_shelf.hpp"

namespace hg::coap {

/// For whom, and how.
struct Recipient {
  std::string identity;  ///< of its key; empty: it has none, and the plain endpoint serves it
  std::string address;   ///< with port
  std::uint16_t block = 1024;
  std::string manifest_path;
};

class SuitServing {
 public:
  /// How much of one image has been sent. A block that is sent again counts once where it is behind `reached`.
  struct Course {
    std::uint64_t size = 0;
    std::uint64_t reached = 0;  ///< the end of the furthest block
    std::uint64_t sent = 0;     ///< bytes, those that were sent again too
    SteadyTime last{};          ///< when a block of it was sent last; zero: none was

    [[nodiscard]] bool is_begun() const { return last != SteadyTime{}; }
    [[nodiscard]] bool is_whole() const { return reached >= size && sent >= size; }
  };

  /// `moved` is called for each block.
  SuitServing(std::shared_ptr<Clock> clock, std::function<void()> moved)
      : clock_(std::move(clock)), moved_(std::move(moved)) {}
  SuitServing(const SuitServing&) = delete;
  SuitServing& operator=(const SuitServing&) = delete;

  /// Image 0 is the manifest, 1 and so on are the payloads in the order of their URIs in it. Again: in its place.
  void keep(std::uint8_t number, plugin::ImageView image, std::uint64_t size, const Digest& digest);
  [[nodiscard]] bool has(std::uint8_t number) const { return images_.contains(number); }

  /// Puts all of it on the shelf. Errc::invalid, Errc::too_large: what the manifest says cannot be served; it names as
  /// many URIs as there are payloads or more.
  Result<void> offer(ImageShelf& shelf, const Recipient& recipient);
  [[nodiscard]] Course course(std::uint8_t number) const;

 private:
  struct Kept {
    plugin::ImageView image;
    std::uint64_t size = 0;
    Digest digest;
    std::shared_ptr<Course> course;
    std::shared_ptr<void> place;
  };
  [[nodiscard]] Result<std::vector<std::string>> payload_paths() const;
  Served served(Kept& kept, const Recipient& recipient);

  std::shared_ptr<Clock> clock_;
  std::function<void()> moved_;
  std::map<std::uint8_t, Kept> images_;
};

}  // namespace hg::coap
