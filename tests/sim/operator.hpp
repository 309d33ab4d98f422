// SPDX-License-Identifier: Apache-2.0
// What people and the cloud ask of the gateway: deliverables come, rollouts begin, are aborted and superseded, groups
// are dissolved and formed again, repaired, and let out of split.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "sim/fleet.hpp"

namespace hg::sim {

class Operator {
 public:
  explicit Operator(Fleet& fleet) : fleet_(fleet) {}

  void begin();

 private:
  void often(Duration mean, const std::function<void()>& act);
  void roll_out(const std::string& product);
  void abort_one();
  void rotate_one();
  void resolve_one();
  void regroup_one();
  void ask(core::Event event, const std::string& what);

  Fleet& fleet_;
  std::map<std::string, std::uint64_t> newest_;  // by product
  std::uint64_t keys_ = 0;                       // that were given
};

}  // namespace hg::sim
