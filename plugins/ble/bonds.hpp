// SPDX-License-Identifier: Apache-2.0
// The bonds of children, as far as bluetoothd does not keep them: whose each is, and what was seen when it was made.
// One small text file for each child in the plugin's state directory; no key is in it, bluetoothd has those.
// protection reads and writes it, radio removes what is left of children that are gone.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hg::ble {

struct Bond {
  std::string adapter;          ///< the address of the adapter that has it
  std::string address;          ///< the child's identity address
  bool has_passkey = false;     ///< the child showed that it knows the passkey
  bool refused_before = false;  ///< without the bond it refused what it takes with it
  std::string enrolled{};       ///< the address that the child was enrolled with then, as it stood there
  friend bool operator==(const Bond&, const Bond&) = default;
};

/// The content of a file, and back. Errc::invalid for anything that text_of() does not write.
std::string text_of(const Bond& bond);
Result<Bond> bond_from(std::string_view text);

/// Whether it is still the child's when that is enrolled with this address: with the same one as before, or with the
/// identity address that the bond told, at the same adapter.
bool is_still_of(const Bond& bond, std::string_view enrolled_as);

class Bonds {
 public:
  /// An empty path: nothing is remembered.
  explicit Bonds(std::filesystem::path directory) : directory_(std::move(directory)) {}

  [[nodiscard]] std::optional<Bond> load(const std::string& child) const;
  /// Durable when it returns, or Errc::io.
  Result<void> save(const std::string& child, const Bond& bond) const;
  void remove(const std::string& child) const;
  /// The children that have one.
  [[nodiscard]] std::vector<std::string> children() const;

 private:
  [[nodiscard]] std::filesystem::path file_of(const std::string& child) const;

  std::filesystem::path directory_;
};

}  // namespace hg::ble
