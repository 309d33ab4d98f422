// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/locked_memory.hpp"

#include <malloc.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/secret.hpp"

namespace hg::crypto {
namespace {

constexpr std::size_t kSmallestPiece = 32;  // bytes
constexpr int kLocked = 1;                  // else memory was had, but not locked, or not kept from core dumps

// What OpenSSL allocates with; file and line of the caller are of no interest.
void* allocate(std::size_t size, const char*, int) {
  return std::malloc(size);  // NOLINT(cppcoreguidelines-no-malloc): it is C that frees
}

void release(void* memory, const char*, int) {
  if (memory == nullptr) return;
  ::explicit_bzero(memory, ::malloc_usable_size(memory));
  std::free(memory);  // NOLINT(cppcoreguidelines-no-malloc)
}

void* reallocate(void* memory, std::size_t size, const char* file, int line) {
  if (memory == nullptr) return allocate(size, file, line);
  if (size == 0) {
    release(memory, file, line);
    return nullptr;
  }
  const std::size_t old_size = ::malloc_usable_size(memory);
  if (size <= old_size) return memory;
  void* larger = allocate(size, file, line);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, std::min(size, old_size));
  release(memory, file, line);
  return larger;
}

}  // namespace

bool wipe_what_openssl_frees() {
  return CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
}

Result<void> lock_key_memory() {
  if (auto locked = lock_secrets(); !locked) return locked;
  if (CRYPTO_secure_malloc_initialized() == 1) return {};
  if (CRYPTO_secure_malloc_init(kLockedBytes, kSmallestPiece) == kLocked) return {};
  CRYPTO_secure_malloc_done();
  return Error{Errc::denied, "memory for keys cannot be locked: " + std::to_string(kLockedBytes / 1024) +
                                 " KiB are needed; raise LimitMEMLOCK= of the service (RLIMIT_MEMLOCK)"};
}

}  // namespace hg::crypto
