// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/public_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <optional>

#include "adapters/crypto/ed25519_point.hpp"
#include "adapters/crypto/hashes.hpp"

namespace hg::crypto {
namespace {

using cose::Curve;
using namespace std::string_view_literals;

constexpr int kSmallestRsaBits = 2048;
constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::uint8_t kUncompressed = 0x04;  // SEC 1 §2.3.3

struct GroupName {
  Curve curve;
  std::string_view name;  ///< OpenSSL's
};
constexpr GroupName kGroups[] = {{Curve::p256, "prime256v1"}, {Curve::p384, "secp384r1"}, {Curve::p521, "secp521r1"}};

/// What stands before the point in a SubjectPublicKeyInfo (RFC 5480 §2, RFC 8410 §4), which has one form in DER for a
/// named curve and an uncompressed point. OpenSSL's own decoder takes longer than a key agreement.
struct SpkiHead {
  Curve curve;
  std::string_view bytes;  ///< for EC with the byte that says "uncompressed"
};
constexpr SpkiHead kSpkiHeads[] = {
    {Curve::p256,
     "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"sv},
    {Curve::p384, "\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04"sv},
    {Curve::p521,
     "\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23\x03\x81\x86\x00\x04"sv},
    {Curve::x25519, "\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\x00"sv},
    {Curve::ed25519, "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"sv}};

/// Slices of `der`, if it has that form.
std::optional<cose::PublicKey> read_spki(ByteView der) {
  for (const SpkiHead& head : kSpkiHeads) {
    const cose::CurveFacts& facts = cose::facts_of(head.curve);
    const std::size_t coordinates = facts.key_type == cose::kKeyTypeEc2 ? 2 : 1;
    if (der.size() != head.bytes.size() + coordinates * facts.coordinate_size) continue;
    if (!std::ranges::equal(der.first(head.bytes.size()), as_bytes(head.bytes))) continue;
    const ByteView point = der.subspan(head.bytes.size());
    return cose::PublicKey{head.curve, point.first(facts.coordinate_size), point.subspan(facts.coordinate_size), 0};
  }
  return std::nullopt;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

int no_password(char*, int, int, void*) {
  return -1;
}

/// An affine coordinate, as long as the curve's field; empty if there is none.
Bytes coordinate_of(const EVP_PKEY* key, const char* name, std::size_t size) {
  BIGNUM* number = nullptr;
  const int has_it = EVP_PKEY_get_bn_param(key, name, &number);
  const Owned<BIGNUM> owned(number);
  Bytes bytes(size);
  if (has_it == 1 && BN_bn2binpad(number, bytes.data(), static_cast<int>(size)) == static_cast<int>(size)) return bytes;
  ERR_clear_error();
  return {};
}

Result<Point> point_of_ec(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) {
    ERR_clear_error();
    return Error{Errc::unsupported, "an elliptic curve without a name is not accepted"};
  }
  const std::string_view group(name.data(), size);
  const auto* known = std::ranges::find(kGroups, group, &GroupName::name);
  if (known == std::end(kGroups)) {
    return Error{Errc::unsupported, "curve " + std::string(group) + " is not accepted"};
  }
  const std::size_t coordinate = cose::facts_of(known->curve).coordinate_size;
  Point point{known->curve, coordinate_of(key, OSSL_PKEY_PARAM_EC_PUB_X, coordinate),
              coordinate_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, coordinate)};
  if (point.x.empty() || point.y.empty()) return Error{Errc::invalid, "an EC key without a public point"};
  return point;
}

Result<Point> point_of_raw(const EVP_PKEY* key, Curve curve) {
  std::size_t size = cose::facts_of(curve).coordinate_size;
  Bytes bytes(size);
  if (EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) != 1) return openssl_failure("read a public key");
  return Point{curve, std::move(bytes), {}};
}

