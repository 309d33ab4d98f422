// SPDX-License-Identifier: Apache-2.0
// Ownership of OpenSSL's objects and the text of its errors. Private to adapters/crypto.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hg::crypto {

struct OpensslDeleter {
  void operator()(BIGNUM* object) const { BN_clear_free(object); }
  void operator()(BIO* object) const { BIO_free(object); }
  void operator()(BN_CTX* object) const { BN_CTX_free(object); }
  void operator()(ECDSA_SIG* object) const { ECDSA_SIG_free(object); }
  void operator()(EVP_CIPHER* object) const { EVP_CIPHER_free(object); }
  void operator()(EVP_CIPHER_CTX* object) const { EVP_CIPHER_CTX_free(object); }
  void operator()(EVP_KDF* object) const { EVP_KDF_free(object); }
  void operator()(EVP_KDF_CTX* object) const { EVP_KDF_CTX_free(object); }
  void operator()(EVP_MD_CTX* object) const { EVP_MD_CTX_free(object); }
  void operator()(EVP_PKEY* object) const { EVP_PKEY_free(object); }
  void operator()(EVP_PKEY_CTX* object) const { EVP_PKEY_CTX_free(object); }
  void operator()(OSSL_STORE_CTX* object) const { OSSL_STORE_close(object); }
  void operator()(OSSL_STORE_INFO* object) const { OSSL_STORE_INFO_free(object); }
  void operator()(UI_METHOD* object) const { UI_destroy_method(object); }
};

template <class T>
using Owned = std::unique_ptr<T, OpensslDeleter>;

/// The property query by which OpenSSL looks for an operation where the private key is. Without it a key in a TPM is
/// first exported, which gives its public half only, and the operation fails for want of a private key.
inline std::string where_it_is(const EVP_PKEY* key) {
  const OSSL_PROVIDER* provider = EVP_PKEY_get0_provider(key);
  return provider != nullptr ? std::string("?provider=") + OSSL_PROVIDER_get0_name(provider) : std::string();
}

/// The reason of the oldest error in this thread's queue, which is emptied.
inline std::string take_openssl_error() {
  const unsigned long code = ERR_get_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown error";
}

/// A failure that no input explains.
inline Error openssl_failure(std::string_view doing) {
  return Error{Errc::internal, take_openssl_error()}.within(doing);
}

}  // namespace hg::crypto
