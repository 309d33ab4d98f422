// SPDX-License-Identifier: Apache-2.0
// Ownership of OpenSSL's objects and the text of its errors. Private to adapters/crypto.
#pragma once

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>
#include <string>

namespace hg::crypto {

struct OpensslDeleter {
  void operator()(BIO* object) const { BIO_free(object); }
  void operator()(ECDSA_SIG* object) const { ECDSA_SIG_free(object); }
  void operator()(EVP_MD_CTX* object) const { EVP_MD_CTX_free(object); }
  void operator()(EVP_PKEY* object) const { EVP_PKEY_free(object); }
  void operator()(EVP_PKEY_CTX* object) const { EVP_PKEY_CTX_free(object); }
};

template <class T>
using Owned = std::unique_ptr<T, OpensslDeleter>;

/// The reason of the oldest error in this thread's queue, which is emptied.
inline std::string take_openssl_error() {
  const unsigned long code = ERR_get_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown error";
}

}  // namespace hg::crypto
