// SPDX-License-Identifier: Apache-2.0
// One image to one child by headgate-serial alone: the daemon's end of the plugin's socket, without the daemon. The
// plugin is started for it and ends with it. line_rate.py times it by the child's own log.
//   line_deliver PLUGIN TTY IMAGE FILE_SHA256 IMAGE_HASH DIRECTORY [PROFILE_KEY=INTEGER | --record=DIR]...
#include <boost/asio/co_spawn.hpp>
#include <cstdio>
#include <stdexcept>

#include "adapters/transport/plugin_board.hpp"
#include "plugins/loop.hpp"
#include "plugins/processes.hpp"

namespace {

namespace asio = boost::asio;
using namespace hg;
using namespace std::chrono_literals;

class RealClock : public ports::Clock {
 public:
  explicit RealClock(asio::io_context& io) : io_(&io) {}
  [[nodiscard]] Instant now() const override {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }
  [[nodiscard]] asio::awaitable<Result<void>> sleep_for(Duration duration) override {
    asio::steady_timer timer(*io_, duration);
    const auto [failure] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (failure) co_return Error{Errc::cancelled, "cancelled"};
    co_return Result<void>{};
  }

 private:
  asio::io_context* io_;
};

Digest digest(const char* hex) {
  const auto bytes = from_hex(hex);
  const auto found = bytes ? Digest::from_bytes(*bytes) : std::nullopt;
  if (!found) throw std::runtime_error("no digest: " + std::string(hex));
  return *found;
}

template <class Fact>
void run_until(asio::io_context& io, Fact&& fact) {
  const auto end = std::chrono::steady_clock::now() + 300s;
  while (!fact()) {
    if (std::chrono::steady_clock::now() >= end) throw std::runtime_error("it takes too long");
    io.run_one_until(end);
  }
}

void deliver(std::span<char*> arguments) {
  const std::filesystem::path directory = arguments[6];
  const std::filesystem::path image = arguments[3];
  wire::ProfileValues values;
  std::vector<std::string> options = {"--socket", directory / "plugins.sock"};
  for (const std::string word : arguments.subspan(7)) {
    const auto equals = word.find('=');
    if (word.starts_with("--")) {
      options.insert(options.end(), {word.substr(0, equals), word.substr(equals + 1)});
    } else {
      values[word.substr(0, equals)] = std::int64_t{std::stoll(word.substr(equals + 1))};
    }
  }
  asio::io_context io;
  const auto work = asio::make_work_guard(io);
  RealClock clock(io);
  test::RememberingJournal journal;
  transport::BoardSettings settings;
  settings.socket = directory / "plugins.sock";
  settings.bindings = {{"serial", ::getuid()}};
  transport::PluginBoard board(io.get_executor(), clock, journal, settings);
  bool is_up = false;
  board.listen([&is_up](core::LinkChanged change) { is_up = change.up; });
  if (const auto started = board.start(); !started) throw std::runtime_error(started.error().message);
  core::Enrollment child;
  child.id = "child";
  child.transport = "serial";
  child.address = arguments[2];
  child.profile = "bench";
  child.patience.answer = 60s;
  child.patience.transfer_stall = 60s;
  board.set_profiles({{"bench", {{"serial", values}}}});
  board.enroll(std::vector{child});
  test::Program plugin(arguments[1], options);
  run_until(io, [&] { return is_up; });

  UniqueFd file(::open(image.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw std::runtime_error("cannot read the image");
  std::optional<core::StepAnswer> answer;
  const auto done = [&](const std::exception_ptr&, ports::Transport::Outcome given) {
    answer = std::move(given.answer);
  };
  const core::Step step =
      core::Deliver{digest(arguments[4]), std::filesystem::file_size(image), 0, digest(arguments[5])};
  asio::co_spawn(io, board.perform(child, step, 1, std::move(file), [](std::uint64_t, std::uint64_t) {}), done);
  run_until(io, [&] { return answer.has_value(); });
  plugin.end(SIGTERM);
  if (const auto* failed = std::get_if<core::StepFailed>(&*answer)) throw std::runtime_error(failed->error.message);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) {
    std::fputs("usage: line_deliver PLUGIN TTY IMAGE FILE_SHA256 IMAGE_HASH DIRECTORY [KEY=VALUE]...\n", stderr);
    return 2;
  }
  try {
    deliver({argv, static_cast<std::size_t>(argc)});
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "line_deliver: %s\n", failure.what());
    return 1;
  }
  return 0;
}
