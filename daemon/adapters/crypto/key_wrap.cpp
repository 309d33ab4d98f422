// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/key_wrap.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <string>

#include "adapters/crypto/hashes.hpp"

namespace hg::crypto {
namespace {

/// Whether AES key wrap of `input` went well; `output` has room for what comes out.
bool transform(bool is_encryption, ByteView wrapping, ByteView input, std::uint8_t* output, std::size_t output_size) {
  const std::string name = "AES-" + std::to_string(wrapping.size() * 8) + "-WRAP";
  const Owned<EVP_CIPHER> cipher(EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr));
  const Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  if (!cipher || !context) return false;
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  int size = 0;
  return EVP_CipherInit_ex2(context.get(), cipher.get(), wrapping.data(), nullptr, is_encryption ? 1 : 0, nullptr) ==
             1 &&
         EVP_CipherUpdate(context.get(), output, &size, input.data(), static_cast<int>(input.size())) == 1 &&
         static_cast<std::size_t>(size) == output_size;
}

OSSL_PARAM octets(const char* name, ByteView bytes) {
  auto* data = const_cast<std::uint8_t*>(bytes.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast): only read
  return OSSL_PARAM_construct_octet_string(name, data, bytes.size());
}

}  // namespace

Result<Bytes> wrap_key(ByteView wrapping, ByteView key) {
  Bytes wrapped(key.size() + cose::kWrapOverhead);
  if (transform(true, wrapping, key, wrapped.data(), wrapped.size())) return wrapped;
  return openssl_failure("wrap a key");
}

Result<Secret> unwrap_key(ByteView wrapping, ByteView wrapped) {
  if (wrapped.size() <= cose::kWrapOverhead) return Error{Errc::invalid, "a wrapped key that is too short"};
  Secret key(wrapped.size() - cose::kWrapOverhead);
  if (transform(false, wrapping, wrapped, key.data(), key.size())) return key;
  ERR_clear_error();
  return Error{Errc::unauthenticated, "the wrapped key is not for this key"};
}

Result<Secret> agree(EVP_PKEY* own, EVP_PKEY* peer) {
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, own, where_it_is(own).c_str()));
  std::size_t size = 0;
  bool is_good =
      context && EVP_PKEY_derive_init(context.get()) == 1 && EVP_PKEY_derive_set_peer_ex(context.get(), peer, 0) == 1;
  // From here on a point on the curve of an EC key can do no wrong: what fails is whoever has the private key.
  const bool is_fitting = is_good && EVP_PKEY_is_a(own, "EC") == 1;
  is_good = is_good && EVP_PKEY_derive(context.get(), nullptr, &size) == 1;
  Secret secret(size);
  is_good = is_good && EVP_PKEY_derive(context.get(), secret.data(), &size) == 1 && size == secret.size();
  if (is_good) return secret;
  if (is_fitting)
    return Error{Errc::unavailable, "the private key does not work at the moment: " + take_openssl_error()};
  return Error{Errc::invalid, "no key agreement with this public key: " + take_openssl_error()};
}

Result<Secret> derive_key(ByteView secret, ByteView salt, ByteView info, std::size_t size, std::size_t digest_bytes) {
  const Owned<EVP_KDF> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const Owned<EVP_KDF_CTX> context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  std::string hash = EVP_MD_get0_name(sha2_of(digest_bytes));
  const OSSL_PARAM no_salt = OSSL_PARAM_construct_end();
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash.data(), 0),
      octets(OSSL_KDF_PARAM_KEY, secret),
      octets(OSSL_KDF_PARAM_INFO, info),
      salt.empty() ? no_salt : octets(OSSL_KDF_PARAM_SALT, salt),
      OSSL_PARAM_construct_end(),
  };
  Secret derived(size);
  if (context && EVP_KDF_derive(context.get(), derived.data(), derived.size(), parameters) == 1) return derived;
  return openssl_failure("derive a key");
}

Result<Owned<EVP_PKEY>> generate_key(cose::Curve curve) {
  const std::string name(cose::facts_of(curve).name);
  Owned<EVP_PKEY> key(curve == cose::Curve::x25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519")
                                                   : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", name.c_str()));
  if (!key) return openssl_failure("make a key");
  return key;
}

}  // namespace hg::crypto
