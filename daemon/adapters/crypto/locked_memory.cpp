// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/locked_memory.hpp"

#include <openssl/crypto.h>

#include <string>

namespace hg::crypto {
namespace {

constexpr std::size_t kSmallestPiece = 32;  // bytes
constexpr int kLocked = 1;                  // else memory was had, but not locked, or not kept from core dumps

}  // namespace

Result<void> lock_key_memory() {
  if (CRYPTO_secure_malloc_initialized() == 1) return {};
  if (CRYPTO_secure_malloc_init(kLockedBytes, kSmallestPiece) == kLocked) return {};
  CRYPTO_secure_malloc_done();
  return Error{Errc::denied, "memory for keys cannot be locked: " + std::to_string(kLockedBytes / 1024) +
                                 " KiB are needed; raise LimitMEMLOCK= of the service (RLIMIT_MEMLOCK)"};
}

bool is_in_locked_memory(const void* pointer) {
  return CRYPTO_secure_allocated(pointer) == 1;
}

}  // namespace hg::crypto
