// SPDX-License-Identifier: Apache-2.0
// What a test wants to know afterwards: `counters` (JSON, replaced atomically, kept over restarts) and `log` (a line
// per event) in the state directory. Used by all parts that do something worth telling.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "files.hpp"

namespace smp_child {

class Record {
 public:
  Record(const std::filesystem::path& state, bool verbose);
  ~Record() { save(); }
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;

  /// Counts something rare, at once visible in the file.
  void count(std::string_view counter);

  /// Counts what happens with every packet; visible after the next save().
  void add(std::string_view counter, std::uint64_t amount);

  [[nodiscard]] std::uint64_t value(std::string_view counter) const { return counters_.find(counter)->second; }

  /// Appends a line to the log.
  void event(std::string_view text);

  [[nodiscard]] bool unsaved() const { return unsaved_; }
  void save();

 private:
  void load();

  std::filesystem::path path_;
  Fd log_;
  bool verbose_;
  bool unsaved_ = true;
  std::map<std::string, std::uint64_t, std::less<>> counters_;
};

}  // namespace smp_child
