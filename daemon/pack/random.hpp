// SPDX-License-Identifier: Apache-2.0
// Bytes by chance that need not stay secret: initialization vectors and the ids of permits. Keys are made in
// adapters/crypto.
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::pack {

Result<Bytes> random_bytes(std::size_t count);

}  // namespace hg::pack
