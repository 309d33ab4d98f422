// SPDX-License-Identifier: Apache-2.0
// What the tests of the plugins' programs share: a board as the daemon has it, a plugin that connects to it, and an
// smp_child at the other end of a pty or of a socket.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/json.hpp>

#include "adapters/transport/plugin_board.hpp"
#include "plugins/loop.hpp"
#include "plugins/processes.hpp"

namespace hg {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::McubootImage;
using test::Program;
using Arguments = std::vector<std::string>;

inline const std::string kBin = HEADGATE_BIN_DIR;

/// Real time, for a board that talks to real programs.
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

/// A plugin's program between the daemon's PluginBoard and an smp_child.
class PluginTest : public testing::Test {
 protected:
  /// `transport`: "serial" or "udp", whose plugin is headgate-<transport>.
  explicit PluginTest(const std::string& transport) {
    old_.write_to(directory_.path / "old.bin");
    child_.id = "boiler";
    child_.transport = transport;
    child_.profile = "test";
    child_.patience.answer = 20s;
    child_.patience.transfer_stall = 20s;
    child_.patience.swap = 20s;
    transport::BoardSettings settings;
    settings.socket = directory_.path / "plugins.sock";
    settings.bindings = {{transport, ::getuid()}};
    board_ = std::make_unique<transport::PluginBoard>(loop_.io.get_executor(), clock_, journal_, settings);
    board_->listen([this](core::LinkChanged change) { links_.push_back(std::move(change)); });
    const auto started = board_->start();
    if (!started) throw std::runtime_error(started.error().message);
  }
  ~PluginTest() override {
    plugin_.reset();
    board_.reset();
    loop_.settle();
  }

  /// The child alone, from its beginning or (again) from its flash.
  void start_child(Arguments more = {}) {
    Arguments arguments = {
        "--state", directory_.path / "state", "--image", directory_.path / "old.bin", "--boot-ms", "5", "--swap-ms",
        "20",      "--reset-delay-ms",        "20"};
    for (const Arguments& some : {link_arguments(), more}) arguments.insert(arguments.end(), some.begin(), some.end());
    device_ = std::make_unique<Program>(kBin + "/smp_child", arguments);
    const std::string ready = device_->line();
    if (!ready.starts_with("ready ")) throw std::runtime_error("the child does not start");
    child_is_at(ready.substr(6));
  }
  /// What smp_child is told about its link.
  [[nodiscard]] virtual Arguments link_arguments() const = 0;
  /// The tty, or the address and port, that the child says it listens at.
  virtual void child_is_at(const std::string&) {}

  void start_plugin(Arguments more = {}) {
    more.insert(more.end(), {"--socket", directory_.path / "plugins.sock"});
    plugin_ = std::make_unique<Program>(kBin + "/headgate-" + child_.transport, more);
  }
  void start(Arguments more = {}, wire::ProfileValues profile = {}) {
    start_child(std::move(more));
    wire::ProfileValues values = {{"reset_delay_ms", std::int64_t{20}},
                                  {"boot_silence_ms", std::int64_t{50}},
                                  {"chunk_ms", std::int64_t{1000}},
                                  {"erase_ms", std::int64_t{4000}}};
    for (auto& [name, value] : profile) values[name] = value;
    enroll(values);
    start_plugin(plugin_options_);
    await_link(true);
  }
  void enroll(const wire::ProfileValues& profile) {
    board_->set_profiles({{"test", {{child_.transport, profile}}}});
    const std::vector<core::Enrollment> children{child_};
    board_->enroll(children);
  }

  [[nodiscard]] bool link_is(bool up) const { return !links_.empty() && links_.back().up == up; }
  /// Until the link is said to be down for a reason that has `part` in it.
  void await_trouble(std::string_view part) {
    loop_.until([&] { return link_is(false) && links_.back().text.find(part) != std::string::npos; });
  }
  void await_link(bool up) {
    loop_.until([&] { return link_is(up); });
  }

