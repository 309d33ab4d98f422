// SPDX-License-Identifier: Apache-2.0
// The journal of a daemon that runs in a terminal or a test: one line on stderr, "warning [boiler-3] text". Made by
// app when systemd's journal is not there.
#pragma once

#include "ports/journal.hpp"

namespace hg::system {

class StderrJournal final : public ports::Journal {
 public:
  /// Lines less urgent than `least` are left out.
  explicit StderrJournal(ports::Level least = ports::Level::info, int descriptor = 2)
      : least_(least), descriptor_(descriptor) {}

  void write(ports::Level level, const ports::About& about, std::string_view text) override;

 private:
  ports::Level least_;
  int descriptor_;
};

}  // namespace hg::system
