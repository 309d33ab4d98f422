// SPDX-License-Identifier: Apache-2.0
// The shutdown lock against somebody who answers as logind does, on a bus of the test's own: what it is asked, when the
// descriptor goes, and what the journal says where there is none.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <vector>

#include "adapters/bus/private_bus.hpp"
#include "adapters/dbus/logind_lock.hpp"
#include "base/unique_fd.hpp"
#include "fakes/recording_journal.hpp"

namespace hg::bus::test {
namespace {

/// Asks "polkit" as logind 252 does: about several kinds at once as about a lid, which our rule does not allow.
/// Gives out the write ends of pipes, as logind does: the read end tells when the last copy is closed.
class FakeLogind {
 public:
  FakeLogind(boost::asio::io_context& loop, const std::string& address)
      : connection_(Connection::open(loop.get_executor(), address, {}).value()) {
    EXPECT_GE(sd_bus_add_object(connection_->bus(), nullptr, "/org/freedesktop/login1", answer, this), 0);
    EXPECT_GE(sd_bus_request_name(connection_->bus(), "org.freedesktop.login1", 0), 0);
    connection_->kick();
  }

  struct Given {
    std::string what;
    std::string who;
    std::string mode;
    UniqueFd watched;
  };
  std::vector<Given> given;
  std::string refuses_mode;   ///< as polkit would
  std::string is_silent_for;  ///< the answer comes with answer_now()

  [[nodiscard]] bool is_held(std::size_t number) const {
    pollfd ready{given.at(number).watched.get(), POLLIN, 0};
    return ::poll(&ready, 1, 0) == 0;
  }
  [[nodiscard]] bool has_question() const { return static_cast<bool>(pending_); }
  void answer_now() {
    is_silent_for.clear();
    sd_bus_message_rewind(pending_.get(), 1);
    answer(pending_.get(), this, nullptr);
    connection_->kick();
  }

 private:
  static int answer(sd_bus_message* call, void* userdata, sd_bus_error*) {
    auto& self = *static_cast<FakeLogind*>(userdata);
    if (sd_bus_message_is_method_call(call, "org.freedesktop.login1.Manager", "Inhibit") <= 0) return 0;
    const char* what = nullptr;
    const char* who = nullptr;
    const char* why = nullptr;
    const char* mode = nullptr;
    if (sd_bus_message_read(call, "ssss", &what, &who, &why, &mode) < 0) return -EBADMSG;
    if (what == self.is_silent_for) {
      self.pending_ = share(call);
      return 1;
    }
    if (mode == self.refuses_mode || std::string_view{what}.find(':') != std::string_view::npos)
      return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_ACCESS_DENIED, "not for you");
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return -errno;
    const UniqueFd lock{ends[1]};
    self.given.push_back({what, who, mode, UniqueFd{ends[0]}});
    return sd_bus_reply_method_return(call, "h", lock.get());
  }

  std::shared_ptr<Connection> connection_;
  Message pending_;
};

class LockOnBus : public testing::Test {
 protected:
  bool eventually(const std::function<bool()>& reached) { return test::eventually(loop_, reached); }
  bool says(const char* text) {
    return eventually([&] { return journal_.count(text) > 0; });
  }

