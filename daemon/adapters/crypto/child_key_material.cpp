// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/child_key_material.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "adapters/crypto/hashes.hpp"
#include "adapters/crypto/public_keys.hpp"

namespace hg::crypto {
namespace {

using core::KeyKind;
using core::KeyUse;

constexpr std::string_view kPem = "-----BEGIN ";
constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostKid = 32;

struct UseRule {
  KeyUse use;
  std::string_view wanted;
  KeyKind secret;
  std::size_t least, most, step;  ///< bytes of the secret
};
constexpr UseRule kRules[] = {
    {KeyUse::wrap, "a public key of P-256 or X25519, or 16 or 32 secret bytes", KeyKind::aes, 16, 32, 16},
    {KeyUse::identify, "a public key of P-256 or Ed25519, or 32 secret bytes", KeyKind::hmac, 32, 32, 1},
    {KeyUse::link, "a certificate, 16 to 64 secret bytes, or the six decimal digits of a passkey", KeyKind::psk, 16, 64,
     1},
};

const UseRule& rule_of(KeyUse use) {
  return *std::ranges::find(kRules, use, &UseRule::use);
}

Error not_wanted(Errc code, const UseRule& rule, std::string_view found) {
  return Error{code, std::string(found) + ": for " + std::string(core::name_of(rule.use)) + " it must be " +
                         std::string(rule.wanted)};
}

bool has_size(const UseRule& rule, std::size_t bytes) {
  return bytes >= rule.least && bytes <= rule.most && bytes % rule.step == 0;
}

// ------------------------------------------------------------------------------------------------------ public halves

std::optional<KeyKind> kind_of(KeyUse use, cose::Curve curve) {
  if (curve == cose::Curve::p256 && use != KeyUse::link) return KeyKind::p256;
  if (curve == cose::Curve::x25519 && use == KeyUse::wrap) return KeyKind::x25519;
  if (curve == cose::Curve::ed25519 && use == KeyUse::identify) return KeyKind::ed25519;
  return std::nullopt;
}

Result<Bytes> der_of(EVP_PKEY* key) {
  std::uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return openssl_failure("encode a public key");
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

/// One form for each key, whatever it came in.
Result<ChildKeyMaterial> take_public_key(const UseRule& rule, EVP_PKEY* key) {
  const auto point = point_of(key);
  if (!point) return not_wanted(point.error().code, rule, point.error().message);
  const auto kind = kind_of(rule.use, point->curve);
  if (!kind) {
    return not_wanted(Errc::unsupported, rule, "a public key of " + std::string(cose::facts_of(point->curve).name));
  }
  auto der = der_of(key);
  if (!der) return der.error();
  return ChildKeyMaterial{*kind, Sha256::of(*der), std::move(*der)};
}

struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using OwnedCertificate = std::unique_ptr<X509, FreeCertificate>;

int no_password(char*, int, int, void*) {
  return -1;
}

Result<ChildKeyMaterial> take_certificate(const UseRule& rule, X509* certificate) {
  if (rule.use != KeyUse::link) return not_wanted(Errc::unsupported, rule, "a certificate");
  const auto point = point_of(X509_get0_pubkey(certificate));
  if (!point) return point.error().within("certificate");
  std::uint8_t* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return openssl_failure("encode a certificate");
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return ChildKeyMaterial{KeyKind::certificate, Sha256::of(bytes), std::move(bytes)};
}

Result<ChildKeyMaterial> read_public_key(const UseRule& rule, std::string_view pem) {
  const auto key = key_from_pem(pem);
  if (!key) return not_wanted(key.error().code, rule, key.error().message);
  return take_public_key(rule, key->get());
}

Result<ChildKeyMaterial> read_certificate(const UseRule& rule, std::string_view pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const OwnedCertificate certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr) : nullptr);
  if (!certificate) return Error{Errc::invalid, "no PEM certificate: " + take_openssl_error()};
  return take_certificate(rule, certificate.get());
}

Result<ChildKeyMaterial> read_pem(const UseRule& rule, std::string_view pem) {
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return not_wanted(Errc::invalid, rule, "a private key, which belongs to the child alone");
  }
  if (pem.find(kPem, pem.find(kPem) + 1) != std::string_view::npos) {
    return not_wanted(Errc::invalid, rule, "more than one PEM block");
  }
  const bool is_certificate = pem.find("-----BEGIN CERTIFICATE-----") != std::string_view::npos;
  return is_certificate ? read_certificate(rule, pem) : read_public_key(rule, pem);
}

// ------------------------------------------------------------------------------------------------------------ secrets

