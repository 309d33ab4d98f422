// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/hashes.hpp"

#include <array>
#include <cstdlib>
#include <new>
#include <utility>

#include "adapters/crypto/openssl.hpp"

namespace hg::crypto {
namespace {

/// SHA-2 from OpenSSL's default provider does not fail; going on with a wrong digest would be no choice.
void must(bool is_good) {
  if (!is_good) std::abort();
}

EVP_MD_CTX* new_context() {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  if (context == nullptr) throw std::bad_alloc();
  return context;
}

}  // namespace

const EVP_MD* sha2_of(std::size_t digest_bytes) {
  switch (digest_bytes) {
    case 32:
      return EVP_sha256();
    case 48:
      return EVP_sha384();
    case 64:
      return EVP_sha512();
    default:
      return nullptr;
  }
}

Sha2::Sha2(std::size_t digest_bytes) : context_(new_context()) {
  const EVP_MD* algorithm = sha2_of(digest_bytes);
  must(algorithm != nullptr && EVP_DigestInit_ex(context_, algorithm, nullptr) == 1);
}

Sha2::Sha2(const Sha2& other) : context_(new_context()) {
  must(EVP_MD_CTX_copy_ex(context_, other.context_) == 1);
}
Sha2::Sha2(Sha2&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
Sha2::~Sha2() {
  EVP_MD_CTX_free(context_);
}

Sha2& Sha2::operator=(const Sha2& other) {
  *this = Sha2(other);
  return *this;
}

Sha2& Sha2::operator=(Sha2&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}

void Sha2::update(ByteView bytes) {
  must(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
}

Digest Sha2::finish() {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  must(EVP_DigestFinal_ex(context_, bytes.data(), &size) == 1);
  return *Digest::from_bytes(ByteView(bytes).first(size));
}

Digest Sha256::of(ByteView bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

}  // namespace hg::crypto
