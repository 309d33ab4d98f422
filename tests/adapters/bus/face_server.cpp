// SPDX-License-Identifier: Apache-2.0
// A gateway to test clients and policies against: the real Face over a scripted control whose children act by their
// names: "ok-*" are updated and confirm, "bad-*" are refused, "slow-*" transfer until they are cancelled. In a group
// "bad-*" runs something else after ACTIVATE, and the others go back. The layouts are "pair" ("left" and "right", of
// class 1), "trio" ("all", three of class 1) and "lone" ("one", of class 2).
// usage: face_server ADDRESS [CHILDREN]    prints "ready" when it has the name, ends on SIGTERM
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <iostream>

#include "adapters/dbus/face.hpp"
#include "fakes/scripted_control.hpp"

namespace hg {
namespace {

namespace asio = boost::asio;
using core::Phase;
using std::chrono::milliseconds;

class RealClock final : public ports::Clock {
 public:
  [[nodiscard]] Instant now() const override {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  }
  [[nodiscard]] asio::awaitable<Result<void>> sleep_for(Duration duration) override {
    asio::steady_timer timer(co_await asio::this_coro::executor, duration);
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return Error{Errc::cancelled, "sleep cancelled"};
    co_return Result<void>{};
  }
};

class StderrJournal final : public ports::Journal {
 public:
  void write(ports::Level /*level*/, const ports::About& /*about*/, std::string_view text) override {
    std::cerr << text << std::endl;
  }
};

class ActingControl final : public fakes::ScriptedControl {
 public:
  ActingControl(asio::io_context& loop, ports::Clock& clock) : ScriptedControl(clock), loop_(loop), clock_(clock) {}

  [[nodiscard]] asio::awaitable<Result<core::RolloutId>> start_rollout(core::RolloutRequested request) override {
    const auto rollout = co_await ScriptedControl::start_rollout(std::move(request));
    if (rollout) begin(rollout.value());
    co_return rollout;
  }

  [[nodiscard]] asio::awaitable<Result<core::RolloutId>> repair_group(core::GroupId group, std::uint32_t uid) override {
    const auto rollout = co_await ScriptedControl::repair_group(std::move(group), uid);
    if (rollout) begin(rollout.value());
    co_return rollout;
  }

  [[nodiscard]] asio::awaitable<Result<void>> import(std::string url) override {
    if (url.ends_with("busy")) co_return Error{Errc::busy, "too many wait already"};
    const auto taken = co_await ScriptedControl::import(url);
    if (taken) asio::co_spawn(loop_, arrive(url), asio::detached);
    co_return taken;
  }

 private:
  void begin(core::RolloutId rollout) {
    for (const auto& id : state().rollouts.at(rollout).children) {
      const core::Update& update = *child(id).update;
      const bool has_bad_member = std::ranges::any_of(state().groups, [&](const auto& entry) {
        return entry.first == update.group && std::ranges::any_of(entry.second.members, [](const core::Member& member) {
                 return member.child.starts_with("bad-");
               });
      });
      if (has_bad_member) {
        asio::co_spawn(loop_, fail_together(id, update.epoch), asio::detached);
      } else {
        asio::co_spawn(loop_, act(id, update.epoch), asio::detached);
      }
    }
  }

  // A member of a group of which one runs something else after ACTIVATE.
  asio::awaitable<void> fail_together(core::ChildId id, core::Epoch epoch) {
    for (const Phase phase : {Phase::staged, Phase::activating, Phase::reverting}) {
      (void)co_await clock_.sleep_for(milliseconds{20});
      if (phase == Phase::reverting) child(id).update->decision = core::Decision::back;
      if (!go_on(id, epoch, phase)) co_return;
    }
    (void)co_await clock_.sleep_for(milliseconds{20});
    const bool is_bad = id.starts_with("bad-");
    const core::Cause cause = is_bad ? core::Cause{core::Reason::third_version, "it runs \x1b[31m9.9.9"}
                                     : core::Cause{core::Reason::other_member, "bad-1: it runs 9.9.9"};
    move(id, is_bad ? Phase::split : Phase::reverted, cause);
  }

  // False when the child's update is another one by then, or over.
  bool go_on(const core::ChildId& id, core::Epoch epoch, Phase phase) {
    const auto& update = child(id).update;
    if (!update || update->epoch != epoch || core::is_over(*update)) return false;
    move(id, phase);
    return true;
  }

  asio::awaitable<void> act(core::ChildId id, core::Epoch epoch) {
    (void)co_await clock_.sleep_for(milliseconds{20});
    if (id.starts_with("bad-")) {
      move(id, Phase::refused, {core::Reason::child_refused, "no \x1b[31mroom\x1b[0m"});
      co_return;
    }
    if (!go_on(id, epoch, Phase::transferring)) co_return;
    for (std::uint64_t step = 0; step <= 10; ++step) {
      transfer(id, step * 10'000, 100'000);
      (void)co_await clock_.sleep_for(milliseconds{30});
      if (id.starts_with("slow-")) co_return;
    }
    for (const Phase phase : {Phase::staged, Phase::activating, Phase::testing, Phase::confirmed}) {
      if (!go_on(id, epoch, phase)) co_return;
      (void)co_await clock_.sleep_for(milliseconds{20});
    }
  }

