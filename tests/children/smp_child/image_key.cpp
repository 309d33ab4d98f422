// SPDX-License-Identifier: Apache-2.0
#include "image_key.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/pem.h>

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "files.hpp"

namespace smp_child {
namespace {

constexpr std::uint16_t kEncKw = 0x31, kEncEc256 = 0x32, kEncX25519 = 0x33;
constexpr std::string_view kInfo = "MCUBoot_ECIES_v1";
constexpr std::size_t kMacSize = 32, kPointSize = 65, kX25519Size = 32;

using Pair = std::shared_ptr<EVP_PKEY>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Pair own(EVP_PKEY* key) {
  return {key, EVP_PKEY_free};
}

bool is(const EVP_PKEY* key, const char* name) {
  return key != nullptr && EVP_PKEY_is_a(key, name) == 1;
}

std::optional<Bytes> hkdf_sha256(ByteView secret, std::size_t size) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(kdf.get()), EVP_KDF_CTX_free);
  std::string digest = "SHA256", info(kInfo);
  Bytes key(secret.begin(), secret.end()), out(size);
  const std::array<OSSL_PARAM, 4> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()), OSSL_PARAM_construct_end()};
  if (EVP_KDF_derive(context.get(), out.data(), out.size(), parameters.data()) != 1) return std::nullopt;
  return out;
}

std::optional<Bytes> unwrap_kw(ByteView value, ByteView key) {
  const bool fits = (key.size() == 16 && value.size() == 24) || (key.size() == 32 && value.size() == 40);
  if (!fits) return std::nullopt;
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  Bytes out(value.size());
  int size = 0;
  const EVP_CIPHER* cipher = key.size() == 16 ? EVP_aes_128_wrap() : EVP_aes_256_wrap();
  if (EVP_DecryptInit_ex(context.get(), cipher, nullptr, key.data(), nullptr) != 1 ||
      EVP_DecryptUpdate(context.get(), out.data(), &size, value.data(), static_cast<int>(value.size())) != 1) {
    return std::nullopt;
  }
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

ImageKey ImageKey::load(const std::filesystem::path& file) {
  const std::string text = read_text(file);
  ImageKey key;
  if (text.size() == 16 || text.size() == 32) {
    key.raw_.assign(text.begin(), text.end());
    return key;
  }
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
                                                     BIO_free);
  key.pair_ = own(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  if (is(key.pair_.get(), "EC") || is(key.pair_.get(), "X25519")) return key;
  throw std::runtime_error("no P-256 or X25519 private key, nor 16 or 32 bytes: " + file.string());
}

std::optional<Bytes> ImageKey::open(const WrappedKey& wrapped) const {
  switch (wrapped.type) {
    case kEncKw:
      return unwrap_kw(wrapped.value, raw_);
    case kEncEc256:
      return is(pair_.get(), "EC") ? open_ecies(wrapped.value, kPointSize) : std::nullopt;
    case kEncX25519:
      return is(pair_.get(), "X25519") ? open_ecies(wrapped.value, kX25519Size) : std::nullopt;
    default:
      return std::nullopt;
  }
}

/// Ephemeral public key, MAC, encrypted content key. The derived bytes are the AES key and the MAC key.
std::optional<Bytes> ImageKey::open_ecies(ByteView value, std::size_t public_size) const {
  const std::size_t head = public_size + kMacSize;
  if (value.size() != head + 16 && value.size() != head + 32) return std::nullopt;
  const ByteView mac = value.subspan(public_size, kMacSize), sealed = value.subspan(head);
  const auto secret = shared_secret(value.first(public_size));
  const auto derived = secret ? hkdf_sha256(*secret, sealed.size() + kMacSize) : std::nullopt;
  if (!derived) return std::nullopt;
  std::array<std::uint8_t, kMacSize> right{};
  HMAC(EVP_sha256(), derived->data() + sealed.size(), kMacSize, sealed.data(), sealed.size(), right.data(), nullptr);
  if (CRYPTO_memcmp(right.data(), mac.data(), kMacSize) != 0) return std::nullopt;
  Bytes key(sealed.begin(), sealed.end());
  apply_content_key(key, ByteView(*derived).first(sealed.size()));
  return key;
}

std::optional<Bytes> ImageKey::shared_secret(ByteView public_key) const {
  const Pair peer = own(EVP_PKEY_new());
  if (EVP_PKEY_copy_parameters(peer.get(), pair_.get()) != 1 && EVP_PKEY_set_type(peer.get(), EVP_PKEY_X25519) != 1) {
    return std::nullopt;
  }
  if (EVP_PKEY_set1_encoded_public_key(peer.get(), public_key.data(), public_key.size()) != 1) return std::nullopt;
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(EVP_PKEY_CTX_new(pair_.get(), nullptr),
                                                                            EVP_PKEY_CTX_free);
  std::size_t size = 32;
  Bytes secret(size);
  if (EVP_PKEY_derive_init(context.get()) != 1 || EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
      EVP_PKEY_derive(context.get(), secret.data(), &size) != 1) {
    return std::nullopt;
  }
  return secret;
}

void apply_content_key(std::span<std::uint8_t> payload, ByteView key) {
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const std::array<std::uint8_t, 16> counter{};
  const EVP_CIPHER* cipher = key.size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
  int size = 0;
  if (EVP_EncryptInit_ex(context.get(), cipher, nullptr, key.data(), counter.data()) != 1 ||
      EVP_EncryptUpdate(context.get(), payload.data(), &size, payload.data(), static_cast<int>(payload.size())) != 1) {
    throw std::runtime_error("AES-CTR failed");
  }
}

}  // namespace smp_child
