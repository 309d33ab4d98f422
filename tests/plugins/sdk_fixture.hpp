// SPDX-License-Identifier: Apache-2.0
// The plugin SDK against a daemon that the test plays by hand, with a driver that does what the test says.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <boost/asio/this_coro.hpp>
#include <utility>

#include "adapters/transport/listening_socket.hpp"
#include "plugins/loop.hpp"
#include "sdk/plugin.hpp"
#include "smp/clock.hpp"

namespace hg::plugin {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// Says who was asked; a step ends when the test says so, or when it is cancelled; then at once, or when the test lets
/// it leave its child.
class ObedientDriver : public Driver {
 public:
  explicit ObedientDriver(const asio::any_io_executor& executor) : gate_(executor) {
    gate_.expires_at(SteadyTime::max());
  }

  void enroll(const wire::Enroll& child) override { enrolled.push_back(child); }
  void forget(const std::string& child) override { forgotten.push_back(child); }
  void set_link_key(const std::string& child, LinkKey key) override {
    EXPECT_FALSE(enrolled.empty()) << "a key before its child";
    keys.emplace_back(child, std::move(key));
  }
  asio::awaitable<Result<wire::Seen>> inspect(Job job) override {
    begun.push_back(job.child);
    if (holds) {
      co_await gate_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    const bool is_cancelled = co_await smp::was_cancelled();
    if (is_cancelled) {
      ++cancelled;
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      if (leaves_slowly) {
        co_await gate_.async_wait(asio::as_tuple(asio::use_awaitable));
      }
      ++left;
      co_return Error{Errc::cancelled, "cancelled"};
    }
    co_return says;
  }
  asio::awaitable<Result<Outcome>> deliver(Job job, wire::Deliver request, ImageView) override {
    if (request.staging != wire::Staging::aside) co_return Outcome{false, {}};
    for (std::uint64_t done = 1; done <= request.size; ++done) job.progress(done, request.size);
    co_return Outcome{};
  }
  asio::awaitable<Result<Outcome>> activate(Job, wire::Activate) override { co_return Outcome{false, {}}; }
  asio::awaitable<Result<Outcome>> confirm(Job, wire::Confirm) override { co_return Outcome{true, {}}; }
  asio::awaitable<Result<Outcome>> revert(Job, wire::Revert) override { throw std::runtime_error("a bug"); }

  void let_go() {
    holds = false;
    leaves_slowly = false;
    gate_.cancel();
  }

  wire::Seen says;
  std::vector<wire::Enroll> enrolled;
  std::vector<std::string> forgotten;
  std::vector<std::pair<std::string, LinkKey>> keys;
  std::vector<std::string> begun;
  unsigned cancelled = 0;
  unsigned left = 0;
  bool holds = false;
  bool leaves_slowly = false;

 private:
  asio::steady_timer gate_;
};

class SdkTest : public testing::Test {
 protected:
  /// As a rule a step has as long as it wants to leave its child.
  explicit SdkTest(std::chrono::milliseconds leave_within = 1h, std::chrono::milliseconds enroll_within = 1h,
                   std::chrono::milliseconds radio_pause = 1h)
      : leave_within_(leave_within), enroll_within_(enroll_within), radio_pause_(radio_pause) {
    const auto opened = socket_.open(path(), 0600, {});
    if (!opened) throw std::runtime_error(opened.error().message);
    asio::co_spawn(loop_.io, plugin_.run(), [this](const std::exception_ptr&) { has_ended_ = true; });
  }
  ~SdkTest() override {
    plugin_.stop();
    socket_.close();
    if (daemon_) daemon_->close();
    driver_.let_go();
    loop_.until([this] { return has_ended_; });
    loop_.settle();
  }
  [[nodiscard]] std::filesystem::path path() const { return directory_.path / "plugins.sock"; }

  /// The plugin connects; the daemon lets it in.
  void let_in() {
    accept();
    EXPECT_EQ(next<wire::Hello>(), (wire::Hello{1, 1, "test", 0, "test 1"}));
    send(wire::Welcome{1, "daemon"});
  }
  void accept() {
    auto fd = loop_.wait(socket_.accept());
    daemon_ = *wire::Channel::open(loop_.io.get_executor(), std::move(*fd));
  }
  void send(const wire::Frame& frame, UniqueFd fd = {}) { ASSERT_TRUE(daemon_->send(frame, std::move(fd))); }
  template <class F>
  F next() {
    auto arrival = loop_.wait(daemon_->receive());
    if (!arrival) throw std::runtime_error(arrival.error().message);
    if (!std::holds_alternative<F>(arrival->frame))
      throw std::runtime_error(std::string(wire::name_of(arrival->frame)));
    return std::get<F>(std::move(arrival->frame));
  }
  void enroll(const std::string& child) {
    send(wire::Enroll{child, "/somewhere", {}});
    loop_.until([&] { return !driver_.enrolled.empty() && driver_.enrolled.back().child == child; });
  }
  /// One step that runs and does not end by itself, and one that waits.
  void hold_one_of_two() {
    let_in();
    enroll("a");
    driver_.holds = true;
    driver_.leaves_slowly = true;
    send(wire::Inspect{task(1)});
    send(wire::Inspect{task(2)});
    loop_.until([this] { return driver_.begun.size() == 1; });
  }
  void expect_cancelled(std::uint64_t request) {
    const auto failed = next<wire::Failed>();
    EXPECT_EQ(failed.reply.request, request);
    EXPECT_EQ(failed.code, Errc::cancelled);
  }
  static wire::Task task(std::uint64_t request, std::uint64_t deadline_ms = 20000) {
    return {request, "a", 1, deadline_ms};
  }
  static UniqueFd file() { return UniqueFd(::memfd_create("image", MFD_CLOEXEC)); }

  std::chrono::milliseconds leave_within_;
  std::chrono::milliseconds enroll_within_;
  std::chrono::milliseconds radio_pause_;
  test::Directory directory_;
  test::Loop loop_;
  bool has_ended_ = false;
  transport::ListeningSocket socket_{loop_.io.get_executor()};
  ObedientDriver driver_{loop_.io.get_executor()};
  std::vector<std::string> log_;
  Plugin plugin_{loop_.io.get_executor(),
                 {"test", "test 1", 0},
                 path(),
                 driver_,
                 [this](std::string_view line) { log_.emplace_back(line); },
                 leave_within_,
                 enroll_within_,
                 radio_pause_};
  std::shared_ptr<wire::Channel> daemon_;
};

class ImpatientSdkTest : public SdkTest {
 protected:
  ImpatientSdkTest() : SdkTest(30ms, 500ms) {}
};

}  // namespace hg::plugin
