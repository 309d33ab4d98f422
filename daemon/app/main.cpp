// SPDX-License-Identifier: Apache-2.0
// headgated: reads the command line and the configuration, and runs the daemon.
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "adapters/crypto/locked_memory.hpp"
#include "adapters/system/systemd_journal.hpp"
#include "app/daemon.hpp"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct CommandLine {
  hg::app::Invocation invocation;
  bool only_check = false;
  bool verbose = false;
};

/// The exit status when the program ends here: --help, --version, or words that are off.
std::optional<int> parse(int argc, char** argv, CommandLine& line) {
  CLI::App options("headgated: the firmware gateway daemon");
  options.add_option("--config", line.invocation.config_file, "Configuration file")
      ->default_str("/etc/headgate/headgate.toml");
  options.add_option("--bus", line.invocation.bus, "\"system\", \"session\" or a D-Bus address")->default_str("system");
  options.add_flag("--check-config", line.only_check, "Read the configuration, say what is wrong with it, and end");
  options.add_flag("--verbose", line.verbose, "Write debugging lines too");
  options.set_version_flag("--version", "headgated " + line.invocation.version);
  try {
    options.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return options.exit(error) == 0 ? 0 : kUsage;
  }
  return std::nullopt;
}

int run(const CommandLine& line, hg::app::Config config) {
  const auto journal = hg::system::make_journal(line.verbose ? hg::ports::Level::debug : hg::ports::Level::info);
  boost::asio::io_context loop(1);
  auto daemon = hg::app::Daemon::make(loop, line.invocation, std::move(config), *journal);
  if (!daemon) {
    journal->write(hg::ports::Level::error, {}, "cannot start: " + daemon.error().message);
    return kFailed;
  }
  int status = 0;
  const auto ended = [&](const std::exception_ptr& thrown, const hg::Result<void>& result) {
    if (thrown) std::rethrow_exception(thrown);
    if (!result) {
      journal->write(hg::ports::Level::error, {}, "stopped: " + result.error().message);
      status = kFailed;
    }
    loop.stop();
  };
  boost::asio::co_spawn(loop, (*daemon)->run(), ended);
  loop.run();
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  if (!hg::crypto::wipe_what_openssl_frees()) std::cerr << "headgated: what OpenSSL frees will not be wiped\n";
  ::umask(0027);  // nothing that the daemon keeps is for the world to read
  CommandLine line;
  line.invocation.config_file = "/etc/headgate/headgate.toml";
  line.invocation.bus = "system";
  line.invocation.version = HEADGATE_VERSION;
  line.invocation.built_at = hg::Instant{std::chrono::seconds{HEADGATE_BUILT_AT}};
  try {
    if (const auto status = parse(argc, argv, line)) return *status;
    hg::Result<hg::app::Config> config = hg::app::read_config(line.invocation.config_file);
    if (!config) {
      std::cerr << "headgated: configuration: " << config.error().message << '\n';
      return kUsage;
    }
    if (line.only_check) return 0;
    return run(line, std::move(*config));
  } catch (const std::exception& error) {
    std::cerr << "headgated: " << error.what() << '\n';
    return kFailed;
  }
}
