// SPDX-License-Identifier: Apache-2.0
#include "pack/sign.hpp"

#include "cose/signed.hpp"
#include "pack/blocks.hpp"
#include "pack/files.hpp"
#include "pack/record_payload.hpp"
#include "suit/manifest.hpp"
#include "trust/record.hpp"

namespace hg::pack {

namespace {

const Error kSignedAlready{Errc::exists, "this key has signed it already"};

/// Whether a signature in the block is by the key of the ring, whatever kid it has.
bool is_signed_by(const cose::KeyRing& ring, const Wrapper& wrapper) {
  for (const ByteView block : wrapper.blocks) {
    cbor::Reader reader(block);
    const Result<cose::Signed> message = cose::read_signed(reader);
    if (!message) continue;  // a MAC, or what only others understand
    for (const cose::Signature& signature : message->signatures)
      if (ring.verify(signature.algorithm, signature.key_id, cose::to_be_signed(signature, wrapper.digest),
                      signature.signature))
        return true;
  }
  return false;
}

Result<Bytes> sign_envelope_once(ByteView envelope, const crypto::PrivateKey& key) {
  const Result<Wrapper> wrapper = read_wrapper(envelope);
  if (!wrapper) return wrapper.error();
  const auto ring = ring_of(key);
  if (!ring) return ring.error();
  if (is_signed_by(**ring, *wrapper)) return kSignedAlready;
  const Result<Bytes> block = cose::write_sign1_detached(wrapper->digest, key);
  if (!block) return block.error();
  Result<Bytes> with_it = with_block(envelope, *block);
  if (!with_it) return with_it;
  // What a gateway would refuse is not signed: a wrong digest above all.
  if (const auto opened = suit::open(*with_it, **ring); !opened) return opened.error().within("not signed");
  return with_it;
}

Result<Bytes> sign_record_once(ByteView bytes, const crypto::PrivateKey& key) {
  const Result<trust::Record> record = trust::Record::parse(bytes);
  if (!record) return record.error();
  const auto ring = ring_of(key);
  if (!ring) return ring.error();
  const auto own = record->signers(**ring);
  if (!own) return own.error();
  if (!own->empty()) return kSignedAlready;
  if (const Result<void> read = check_payload(*record); !read) return read.error().within("not signed");
  return cose::add_signature(bytes, key);
}

}  // namespace

Result<Bytes> sign_envelope(Bytes envelope, const Signers& signers) {
  for (const auto& key : signers) {
    Result<Bytes> with_it = sign_envelope_once(envelope, *key);
    if (!with_it) return with_it;
    envelope = std::move(*with_it);
  }
  return envelope;
}

Result<void> sign(const SignOptions& options) {
  Result<Bytes> content = read_file(options.file);
  if (!content) return content.error();
  const Result<Signers> signers = Signers::load(options.keys);
  if (!signers) return signers.error();
  const bool is_record = trust::looks_like_record(*content);
  for (const auto& key : *signers) {
    content = is_record ? sign_record_once(*content, *key) : sign_envelope_once(*content, *key);
    if (!content) return content.error().within(options.file.string());
  }
  return write_file(options.output, *content);
}

}  // namespace hg::pack
