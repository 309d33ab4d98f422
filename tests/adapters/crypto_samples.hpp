// SPDX-License-Identifier: Apache-2.0
// Keys and files for the tests of adapters/crypto: made by OpenSSL, or from the numbers that vectors give.
#pragma once

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>
#include <openssl/pem.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "adapters/crypto/openssl.hpp"
#include "adapters/crypto/public_keys.hpp"

namespace hg::crypto {

inline Owned<EVP_PKEY> make_key(const std::string& type) {
  const bool is_ec = type.starts_with("P-") || type == "secp256k1";
  return Owned<EVP_PKEY>(is_ec ? EVP_EC_gen(type.c_str()) : EVP_PKEY_Q_keygen(nullptr, nullptr, type.c_str()));
}

inline std::string private_pem_of(EVP_PKEY* key, const char* passphrase = nullptr) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  const auto* secret = reinterpret_cast<const unsigned char*>(passphrase);
  const int size = passphrase != nullptr ? static_cast<int>(std::strlen(passphrase)) : 0;
  PEM_write_bio_PrivateKey(bio.get(), key, passphrase != nullptr ? EVP_aes_256_cbc() : nullptr, secret, size, nullptr,
                           nullptr);
  char* text = nullptr;
  const auto length = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

/// As test programs need it: whatever key, also one that headgate does not take.
inline std::string public_pem_of(EVP_PKEY* key) {
  return pem_of(key).value();
}

/// The PEM of an EC private key from its number. OpenSSL wants the public point beside it: made by multiplication.
inline std::string ec_private_pem(int nid, ByteView d) {
  const std::unique_ptr<EC_GROUP, decltype(&EC_GROUP_free)> group(EC_GROUP_new_by_curve_name(nid), EC_GROUP_free);
  const std::unique_ptr<EC_POINT, decltype(&EC_POINT_free)> point(EC_POINT_new(group.get()), EC_POINT_free);
  const Owned<BIGNUM> number(BN_bin2bn(d.data(), static_cast<int>(d.size()), nullptr));
  EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr);
  Bytes encoded(200);
  encoded.resize(EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(),
                                    encoded.size(), nullptr));
  Bytes native(d.size());
  BN_bn2nativepad(number.get(), native.data(), static_cast<int>(native.size()));
  std::string name = OBJ_nid2sn(nid);
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()),
      OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native.data(), native.size()),
      OSSL_PARAM_construct_end(),
  };
  EVP_PKEY* key = nullptr;
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY_fromdata_init(context.get());
  EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters);
  const Owned<EVP_PKEY> owned(key);
  return private_pem_of(key);
}

inline Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

inline std::string suit_vector(const std::string& path) {
  return std::string(HEADGATE_SOURCE_DIR) + "/tests/vectors/suit/" + path;
}

}  // namespace hg::crypto
