// SPDX-License-Identifier: Apache-2.0
// Opens the safe of this gateway's keys as the configuration says: its own key from a systemd credential or from where
// OpenSSL finds it (a TPM), the shared one from a credential. Called by the composition root at start.
#pragma once

#include <filesystem>

#include "adapters/crypto/key_safe.hpp"
#include "app/config.hpp"

namespace hg::app {

/// `keys` has an own key. `state` is where the store key is kept; `counters` outlive the safe. The errors name the
/// setting that they are about, and show nothing of a key.
Result<crypto::KeySafe::Opened> open_key_safe(const KeysConfig& keys, const std::filesystem::path& state,
                                              ports::Counters& counters);

}  // namespace hg::app
