// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/store_key.hpp"

#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>

#include "adapters/crypto/key_wrap.hpp"

namespace hg::crypto {
namespace {

constexpr std::uint8_t kForm = 1;
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kHead = 1 + kNonce;

/// Key, nonce and additional data are in. The context has the key's schedule: it must go as soon as it is done with.
Owned<EVP_CIPHER_CTX> start(ByteView key, ByteView nonce, ByteView purpose, bool is_sealing) {
  Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  const Owned<EVP_CIPHER> cipher(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  int size = 0;
  const bool is_ready =
      context && cipher &&
      EVP_CipherInit_ex2(context.get(), cipher.get(), key.data(), nonce.data(), is_sealing ? 1 : 0, nullptr) == 1 &&
      EVP_CipherUpdate(context.get(), nullptr, &size, purpose.data(), static_cast<int>(purpose.size())) == 1;
  return is_ready ? std::move(context) : nullptr;
}

bool transform(EVP_CIPHER_CTX* context, ByteView input, std::uint8_t* output) {
  int size = 0;
  return EVP_CipherUpdate(context, output, &size, input.data(), static_cast<int>(input.size())) == 1;
}

/// Nothing comes out at the end; the tag is made or checked.
bool finish(EVP_CIPHER_CTX* context) {
  std::array<std::uint8_t, EVP_MAX_BLOCK_LENGTH> rest{};
  int size = 0;
  return EVP_CipherFinal_ex(context, rest.data(), &size) == 1;
}

Error not_ours() {
  ERR_clear_error();
  return Error{Errc::unauthenticated,
               "a sealed key that does not open: it was sealed under another store key or for something else, or was "
               "changed since"};
}

}  // namespace

Result<StoreKey> StoreKey::generate() {
  auto key = ContentKey::generate(kCipher);
  if (!key) return key.error();
  return StoreKey(std::move(*key));
}

Result<Bytes> StoreKey::seal(ByteView secret, ByteView purpose) const {
  Bytes sealed(kHead + secret.size() + kTag);
  sealed[0] = kForm;
  if (RAND_bytes(sealed.data() + 1, kNonce) != 1) return openssl_failure("random bytes");
  const auto context = start(key_.bytes(), ByteView(sealed).subspan(1, kNonce), purpose, true);
  const bool is_good =
      context && transform(context.get(), secret, sealed.data() + kHead) && finish(context.get()) &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTag, sealed.data() + kHead + secret.size()) == 1;
  if (!is_good) return openssl_failure("seal a key");
  return sealed;
}

Result<Secret> StoreKey::open(ByteView sealed, ByteView purpose) const {
  if (sealed.size() <= kHead + kTag || sealed[0] != kForm) return not_ours();
  const ByteView ciphertext = sealed.subspan(kHead, sealed.size() - kHead - kTag);
  std::array<std::uint8_t, kTag> tag{};
  std::ranges::copy(sealed.last(kTag), tag.begin());
  Secret secret(ciphertext.size());
  const auto context = start(key_.bytes(), sealed.subspan(1, kNonce), purpose, false);
  const bool is_good = context && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) == 1 &&
                       transform(context.get(), ciphertext, secret.data()) && finish(context.get());
  if (!is_good) return not_ours();
  return secret;
}

Result<Digest> StoreKey::fingerprint(ByteView secret, std::string_view kind) const {
  const std::string info = "headgate fingerprint 1 " + std::string(kind);
  const auto key = derive_key(key_.bytes(), {}, as_bytes(info), 32);
  if (!key) return key.error();
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> tag{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key->view().data(), static_cast<int>(key->size()), secret.data(), secret.size(), tag.data(),
           &size) == nullptr) {
    return openssl_failure("fingerprint a key");
  }
  return *Digest::from_bytes(ByteView(tag).first(size));
}

}  // namespace hg::crypto
