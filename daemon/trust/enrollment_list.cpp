// SPDX-License-Identifier: Apache-2.0
#include "trust/enrollment_list.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "trust/fields.hpp"
#include "trust/wrapped_key.hpp"

namespace hg::trust {
namespace {

constexpr std::size_t kMaxIdBytes = 64;

/// As gateways want the names of children, transports, profiles, groups, layouts and roles.
bool may_stand_in_id(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

Result<std::string> read_id(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  auto id = read_name(reader);
  if (!id || (id->size() <= kMaxIdBytes && std::ranges::all_of(*id, may_stand_in_id))) return id;
  return cbor::Reader::error_at(offset, Errc::invalid, "a name has 1 to 64 of A-Z a-z 0-9 . _ -");
}

/// A number up to `most`.
Result<std::uint8_t> read_small(cbor::Reader& reader, std::uint8_t most) {
  const std::size_t offset = reader.offset();
  const auto number = reader.read_uint();
  if (!number) return number.error();
  if (*number <= most) return static_cast<std::uint8_t>(*number);
  return cbor::Reader::error_at(offset, Errc::invalid, std::to_string(*number) + ", at most " + std::to_string(most));
}

Result<ListedChild::Uuid> read_uuid(cbor::Reader& reader) {
  ListedChild::Uuid uuid{};
  const auto bytes = read_sized(reader, uuid.size());
  if (!bytes) return bytes.error();
  std::ranges::copy(*bytes, uuid.begin());
  return uuid;
}

// ------------------------------------------------------------------------------------------------ keys

Result<ListedUse> read_use(cbor::Reader& reader) {
  const auto number = read_small(reader, kListedUses - 1);
  if (!number) return number.error();
  return static_cast<ListedUse>(*number);
}

Result<Bytes> read_public_half(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto bytes = reader.read_bytes();
  if (!bytes) return bytes.error();
  if (!bytes->empty() && bytes->size() <= kMaxListedKeyBytes) return Bytes(bytes->begin(), bytes->end());
  return cbor::Reader::error_at(offset, bytes->empty() ? Errc::invalid : Errc::too_large,
                                std::to_string(bytes->size()) + " bytes");
}

constexpr std::array<Field<ListedKey>, 4> kKeyFields = {{
    {1, "use", Presence::required, [](auto& reader, ListedKey& key) { return keep(read_use(reader), key.use); }},
    {2, "name", Presence::optional, [](auto& reader, ListedKey& key) { return keep(read_name(reader), key.name); }},
    {3, "public half", Presence::optional,
     [](auto& reader, ListedKey& key) { return keep(read_public_half(reader), key.public_half); }},
    {4, "wrapped secret", Presence::optional,
     [](auto& reader, ListedKey& key) { return keep(read_wrapped_key(reader), key.wrapped_secret); }},
}};

Result<ListedKey> read_key(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  auto key = read_fields<ListedKey>(reader, kKeyFields);
  if (!key || key->public_half.empty() != key->wrapped_secret.empty()) return key;
  return cbor::Reader::error_at(offset, Errc::invalid, "not exactly one of a public half and a wrapped secret");
}

// ------------------------------------------------------------------------------------------------ children

Result<ListedTarget> read_target(cbor::Reader& reader) {
  constexpr std::uint8_t kLastImage = 15;
  const std::size_t offset = reader.offset();
  const auto count = reader.enter_array();
  if (!count) return count.error();
  if (*count != 2) return cbor::Reader::error_at(offset, Errc::invalid, "not a component and its image number");
  auto component = read_name(reader);
  if (!component) return component.error();
  if (component->size() > kMaxIdBytes)
    return cbor::Reader::error_at(offset, Errc::too_large, "a component's name has at most 64 characters");
  const auto image_number = read_small(reader, kLastImage);
  if (!image_number) return image_number.error();
  return ListedTarget{std::move(*component), *image_number};
}

constexpr std::array<Field<ListedMembership>, 3> kMembershipFields = {{
    {1, "group", Presence::required,
     [](auto& reader, ListedMembership& member) { return keep(read_id(reader), member.group); }},
    {2, "layout", Presence::required,
     [](auto& reader, ListedMembership& member) { return keep(read_id(reader), member.layout); }},
    {3, "role", Presence::required,
     [](auto& reader, ListedMembership& member) { return keep(read_id(reader), member.role); }},
}};

constexpr std::array<Field<ListedChild>, 9> kChildFields = {{
    {1, "id", Presence::required, [](auto& reader, ListedChild& child) { return keep(read_id(reader), child.id); }},
    {2, "transport", Presence::required,
     [](auto& reader, ListedChild& child) { return keep(read_id(reader), child.transport); }},
    {3, "address", Presence::required,
     [](auto& reader, ListedChild& child) { return keep(read_name(reader), child.address); }},
    {4, "profile", Presence::required,
     [](auto& reader, ListedChild& child) { return keep(read_id(reader), child.profile); }},
    {5, "vendor", Presence::required,
     [](auto& reader, ListedChild& child) { return keep(read_uuid(reader), child.vendor); }},
    {6, "class", Presence::required,
     [](auto& reader, ListedChild& child) { return keep(read_uuid(reader), child.device_class); }},
    {7, "targets", Presence::optional,
     [](auto& reader, ListedChild& child) {
       return keep(read_list(reader, kMaxListedTargets, read_target), child.targets);
     }},
    {8, "keys", Presence::optional,
     [](auto& reader, ListedChild& child) { return keep(read_list(reader, kListedUses, read_key), child.keys); }},
    {9, "membership", Presence::optional,
     [](auto& reader, ListedChild& child) {
       return keep(read_fields<ListedMembership>(reader, kMembershipFields), child.membership);
     }},
}};

Result<void> check_told_apart(const ListedChild& child) {
  std::set<ListedUse> uses;
  for (const ListedKey& key : child.keys)
    if (!uses.insert(key.use).second) return Error{Errc::invalid, "two keys for one use"};
  std::set<std::string_view> components;
  std::set<std::uint8_t> images;
  for (const ListedTarget& target : child.targets)
    if (!components.insert(target.component).second || !images.insert(target.image_number).second)
      return Error{Errc::invalid, "target " + target.component + ": another has its name or image number"};
  return {};
}

Result<ListedChild> read_child(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  auto child = read_fields<ListedChild>(reader, kChildFields);
  if (!child) return child;
  if (const auto checked = check_told_apart(*child); !checked)
    return cbor::Reader::error_at(offset, Errc::invalid, "child " + child->id + ": " + checked.error().message);
  return child;
}

// ------------------------------------------------------------------------------------------------ list

constexpr std::array<Field<EnrollmentList>, 7> kListFields = {{
    {1, "format version", Presence::required,
     [](auto& reader, EnrollmentList&) { return read_format_version(reader); }},
    {2, "name", Presence::required,
     [](auto& reader, EnrollmentList& list) { return keep(read_name(reader), list.name); }},
    {3, "version", Presence::required,
     [](auto& reader, EnrollmentList& list) { return keep(reader.read_uint(), list.version); }},
    {4, "gateway", Presence::optional,
     [](auto& reader, EnrollmentList& list) { return keep(read_sha256(reader), list.gateway); }},
    {5, "not after", Presence::optional,
     [](auto& reader, EnrollmentList& list) { return keep(read_time(reader), list.not_after); }},
    {6, "children", Presence::optional,
     [](auto& reader, EnrollmentList& list) {
       return keep(read_list(reader, kMaxListedChildren, read_child), list.children);
     }},
    {7, "forgets", Presence::optional,
     [](auto& reader, EnrollmentList& list) {
       return keep(read_list(reader, kMaxListedChildren, read_id), list.forgets);
     }},
}};

/// Each child once, known or forgotten, and where no other stands.
Result<void> check_children(const EnrollmentList& list) {
  std::set<std::string_view> ids;
  std::set<std::pair<std::string_view, std::string_view>> places;
  for (const ListedChild& child : list.children) {
    if (!ids.insert(child.id).second) return Error{Errc::invalid, "child " + child.id + " twice"};
    if (!places.emplace(child.transport, child.address).second)
      return Error{Errc::invalid, "child " + child.id + " stands where another does"};
    const auto is_secret = [](const ListedKey& key) { return !key.wrapped_secret.empty(); };
    if (!list.gateway && std::ranges::any_of(child.keys, is_secret))
      return Error{Errc::invalid, "child " + child.id + " has a wrapped secret, and no gateway is named"};
  }
  for (const std::string& id : list.forgets)
    if (!ids.insert(id).second) return Error{Errc::invalid, "child " + id + " is forgotten, and named before"};
  return {};
}

Result<void> check_groups(const EnrollmentList& list) {
  std::map<std::string_view, std::string_view> layouts;
  for (const ListedChild& child : list.children) {
    if (!child.membership) continue;
    const auto& [group, layout, role] = *child.membership;
    if (layouts.emplace(group, layout).first->second != layout)
      return Error{Errc::invalid, "group " + group + " is of two layouts"};
  }
  return {};
}

Result<void> check_list(const EnrollmentList& list) {
  if (list.children.empty() && list.forgets.empty()) return Error{Errc::invalid, "it names no child"};
  if (auto kept = check_children(list); !kept) return kept;
  return check_groups(list);
}

void write_keys(cbor::Writer& writer, const std::vector<ListedKey>& keys) {
  writer.array(keys.size());
  for (const ListedKey& key : keys) {
    writer.map(key.name.empty() ? 2 : 3).uint(1).uint(static_cast<std::uint64_t>(key.use));
    if (!key.name.empty()) writer.uint(2).text(key.name);
    if (key.wrapped_secret.empty()) {
      writer.uint(3).bytes(key.public_half);
    } else {
      writer.uint(4).bytes(key.wrapped_secret);
    }
  }
}

void write_child(cbor::Writer& writer, const ListedChild& child) {
  const std::size_t more = std::size_t{!child.targets.empty()} + std::size_t{!child.keys.empty()} +
                           std::size_t{child.membership.has_value()};
  writer.map(6 + more).uint(1).text(child.id).uint(2).text(child.transport).uint(3).text(child.address);
  writer.uint(4).text(child.profile).uint(5).bytes(child.vendor).uint(6).bytes(child.device_class);
  if (!child.targets.empty()) writer.uint(7).array(child.targets.size());
  for (const ListedTarget& target : child.targets) writer.array(2).text(target.component).uint(target.image_number);
  if (!child.keys.empty()) write_keys(writer.uint(8), child.keys);
  if (!child.membership) return;
  writer.uint(9).map(3).uint(1).text(child.membership->group).uint(2).text(child.membership->layout);
  writer.uint(3).text(child.membership->role);
}

}  // namespace

Result<EnrollmentList> read_enrollment_list(ByteView payload) {
  auto list = read_payload<EnrollmentList>(payload, kListFields);
  if (!list) return list.error().within("enrollment");
  if (auto kept = check_list(*list); !kept) return kept.error().within("enrollment");
  return list;
}

Bytes write_enrollment_list(const EnrollmentList& list) {
  Bytes payload;
  cbor::Writer writer(payload);
  const std::size_t more = std::size_t{list.gateway.has_value()} + std::size_t{list.not_after.has_value()} +
                           std::size_t{!list.children.empty()} + std::size_t{!list.forgets.empty()};
  writer.map(3 + more).uint(1).uint(kFormatVersion).uint(2).text(list.name).uint(3).uint(list.version);
  if (list.gateway) writer.uint(4).bytes(list.gateway->bytes());
  if (list.not_after) writer.uint(5).uint(seconds_of(*list.not_after));
  if (!list.children.empty()) writer.uint(6).array(list.children.size());
  for (const ListedChild& child : list.children) write_child(writer, child);
  if (!list.forgets.empty()) writer.uint(7).array(list.forgets.size());
  for (const std::string& id : list.forgets) writer.text(id);
  return payload;
}

}  // namespace hg::trust
