// SPDX-License-Identifier: Apache-2.0
#include "adapters/system/stderr_journal.hpp"

#include <unistd.h>

#include <string>

#include "adapters/system/journal_text.hpp"

namespace hg::system {
namespace {

std::string_view name_of(ports::Level level) {
  switch (level) {
    case ports::Level::error:
      return "error";
    case ports::Level::warning:
      return "warning";
    case ports::Level::notice:
      return "notice";
    case ports::Level::info:
      return "info";
    case ports::Level::debug:
      return "debug";
  }
  return "info";
}

}  // namespace

void StderrJournal::write(ports::Level level, const ports::About& about, std::string_view text) {
  if (level > least_) return;
  std::string line(name_of(level));
  line.append(" ");
  std::string whom;
  const std::string_view deliverable = about.deliverable.substr(0, 12);  // enough of a digest for people
  for (const std::string_view part : {about.child, deliverable, about.job}) {
    if (part.empty()) continue;
    whom.append(whom.empty() ? "" : " ").append(part);
  }
  if (!whom.empty()) line.append("[").append(clean_text(whom)).append("] ");
  line.append(clean_text(text)).append("\n");
  // One write for one line, so that threads do not mix theirs. A stderr that is gone is nothing to die of.
  [[maybe_unused]] const auto ignored = ::write(descriptor_, line.data(), line.size());
}

}  // namespace hg::system
