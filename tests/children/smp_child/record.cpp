// SPDX-License-Identifier: Apache-2.0
#include "record.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <sstream>

namespace smp_child {
namespace {

constexpr std::string_view kCounters[] = {
    "power_ons",    "resets",         "reset_requests", "swaps",         "reverts",         "refused",
    "confirms",     "tests",          "permanents",     "self_confirms", "uploads_started", "uploads_completed",
    "resumes",      "link_drops",     "erases",         "upload_bytes",  "packets",         "no_buffer",
    "recoveries",   "storage_erases", "identifies",     "proofs",        "offers",          "notices",
    "confirm_alls",
};

std::string now_text() {
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  const std::string millis = std::to_string(now % 1000);
  return std::to_string(now / 1000) + "." + std::string(3 - millis.size(), '0') + millis;
}

}  // namespace

Record::Record(const std::filesystem::path& state, bool verbose) : path_(state / "counters"), verbose_(verbose) {
  const std::string log = state / "log";
  log_ = Fd::checked(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644), log);
  for (const std::string_view name : kCounters) counters_.emplace(name, 0);
  load();
  save();
}

void Record::count(std::string_view counter) {
  add(counter, 1);
  save();
}

void Record::add(std::string_view counter, std::uint64_t amount) {
  counters_.find(counter)->second += amount;
  unsaved_ = true;
}

void Record::event(std::string_view text) {
  const std::string line = now_text() + " " + std::string(text) + "\n";
  check(::write(log_.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()), "log");
  if (verbose_) std::cerr << line;
}

void Record::save() {
  if (!unsaved_) return;
  std::string text = "{";
  for (const auto& [name, value] : counters_) {
    text += (text.size() > 1 ? ",\n \"" : "\"") + name + "\": " + std::to_string(value);
  }
  write_atomically(path_, text + "}\n");
  unsaved_ = false;
}

/// Reads back exactly what save() writes: one `"name": value` a line.
void Record::load() {
  std::istringstream lines(read_text(path_));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find('"'), end = line.find("\": ");
    if (end == std::string::npos) continue;
    const auto counter = counters_.find(line.substr(begin + 1, end - begin - 1));
    if (counter != counters_.end()) counter->second = std::stoull(line.substr(end + 3));
  }
}

}  // namespace smp_child
