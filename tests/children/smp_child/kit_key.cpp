// SPDX-License-Identifier: Apache-2.0
#include "kit_key.hpp"

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "files.hpp"

namespace smp_child {
namespace {

constexpr std::int32_t kHmac = 5, kEs256 = -7, kEdDsa = -8;
constexpr std::size_t kHalf = 32;  // r or s
constexpr std::size_t kLongestDer = 72;

using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using Signature = std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)>;

Bytes from_hex(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == ' '; });
  Bytes bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char* digits = text.data() + 2 * i;
    if (std::from_chars(digits, digits + 2, bytes[i], 16).ptr != digits + 2) bytes.clear();
  }
  if (bytes.empty() || text.size() % 2 != 0) throw std::runtime_error("--kit-key is neither hexadecimal nor PEM");
  return bytes;
}

const EVP_MD* hash_for(std::int32_t algorithm) {
  return algorithm == kEs256 ? EVP_sha256() : nullptr;
}

std::int32_t algorithm_of(const EVP_PKEY* key) {
  return EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ? kEdDsa : kEs256;
}

/// r and s, 32 bytes each, of an ECDSA signature in DER; empty if it is none.
Bytes plain_from_der(ByteView der) {
  const std::uint8_t* at = der.data();
  const Signature both(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), ECDSA_SIG_free);
  Bytes plain(2 * kHalf);
  const bool fits = both && BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), plain.data(), kHalf) == kHalf &&
                    BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), plain.data() + kHalf, kHalf) == kHalf;
  return fits ? plain : Bytes{};
}

Bytes der_from_plain(ByteView plain) {
  const Signature both(ECDSA_SIG_new(), ECDSA_SIG_free);
  ECDSA_SIG_set0(both.get(), BN_bin2bn(plain.data(), kHalf, nullptr), BN_bin2bn(plain.data() + kHalf, kHalf, nullptr));
  Bytes der(kLongestDer);
  std::uint8_t* at = der.data();
  der.resize(static_cast<std::size_t>(i2d_ECDSA_SIG(both.get(), &at)));
  return der;
}

}  // namespace

KitKey::KitKey(const std::filesystem::path& own, const std::filesystem::path& gateways) {
  if (own.empty()) return;
  const std::string text = read_text(own);
  if (text.find("-----BEGIN") == std::string::npos) {
    secret_ = from_hex(text);
  } else {
    own_ = read_pem(own, true);
    gateways_ = read_pem(gateways, false);
  }
}

KitKey::Key KitKey::read_pem(const std::filesystem::path& file, bool is_private) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_file(file.c_str(), "r"), BIO_free);
  Key key(nullptr, EVP_PKEY_free);
  if (bio) {
    key.reset(is_private ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr)
                         : PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  }
  if (!key) throw std::runtime_error("no key in " + file.string());
  return key;
}

std::int32_t KitKey::algorithm() const {
  if (own_) return algorithm_of(own_.get());
  return secret_.empty() ? 0 : kHmac;
}

Bytes KitKey::tag(ByteView message) const {
  if (!own_) {
    Bytes mac(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), message.data(), message.size(), mac.data(),
         &size);
    mac.resize(size);
    return mac;
  }
  const Digest context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  Bytes signature(kLongestDer);
  std::size_t size = signature.size();
  const bool made = EVP_DigestSignInit(context.get(), nullptr, hash_for(algorithm()), nullptr, own_.get()) == 1 &&
                    EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1;
  signature.resize(made ? size : 0);
  return made && algorithm() == kEs256 ? plain_from_der(signature) : signature;
}

bool KitKey::holds(ByteView message, ByteView tag) const {
  if (!gateways_ || tag.size() != 2 * kHalf) return false;
  const std::int32_t algorithm = algorithm_of(gateways_.get());
  const Bytes signature = algorithm == kEs256 ? der_from_plain(tag) : Bytes(tag.begin(), tag.end());
  const Digest context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return EVP_DigestVerifyInit(context.get(), nullptr, hash_for(algorithm), nullptr, gateways_.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

}  // namespace smp_child
