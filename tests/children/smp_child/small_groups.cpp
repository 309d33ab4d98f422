// SPDX-License-Identifier: Apache-2.0
#include "small_groups.hpp"

namespace smp_child {
namespace {

enum EnumerationCommand : std::uint8_t { kCount = 0, kList = 1, kSingle = 2 };
constexpr std::uint8_t kEraseStorage = 0;
const Status kIndexTooLarge{4, Rc::invalid};

}  // namespace

Status EnumerationGroup::handle(Exchange& exchange) {
  cbor::Writer& answer = exchange.answer;
  const std::uint64_t index = exchange.request.integer("index").value_or(0);
  switch (exchange.header.command) {
    case kCount:
      answer.put_integer("count", static_cast<std::int64_t>(groups_.size()));
      return {};
    case kList:
      answer.key("groups");
      answer.begin_array();
      for (const std::uint16_t group : groups_) answer.integer(group);
      answer.end();
      return {};
    case kSingle:
      if (index >= groups_.size()) return kIndexTooLarge;
      answer.put_integer("group", groups_[index]);
      if (index + 1 == groups_.size()) answer.put_boolean("end", true);
      return {};
    default:
      return Rc::not_supported;
  }
}

Status BasicGroup::handle(Exchange& exchange) {
  record_.count("storage_erases");
  record_.event("the storage partition was to be erased");
  if (!exchange.is(kWrite, kEraseStorage)) return Rc::not_supported;
  erase_();
  return {};
}

}  // namespace smp_child
