// SPDX-License-Identifier: Apache-2.0
// Two groups of a few lines: the enumeration of groups (10; Zephyr 4.1 and later), and Zephyr's basic group (63), whose
// one command erases the storage partition and which nobody must ever call. Used by the server.
#pragma once

#include <functional>
#include <vector>

#include "exchange.hpp"
#include "record.hpp"

namespace smp_child {

class EnumerationGroup : public Group {
 public:
  /// `groups` are the numbers of all groups, in order.
  explicit EnumerationGroup(std::vector<std::uint16_t> groups) : groups_(std::move(groups)) {}
  Status handle(Exchange& exchange) override;

 private:
  std::vector<std::uint16_t> groups_;
};

class BasicGroup : public Group {
 public:
  BasicGroup(Record& record, std::function<void()> erase) : record_(record), erase_(std::move(erase)) {}
  Status handle(Exchange& exchange) override;

 private:
  Record& record_;
  std::function<void()> erase_;
};

}  // namespace smp_child
