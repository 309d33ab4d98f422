// SPDX-License-Identifier: Apache-2.0
#include "trust/record.hpp"

#include <algorithm>
#include <array>

namespace hg::trust {
namespace {

constexpr std::array<std::uint8_t, 2> kTagOfSign = {0xd8, 0x62};  // 98

struct Kind {
  RecordKind kind;
  std::string_view name;
  std::string_view content_type;
};

constexpr std::array<Kind, 5> kKinds = {{
    {RecordKind::root, "root", "application/vnd.headgate.root+cbor"},
    {RecordKind::head, "head", "application/vnd.headgate.head+cbor"},
    {RecordKind::permit, "permit", "application/vnd.headgate.permit+cbor"},
    {RecordKind::grant, "grant", "application/vnd.headgate.grant+cbor"},
    {RecordKind::enrollment, "enrollment", "application/vnd.headgate.enrollment+cbor"},
}};

const Kind& row_of(RecordKind kind) {
  return *std::ranges::find(kKinds, kind, &Kind::kind);
}

Result<RecordKind> kind_of(std::optional<std::string_view> content_type) {
  if (!content_type) return Error{Errc::invalid, "no content type in the protected header"};
  const auto* const found = std::ranges::find(kKinds, *content_type, &Kind::content_type);
  if (found == kKinds.end()) return Error{Errc::unsupported, "the content type is none of a trust record"};
  return found->kind;
}

}  // namespace

std::string_view name_of(RecordKind kind) {
  return row_of(kind).name;
}

std::string_view content_type_of(RecordKind kind) {
  return row_of(kind).content_type;
}

bool looks_like_record(ByteView first_bytes) {
  return first_bytes.size() >= kTagOfSign.size() &&
         std::ranges::equal(first_bytes.first(kTagOfSign.size()), kTagOfSign);
}

Result<Record> Record::parse(ByteView bytes) {
  if (bytes.size() > kMaxRecordBytes) {
    return Error{Errc::too_large, "a record of " + std::to_string(bytes.size()) + " bytes, at most " +
                                      std::to_string(kMaxRecordBytes) + " are read"};
  }
  if (!looks_like_record(bytes)) return Error{Errc::invalid, "no trust record (tag 98)"};
  cbor::Reader reader(bytes);
  auto message = cose::read_signed(reader);
  if (!message) return message.error();
  if (auto finished = reader.finish(); !finished) return finished.error();
  const auto kind = kind_of(message->content_type);
  if (!kind) return kind.error();
  if (!message->payload) return Error{Errc::invalid, "a detached payload"};
  return Record{*kind, *message->payload, std::move(message->signatures)};
}

Result<std::vector<std::string>> Record::keys_of_signatures(const cose::KeyRing& ring) const {
  std::vector<std::string> names;
  for (const cose::Signature& signature : signatures) {
    auto name =
        ring.verify(signature.algorithm, signature.key_id, cose::to_be_signed(signature, payload), signature.signature);
    if (!name && name.error().code == Errc::invalid) return name.error().within("signature");
    names.push_back(name ? std::move(*name) : std::string());
  }
  return names;
}

Result<std::vector<std::string>> Record::signers(const cose::KeyRing& ring) const {
  const auto names = keys_of_signatures(ring);
  if (!names) return names;
  std::vector<std::string> distinct;
  for (const std::string& name : *names) {
    const bool is_there = std::ranges::find(distinct, name) != distinct.end();
    if (!name.empty() && !is_there) distinct.push_back(name);
  }
  return distinct;
}

}  // namespace hg::trust
