// SPDX-License-Identifier: Apache-2.0
// `headgate-pack inspect`: what a file says of itself, verified or not: envelopes, trust records, encryption infos and
// MCUboot images. Decides nothing. Called by main.
#pragma once

#include <filesystem>

#include "base/error.hpp"

namespace hg::pack {

struct InspectOptions {
  std::filesystem::path file;
  bool json = false;
};

/// On standard output, as JSON or as lines for people; both begin with what it is and that it is not verified.
Result<void> inspect(const InspectOptions& options);

}  // namespace hg::pack
