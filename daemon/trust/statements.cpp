// SPDX-License-Identifier: Apache-2.0
#include "trust/statements.hpp"

#include <algorithm>

#include "trust/fields.hpp"
#include "trust/wrapped_key.hpp"

namespace hg::trust {
namespace {

// ------------------------------------------------------------------------------------------------ head

constexpr std::array<Field<HeadEntry>, 4> kEntryFields = {{
    {1, "product", Presence::required,
     [](auto& reader, HeadEntry& entry) { return keep(read_name(reader), entry.product); }},
    {2, "sequence number", Presence::required,
     [](auto& reader, HeadEntry& entry) { return keep(reader.read_uint(), entry.sequence); }},
    {3, "manifest", Presence::required,
     [](auto& reader, HeadEntry& entry) { return keep(read_sha256(reader), entry.manifest); }},
    {4, "minimum", Presence::optional,
     [](auto& reader, HeadEntry& entry) { return keep(read_positive(reader), entry.minimum); }},
}};

Result<HeadEntry> read_entry(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  auto entry = read_fields<HeadEntry>(reader, kEntryFields);
  if (!entry || entry->minimum <= entry->sequence) return entry;
  return cbor::Reader::error_at(offset, Errc::invalid, "product " + entry->product + " stands below its own minimum");
}

constexpr std::array<Field<Head>, 6> kHeadFields = {{
    {1, "format version", Presence::required, [](auto& reader, Head&) { return read_format_version(reader); }},
    {2, "channel", Presence::required, [](auto& reader, Head& head) { return keep(read_name(reader), head.channel); }},
    {3, "version", Presence::required, [](auto& reader, Head& head) { return keep(reader.read_uint(), head.version); }},
    {4, "issued", Presence::required, [](auto& reader, Head& head) { return keep(read_time(reader), head.issued); }},
    {5, "expires", Presence::required, [](auto& reader, Head& head) { return keep(read_time(reader), head.expires); }},
    {6, "entries", Presence::optional,
     [](auto& reader, Head& head) { return keep(read_list(reader, kMaxHeadEntries, read_entry), head.entries); }},
}};

Result<void> check_head(const Head& head) {
  if (head.expires <= head.issued) return Error{Errc::invalid, "it expires before it is issued"};
  std::vector<std::string_view> products;
  for (const HeadEntry& entry : head.entries) products.emplace_back(entry.product);
  std::ranges::sort(products);
  const auto twice = std::ranges::adjacent_find(products);
  if (twice == products.end()) return {};
  return Error{Errc::invalid, "product " + std::string(*twice) + " twice"};
}

// ------------------------------------------------------------------------------------------------ permit

constexpr std::size_t kPermitIdBytes = 16;

Result<Bytes> read_permit_id(cbor::Reader& reader) {
  const auto id = read_sized(reader, kPermitIdBytes);
  if (!id) return id.error();
  return Bytes(id->begin(), id->end());
}

Result<Permit::Class> read_class(cbor::Reader& reader) {
  Permit::Class id{};
  const auto bytes = read_sized(reader, id.size());
  if (!bytes) return bytes.error();
  std::ranges::copy(*bytes, id.begin());
  return id;
}

/// A permit and which of its two last fields were there, one of which must be.
struct ReadPermit {
  Permit permit;
  std::optional<std::string> child;
  std::optional<Permit::Class> device_class;
};

constexpr std::array<Field<ReadPermit>, 8> kPermitFields = {{
    {1, "format version", Presence::required, [](auto& reader, ReadPermit&) { return read_format_version(reader); }},
    {2, "id", Presence::required,
     [](auto& reader, ReadPermit& read) { return keep(read_permit_id(reader), read.permit.id); }},
    {3, "product", Presence::required,
     [](auto& reader, ReadPermit& read) { return keep(read_name(reader), read.permit.product); }},
    {4, "from", Presence::required,
     [](auto& reader, ReadPermit& read) { return keep(reader.read_uint(), read.permit.from); }},
    {5, "to", Presence::required,
     [](auto& reader, ReadPermit& read) { return keep(reader.read_uint(), read.permit.to); }},
    {6, "not after", Presence::required,
     [](auto& reader, ReadPermit& read) { return keep(read_time(reader), read.permit.not_after); }},
    {7, "child", Presence::optional,
     [](auto& reader, ReadPermit& read) { return keep(read_name(reader), read.child); }},
    {8, "class", Presence::optional,
     [](auto& reader, ReadPermit& read) { return keep(read_class(reader), read.device_class); }},
}};

Result<Permit> check_permit(ReadPermit read) {
  Permit& permit = read.permit;
  if (permit.to >= permit.from) {
    return Error{Errc::invalid,
                 "from " + std::to_string(permit.from) + " to " + std::to_string(permit.to) + " is no way back"};
  }
  if (read.child.has_value() == read.device_class.has_value()) {
    return Error{Errc::invalid, "not for exactly one of a child and a class"};
  }
  if (read.child) permit.whom = *std::move(read.child);
  if (read.device_class) permit.whom = *read.device_class;
  return std::move(permit);
}

// ------------------------------------------------------------------------------------------------ grant

constexpr std::array<Field<Grant>, 5> kGrantFields = {{
    {1, "format version", Presence::required, [](auto& reader, Grant&) { return read_format_version(reader); }},
    {2, "image", Presence::required, [](auto& reader, Grant& grant) { return keep(read_sha256(reader), grant.image); }},
    {3, "gateway", Presence::required,
     [](auto& reader, Grant& grant) { return keep(read_sha256(reader), grant.gateway); }},
    {4, "encrypted key", Presence::required,
     [](auto& reader, Grant& grant) { return keep(read_wrapped_key(reader), grant.encrypted_key); }},
    {5, "not after", Presence::required,
     [](auto& reader, Grant& grant) { return keep(read_time(reader), grant.not_after); }},
}};

}  // namespace

Result<Head> read_head(ByteView payload) {
  auto head = read_payload<Head>(payload, kHeadFields);
  if (!head) return head.error().within("head");
  if (auto kept = check_head(*head); !kept) return kept.error().within("head");
  return head;
}

Bytes write_head(const Head& head) {
  Bytes payload;
  cbor::Writer writer(payload);
  writer.map(head.entries.empty() ? 5 : 6).uint(1).uint(kFormatVersion).uint(2).text(head.channel);
  writer.uint(3).uint(head.version).uint(4).uint(seconds_of(head.issued)).uint(5).uint(seconds_of(head.expires));
  if (!head.entries.empty()) writer.uint(6).array(head.entries.size());
  for (const HeadEntry& entry : head.entries) {
    writer.map(entry.minimum > 0 ? 4 : 3).uint(1).text(entry.product).uint(2).uint(entry.sequence);
    writer.uint(3).bytes(entry.manifest.bytes());
    if (entry.minimum > 0) writer.uint(4).uint(entry.minimum);
  }
  return payload;
}

Result<Permit> read_permit(ByteView payload) {
  auto read = read_payload<ReadPermit>(payload, kPermitFields);
  if (!read) return read.error().within("permit");
  auto permit = check_permit(std::move(*read));
  if (!permit) return permit.error().within("permit");
  return permit;
}

Bytes write_permit(const Permit& permit) {
  Bytes payload;
  cbor::Writer writer(payload);
  writer.map(7).uint(1).uint(kFormatVersion).uint(2).bytes(permit.id).uint(3).text(permit.product);
  writer.uint(4).uint(permit.from).uint(5).uint(permit.to).uint(6).uint(seconds_of(permit.not_after));
  if (const auto* const child = std::get_if<std::string>(&permit.whom)) {
    writer.uint(7).text(*child);
  } else {
    writer.uint(8).bytes(std::get<Permit::Class>(permit.whom));
  }
  return payload;
}

Result<Grant> read_grant(ByteView payload) {
  auto grant = read_payload<Grant>(payload, kGrantFields);
  if (!grant) return grant.error().within("grant");
  return grant;
}

Bytes write_grant(const Grant& grant) {
  Bytes payload;
  cbor::Writer writer(payload);
  writer.map(5).uint(1).uint(kFormatVersion).uint(2).bytes(grant.image.bytes()).uint(3).bytes(grant.gateway.bytes());
  writer.uint(4).bytes(grant.encrypted_key).uint(5).uint(seconds_of(grant.not_after));
  return payload;
}

}  // namespace hg::trust
