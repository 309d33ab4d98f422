// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/content_keys.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <utility>

#include "adapters/crypto/key_store.hpp"
#include "adapters/crypto/key_wrap.hpp"
#include "adapters/crypto/public_keys.hpp"

namespace hg::crypto {
namespace {

using cose::Purpose;
using cose::Recipient;

Result<cose::Algorithm> wrap_algorithm_of(std::size_t key_size) {
  constexpr std::int64_t kNumbers[] = {-3, -4, -5};
  for (const std::int64_t number : kNumbers) {
    auto algorithm = cose::find_algorithm(number, Purpose::key_wrap);
    if (algorithm && algorithm->key_size == key_size) return algorithm;
  }
  return Error{Errc::invalid, "a key encryption key of " + std::to_string(key_size) + " bytes, not 16, 24 or 32"};
}

/// The point of a key that can agree.
Result<Point> agreement_point_of(const EVP_PKEY* key) {
  auto point = point_of(key);
  if (!point) return point.error();
  const cose::CurveFacts& curve = cose::facts_of(point->curve);
  if (curve.can_agree) return point;
  return Error{Errc::unsupported, std::string(curve.name) + " keys sign, they cannot agree"};
}

/// The result of `open` for the first recipient that it opens, of those that are meant by kid, or of all that fit.
template <class Key, class Fits, class Open>
Result<ContentKey> open_any(const cose::Encrypted& message, const Key& key, const Fits& fits, const Open& open) {
  const auto is_meant = [&](const Recipient& each) { return fits(each) && key.is_meant_by(each.key_id); };
  const bool is_named = std::ranges::any_of(message.recipients, is_meant);
  Error last{Errc::not_found, "no recipient for a key of this type and size"};
  for (std::size_t i = 0; i < message.recipients.size(); ++i) {
    const Recipient& recipient = message.recipients[i];
    if (is_named ? !is_meant(recipient) : !fits(recipient)) continue;
    auto secret = open(recipient);
    if (secret) return ContentKey(std::move(*secret));
    last = secret.error().within("recipient " + std::to_string(i + 1));
    if (last.code == Errc::unavailable) break;  // it may have been the one
  }
  return last;
}

/// The key encryption key that two keys agree on for `recipient`.
Result<Secret> agree_on(EVP_PKEY* own, EVP_PKEY* peer, const Recipient& recipient, std::string_view other) {
  const auto algorithm = cose::find_algorithm(recipient.algorithm, Purpose::key_agreement);
  if (!algorithm) return algorithm.error();
  const auto secret = agree(own, peer);
  if (!secret) return secret.error();
  return derive_key(secret->view(), recipient.salt, cose::kdf_context(recipient, other), algorithm->key_size);
}

Result<Secret> open_by_agreement(const Recipient& recipient, const AgreementKey& key, std::string_view other) {
  const auto peer = key_from(*recipient.ephemeral);
  if (!peer) return peer.error().within("ephemeral key");
  const auto wrapping = agree_on(key.key(), peer->get(), recipient, other);
  if (!wrapping) return wrapping.error();
  return unwrap_key(wrapping->view(), recipient.wrapped_key);
}

}  // namespace

Result<ContentKey> ContentKey::generate(std::int64_t algorithm) {
  const auto rule = cose::find_algorithm(algorithm, Purpose::content);
  if (!rule) return rule.error();
  Secret bytes(rule->key_size);
  if (RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return openssl_failure("random bytes");
  return ContentKey(std::move(bytes));
}

Result<WrapKey> WrapKey::from_bytes(std::string name, ByteView secret) {
  if (auto algorithm = wrap_algorithm_of(secret.size()); !algorithm) return algorithm.error();
  return WrapKey(std::move(name), Secret(secret));
}

bool WrapKey::is_meant_by(ByteView key_id) const {
  return !name_.empty() && std::ranges::equal(key_id, as_bytes(name_));
}

Result<AgreementKey> AgreementKey::load(const std::string& uri, std::string name) {
  auto key = load_private_key(uri);
  if (!key) return key.error();
  auto made = from(std::move(*key), std::move(name));
  if (!made) return made.error().within("private key " + uri);
  return made;
}

Result<AgreementKey> AgreementKey::from_pem(std::string_view pem, std::string name) {
  auto key = private_key_from_pem(pem);
  if (!key) return key.error();
  return from(std::move(*key), std::move(name));
}

Result<AgreementKey> AgreementKey::from(Owned<EVP_PKEY> key, std::string name) {
  const auto point = agreement_point_of(key.get());
  if (!point) return point.error();
  const auto public_key = key_from(point->view());
  if (!public_key) return public_key.error();
  const auto key_id = key_id_of(public_key->get());
  if (!key_id) return key_id.error();
  AgreementKey made;
  made.name_ = std::move(name);
  made.curve_ = point->curve;
  made.key_id_ = *key_id;
  made.cose_key_ = cose::write_key(point->view());
  made.key_ = std::move(key);
  return made;
}

bool AgreementKey::is_meant_by(ByteView key_id) const {
  if (std::ranges::equal(key_id, key_id_.bytes())) return true;
  return !name_.empty() && std::ranges::equal(key_id, as_bytes(name_));
}

Result<RecipientKey> RecipientKey::from_pem(std::string_view pem, Bytes key_id) {
  auto key = key_from_pem(pem);
  if (!key) return key.error();
  return from(std::move(*key), std::move(key_id));
}

Result<RecipientKey> RecipientKey::from_spki(ByteView der, Bytes key_id) {
  auto key = key_from_spki(der);
  if (!key) return key.error();
  return from(std::move(*key), std::move(key_id));
}

Result<RecipientKey> RecipientKey::from_cose_key(ByteView cose_key, Bytes key_id) {
  cbor::Reader reader(cose_key);
  const auto read = cose::read_key(reader);
  if (!read) return read.error();
  if (auto finished = reader.finish(); !finished) return finished.error();
  if (read->algorithm != 0 && read->algorithm != kEcdhA128Kw) {
    return Error{Errc::invalid, "a key for algorithm " + std::to_string(read->algorithm) + " only"};
  }
  auto key = key_from(*read);
  if (!key) return key.error();
  return from(std::move(*key), std::move(key_id));
}

Result<RecipientKey> RecipientKey::from(Owned<EVP_PKEY> key, Bytes key_id) {
  const auto point = agreement_point_of(key.get());
  if (!point) return point.error();
  const Digest digest = key_id_of(point->view());
  RecipientKey made;
  made.curve_ = point->curve;
  made.key_id_ = key_id.empty() ? Bytes(digest.bytes().begin(), digest.bytes().end()) : std::move(key_id);
  made.key_ = std::move(key);
  return made;
}

Result<ContentKey> unwrap(const cose::Encrypted& message, const WrapKey& key) {
  const auto algorithm = wrap_algorithm_of(key.bytes().size());
  if (!algorithm) return algorithm.error();
  return open_any(
      message, key, [&](const Recipient& recipient) { return recipient.algorithm == algorithm->number; },
      [&](const Recipient& recipient) { return unwrap_key(key.bytes(), recipient.wrapped_key); });
}

Result<ContentKey> unwrap(const cose::Encrypted& message, const AgreementKey& key, std::string_view other) {
  return open_any(
      message, key,
      [&](const Recipient& recipient) { return recipient.ephemeral && recipient.ephemeral->curve == key.curve(); },
      [&](const Recipient& recipient) { return open_by_agreement(recipient, key, other); });
}

Result<Bytes> wrap(const ContentKey& content, const WrapKey& key) {
  const auto algorithm = wrap_algorithm_of(key.bytes().size());
  if (!algorithm) return algorithm.error();
  const auto wrapped = wrap_key(key.bytes(), content.bytes());
  if (!wrapped) return wrapped.error();
  Recipient recipient;
  recipient.algorithm = algorithm->number;
  recipient.key_id = as_bytes(key.name());
  recipient.wrapped_key = *wrapped;
  return cose::write_recipient(recipient);
}

Result<Bytes> wrap(const ContentKey& content, const RecipientKey& key, std::string_view other, std::int64_t algorithm) {
  const auto ephemeral = generate_key(key.curve());
  if (!ephemeral) return ephemeral.error();
  const auto point = point_of(ephemeral->get());
  if (!point) return point.error();
  const Bytes header = cose::recipient_header(algorithm);
  Recipient recipient{algorithm, key.key_id(), header, point->view(), {}, {}};
  const auto wrapping = agree_on(ephemeral->get(), key.key(), recipient, other);
  if (!wrapping) return wrapping.error();
  const auto wrapped = wrap_key(wrapping->view(), content.bytes());
  if (!wrapped) return wrapped.error();
  recipient.wrapped_key = *wrapped;
  return cose::write_recipient(recipient);
}

}  // namespace hg::crypto
