// SPDX-License-Identifier: Apache-2.0
#include "cose/algorithms.hpp"

#include <algorithm>

namespace hg::cose {
namespace {

constexpr CurveFacts kCurves[] = {
    {Curve::p256, "P-256", kKeyTypeEc2, 32, true},       {Curve::p384, "P-384", kKeyTypeEc2, 48, true},
    {Curve::p521, "P-521", kKeyTypeEc2, 66, true},       {Curve::x25519, "X25519", kKeyTypeOkp, 32, true},
    {Curve::ed25519, "Ed25519", kKeyTypeOkp, 32, false},
};

constexpr auto kSignature = Purpose::signature;
constexpr auto kAgreement = Purpose::key_agreement;
constexpr auto kNone = Curve::none;

// number, name, purpose, curve, key, hash, output, IV, wrapping
constexpr Algorithm kAlgorithms[] = {
    // RFC 9053 §2, RFC 9864
    {-7, "ES256", kSignature, Curve::p256, 0, 32, 64, 0, 0},
    {-9, "ESP256", kSignature, Curve::p256, 0, 32, 64, 0, 0},
    {-35, "ES384", kSignature, Curve::p384, 0, 48, 96, 0, 0},
    {-51, "ESP384", kSignature, Curve::p384, 0, 48, 96, 0, 0},
    {-8, "EdDSA", kSignature, Curve::ed25519, 0, 0, 64, 0, 0},
    {-19, "Ed25519", kSignature, Curve::ed25519, 0, 0, 64, 0, 0},
    // RFC 9053 §3.1
    {5, "HMAC 256/256", Purpose::mac, kNone, 32, 32, 32, 0, 0},
    {6, "HMAC 384/384", Purpose::mac, kNone, 48, 48, 48, 0, 0},
    {7, "HMAC 512/512", Purpose::mac, kNone, 64, 64, 64, 0, 0},
    // RFC 9053 §4.1, §4.3; RFC 9459 §4
    {1, "A128GCM", Purpose::content, kNone, 16, 0, 16, 12, 0},
    {2, "A192GCM", Purpose::content, kNone, 24, 0, 16, 12, 0},
    {3, "A256GCM", Purpose::content, kNone, 32, 0, 16, 12, 0},
    {24, "ChaCha20/Poly1305", Purpose::content, kNone, 32, 0, 16, 12, 0},
    {-65534, "A128CTR", Purpose::content, kNone, 16, 0, 0, 16, 0},
    {-65533, "A192CTR", Purpose::content, kNone, 24, 0, 0, 16, 0},
    {-65532, "A256CTR", Purpose::content, kNone, 32, 0, 0, 16, 0},
    // RFC 9053 §6.2.1, §6.4
    {-3, "A128KW", Purpose::key_wrap, kNone, 16, 0, 0, 0, 0},
    {-4, "A192KW", Purpose::key_wrap, kNone, 24, 0, 0, 0, 0},
    {-5, "A256KW", Purpose::key_wrap, kNone, 32, 0, 0, 0, 0},
    {-29, "ECDH-ES + A128KW", kAgreement, kNone, 16, 32, 0, 0, -3},
    {-30, "ECDH-ES + A192KW", kAgreement, kNone, 24, 32, 0, 0, -4},
    {-31, "ECDH-ES + A256KW", kAgreement, kNone, 32, 32, 0, 0, -5},
};

/// Why those that somebody might expect are not there.
std::string_view note_on(std::int64_t number) {
  return number == 4 ? ": HMAC 256/64, a tag cut to 8 bytes" : std::string_view{};
}

}  // namespace

std::string_view name_of(Purpose purpose) {
  constexpr std::string_view kNames[] = {"signature", "MAC", "content", "key wrap", "key agreement"};
  return kNames[static_cast<std::size_t>(purpose)];
}

const CurveFacts* find_curve(std::int64_t number) {
  const auto* found = std::ranges::find(kCurves, static_cast<Curve>(number), &CurveFacts::curve);
  return found != std::end(kCurves) ? found : nullptr;
}

const CurveFacts& facts_of(Curve curve) {
  return *find_curve(static_cast<std::int64_t>(curve));
}

Result<Algorithm> find_algorithm(std::int64_t number, Purpose purpose) {
  const auto* found = std::ranges::find(kAlgorithms, number, &Algorithm::number);
  const std::string kind(name_of(purpose));
  if (found == std::end(kAlgorithms)) {
    return Error{Errc::unsupported,
                 kind + " algorithm " + std::to_string(number) + " is not accepted" + std::string(note_on(number))};
  }
  if (found->purpose != purpose) {
    return Error{Errc::unsupported, std::string(found->name) + " is no " + kind + " algorithm"};
  }
  return *found;
}

}  // namespace hg::cose
