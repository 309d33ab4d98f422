// SPDX-License-Identifier: Apache-2.0
// Lines that stay and, on a terminal, bars below them that are redrawn in place. Elsewhere there are only lines. Used
// by what follows jobs.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace hg::ctl {

struct Bar {
  std::string name;
  std::string state;
  double progress = 0;  ///< 0 to 1
  bool known = false;   ///< whether progress says anything
};

class Screen {
 public:
  /// Writes to `out`; bars only if that is a terminal.
  explicit Screen(std::FILE* out);
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  /// Takes the bars away.
  ~Screen();

  [[nodiscard]] bool has_bars() const { return terminal_; }
  /// One line that stays.
  void say(const std::string& text);
  /// These bars in place of those before; as many as the terminal has room for.
  void draw(const std::vector<Bar>& bars);

 private:
  void erase();

  std::FILE* out_;
  bool terminal_;
  std::size_t drawn_ = 0;  // lines below which the cursor stands
};

}  // namespace hg::ctl
