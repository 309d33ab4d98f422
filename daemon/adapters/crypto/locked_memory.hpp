// SPDX-License-Identifier: Apache-2.0
// Memory for keys that is never written to swap or to a core dump: the pages of base/secret.hpp, and OpenSSL's secure
// heap, from which its own private keys are taken once it is there. Called by KeySafe before the first key is read, and
// by main().
#pragma once

#include <cstddef>

#include "base/error.hpp"

namespace hg::crypto {

inline constexpr std::size_t kLockedBytes = 1024 * 1024;  ///< of OpenSSL's secure heap

/// Locks both for the life of the process; nothing more if that was done. Errc::denied: the system does not let us, and
/// what to do.
Result<void> lock_key_memory();

/// From then on whatever OpenSSL frees is wiped: it decodes private keys on the ordinary heap, and leaves them there.
/// First in main(), before OpenSSL has allocated anything; false: it has, and nothing is changed.
bool wipe_what_openssl_frees();

}  // namespace hg::crypto
