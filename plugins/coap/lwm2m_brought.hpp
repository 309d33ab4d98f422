// SPDX-License-Identifier: Apache-2.0
// What this plugin has brought to a child and ordered of it, by image number, over restarts: a child of LwM2M does not
// tell one image that it holds from another, so only what came from here is known. Written before what it tells of is
// sent. Delivery and activation note it, inspection reads it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/digest.hpp"

namespace hg::coap {

/// How far the image that was brought last has come.
enum class Stage : std::uint8_t {
  none,
  pulled,    ///< the child was told to pull it
  pushed,    ///< it is being pushed
  staged,    ///< the child told State 2 for it
  executed,  ///< and may have been told to install it
};

struct Brought {
  std::uint8_t image = 0;
  Stage stage = Stage::none;
  Digest view{};           ///< SHA-256 of what the child gets
  Digest after{};          ///< what it is told by when it runs
  std::uint64_t size = 0;  ///< bytes
  std::string uri{};       ///< from where it was pulled
  Digest installed{};      ///< the `after` of what told Result 1 after an order of ours
  std::string version{};   ///< as the child told it then
  std::string runs{};      ///< the PkgVersion that it told last while it held nothing else
  friend bool operator==(const Brought&, const Brought&) = default;
};

class BroughtStore {
 public:
  /// An empty path: nothing is remembered.
  explicit BroughtStore(std::filesystem::path directory) : directory_(std::move(directory)) {}
  [[nodiscard]] std::vector<Brought> load(const std::string& child) const;
  void save(const std::string& child, const std::vector<Brought>& all) const;
  void remove(const std::string& child) const;

 private:
  [[nodiscard]] std::filesystem::path file_of(const std::string& child) const;
  std::filesystem::path directory_;
};

/// Those of one child, written down whenever they change.
class BroughtImages {
 public:
  BroughtImages(std::filesystem::path directory, std::string child)
      : store_(std::move(directory)), child_(std::move(child)), all_(store_.load(child_)) {}
  /// One without anything where nothing was brought.
  [[nodiscard]] Brought of(std::uint8_t image) const;
  void set(const Brought& brought);

 private:
  BroughtStore store_;
  std::string child_;
  std::vector<Brought> all_;
};

}  // namespace hg::coap
