// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/signatures.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "adapters/crypto/openssl.hpp"

namespace hg::crypto {
namespace {

constexpr int kSmallestRsaBits = 2048;
constexpr std::size_t kP256SignatureBytes = 64;
constexpr std::size_t kP384SignatureBytes = 96;
constexpr std::size_t kEd25519SignatureBytes = 64;

constexpr SignatureAlgorithm kAlgorithms[] = {
    {-7, "ES256", KeyType::p256, kP256SignatureBytes},       {-9, "ESP256", KeyType::p256, kP256SignatureBytes},
    {-35, "ES384", KeyType::p384, kP384SignatureBytes},      {-51, "ESP384", KeyType::p384, kP384SignatureBytes},
    {-8, "EdDSA", KeyType::ed25519, kEd25519SignatureBytes}, {-19, "Ed25519", KeyType::ed25519, kEd25519SignatureBytes},
};

/// RFC 9053 §2.1: the hash goes with the algorithm; Ed25519 has its own inside.
const EVP_MD* hash_of(KeyType type) {
  switch (type) {
    case KeyType::p256:
      return EVP_sha256();
    case KeyType::p384:
      return EVP_sha384();
    case KeyType::ed25519:
      return nullptr;
  }
  return nullptr;
}

Result<KeyType> type_of_ec(EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) {
    ERR_clear_error();
    return Error{Errc::unsupported, "an elliptic curve without a name is not accepted"};
  }
  const std::string_view curve(name.data(), size);
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!context || EVP_PKEY_public_check(context.get()) != 1) {
    return Error{Errc::invalid, "a point that is not on its curve: " + take_openssl_error()};
  }
  if (curve == "prime256v1") return KeyType::p256;
  if (curve == "secp384r1") return KeyType::p384;
  return Error{Errc::unsupported, "curve " + std::string(curve) + " is not accepted, only P-256 and P-384"};
}

/// From r || s to the DER form that EVP takes; empty if OpenSSL cannot.
Bytes to_der(ByteView signature) {
  const auto half = static_cast<int>(signature.size() / 2);
  BIGNUM* r = BN_bin2bn(signature.data(), half, nullptr);
  BIGNUM* s = BN_bin2bn(signature.data() + half, half, nullptr);
  const Owned<ECDSA_SIG> pair(ECDSA_SIG_new());
  if (!pair || ECDSA_SIG_set0(pair.get(), r, s) != 1) {  // takes both, unless it fails
    BN_free(r);
    BN_free(s);
    return {};
  }
  std::uint8_t* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace

std::optional<SignatureAlgorithm> find_algorithm(std::int64_t number) {
  const auto* found = std::ranges::find(kAlgorithms, number, &SignatureAlgorithm::number);
  if (found == std::end(kAlgorithms)) return std::nullopt;
  return *found;
}

Result<KeyType> type_of(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (EVP_PKEY_is_a(key, "EC") == 1) return type_of_ec(key);
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return KeyType::ed25519;
  const char* name = EVP_PKEY_get0_type_name(key);
  const std::string label =
      (name != nullptr ? std::string(name) : "unknown") + " key of " + std::to_string(bits) + " bits";
  const bool is_rsa = EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1;
  if (is_rsa && bits < kSmallestRsaBits) return Error{Errc::unsupported, label + " is too weak"};
  return Error{Errc::unsupported, label + " is not accepted, only P-256, P-384 and Ed25519"};
}

bool is_signature(const SignatureAlgorithm& algorithm, EVP_PKEY* key, ByteView message, ByteView signature) {
  if (signature.size() != algorithm.signature_size) return false;
  const bool is_ecdsa = algorithm.key_type != KeyType::ed25519;
  const Bytes encoded = is_ecdsa ? to_der(signature) : Bytes(signature.begin(), signature.end());
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const bool is_good =
      context && !encoded.empty() &&
      EVP_DigestVerifyInit(context.get(), nullptr, hash_of(algorithm.key_type), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), encoded.data(), encoded.size(), message.data(), message.size()) == 1;
  ERR_clear_error();
  return is_good;
}

}  // namespace hg::crypto