Result<Owned<EVP_PKEY>> ec_key_from(const cose::PublicKey& key) {
  const auto* group = std::ranges::find(kGroups, key.curve, &GroupName::curve);
  std::string name(group->name);
  Bytes point{kUncompressed};
  point.insert(point.end(), key.x.begin(), key.x.end());
  point.insert(point.end(), key.y.begin(), key.y.end());
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end(),
  };
  EVP_PKEY* made = nullptr;
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  const bool is_made = context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                       EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters) == 1;
  Owned<EVP_PKEY> owned(made);
  const Owned<EVP_PKEY_CTX> check(is_made ? EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr) : nullptr);
  // Quick: without the multiplication by the order. These curves have no cofactor, so that every point on them, but the
  // one at infinity, has the right order.
  const bool is_good = check && EVP_PKEY_public_check_quick(check.get()) == 1;
  ERR_clear_error();
  if (!is_good) return Error{Errc::invalid, "a point that is not on its curve"};
  return owned;
}

Result<Owned<EVP_PKEY>> raw_key_from(const cose::PublicKey& key) {
  if (key.curve == Curve::ed25519) {
    if (auto checked = check_ed25519_point(key.x); !checked) return checked.error();
  }
  const char* type = key.curve == Curve::ed25519 ? "ED25519" : "X25519";
  Owned<EVP_PKEY> made(EVP_PKEY_new_raw_public_key_ex(nullptr, type, nullptr, key.x.data(), key.x.size()));
  if (!made) return openssl_failure("make a public key");
  return made;
}

}  // namespace

Result<Point> point_of(const EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (EVP_PKEY_is_a(key, "EC") == 1) return point_of_ec(key);
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return point_of_raw(key, Curve::ed25519);
  if (EVP_PKEY_is_a(key, "X25519") == 1) return point_of_raw(key, Curve::x25519);
  const char* name = EVP_PKEY_get0_type_name(key);
  const std::string label =
      (name != nullptr ? std::string(name) : "unknown") + " key of " + std::to_string(bits) + " bits";
  const bool is_rsa = EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1;
  if (is_rsa && bits < kSmallestRsaBits) return Error{Errc::unsupported, label + " is too weak"};
  return Error{Errc::unsupported, label + " is not accepted"};
}

Result<Owned<EVP_PKEY>> key_from(const cose::PublicKey& key) {
  return cose::facts_of(key.curve).key_type == cose::kKeyTypeEc2 ? ec_key_from(key) : raw_key_from(key);
}

Result<Owned<EVP_PKEY>> key_from_pem(std::string_view pem) {
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return Error{Errc::invalid, "a private key where a public one must be"};
  }
  if (count_of(pem, kBegin) != 1) return Error{Errc::invalid, "not exactly one PEM block"};
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Owned<EVP_PKEY> key(bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr) : nullptr);
  if (!key) return Error{Errc::invalid, "no PEM public key: " + take_openssl_error()};
  const auto point = point_of(key.get());
  if (!point) return point.error();
  return key_from(point->view());
}

Result<Owned<EVP_PKEY>> key_from_spki(ByteView der) {
  if (const auto known = read_spki(der)) return key_from(*known);
  const std::uint8_t* next = der.data();
  const Owned<EVP_PKEY> key(d2i_PUBKEY(nullptr, &next, static_cast<long>(der.size())));
  if (!key) return Error{Errc::invalid, "no SubjectPublicKeyInfo: " + take_openssl_error()};
  if (next != der.data() + der.size()) return Error{Errc::invalid, "bytes after a SubjectPublicKeyInfo"};
  const auto point = point_of(key.get());
  if (!point) return point.error();
  return key_from(point->view());
}

Digest key_id_of(const cose::PublicKey& key) {
  const auto* head = std::ranges::find(kSpkiHeads, key.curve, &SpkiHead::curve);
  Sha256 hash;
  hash.update(as_bytes(head->bytes));
  hash.update(key.x);
  hash.update(key.y);
  return hash.finish();
}

Result<Digest> key_id_of(EVP_PKEY* key) {
  const auto point = point_of(key);
  if (!point) return point.error();
  return key_id_of(point->view());
}

Result<Digest> key_id_of_pem(std::string_view pem) {
  const auto key = key_from_pem(pem);
  if (!key) return key.error();
  return key_id_of(key->get());
}

Result<Bytes> cose_key_from_pem(std::string_view pem) {
  const auto key = key_from_pem(pem);
  if (!key) return key.error();
  const auto point = point_of(key->get());
  if (!point) return point.error();
  return cose::write_key(point->view());
}

Result<std::string> pem_of(EVP_PKEY* key) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PUBKEY(bio.get(), key) != 1) return openssl_failure("write a public key");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

}  // namespace hg::crypto
