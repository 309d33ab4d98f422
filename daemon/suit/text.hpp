// SPDX-License-Identifier: Apache-2.0
// The manifest's text member (draft-ietf-suit-manifest-37 §8.4.4): words for people, of which headgate shows each
// component's version. Text decides nothing: no rule of the gateway may read it.
#pragma once

#include <vector>

#include "suit/element.hpp"
#include "suit/image.hpp"

namespace hg::suit {

/// Sets `version` of the images whose component the text names; the first language that does so counts. A version that
/// is long or has characters other than printable ASCII is left out.
Result<void> read_versions(const Element& text, std::vector<Image>& images);

}  // namespace hg::suit