  void begin(core::Step step, UniqueFd image = {}) {
    answer_.reset();
    progress_.clear();
    const auto note = [this](std::uint64_t done, std::uint64_t) { progress_.push_back(done); };
    const auto done = [this](const std::exception_ptr&, ports::Transport::Outcome outcome) {
      answer_ = std::move(outcome.answer);
    };
    asio::co_spawn(loop_.io, board_->perform(child_, std::move(step), 1, std::move(image), note),
                   asio::bind_cancellation_slot(stop_.slot(), done));
  }
  core::StepAnswer answer() {
    loop_.until([this] { return answer_.has_value(); });
    return *answer_;
  }
  core::StepAnswer perform(core::Step step, UniqueFd image = {}) {
    begin(std::move(step), std::move(image));
    return answer();
  }
  static std::string text_of(const core::StepAnswer& answer) {
    const auto* failed = std::get_if<core::StepFailed>(&answer);
    return failed == nullptr ? "another answer" : failed->error.message;
  }

  core::Inspection inspect() {
    const auto seen = perform(core::Inspect{});
    if (!std::holds_alternative<core::Inspection>(seen)) throw std::runtime_error(text_of(seen));
    return std::get<core::Inspection>(seen);
  }
  [[nodiscard]] core::Deliver deliver() const { return {new_.sha256, new_.file.size(), 0, new_.hash, staging_}; }
  void deliver_all() {
    const auto delivered = perform(deliver(), new_.descriptor());
    ASSERT_TRUE(std::holds_alternative<core::Delivered>(delivered)) << text_of(delivered);
  }
  [[nodiscard]] core::Activate activate() const { return {1, {{0, old_.hash, new_.hash}}}; }
  [[nodiscard]] core::Revert revert(const Digest& running) const { return {1, {{0, running, old_.hash}}}; }
  core::Inspection order(core::Step step) {
    const auto ordered = perform(std::move(step));
    if (!std::holds_alternative<core::Ordered>(ordered)) throw std::runtime_error(text_of(ordered));
    return std::get<core::Ordered>(ordered).seen;
  }
  static const core::Slot* active(const core::Inspection& seen) {
    for (const core::Slot& slot : seen.slots) {
      if (slot.image == 0 && slot.active) return &slot;
    }
    return nullptr;
  }
  void expect_runs(const core::Inspection& seen, const Digest& digest, bool confirmed) {
    const auto* slot = active(seen);
    ASSERT_NE(slot, nullptr);
    EXPECT_EQ(slot->digest, digest);
    EXPECT_EQ(slot->confirmed, confirmed);
    for (const core::Slot& other : seen.slots) EXPECT_FALSE(other.pending);
  }
  std::int64_t counter(const std::string& name) const {
    std::ifstream file(directory_.path / "state" / "counters");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return boost::json::parse(text).at(name).as_int64();
  }

  /// The whole way of an update, from the running old image to the confirmed new one.
  void update() {
    deliver_all();
    expect_runs(order(activate()), new_.hash, false);
    expect_runs(order(core::Confirm{1, {{0, new_.hash}}}), new_.hash, true);
  }

  test::Directory directory_;
  test::Loop loop_;
  RealClock clock_{loop_.io};
  test::RememberingJournal journal_;
  McubootImage old_{3000, 0, 1};
  McubootImage new_{60000, 1, 2};
  core::Staging staging_ = core::Staging::aside;  ///< where a delivery is meant to go
  core::Enrollment child_;
  Arguments plugin_options_;
  std::vector<core::LinkChanged> links_;
  std::vector<std::uint64_t> progress_;
  asio::cancellation_signal stop_;
  std::optional<core::StepAnswer> answer_;
  std::unique_ptr<transport::PluginBoard> board_;
  std::unique_ptr<Program> device_;
  std::unique_ptr<Program> plugin_;
};

class SerialTest : public PluginTest {
 protected:
  SerialTest() : PluginTest("serial") { child_.address = tty(); }
  [[nodiscard]] std::string tty() const { return directory_.path / "tty"; }
  [[nodiscard]] Arguments link_arguments() const override { return {"--link", tty()}; }
};

}  // namespace hg
