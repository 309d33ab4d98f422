// SPDX-License-Identifier: Apache-2.0
// The former name of keys.hpp, for app and tests until they use the new one.
#pragma once

#include "adapters/crypto/keys.hpp"

namespace hg::crypto {

using Anchors = Keys;

}  // namespace hg::crypto
