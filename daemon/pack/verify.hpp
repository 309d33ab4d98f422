// SPDX-License-Identifier: Apache-2.0
// `headgate-pack verify`: whether a gateway would believe an envelope or a trust record. It answers what suit::open and
// trust answer, and adds nothing of its own. Called by main.
#pragma once

#include "pack/ring.hpp"

namespace hg::pack {

struct VerifyOptions {
  std::filesystem::path file;
  RingOptions ring;                                 ///< whom to believe, or
  std::optional<std::filesystem::path> root;        ///< a root file, which says who may sign what
  std::vector<std::filesystem::path> dependencies;  ///< envelopes of manifests that this one builds on
  bool complete = false;                            ///< also all that a gateway needs to publish it
};

/// Says on standard output who signed what, and warns on standard error of payloads that are not there.
Result<void> verify(const VerifyOptions& options);

}  // namespace hg::pack
