// SPDX-License-Identifier: Apache-2.0
// What the profile's table of one transport may say, as a file beside the profiles describes it: type, bounds, default
// and meaning of each key. So a plugin's keys are checked before it runs, also those of a plugin that came with its
// own schema. config/profiles/schema/serial.toml shows the format; app/profile reads profiles by it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/settings_file.hpp"
#include "base/error.hpp"

namespace hg::app {

/// One value for a plugin, and all that a profile says to the plugin of one transport.
using ProfileValue = std::variant<std::int64_t, bool, std::string, std::vector<std::string>>;
using ProfileValues = std::map<std::string, ProfileValue>;

/// What one key may be.
struct KeyRule {
  enum class Type : std::uint8_t { integer, boolean, text, texts };

  Type type = Type::integer;
  std::int64_t least = 0;              ///< of an integer
  std::int64_t most = 0;               ///< of an integer
  std::optional<std::int64_t> beside;  ///< one more integer that is allowed
  bool is_silence = false;             ///< an integer: for so many ms a transfer may make no progress
  std::vector<std::string> choices;    ///< of a text; none: any that is not too long
  std::size_t longest = 0;             ///< bytes of a text, or of each text of a list; none may be empty
  ProfileValue fallback;               ///< what the plugin takes when the key is not there
  std::string unit;
  std::string meaning;
};

/// The keys of one transport's table, by name.
using TableSchema = std::map<std::string, KeyRule>;

/// Errc::not_found: no such file. Errc::invalid with "file:line:column: what": it describes a key that makes no sense.
Result<TableSchema> read_schema(const std::filesystem::path& path);

/// The values in `table`, each checked by its rule. What is wrong is complained of at its place; what the schema does
/// not know stays unasked for.
ProfileValues values_in(Section table, const TableSchema& schema);

}  // namespace hg::app
