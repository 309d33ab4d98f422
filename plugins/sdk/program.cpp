// SPDX-License-Identifier: Apache-2.0
#include "sdk/program.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <span>
#include <string>

namespace hg::plugin {
namespace asio = boost::asio;
namespace {

constexpr const char* kDefaultSocket = "/run/headgate/plugins.sock";

/// What the command line says: where things are, or a code to end with.
struct Options {
  std::string socket = kDefaultSocket;
  std::string state;
  std::string record;
  std::map<std::string, std::string> own;
  std::optional<int> exit_code;

  /// Where the value of an option goes; null: there is no such option.
  std::string* value_of(std::string_view word, std::span<const OwnOption> own_options) {
    if (word == "--socket") return &socket;
    if (word == "--state") return &state;
    if (word == "--record") return &record;
    if (!word.starts_with("--")) return nullptr;
    const auto found = std::ranges::find(own_options, word.substr(2), &OwnOption::name);
    return found == own_options.end() ? nullptr : &own[std::string(found->name)];
  }
};

void print_usage(std::FILE* out, const char* program, std::span<const OwnOption> own_options) {
  std::fprintf(out, "Usage: %s [--socket PATH] [--state DIR] [--record DIR] [--version]", program);
  for (const OwnOption& option : own_options)
    std::fprintf(out, " [--%s %s]", std::string(option.name).c_str(), std::string(option.value).c_str());
  std::fputc('\n', out);
  for (const OwnOption& option : own_options)
    std::fprintf(out, "  --%-16s %s\n", std::string(option.name).c_str(), std::string(option.meaning).c_str());
}

/// The first directory that systemd made for the unit (StateDirectory=).
std::string state_of_unit() {
  const char* const named = std::getenv("STATE_DIRECTORY");
  const std::string_view all = named == nullptr ? "" : named;
  return std::string(all.substr(0, all.find(':')));
}

Options parse(std::span<char*> arguments, const Identity& identity, std::span<const OwnOption> own_options) {
  Options options;
  options.state = state_of_unit();
  for (std::size_t i = 1; i < arguments.size() && !options.exit_code; ++i) {
    const std::string_view word = arguments[i];
    const std::size_t equals = word.find('=');
    std::string* const value = options.value_of(word.substr(0, equals), own_options);
    if (value != nullptr && equals != std::string_view::npos) {
      *value = word.substr(equals + 1);
    } else if (value != nullptr && i + 1 < arguments.size()) {
      *value = arguments[++i];
    } else if (word == "--version") {
      std::printf("%s\n", identity.software.c_str());
      options.exit_code = 0;
    } else {
      print_usage(word == "--help" ? stdout : stderr, arguments[0], own_options);
      options.exit_code = word == "--help" ? 0 : 2;
    }
  }
  return options;
}

/// One line, without the control characters that a child may have smuggled in.
void write_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  line.push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

int run_program(int argc, char** argv, const Identity& identity, const MakeDriver& make_driver,
                std::span<const OwnOption> own_options) {
  const Options options = parse({argv, static_cast<std::size_t>(argc)}, identity, own_options);
  if (options.exit_code) return *options.exit_code;
  try {
    asio::io_context io(1);
    Plugin* target = nullptr;
    const auto report = [&target](const wire::Link& link) {
      if (target != nullptr) target->report_link(link);
    };
    const auto meet = [&target](Meeting meeting) {
      if (target != nullptr) target->report_meeting(std::move(meeting));
    };
    const auto radio = [&target](const wire::Radio& news) {
      if (target != nullptr) target->report_radio(news);
    };
    const auto driver =
        make_driver({io.get_executor(), report, meet, write_line, options.record, options.state, options.own, radio});
    if (!driver) {
      write_line("cannot begin: " + driver.error().message);
      return 1;
    }
    Plugin plugin(io.get_executor(), identity, options.socket, **driver, write_line);
    target = &plugin;
    asio::signal_set signals(io, SIGTERM, SIGINT);
    const auto end_at_once = [&io](boost::system::error_code failure, int) {
      if (!failure) io.stop();
    };
    const auto end_well = [&](boost::system::error_code failure, int) {
      if (failure) return;
      plugin.stop();
      signals.async_wait(end_at_once);
    };
    signals.async_wait(end_well);
    const auto ended = [&io](const std::exception_ptr& thrown) {
      io.stop();
      if (thrown) std::rethrow_exception(thrown);
    };
    asio::co_spawn(io, plugin.run(), ended);
    io.run();
    target = nullptr;
    return 0;
  } catch (const std::exception& failure) {
    write_line(std::string("ended: ") + failure.what());
    return 1;
  }
}

}  // namespace hg::plugin
