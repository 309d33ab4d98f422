// SPDX-License-Identifier: Apache-2.0
// What strikes children, lines, disk and clock by chance.
#pragma once

#include <functional>
#include <string>

#include "sim/fleet.hpp"

namespace hg::sim {

class Weather {
 public:
  explicit Weather(Fleet& fleet) : fleet_(fleet) {}

  void begin();
  /// All are let go, and their lines are back.
  void end();

 private:
  using Strike = std::function<void()>;
  using StrikeChild = std::function<void(const core::ChildId&, SimChild&)>;

  /// Again and again, once in `mean`.
  void often(Duration mean, const Strike& strike);
  void often_each(Duration mean, const std::string& name, const StrikeChild& strike);
  void strike_children();
  void strike_gateway();
  void let_some_die();
  void set_line(const core::ChildId& id, bool is_up);
  [[nodiscard]] Duration a_while() const;

  Fleet& fleet_;
};

}  // namespace hg::sim
