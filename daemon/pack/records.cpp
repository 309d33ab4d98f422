// SPDX-License-Identifier: Apache-2.0
#include "pack/records.hpp"

#include "adapters/crypto/content_cipher.hpp"
#include "adapters/crypto/hashes.hpp"
#include "cose/signed.hpp"
#include "pack/files.hpp"
#include "pack/random.hpp"
#include "pack/signers.hpp"
#include "pack/wraps.hpp"
#include "pack/write_record.hpp"
#include "trust/record.hpp"
#include "trust/statements.hpp"

namespace hg::pack {

namespace {

constexpr std::size_t kPermitIdBytes = 16;

/// The content key, by the one key that was given.
Result<crypto::ContentKey> unwrap(const cose::Encrypted& message, const GrantOptions& options) {
  if (options.kek) {
    const Result<crypto::WrapKey> kek = read_kek(*options.kek);
    return kek ? crypto::unwrap(message, *kek) : kek.error();
  }
  const Result<crypto::AgreementKey> key = crypto::AgreementKey::load(options.unwrap_key);
  return key ? crypto::unwrap(message, *key) : key.error();
}

/// An AEAD tells whether the image is the one that the key belongs to; AES-CTR cannot.
Result<void> check_image(const cose::Encrypted& message, const crypto::ContentKey& key, ByteView image) {
  const auto facts = cose::find_algorithm(message.algorithm, cose::Purpose::content);
  if (!facts) return facts.error();
  if (facts->output_size == 0 || image.size() > crypto::kMaxContentBytes) return {};
  Result<Bytes> plaintext = crypto::decrypt(message, key, image);
  if (!plaintext) return Error{Errc::mismatch, "is not what this content key encrypted"};
  wipe(*plaintext);
  return {};
}

/// The same content cipher and IV with the content key wrapped for one gateway.
Result<Bytes> wrap_for(const crypto::RecipientKey& gateway, const cose::Encrypted& message,
                       const crypto::ContentKey& key) {
  const Result<Bytes> recipient = crypto::wrap(key, gateway);
  if (!recipient) return recipient;
  return cose::write_encrypted(message.algorithm, message.iv, std::span(&*recipient, 1));
}

}  // namespace

Result<void> write_record(trust::RecordKind kind, ByteView payload, const RecordOptions& options) {
  const Result<Signers> signers = Signers::load(options.keys);
  if (!signers) return signers.error();
  const Result<Bytes> record = cose::write_sign(payload, trust::content_type_of(kind), signers->all());
  if (!record) return record.error();
  return write_file(options.output, *record);
}

Result<void> make_permit(const PermitOptions& options) {
  Result<Bytes> id = random_bytes(kPermitIdBytes);
  if (!id) return id.error();
  trust::Permit permit{std::move(*id), options.product, options.from, options.to, {}, options.not_after};
  if (options.class_id)
    permit.whom = *options.class_id;
  else
    permit.whom = options.child;
  const Bytes payload = trust::write_permit(permit);
  if (const auto read = trust::read_permit(payload); !read) return read.error().within("permit");
  return write_record(trust::RecordKind::permit, payload, options);
}

Result<void> make_grant(const GrantOptions& options) {
  const Result<Bytes> info = read_file(options.info);
  if (!info) return info.error();
  cbor::Reader reader(*info);
  const Result<cose::Encrypted> message = cose::read_encrypted(reader);
  if (!message) return message.error().within(options.info.string());
  const Result<Bytes> image = read_file(options.image);
  if (!image) return image.error();
  const Result<crypto::ContentKey> key = unwrap(*message, options);
  if (!key) return key.error().within(options.info.string());
  if (const auto fits = check_image(*message, *key, *image); !fits) return fits.error().within(options.image.string());
  const Result<crypto::RecipientKey> gateway = read_recipient(options.gateway);
  if (!gateway) return gateway.error();
  Result<Bytes> encrypted_key = wrap_for(*gateway, *message, *key);
  if (!encrypted_key) return encrypted_key.error();
  const trust::Grant grant{crypto::Sha256::of(*image), Digest::from_bytes(gateway->key_id()).value(),
                           std::move(*encrypted_key), options.not_after};
  const Bytes payload = trust::write_grant(grant);
  if (const auto read = trust::read_grant(payload); !read) return read.error().within("grant");
  return write_record(trust::RecordKind::grant, payload, options);
}

}  // namespace hg::pack