int value_of_digit(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

ByteView without_line_end(ByteView text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text = text.first(text.size() - 1);
  return text;
}

bool is_hexadecimal(ByteView text) {
  return text.size() % 2 == 0 && std::ranges::all_of(text, [](std::uint8_t c) { return value_of_digit(c) >= 0; });
}

/// Into locked memory at once, unlike from_hex().
Secret from_digits(ByteView digits) {
  Secret secret(digits.size() / 2);
  for (std::size_t i = 0; i < secret.size(); ++i) {
    secret.data()[i] =
        static_cast<std::uint8_t>(value_of_digit(digits[2 * i]) * 16 + value_of_digit(digits[2 * i + 1]));
  }
  return secret;
}

Result<ChildKeyMaterial> check_secret(ChildKeyMaterial read) {
  const ByteView bytes = read.secret.view();
  if (std::ranges::any_of(bytes, [&](std::uint8_t byte) { return byte != bytes[0]; })) return read;
  return Error{Errc::invalid, "a secret whose bytes are all the same"};
}

/// The digits of a passkey as it stands in a list; empty: it is none. No PSK is taken for one that was chosen at
/// random.
ByteView passkey_in(ByteView listed) {
  if (listed.size() != kListedPasskey) return {};
  const auto is_zero = [](std::uint8_t byte) { return byte == 0; };
  const ByteView digits = listed.first(kPasskeyDigits);
  return is_passkey(digits) && std::ranges::all_of(listed.subspan(kPasskeyDigits), is_zero) ? digits : ByteView();
}

ChildKeyMaterial passkey(Secret digits) {
  return {KeyKind::passkey, {}, {}, std::move(digits)};
}

Result<ChildKeyMaterial> read_secret(const UseRule& rule, ByteView material) {
  const ByteView text = without_line_end(material);
  if (rule.use == KeyUse::link && is_passkey(text)) return passkey(Secret(text));
  ChildKeyMaterial read;
  read.kind = rule.secret;
  if (is_hexadecimal(text) && has_size(rule, text.size() / 2)) {
    read.secret = from_digits(text);
  } else if (has_size(rule, material.size())) {
    read.secret = Secret(material);
  } else {
    return not_wanted(Errc::invalid, rule, std::to_string(material.size()) + " bytes that are no PEM text");
  }
  return check_secret(std::move(read));
}

/// A DER public key or certificate, or a private key: not taken for a secret of some length.
bool looks_like_der(ByteView bytes) {
  constexpr std::size_t kShortest = 44;  // the public half of X25519
  return bytes.size() >= kShortest && bytes[0] == 0x30 && (bytes[1] == bytes.size() - 2 || bytes[1] >= 0x80);
}

}  // namespace

Result<ChildKeyMaterial> read_child_key(KeyUse use, ByteView material) {
  const UseRule& rule = rule_of(use);
  if (material.size() > kMostKeyMaterial) return Error{Errc::too_large, "a key of more than 16 KiB"};
  const std::string_view text(reinterpret_cast<const char*>(material.data()), material.size());
  if (text.find(kPem) != std::string_view::npos) return read_pem(rule, text);
  if (looks_like_der(material)) return not_wanted(Errc::invalid, rule, "DER, not PEM");
  return read_secret(rule, material);
}

Result<ChildKeyMaterial> read_public_child_key(KeyUse use, ByteView der) {
  const UseRule& rule = rule_of(use);
  if (der.size() > kMostKeyMaterial) return Error{Errc::too_large, "a key of more than 16 KiB"};
  if (use != KeyUse::link) {
    const auto key = key_from_spki(der);
    if (!key) return not_wanted(key.error().code, rule, key.error().message);
    return take_public_key(rule, key->get());
  }
  const std::uint8_t* at = der.data();
  const OwnedCertificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate && at == der.data() + der.size()) return take_certificate(rule, certificate.get());
  ERR_clear_error();
  return not_wanted(Errc::invalid, rule, "no certificate in DER");
}

Result<ChildKeyMaterial> read_secret_child_key(KeyUse use, Secret secret) {
  const UseRule& rule = rule_of(use);
  const ByteView digits = passkey_in(secret.view());
  if (use == KeyUse::link && !digits.empty()) return passkey(Secret(digits));
  if (!has_size(rule, secret.size())) {
    return not_wanted(Errc::invalid, rule, std::to_string(secret.size()) + " secret bytes");
  }
  return check_secret({rule.secret, {}, {}, std::move(secret)});
}

Result<void> check_key_name(KeyUse use, KeyKind kind, std::string_view name) {
  const bool is_needed = use == KeyUse::identify || kind == KeyKind::psk;
  const std::size_t most = use == KeyUse::identify ? kMostKid : kMostName;
  const bool is_printable = std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
  if (is_printable && name.size() <= most && !(is_needed && name.empty())) return {};
  return Error{Errc::invalid, "the name of a key for " + std::string(core::name_of(use)) + " must have " +
                                  (is_needed ? "1 to " : "at most ") + std::to_string(most) +
                                  " printable characters without spaces"};
}

}  // namespace hg::crypto
