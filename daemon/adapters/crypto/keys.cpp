// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/keys.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

#include "adapters/crypto/hashes.hpp"
#include "adapters/crypto/public_keys.hpp"
#include "adapters/crypto/signatures.hpp"
#include "base/secret.hpp"

namespace hg::crypto {

using cose::Purpose;

struct Keys::PublicKey {
  std::string name;
  cose::Curve curve = cose::Curve::none;
  std::int64_t algorithm = 0;  ///< the only one; 0: any of the curve
  Digest fingerprint;          ///< SHA-256 of the SubjectPublicKeyInfo
  Owned<EVP_PKEY> key;

  [[nodiscard]] bool is_meant_by(ByteView key_id) const {
    return std::ranges::equal(key_id, as_bytes(name)) || std::ranges::equal(key_id, fingerprint.bytes());
  }
  [[nodiscard]] bool fits(const cose::Algorithm& rule) const {
    return curve == rule.curve && (algorithm == 0 || algorithm == rule.number);
  }
};

struct Keys::MacKey {
  std::string name;
  Secret secret;

  [[nodiscard]] bool is_meant_by(ByteView key_id) const { return std::ranges::equal(key_id, as_bytes(name)); }
  [[nodiscard]] bool fits(const cose::Algorithm& rule) const { return secret.size() == rule.key_size; }
};

namespace {

constexpr std::size_t kMaxPemBytes = 16 * 1024;
constexpr std::size_t kMacKeySizes[] = {32, 48, 64};

/// Whether anything is signed with the curve, and with `algorithm` if that is given.
Result<void> check_use(cose::Curve curve, std::int64_t algorithm) {
  const std::string name(cose::facts_of(curve).name);
  if (algorithm != 0) {
    const auto rule = cose::find_algorithm(algorithm, Purpose::signature);
    if (!rule) return rule.error();
    if (rule->curve == curve) return {};
    return Error{Errc::invalid, "a " + name + " key for " + std::string(rule->name)};
  }
  const bool can_sign = curve == cose::Curve::p256 || curve == cose::Curve::p384 || curve == cose::Curve::ed25519;
  if (can_sign) return {};
  return Error{Errc::unsupported, "a key of curve " + name + " is not accepted, only P-256, P-384 and Ed25519"};
}

/// The one of `keys` that made what `is_made_by` checks; the text of the error says what was looked for.
template <class Key, class Check>
Result<std::string> find_maker(const std::vector<Key>& keys, const cose::Algorithm& rule, ByteView key_id,
                               const Check& is_made_by) {
  const auto meant = std::ranges::find_if(keys, [&](const Key& key) { return key.is_meant_by(key_id); });
  for (const Key& key : keys) {
    if (meant != keys.end() && &key != &*meant) continue;
    if (key.fits(rule) && is_made_by(key)) return key.name;
  }
  const std::string who = meant != keys.end() ? "key " + meant->name : "any trusted key";
  const std::string what = std::string(rule.name) + " " + std::string(name_of(rule.purpose));
  return Error{Errc::unauthenticated, "no " + what + " of " + who};
}

Result<cose::Algorithm> find_rule(std::int64_t algorithm, Purpose purpose, std::size_t size) {
  auto rule = cose::find_algorithm(algorithm, purpose);
  if (!rule || rule->output_size == size) return rule;
  return Error{Errc::unauthenticated, std::string(rule->name) + " " + std::string(name_of(purpose)) + " of " +
                                          std::to_string(size) + " bytes, not " + std::to_string(rule->output_size)};
}

}  // namespace

Keys::Keys() = default;
Keys::~Keys() = default;

std::size_t Keys::size() const {
  return public_keys_.size();
}

Result<void> Keys::add_file(const std::filesystem::path& path) {
  const std::string doing = "trust anchor " + path.string();
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Errc::not_found, "cannot be opened"}.within(doing);
  std::string pem(kMaxPemBytes + 1, '\0');
  file.read(pem.data(), static_cast<std::streamsize>(pem.size()));
  if (file.bad()) return Error{Errc::io, "cannot be read"}.within(doing);
  pem.resize(static_cast<std::size_t>(file.gcount()));
  auto added = add(path.stem().string(), pem);
  if (!added) return added.error().within(doing);
  return {};
}

Result<void> Keys::add(std::string name, std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return Error{Errc::too_large, "more than a key"};
  auto key = key_from_pem(pem);
  if (!key) return key.error();
  const auto point = point_of(key->get());
  if (!point) return point.error();
  return keep(PublicKey{std::move(name), point->curve, 0, {}, std::move(*key)});
}

