// SPDX-License-Identifier: Apache-2.0
// What was learned of the way to a child, kept in the plugin's own state directory (docs/decisions/0010): one small
// text file for each child. What stands there is only where to begin: pace verifies it. smp_driver loads and saves.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "smp/clock.hpp"

namespace hg::smp {

/// 0 everywhere: nothing known.
struct Learned {
  std::size_t packet = 0;    ///< bytes, header included
  unsigned window = 0;       ///< requests in flight
  Milliseconds line_gap{0};  ///< between two lines of a packet

  friend bool operator==(const Learned&, const Learned&) = default;
};

/// The content of a file, and back. Errc::invalid for anything that text_of() does not write.
std::string text_of(const Learned& learned);
Result<Learned> learned_from(std::string_view text);

class LearnedStore {
 public:
  /// An empty path, or one that is no directory: nothing is remembered.
  explicit LearnedStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// Nothing known when there is no file, or one that cannot be understood.
  [[nodiscard]] Learned load(const std::string& child) const;

  /// Replaces the file at once or leaves it as it was. A failure means only that it must be learned anew.
  void save(const std::string& child, const Learned& learned) const;

 private:
  [[nodiscard]] std::filesystem::path file_of(const std::string& child) const;

  std::filesystem::path directory_;
};

}  // namespace hg::smp