  asio::awaitable<void> arrive(std::string url) {
    announced.insert(announced.begin(),
                     {.url = url, .state = ports::ArrivalState::waiting, .text = {}, .since = clock_.now()});
    (void)co_await clock_.sleep_for(milliseconds{50});
    const bool refused = url.ends_with("refused");
    const auto entry = std::ranges::find(announced, url, &ports::Arrival::url);  // others may have come since
    entry->state = refused ? ports::ArrivalState::refused : ports::ArrivalState::sealed;
    entry->text = refused ? "signed by nobody" : std::string(64, 'f');
    seal(std::string(64, refused ? 'c' : 'f'), "3.0.0");
    if (url.ends_with("factory")) runs_from_factory(std::string(64, 'f'));
  }

  asio::io_context& loop_;
  ports::Clock& clock_;
};

/// A child that tells all that a child can tell, and has two images.
void make_talkative(core::Child& child) {
  child.enrollment.targets = {{"app", 0}, {"radio", 1}};
  child.confirms_itself = true;
  child.enrollment.link = core::LinkProtection::none;
  child.link_security = core::LinkSecurity::claimed;
  core::Inspection& seen = *child.seen;
  core::Slot radio = seen.slots.front();
  radio.image = 1;
  radio.version = "2.0.0";
  radio.digest = *Digest::from_text(std::string(64, 'd'));
  seen.slots.push_back(radio);
  seen.staging = core::Staging::impossible;
  seen.obstacle = "MCUboot mode 4 (direct-XIP)";
  seen.identity = "acme/0017";
  seen.power = core::Power::battery;
  seen.battery_percent = 40;
  seen.busy = true;
  seen.busy_for = std::chrono::seconds{90};
  seen.boots = 12;
  child.update.emplace();
  child.update->phase = core::Phase::reverted;
  child.update->backup = *Digest::from_text(std::string(64, 'e'));
  child.update->restore_is_due = true;
}

void furnish(ActingControl& control, int children) {
  for (const char* id : {"ok-1", "ok-2", "bad-1"}) control.enroll(id);
  control.enroll("slow-1", 2);
  for (int number = 0; number < children; ++number) control.enroll("many-" + std::to_string(number), 3);
  control.enroll("two-1", 4);
  make_talkative(control.child("two-1"));
  control.radios["two-1"] = {"hci0", std::int16_t{-71}, std::uint16_t{247}, std::chrono::milliseconds{12345}, 2};
  control.lay_out({core::Layout{"pair", {core::Role{"left", {}, {1}}, core::Role{"right", {}, {1}}}},
                   core::Layout{"trio", {core::Role{"all", {}, {1}, 3}}},
                   core::Layout{"lone", {core::Role{"one", {}, {2}}}}});
  core::Discovered met;
  met.id = "met-1";
  met.transport = "serial";
  met.address = "/dev/ttyACM9";
  met.vendor = core::Uuid{0x11};
  met.text = "SMP \x1b[2J1.4";
  control.meet(met);
  control.child("bad-1").online = false;
  control.child("bad-1").link_text = "cable \x1b[2Jout";
  control.seal("a1" + std::string(62, '0'), "2.0.0", 1);
  control.seal("a2" + std::string(62, '0'), "2.0.0", 2);
  control.seal("b0" + std::string(62, '0'), "9.0.0", 9);
  control.accept(core::Head{"stable", 4, Instant{}, Instant{std::chrono::hours{24}}, {{"boiler", 7, "a1", 5}}});
  core::Permit permit;
  permit.id = std::string(32, 'e');
  permit.product = "boiler";
  permit.from = 9;
  permit.to = 7;
  permit.whom = core::ChildId("ok-1");
  permit.uses = {{"ok-1", 3}};
  permit.signers = "anna, \x1b[2Jbert";
  control.accept(permit);
}

asio::awaitable<void> serve(bus::Face& face, asio::io_context& loop, int& status) {
  const Result<void> started = co_await face.start();
  if (started) {
    std::cout << "ready" << std::endl;
  } else {
    std::cerr << started.error().message << std::endl;
    status = EXIT_FAILURE;
    loop.stop();
  }
}

int run(const std::string& address, int children) {
  RealClock clock;
  StderrJournal journal;
  int status = EXIT_SUCCESS;
  asio::io_context loop{1};
  ActingControl control(loop, clock);
  furnish(control, children);
  bus::Face face(loop.get_executor(), address, control, clock, journal, "0.1.0-test");
  control.watcher = &face;
  asio::signal_set ends(loop, SIGTERM, SIGINT);
  ends.async_wait([&loop](const boost::system::error_code& error, int /*signal*/) {
    if (!error) loop.stop();
  });
  asio::co_spawn(loop, serve(face, loop, status), asio::detached);
  loop.run();
  return status;
}

}  // namespace
}  // namespace hg

int main(int argc, char** argv) {
  if (argc < 2) return EXIT_FAILURE;
  return hg::run(argv[1], argc > 2 ? std::atoi(argv[2]) : 0);
}