  PrivateBus bus_;
  boost::asio::io_context loop_;
  fakes::RecordingJournal journal_;
};

TEST_F(LockOnBus, BlocksShutdownAndSleepUntilItIsReleased) {
  FakeLogind logind(loop_, bus_.address());
  LogindLock lock(loop_.get_executor(), bus_.address(), journal_);
  lock.hold();
  ASSERT_TRUE(says("sleep is held off (block)"));
  EXPECT_EQ(journal_.count("shutdown is held off (block)"), 1U);
  ASSERT_EQ(logind.given.size(), 2U);
  EXPECT_EQ(logind.given[0].what, "shutdown") << "it matters more";
  EXPECT_EQ(logind.given[1].what, "sleep");
  for (std::size_t number = 0; number < 2; ++number) {
    EXPECT_EQ(logind.given[number].who, "headgated");
    EXPECT_EQ(logind.given[number].mode, "block");
    EXPECT_TRUE(logind.is_held(number));
  }
  lock.release();
  EXPECT_TRUE(eventually([&] { return !logind.is_held(0) && !logind.is_held(1); }));
  EXPECT_EQ(journal_.count("held off no longer"), 2U);
}

TEST_F(LockOnBus, IsTakenAnewForTheNextUpdate) {
  FakeLogind logind(loop_, bus_.address());
  LogindLock lock(loop_.get_executor(), bus_.address(), journal_);
  for (std::size_t number = 0; number < 2; ++number) {
    lock.hold();
    ASSERT_TRUE(eventually([&] { return journal_.count("(block)") == 2 * (number + 1); }));
    EXPECT_TRUE(logind.is_held(2 * number));
    EXPECT_TRUE(logind.is_held(2 * number + 1));
    lock.release();
    EXPECT_TRUE(eventually([&] { return !logind.is_held(2 * number) && !logind.is_held(2 * number + 1); }));
  }
}

TEST_F(LockOnBus, IsWholeWhenItIsWantedAgainWhileItAsks) {
  FakeLogind logind(loop_, bus_.address());
  LogindLock lock(loop_.get_executor(), bus_.address(), journal_);
  logind.is_silent_for = "sleep";
  lock.hold();
  ASSERT_TRUE(eventually([&] { return logind.has_question(); }));
  lock.release();  // shutdown is free again
  lock.hold();
  logind.answer_now();
  ASSERT_TRUE(eventually([&] { return journal_.count("(block)") == 3; })) << "shutdown, sleep, shutdown once more";
  ASSERT_EQ(logind.given.size(), 3U);
  EXPECT_FALSE(logind.is_held(0));
  EXPECT_TRUE(logind.is_held(1));
  EXPECT_TRUE(logind.is_held(2));
}

TEST_F(LockOnBus, DelaysWherePolkitDoesNotLetItBlockAndSaysSoOnce) {
  FakeLogind logind(loop_, bus_.address());
  logind.refuses_mode = "block";
  LogindLock lock(loop_.get_executor(), bus_.address(), journal_);
  for (std::size_t number = 0; number < 2; ++number) {
    lock.hold();
    ASSERT_TRUE(eventually([&] { return journal_.count("(delay)") == 2 * (number + 1); }));
    EXPECT_EQ(logind.given.at(2 * number).mode, "delay");
    EXPECT_TRUE(logind.is_held(2 * number));
    EXPECT_TRUE(logind.is_held(2 * number + 1));
    lock.release();
  }
  EXPECT_EQ(journal_.count("shutdown can only be delayed during updates, not blocked: not for you"), 1U);
  EXPECT_EQ(journal_.count("sleep can only be delayed during updates, not blocked: not for you"), 1U);
}

TEST_F(LockOnBus, WithoutLogindItIsOneNotice) {
  LogindLock lock(loop_.get_executor(), bus_.address(), journal_);
  lock.hold();
  ASSERT_TRUE(says("nothing holds off shutdown"));
  EXPECT_EQ(journal_.lines().front().level, ports::Level::notice);
  lock.release();
  FakeLogind logind(loop_, bus_.address());  // it comes later, for the next update
  lock.hold();
  ASSERT_TRUE(says("sleep is held off (block)"));
  EXPECT_EQ(journal_.count("nothing holds off"), 1U);
}

TEST_F(LockOnBus, WithoutABusItIsOneNotice) {
  LogindLock lock(loop_.get_executor(), "unix:path=/nowhere/bus", journal_);
  lock.hold();
  ASSERT_TRUE(says("nothing holds off shutdown"));
  lock.release();
  lock.hold();
  EXPECT_TRUE(eventually([&] { return loop_.stopped(); })) << "the second question has ended";
  EXPECT_EQ(journal_.count("nothing holds off shutdown"), 1U);
}

TEST_F(LockOnBus, WhatComesTooLateIsClosedAgain) {
  FakeLogind logind(loop_, bus_.address());
  logind.is_silent_for = "shutdown";
  LogindLock lock(loop_.get_executor(), bus_.address(), journal_);
  lock.hold();
  ASSERT_TRUE(eventually([&] { return logind.has_question(); }));
  lock.release();
  logind.answer_now();
  ASSERT_EQ(logind.given.size(), 1U);
  EXPECT_TRUE(eventually([&] { return !logind.is_held(0); }));
  EXPECT_EQ(journal_.count("held off"), 0U);
}

TEST_F(LockOnBus, MayGoWhileItAsks) {
  FakeLogind logind(loop_, bus_.address());
  logind.is_silent_for = "shutdown";
  {
    LogindLock lock(loop_.get_executor(), bus_.address(), journal_);
    lock.hold();
    ASSERT_TRUE(eventually([&] { return logind.has_question(); }));
  }
  logind.answer_now();
  EXPECT_TRUE(eventually([&] { return !logind.is_held(0); }));
  EXPECT_TRUE(journal_.lines().empty()) << "the journal may be gone by then";
}

}  // namespace
}  // namespace hg::bus::test
