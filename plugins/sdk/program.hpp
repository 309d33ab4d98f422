// SPDX-License-Identifier: Apache-2.0
// main() of a plugin: options, signals, the loop. Called by each plugin's main.cpp with a maker of its Driver.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sdk/driver.hpp"
#include "sdk/plugin.hpp"

namespace hg::plugin {

/// What a driver is made with. All of it may be kept.
struct Setup {
  boost::asio::any_io_executor executor;
  LinkReport report;
  MeetingReport meet;  ///< for links on which children can be met that nobody has enrolled
  Log log;
  std::filesystem::path record;  ///< where sessions with children are to be written down; empty: nowhere
  std::filesystem::path state;   ///< where the plugin may remember things; empty: nowhere
  std::map<std::string, std::string> options{};  ///< of this plugin's own, as they were given: name, value
  RadioReport radio{};                           ///< for links over the air
};

/// An option that one plugin has beside those of all: --NAME VALUE.
struct OwnOption {
  std::string_view name;
  std::string_view value;    ///< what to call its value, for --help
  std::string_view meaning;  ///< for --help: half a sentence
};

/// An error ends the program with its text.
using MakeDriver = std::function<Result<std::unique_ptr<Driver>>(const Setup& setup)>;

/// Options: --socket PATH (default /run/headgate/plugins.sock), --state DIR (default: what systemd names in
/// $STATE_DIRECTORY), --record DIR, --version, --help, and the plugin's own. At SIGTERM or SIGINT it gives up all
/// steps, waits until they have left their children well (kLeaveWithin at the longest; a second signal ends the
/// waiting) and ends with 0. With 2 for wrong usage, with 1 when something breaks that it cannot go on without.
int run_program(int argc, char** argv, const Identity& identity, const MakeDriver& make_driver,
                std::span<const OwnOption> own_options = {});

}  // namespace hg::plugin
