// SPDX-License-Identifier: Apache-2.0
// The symbolic run of a manifest's commands (draft-ietf-suit-manifest-37 §6.3, §6.4, §8.4.6 to §8.4.10): nothing is
// fetched or installed; it finds out which images the author wants in which components, and for whom. A command that
// this slice of profile v1 does not follow is refused by name and offset, since passing over one could change what the
// author said. Called by suit::open after the signature held.
#pragma once

#include <vector>

#include "suit/image.hpp"
#include "suit/members.hpp"

namespace hg::suit {

/// The images to be fetched, in the order of the components. Each section that is present is run after the shared
/// sequence on fresh parameters; validate, load, invoke and uninstall are the child's and are only checked.
/// Refused: a fetched component without digest, size, URI, vendor condition or class condition; conditions that
/// contradict one another; a condition or directive whose parameter is not set; more than kMaxCommands.
Result<std::vector<Image>> run_symbolically(const Members& members);

}  // namespace hg::suit
