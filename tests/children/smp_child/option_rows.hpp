// SPDX-License-Identifier: Apache-2.0
// The table of options: name, argument, a line of help, and where the value goes. Used by options.cpp.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "options.hpp"

namespace smp_child {

struct OptionRow {
  std::string_view name;
  std::string_view argument;  // empty: a flag
  std::string_view help;
  std::function<void(std::string_view)> set;
};

/// All of them, setting `options`.
std::vector<OptionRow> option_rows(Options& options);

}  // namespace smp_child
