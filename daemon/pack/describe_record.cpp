// SPDX-License-Identifier: Apache-2.0
// describe_record(): what root files, heads, permits, grants and enrollment lists say.
#include <array>

#include "adapters/crypto/public_keys.hpp"
#include "pack/describe.hpp"
#include "trust/enrollment_list.hpp"
#include "trust/root.hpp"
#include "trust/statements.hpp"

namespace hg::pack {

namespace {

namespace json = boost::json;

json::object describe(const trust::Key& key) {
  json::array roles, prefixes;
  for (const trust::Role role : key.roles) roles.emplace_back(name_of(role));
  for (const std::string& prefix : key.prefixes) prefixes.emplace_back(prefix);
  json::object object{{"name", key.name}, {"roles", std::move(roles)}};
  if (!prefixes.empty()) object["prefixes"] = std::move(prefixes);
  if (key.not_before) object["not_before"] = to_text(*key.not_before);
  if (key.not_after) object["not_after"] = to_text(*key.not_after);
  object["offline"] = key.offline;
  object["cose_key"] = to_hex(key.cose_key);
  return object;
}

Result<json::object> describe_root(ByteView payload) {
  const Result<trust::Root> root = trust::read_root(payload);
  if (!root) return root.error();
  json::object thresholds;
  json::array keys, products;
  for (std::size_t at = 0; at < trust::kRoles; ++at)
    thresholds[name_of(static_cast<trust::Role>(at))] = root->thresholds[at];
  for (const trust::Key& key : root->keys) keys.emplace_back(describe(key));
  for (const trust::ProductRule& rule : root->products)
    products.emplace_back(
        json::object{{"prefix", rule.prefix}, {"threshold", rule.threshold}, {"offline", rule.offline}});
  return json::object{{"version", root->version},
                      {"issued", to_text(root->issued)},
                      {"thresholds", std::move(thresholds)},
                      {"keys", std::move(keys)},
                      {"products", std::move(products)}};
}

Result<json::object> describe_head(ByteView payload) {
  const Result<trust::Head> head = trust::read_head(payload);
  if (!head) return head.error();
  json::array entries;
  for (const trust::HeadEntry& entry : head->entries) {
    json::object object{
        {"product", entry.product}, {"sequence", entry.sequence}, {"manifest_digest", entry.manifest.hex()}};
    if (entry.minimum > 0) object["minimum"] = entry.minimum;
    entries.emplace_back(std::move(object));
  }
  return json::object{{"channel", head->channel},
                      {"version", head->version},
                      {"issued", to_text(head->issued)},
                      {"expires", to_text(head->expires)},
                      {"entries", std::move(entries)}};
}

Result<json::object> describe_permit(ByteView payload) {
  const Result<trust::Permit> permit = trust::read_permit(payload);
  if (!permit) return permit.error();
  json::object object{
      {"id", to_hex(permit->id)}, {"product", permit->product}, {"from", permit->from}, {"to", permit->to}};
  if (const auto* child = std::get_if<std::string>(&permit->whom)) object["child"] = *child;
  if (const auto* all = std::get_if<trust::Permit::Class>(&permit->whom)) object["class_id"] = hex_of_uuid(*all);
  object["not_after"] = to_text(permit->not_after);
  return object;
}

Result<json::object> describe_grant(ByteView payload) {
  const Result<trust::Grant> grant = trust::read_grant(payload);
  if (!grant) return grant.error();
  return json::object{{"image_digest", grant->image.hex()},
                      {"gateway_key", grant->gateway.hex()},
                      {"encryption", describe_encryption(grant->encrypted_key)},
                      {"not_after", to_text(grant->not_after)}};
}

json::object describe(const trust::ListedKey& key) {
  constexpr std::array kUses{"wrap", "identify", "link"};
  json::object object{{"use", kUses.at(static_cast<std::size_t>(key.use))}};
  if (!key.name.empty()) object["kid"] = key.name;
  if (!key.public_half.empty()) object["public"] = to_hex(key.public_half);
  if (!key.wrapped_secret.empty()) object["wrapped_secret"] = describe_encryption(key.wrapped_secret);
  return object;
}

json::object describe(const trust::ListedChild& child) {
  json::object object{{"id", child.id},
                      {"transport", child.transport},
                      {"address", child.address},
                      {"profile", child.profile},
                      {"vendor_id", hex_of_uuid(child.vendor)},
                      {"class_id", hex_of_uuid(child.device_class)}};
  json::array targets, keys;
  for (const trust::ListedTarget& target : child.targets)
    targets.emplace_back(json::object{{"name", target.component}, {"image", target.image_number}});
  for (const trust::ListedKey& key : child.keys) keys.emplace_back(describe(key));
  if (!targets.empty()) object["targets"] = std::move(targets);
  if (!keys.empty()) object["keys"] = std::move(keys);
  if (!child.membership) return object;
  object["group"] = child.membership->group;
  object["layout"] = child.membership->layout;
  object["role"] = child.membership->role;
  return object;
}

Result<json::object> describe_enrollment(ByteView payload) {
  const Result<trust::EnrollmentList> list = trust::read_enrollment_list(payload);
  if (!list) return list.error();
  json::object object{{"name", list->name}, {"version", list->version}};
  if (list->gateway) object["gateway_key"] = list->gateway->hex();
  if (list->not_after) object["not_after"] = to_text(*list->not_after);
  json::array children, forgets;
  for (const trust::ListedChild& child : list->children) children.emplace_back(describe(child));
  for (const std::string& id : list->forgets) forgets.emplace_back(id);
  object["children"] = std::move(children);
  object["forgets"] = std::move(forgets);
  return object;
}

Result<json::object> describe_payload(const trust::Record& record) {
  switch (record.kind) {
    case trust::RecordKind::root:
      return describe_root(record.payload);
    case trust::RecordKind::head:
      return describe_head(record.payload);
    case trust::RecordKind::permit:
      return describe_permit(record.payload);
    case trust::RecordKind::grant:
      return describe_grant(record.payload);
    case trust::RecordKind::enrollment:
      return describe_enrollment(record.payload);
  }
  return Error{Errc::internal, "a kind of record that nobody reads"};
}

}  // namespace

Result<json::object> describe_record(ByteView bytes) {
  const Result<trust::Record> record = trust::Record::parse(bytes);
  if (!record) return record.error();
  const Result<json::object> payload = describe_payload(*record);
  if (!payload) return payload.error();
  json::object object = beginning(name_of(record->kind));
  json::array signatures;
  for (const cose::Signature& each : record->signatures)
    signatures.emplace_back(describe_signature(each.algorithm, each.key_id, false));
  object["signatures"] = std::move(signatures);
  for (const auto& [name, value] : *payload) object[name] = value;
  return object;
}

}  // namespace hg::pack
