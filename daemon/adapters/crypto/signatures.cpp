// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/signatures.hpp"

#include <openssl/hmac.h>

#include <array>

#include "adapters/crypto/hashes.hpp"
#include "adapters/crypto/openssl.hpp"

namespace hg::crypto {
namespace {

/// ECDSA travels as r || s in COSE (RFC 9053 §2.1) and as DER in EVP.
bool is_ecdsa(const cose::Algorithm& algorithm) {
  return algorithm.curve != cose::Curve::ed25519;
}

/// Empty if OpenSSL cannot.
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

/// Empty if it is not DER, or a number is longer than half of `size`.
Bytes from_der(ByteView der, std::size_t size) {
  const std::uint8_t* at = der.data();
  const Owned<ECDSA_SIG> pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  const auto half = static_cast<int>(size / 2);
  Bytes bytes(size);
  const bool is_good = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), bytes.data(), half) == half &&
                       BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), bytes.data() + half, half) == half;
  return is_good ? bytes : Bytes{};
}

const char* name_of_hash(std::size_t digest_bytes) {
  const EVP_MD* hash = sha2_of(digest_bytes);
  return hash != nullptr ? EVP_MD_get0_name(hash) : nullptr;
}

}  // namespace

bool is_signature(const cose::Algorithm& algorithm, EVP_PKEY* key, ByteView message, ByteView signature) {
  if (signature.size() != algorithm.output_size) return false;
  const Bytes encoded = is_ecdsa(algorithm) ? to_der(signature) : Bytes(signature.begin(), signature.end());
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const bool is_good =
      context && !encoded.empty() &&
      EVP_DigestVerifyInit(context.get(), nullptr, sha2_of(algorithm.hash_size), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), encoded.data(), encoded.size(), message.data(), message.size()) == 1;
  ERR_clear_error();
  return is_good;
}

Result<Bytes> sign(const cose::Algorithm& algorithm, EVP_PKEY* key, ByteView message) {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::size_t size = 0;
  bool is_good = context &&
                 EVP_DigestSignInit_ex(context.get(), nullptr, name_of_hash(algorithm.hash_size), nullptr,
                                       where_it_is(key).c_str(), key, nullptr) == 1 &&
                 EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1;
  Bytes signature(size);
  is_good = is_good && EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1;
  if (!is_good) return openssl_failure("sign");
  signature.resize(size);
  if (is_ecdsa(algorithm)) signature = from_der(signature, algorithm.output_size);
  if (signature.size() != algorithm.output_size) return openssl_failure("sign: a signature of a strange form");
  return signature;
}

Result<Bytes> mac(const cose::Algorithm& algorithm, ByteView secret, ByteView message) {
  Bytes tag(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  if (HMAC(sha2_of(algorithm.hash_size), secret.data(), static_cast<int>(secret.size()), message.data(), message.size(),
           tag.data(), &size) == nullptr) {
    return openssl_failure("make a MAC");
  }
  tag.resize(size);
  return tag;
}

bool is_mac(const cose::Algorithm& algorithm, ByteView secret, ByteView message, ByteView tag) {
  auto expected = mac(algorithm, secret, message);
  ERR_clear_error();
  if (!expected) return false;
  const bool is_good = equal_in_constant_time(*expected, tag);
  wipe(*expected);
  return is_good;
}

}  // namespace hg::crypto
