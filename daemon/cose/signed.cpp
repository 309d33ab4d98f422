// SPDX-License-Identifier: Apache-2.0
#include "cose/signed.hpp"

#include <algorithm>
#include <string>

#include "cose/headers.hpp"

namespace hg::cose {
namespace {

/// Of the headers with the algorithm; `body` are those of the message.
Result<Signature> signature_of(const Headers& headers) {
  const auto algorithm = headers.protected_algorithm();
  if (!algorithm) return algorithm.error();
  Signature signature;
  signature.algorithm = *algorithm;
  signature.key_id = headers.key_id;
  return signature;
}

Result<void> read_signature_bytes(cbor::Reader& reader, Signature& signature) {
  const auto bytes = reader.read_bytes();
  if (!bytes) return bytes.error().within("signature");
  signature.signature = *bytes;
  return {};
}

Result<Signed> read_sign1(cbor::Reader& reader) {
  if (auto entered = enter_array_of(reader, 4, "COSE_Sign1"); !entered) return entered.error();
  const auto headers = read_headers(reader);
  if (!headers) return headers.error();
  auto signature = signature_of(*headers);
  if (!signature) return signature.error();
  signature->body_protected = headers->protected_header;
  const auto payload = read_content(reader);
  if (!payload) return payload.error().within("payload");
  if (auto read = read_signature_bytes(reader, *signature); !read) return read.error();
  return Signed{*payload, headers->content_type, {*signature}};
}

/// One COSE_Signature of a COSE_Sign.
Result<Signature> read_signature(cbor::Reader& reader, ByteView body_protected) {
  if (auto entered = enter_array_of(reader, 3, "COSE_Signature"); !entered) return entered.error();
  const auto headers = read_headers(reader);
  if (!headers) return headers.error();
  auto signature = signature_of(*headers);
  if (!signature) return signature.error();
  signature->body_protected = body_protected;
  signature->sign_protected = headers->protected_header;
  if (auto read = read_signature_bytes(reader, *signature); !read) return read.error();
  return signature;
}

Result<std::size_t> enter_signatures(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto count = reader.enter_array();
  if (!count) return count.error().within("signatures");
  if (*count == 0) return cbor::Reader::error_at(offset, Errc::unauthenticated, "no signature");
  if (*count > kMaxSignatures) {
    return cbor::Reader::error_at(offset, Errc::too_large,
                                  "more than " + std::to_string(kMaxSignatures) + " signatures");
  }
  return *count;
}

Result<Signed> read_sign(cbor::Reader& reader) {
  if (auto entered = enter_array_of(reader, 4, "COSE_Sign"); !entered) return entered.error();
  const auto body = read_headers(reader);
  if (!body) return body.error();
  if (body->algorithm) {
    return cbor::Reader::error_at(body->offset, Errc::invalid, "an algorithm in the body's header of a COSE_Sign");
  }
  const auto payload = read_content(reader);
  if (!payload) return payload.error().within("payload");
  const auto count = enter_signatures(reader);
  if (!count) return count.error();
  Signed message{*payload, body->content_type, {}};
  message.signatures.reserve(*count);
  for (std::size_t i = 1; i <= *count; ++i) {
    const auto signature = read_signature(reader, body->protected_header);
    if (!signature) return signature.error().within("signature " + std::to_string(i));
    message.signatures.push_back(*signature);
  }
  return message;
}

/// One COSE_Signature over `payload`, appended.
Result<void> append_signature(Bytes& message, ByteView body_protected, ByteView payload, const Signer& signer) {
  const Bytes header = header_with(signer.algorithm());
  const Signature subject{signer.algorithm(), signer.key_id(), body_protected, header, {}};
  const auto signature = signer.sign(to_be_signed(subject, payload));
  if (!signature) return signature.error();
  cbor::Writer(message).array(3).bytes(header).map(1).integer(kHeaderKeyId).bytes(signer.key_id()).bytes(*signature);
  return {};
}

/// The elements of a COSE_Sign as they are encoded.
struct SignItems {
  ByteView protected_header;
  ByteView unprotected_header;
  ByteView payload;
  std::vector<ByteView> signatures;
};

/// Of a message that read_signed() accepts.
SignItems items_of(ByteView message) {
  cbor::Reader reader(message);
  SignItems items;
  static_cast<void>(reader.read_tag());
  static_cast<void>(reader.enter_array());
  items.protected_header = *reader.read_item();
  items.unprotected_header = *reader.read_item();
  items.payload = *reader.read_item();
  items.signatures.resize(*reader.enter_array());
  for (ByteView& signature : items.signatures) signature = *reader.read_item();
  return items;
}

/// The message that add_signature() may add to.
Result<Signed> read_extensible(ByteView message, const Signer& signer) {
  constexpr std::uint64_t kAccepted[] = {kTagSign};
  cbor::Reader reader(message);
  cbor::Reader ahead = reader;
  if (auto tag = read_message_tag(ahead, kAccepted); !tag) return tag.error();
  auto read = read_signed(reader);
  if (!read) return read.error();
  if (auto finished = reader.finish(); !finished) return finished.error();
  if (!read->payload) return Error{Errc::invalid, "a detached payload"};
  if (read->signatures.size() == kMaxSignatures) {
    return Error{Errc::too_large, "it has " + std::to_string(kMaxSignatures) + " signatures already"};
  }
  const auto is_by_signer = [&](const Signature& other) { return std::ranges::equal(other.key_id, signer.key_id()); };
  if (std::ranges::any_of(read->signatures, is_by_signer)) return Error{Errc::exists, "this key signed it already"};
  return read;
}

}  // namespace

Result<Signed> read_signed(cbor::Reader& reader) {
  constexpr std::uint64_t kAccepted[] = {kTagSign1, kTagSign};
  const auto tag = read_message_tag(reader, kAccepted);
  if (!tag) return tag.error();
  return *tag == kTagSign1 ? read_sign1(reader) : read_sign(reader);
}

Bytes to_be_signed(const Signature& signature, ByteView payload) {
  constexpr std::size_t kHeads = 48;  // of the items, and the context string
  const std::size_t sign_size = signature.sign_protected ? signature.sign_protected->size() : 0;
  Bytes bytes;
  bytes.reserve(kHeads + signature.body_protected.size() + sign_size + payload.size());
  cbor::Writer writer(bytes);
  writer.array(signature.sign_protected ? 5 : 4).text(signature.sign_protected ? "Signature" : "Signature1");
  writer.bytes(signature.body_protected);
  if (signature.sign_protected) writer.bytes(*signature.sign_protected);
  writer.bytes({}).bytes(payload);
  return bytes;
}

Result<Bytes> write_sign1_detached(ByteView payload, const Signer& signer) {
  const Bytes header = header_with(signer.algorithm());
  const Signature subject{signer.algorithm(), signer.key_id(), header, std::nullopt, {}};
  const auto signature = signer.sign(to_be_signed(subject, payload));
  if (!signature) return signature.error();
  Bytes message;
  cbor::Writer writer(message);
  writer.tag(kTagSign1).array(4).bytes(header).map(1).integer(kHeaderKeyId).bytes(signer.key_id());
  writer.null().bytes(*signature);
  return message;
}

Result<Bytes> write_sign(ByteView payload, std::string_view content_type, std::span<const Signer* const> signers) {
  if (signers.empty()) return Error{Errc::invalid, "nobody signs"};
  if (signers.size() > kMaxSignatures) {
    return Error{Errc::too_large, "more than " + std::to_string(kMaxSignatures) + " signatures"};
  }
  Bytes header;
  cbor::Writer(header).map(1).integer(kHeaderContentType).text(content_type);
  Bytes message;
  cbor::Writer(message).tag(kTagSign).array(4).bytes(header).map(0).bytes(payload).array(signers.size());
  for (const Signer* signer : signers) {
    if (auto added = append_signature(message, header, payload, *signer); !added) return added.error();
  }
  return message;
}

Result<Bytes> add_signature(ByteView message, const Signer& signer) {
  const auto read = read_extensible(message, signer);
  if (!read) return read.error();
  const SignItems items = items_of(message);
  Bytes longer;
  cbor::Writer writer(longer);
  writer.tag(kTagSign).array(4).encoded(items.protected_header).encoded(items.unprotected_header);
  writer.encoded(items.payload).array(items.signatures.size() + 1);
  for (const ByteView signature : items.signatures) writer.encoded(signature);
  const ByteView body_protected = read->signatures.front().body_protected;
  if (auto added = append_signature(longer, body_protected, *read->payload, signer); !added) return added.error();
  return longer;
}

}  // namespace hg::cose
