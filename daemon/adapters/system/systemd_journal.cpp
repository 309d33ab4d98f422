// SPDX-License-Identifier: Apache-2.0
#include "adapters/system/systemd_journal.hpp"

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

// The journal would else add the line of this file to every entry.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <array>
#include <cstdlib>
#include <string>
#include <utility>

#include "adapters/system/journal_text.hpp"
#include "adapters/system/stderr_journal.hpp"

namespace hg::system {

void SystemdJournal::write(ports::Level level, const ports::About& about, std::string_view text) {
  if (level > least_) return;
  std::array<std::string, 6> fields = {
      "MESSAGE=" + clean_text(text),
      "PRIORITY=" + std::to_string(static_cast<int>(level)),
      "SYSLOG_IDENTIFIER=headgated",
  };
  std::size_t count = 3;
  const std::pair<const char*, std::string_view> optional[] = {
      {"HEADGATE_CHILD=", about.child}, {"HEADGATE_DELIVERABLE=", about.deliverable}, {"HEADGATE_JOB=", about.job}};
  for (const auto& [name, value] : optional) {
    if (!value.empty()) fields[count++] = name + clean_text(value);
  }
  std::array<iovec, fields.size()> vectors{};
  for (std::size_t i = 0; i < count; ++i) vectors[i] = {fields[i].data(), fields[i].size()};
  // Without a journald this answers 0; nothing is to be done about any other answer.
  (void)::sd_journal_sendv(vectors.data(), static_cast<int>(count));
}

bool is_stderr_the_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat there {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &there) != 0) return false;
  return stream == std::to_string(there.st_dev) + ":" + std::to_string(there.st_ino);
}

std::unique_ptr<ports::Journal> make_journal(ports::Level least) {
  if (is_stderr_the_journal()) return std::make_unique<SystemdJournal>(least);
  return std::make_unique<StderrJournal>(least);
}

}  // namespace hg::system
