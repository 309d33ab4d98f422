// SPDX-License-Identifier: Apache-2.0
// Fetches one private key through OSSL_STORE: a PEM or DER file, or whatever URI a loaded provider understands
// ("pkcs11:..."). Decides nothing about its use. Called by private_key and content_keys.
#pragma once

#include <string>
#include <string_view>

#include "adapters/crypto/openssl.hpp"

namespace hg::crypto {

/// Makes a provider of OpenSSL known beside its own ("tpm2"), for the life of the process: keys that came from it need
/// it. Errors: not_found, with what OpenSSL says and what to install.
Result<void> load_provider(const std::string& name);

/// A path or a URI. Nobody is ever asked for a passphrase. Errors, none of which shows anything of the key: not_found
/// (nothing there, or no provider for the URI), denied (it needs a passphrase), invalid (no key, or more than one).
Result<Owned<EVP_PKEY>> load_private_key(const std::string& uri);

/// The same from the text of a PEM file.
Result<Owned<EVP_PKEY>> private_key_from_pem(std::string_view pem);

}  // namespace hg::crypto
