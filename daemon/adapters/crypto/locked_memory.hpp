// SPDX-License-Identifier: Apache-2.0
// Memory for keys that is never written to swap or to a core dump: OpenSSL's secure heap, from which Secret and
// OpenSSL's own private keys are taken once it is there. Called by KeySafe before the first key is read, and by main().
#pragma once

#include <cstddef>

#include "base/error.hpp"

namespace hg::crypto {

inline constexpr std::size_t kLockedBytes = 1024 * 1024;  ///< what RLIMIT_MEMLOCK must allow

/// Locks it for the life of the process; nothing more if that was done. Errc::denied: the system does not let us, and
/// what to do.
Result<void> lock_key_memory();

/// From then on whatever OpenSSL frees is wiped: it decodes private keys on the ordinary heap, and leaves them there.
/// First in main(), before OpenSSL has allocated anything; false: it has, and nothing is changed.
bool wipe_what_openssl_frees();

/// Whether `pointer` is in locked memory.
bool is_in_locked_memory(const void* pointer);

}  // namespace hg::crypto
