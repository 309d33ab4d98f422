// SPDX-License-Identifier: Apache-2.0
// The journal of a daemon that systemd started: structured entries with HEADGATE_CHILD, HEADGATE_DELIVERABLE and
// HEADGATE_JOB, so that `journalctl HEADGATE_CHILD=boiler-3` tells one child's story. Made by app.
#pragma once

#include <memory>

#include "ports/journal.hpp"

namespace hg::system {

class SystemdJournal final : public ports::Journal {
 public:
  /// Lines less urgent than `least` are left out.
  explicit SystemdJournal(ports::Level least = ports::Level::info) : least_(least) {}

  void write(ports::Level level, const ports::About& about, std::string_view text) override;

 private:
  ports::Level least_;
};

/// Whether stderr is the stream that systemd connected to its journal: JOURNAL_STREAM names its device and inode
/// (systemd.exec(5)).
bool is_stderr_the_journal();

/// SystemdJournal where is_stderr_the_journal(), else StderrJournal.
std::unique_ptr<ports::Journal> make_journal(ports::Level least = ports::Level::info);

}  // namespace hg::system
