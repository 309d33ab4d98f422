// SPDX-License-Identifier: Apache-2.0
// The way back from a component's text (suit::ComponentId::text) to its path, for names in recipes.
#pragma once

#include <string_view>

#include "suit/component.hpp"

namespace hg::pack {

/// "acme/boiler", "app/0x01"; refuses what suit::read_component_id refuses.
Result<suit::ComponentId> component_from(std::string_view text);

}  // namespace hg::pack