Result<void> Keys::add_cose_key(std::string name, ByteView cose_key) {
  cbor::Reader reader(cose_key);
  const auto read = cose::read_key(reader);
  if (!read) return read.error();
  if (auto finished = reader.finish(); !finished) return finished.error();
  auto key = key_from(*read);
  if (!key) return key.error();
  return keep(PublicKey{std::move(name), read->curve, read->algorithm, {}, std::move(*key)});
}

Result<void> Keys::add_mac_key(std::string name, ByteView secret) {
  if (auto checked = check_name(name); !checked) return checked.error();
  if (std::ranges::find(kMacKeySizes, secret.size()) == std::end(kMacKeySizes)) {
    return Error{Errc::invalid, "a MAC key of " + std::to_string(secret.size()) + " bytes, not 32, 48 or 64"};
  }
  for (const MacKey& other : mac_keys_) {
    if (equal_in_constant_time(other.secret.view(), secret))
      return Error{Errc::exists, "the same key as " + other.name};
  }
  mac_keys_.push_back(MacKey{std::move(name), Secret(secret)});
  return {};
}

Result<void> Keys::check_name(std::string_view name) const {
  if (name.empty()) return Error{Errc::invalid, "a key without a name"};
  const bool is_taken = std::ranges::find(public_keys_, name, &PublicKey::name) != public_keys_.end() ||
                        std::ranges::find(mac_keys_, name, &MacKey::name) != mac_keys_.end();
  if (is_taken) return Error{Errc::exists, "a second key named " + std::string(name)};
  return {};
}

Result<void> Keys::keep(PublicKey key) {
  if (auto checked = check_use(key.curve, key.algorithm); !checked) return checked.error();
  if (auto checked = check_name(key.name); !checked) return checked.error();
  const auto fingerprint = key_id_of(key.key.get());
  if (!fingerprint) return fingerprint.error();
  const auto same = std::ranges::find(public_keys_, *fingerprint, &PublicKey::fingerprint);
  if (same != public_keys_.end()) return Error{Errc::exists, "the same key as " + same->name};
  key.fingerprint = *fingerprint;
  public_keys_.push_back(std::move(key));
  return {};
}

Result<std::string> Keys::verify(std::int64_t algorithm, ByteView key_id, ByteView to_be_signed,
                                 ByteView signature) const {
  const auto rule = find_rule(algorithm, Purpose::signature, signature.size());
  if (!rule) return rule.error();
  return find_maker(public_keys_, *rule, key_id,
                    [&](const PublicKey& key) { return is_signature(*rule, key.key.get(), to_be_signed, signature); });
}

Result<std::string> Keys::verify_mac(std::int64_t algorithm, ByteView key_id, ByteView to_be_maced,
                                     ByteView tag) const {
  if (mac_keys_.empty()) return Error{Errc::unauthenticated, "a MAC, and no MAC key is trusted"};
  const auto rule = find_rule(algorithm, Purpose::mac, tag.size());
  if (!rule) return rule.error();
  return find_maker(mac_keys_, *rule, key_id,
                    [&](const MacKey& key) { return is_mac(*rule, key.secret.view(), to_be_maced, tag); });
}

Result<Digest> Keys::digest(std::int64_t algorithm, ByteView bytes) const {
  struct Size {
    std::int64_t algorithm;
    std::size_t bytes;
  };
  constexpr Size kSizes[] = {{-16, 32}, {-43, 48}, {-44, 64}};  // RFC 9054 §2.1
  const auto* size = std::ranges::find(kSizes, algorithm, &Size::algorithm);
  if (size == std::end(kSizes)) {
    return Error{Errc::unsupported, "digest algorithm " + std::to_string(algorithm) + " is not accepted"};
  }
  Sha2 hash(size->bytes);
  hash.update(bytes);
  return hash.finish();
}

Digest Keys::sha256(ByteView bytes) const {
  return Sha256::of(bytes);
}

Result<std::unique_ptr<cose::KeyRing>> RingMaker::ring_of(std::span<const cose::NamedKey> keys) const {
  auto ring = std::make_unique<Keys>();
  for (const cose::NamedKey& key : keys) {
    if (auto added = ring->add_cose_key(key.name, key.cose_key); !added) {
      return added.error().within("key " + key.name);
    }
  }
  return std::unique_ptr<cose::KeyRing>(std::move(ring));
}

}  // namespace hg::crypto
