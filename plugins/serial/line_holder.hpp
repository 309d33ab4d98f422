// SPDX-License-Identifier: Apache-2.0
// Who else has a tty open, for the text of an error. exclusive_line asks when a line is taken.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace hg::serial {

/// "by process 123 (minicom)". In the plugin's sandbox the processes of others cannot be seen: then it says so, and how
/// a person finds out.
std::string holder_of(dev_t device, const std::filesystem::path& node);

}  // namespace hg::serial
