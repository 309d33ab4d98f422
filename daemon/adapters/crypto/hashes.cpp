// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/hashes.hpp"

#include <array>
#include <cstdlib>
#include <new>
#include <utility>

#include "adapters/crypto/openssl.hpp"

namespace hg::crypto {
namespace {

/// SHA-2 from OpenSSL's default provider fails for want of memory only; going on with a wrong digest is no choice.
void must(int openssl_result) {
  if (openssl_result != 1) std::abort();
}

EVP_MD_CTX* new_context(const EVP_MD* algorithm) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  if (context == nullptr) throw std::bad_alloc();
  must(EVP_DigestInit_ex(context, algorithm, nullptr));
  return context;
}

EVP_MD_CTX* copy_of(const EVP_MD_CTX* other) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  if (context == nullptr) throw std::bad_alloc();
  must(EVP_MD_CTX_copy_ex(context, other));
  return context;
}

/// Ends the computation in `context`.
Digest finish(EVP_MD_CTX* context) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  must(EVP_DigestFinal_ex(context, bytes.data(), &size));
  return *Digest::from_bytes(ByteView(bytes).first(size));
}

const EVP_MD* algorithm_of(images::HashAlgorithm algorithm) {
  switch (algorithm) {
    case images::HashAlgorithm::sha256:
      return EVP_sha256();
    case images::HashAlgorithm::sha384:
      return EVP_sha384();
    case images::HashAlgorithm::sha512:
      return EVP_sha512();
  }
  return EVP_sha256();
}

class RunningHash : public images::Hash {
 public:
  explicit RunningHash(const EVP_MD* algorithm) : context_(new_context(algorithm)) {}

  void update(ByteView bytes) override { must(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size())); }
  Digest finish() override { return crypto::finish(context_.get()); }

 private:
  Owned<EVP_MD_CTX> context_;
};

}  // namespace

Sha256::Sha256() : context_(new_context(EVP_sha256())) {}
Sha256::Sha256(const Sha256& other) : context_(copy_of(other.context_)) {}
Sha256::Sha256(Sha256&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
Sha256::~Sha256() {
  EVP_MD_CTX_free(context_);
}

Sha256& Sha256::operator=(const Sha256& other) {
  *this = Sha256(other);
  return *this;
}

Sha256& Sha256::operator=(Sha256&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}

void Sha256::update(ByteView bytes) {
  must(EVP_DigestUpdate(context_, bytes.data(), bytes.size()));
}

Digest Sha256::digest() const {
  const Owned<EVP_MD_CTX> copy(copy_of(context_));
  return finish(copy.get());
}

Digest Sha256::of(ByteView bytes) {
  Sha256 hash;
  hash.update(bytes);
  return finish(hash.context_);
}

std::unique_ptr<images::Hash> Hashes::start(images::HashAlgorithm algorithm) const {
  return std::make_unique<RunningHash>(algorithm_of(algorithm));
}

}  // namespace hg::crypto
