// SPDX-License-Identifier: Apache-2.0
// What a child was served whole without telling since that it runs it: remembered over a restart of the plugin, since a
// child may install it at any time, and forgotten with the first other version that it says. Kept by suit_child.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/digest.hpp"

namespace hg::coap {

class SuitUntold {
 public:
  /// Reads what an earlier process has left in `file`; empty: nothing is remembered.
  explicit SuitUntold(std::filesystem::path file);

  /// Image `number` was served whole while the child said `version`, and would make it list `after`.
  void add(const std::string& version, std::uint8_t number, const Digest& after);
  /// What the child says now.
  void hear(const std::string& version);
  /// By image number.
  [[nodiscard]] const std::map<std::uint8_t, Digest>& images() const { return images_; }

 private:
  void write() const;

  std::filesystem::path file_;
  std::string version_;  // that it said then
  std::map<std::uint8_t, Digest> images_;
};

}  // namespace hg::coap
