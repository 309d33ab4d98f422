// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/key_store.hpp"

namespace hg::crypto {
namespace {

/// The user interface that OpenSSL asks for passphrases: it says no, and `was_asked` tells that it was.
int refuse_to_answer(UI* ui) {
  *static_cast<bool*>(UI_get0_user_data(ui)) = true;
  return 0;
}

Owned<UI_METHOD> no_interface() {
  Owned<UI_METHOD> method(UI_create_method("no passphrases"));
  if (method) UI_method_set_opener(method.get(), refuse_to_answer);
  return method;
}

/// All private keys that the store has, which should be one.
Result<Owned<EVP_PKEY>> take_only_key(OSSL_STORE_CTX* store, const bool& was_asked) {
  Owned<EVP_PKEY> key;
  while (OSSL_STORE_eof(store) != 1) {
    const Owned<OSSL_STORE_INFO> info(OSSL_STORE_load(store));
    if (!info || OSSL_STORE_INFO_get_type(info.get()) != OSSL_STORE_INFO_PKEY) continue;
    if (key) return Error{Errc::invalid, "more than one private key"};
    key.reset(OSSL_STORE_INFO_get1_PKEY(info.get()));
  }
  if (was_asked) return Error{Errc::denied, "a key with a passphrase, which nobody is asked for here"};
  if (!key) return Error{Errc::invalid, "no private key"};
  return key;
}

Result<Owned<EVP_PKEY>> take_key(const Owned<OSSL_STORE_CTX>& store, const bool& was_asked) {
  if (!store) return Error{Errc::not_found, take_openssl_error()};
  OSSL_STORE_expect(store.get(), OSSL_STORE_INFO_PKEY);
  auto key = take_only_key(store.get(), was_asked);
  ERR_clear_error();
  return key;
}

}  // namespace

Result<void> load_provider(const std::string& name) {
  // The default one first and by name: it is not there by itself any more once another one is loaded, and what several
  // providers do (a TPM hashes, too, slowly) is then done by it.
  for (const char* each : {"default", name.c_str()}) {
    if (OSSL_PROVIDER_load(nullptr, each) != nullptr) continue;
    return Error{Errc::not_found,
                 "OpenSSL provider " + std::string(each) + ": " + take_openssl_error() +
                     "; is it installed (tpm2: Debian's tpm2-openssl), and may the daemon use its device?"};
  }
  return {};
}

Result<Owned<EVP_PKEY>> load_private_key(const std::string& uri) {
  bool was_asked = false;
  const Owned<UI_METHOD> method = no_interface();
  const Owned<OSSL_STORE_CTX> store(OSSL_STORE_open(uri.c_str(), method.get(), &was_asked, nullptr, nullptr));
  auto key = take_key(store, was_asked);
  if (!key) return key.error().within("private key " + uri);
  return key;
}

Result<Owned<EVP_PKEY>> private_key_from_pem(std::string_view pem) {
  bool was_asked = false;
  const Owned<UI_METHOD> method = no_interface();
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Owned<OSSL_STORE_CTX> store(
      OSSL_STORE_attach(bio.get(), "file", nullptr, nullptr, method.get(), &was_asked, nullptr, nullptr, nullptr));
  auto key = take_key(store, was_asked);
  if (!key) return key.error().within("private key");
  return key;
}

}  // namespace hg::crypto
