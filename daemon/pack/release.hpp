// SPDX-License-Identifier: Apache-2.0
// From a recipe to a release: reads the image files, computes digests and sizes, and refuses what does not fit
// together. How it is written down is for envelope_writer. Called by `headgate-pack create`.
#pragma once

#include "pack/envelope_writer.hpp"

namespace hg::pack {

Result<Release> make_release(const Recipe& recipe);

}  // namespace hg::pack
