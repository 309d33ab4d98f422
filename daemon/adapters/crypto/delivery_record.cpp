// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/delivery_record.hpp"

#include "core/protection.hpp"

namespace hg::crypto {
namespace {

template <class Key>
Result<Bytes> make_record(const cose::Encrypted& info, const ContentKey& content, const Key& key) {
  const auto rule = cose::find_algorithm(info.algorithm, cose::Purpose::content);
  if (!rule) return rule.error();
  if (content.bytes().size() != rule->key_size) {
    return Error{Errc::invalid, "a content key of " + std::to_string(content.bytes().size()) + " bytes, " +
                                    std::string(rule->name) + " has " + std::to_string(rule->key_size)};
  }
  const auto recipient = wrap(content, key);
  if (!recipient) return recipient.error();
  Bytes record = cose::write_encrypted_like(info, {&*recipient, 1});
  if (record.size() <= core::kMaxRecordBytes) return record;
  return Error{Errc::too_large, "a record of " + std::to_string(record.size()) + " bytes, at most " +
                                    std::to_string(core::kMaxRecordBytes) + " go to a child"};
}

}  // namespace

Result<Bytes> make_delivery_record(const cose::Encrypted& info, const ContentKey& content, const RecipientKey& key) {
  auto record = make_record(info, content, key);
  if (!record) return record.error().within("delivery record");
  return record;
}

Result<Bytes> make_delivery_record(const cose::Encrypted& info, const ContentKey& content, const WrapKey& key) {
  auto record = make_record(info, content, key);
  if (!record) return record.error().within("delivery record");
  return record;
}

}  // namespace hg::crypto
