// SPDX-License-Identifier: Apache-2.0
// Who is served beside the children of the configuration, with profiles of the test's own: the configuration goes
// before what was registered, a profile's tier before the keys, and nobody takes another's place.
#include <gtest/gtest.h>

#include "service/virtual_gateway.hpp"

namespace hg::service::test {
namespace {

using std::chrono::seconds;

/// One profile, which may be missing, and a policy that takes everybody.
class OneProfile final : public ports::ChildTypes {
 public:
  [[nodiscard]] Result<core::Enrollment> complete(const core::Registration& registration) const override {
    if (is_missing) return Error{Errc::not_found, "there is no profile " + registration.profile};
    core::Enrollment child;
    child.id = registration.id;
    child.transport = registration.transport;
    child.address = registration.address;
    child.profile = registration.profile;
    child.protection.tier = tier;
    return child;
  }
  [[nodiscard]] std::optional<core::Registration> by_policy(const core::Discovered& stranger,
                                                            Instant now) const override {
    core::Registration made;
    made.id = stranger.id;
    made.transport = stranger.transport;
    made.address = stranger.address;
    made.profile = "any";
    made.targets = {{"app", 0}};
    made.origin = core::Origin::policy;
    made.by = "all";
    made.at = now;
    return made;
  }

  bool is_missing = false;
  std::uint8_t tier = 0;
};

class RosterTest : public ::testing::Test {
 protected:
  RosterTest() {
    world_.child_types = &types_;
    boiler_ = world_.boiler();
    boiler_.address = "/dev/ttyS0";
  }

  void start() { session_.emplace(world_, std::vector{boiler_}); }

  static core::Registration pump(const std::string& address = "/dev/ttyS1") {
    core::Registration what;
    what.id = "pump";
    what.transport = "serial";
    what.address = address;
    what.profile = "any";
    return what;
  }
  Result<void> enroll(core::Registration registration) {
    std::optional<Result<void>> answer;
    asio::co_spawn(session_->loop, session_->gateway.control().register_child(std::move(registration), 1000),
                   [&](const std::exception_ptr&, Result<void> result) { answer = std::move(result); });
    session_->run_until([&] { return answer.has_value(); }, seconds{5});
    return answer.value_or(Error{Errc::timed_out, "no answer"});
  }
  bool is_served(const core::ChildId& id) {
    const auto found = session_->state().children.find(id);
    return found != session_->state().children.end() && found->second.enrolled;
  }
  void settle() {
    session_->run_until([] { return false; }, seconds{2});
  }

  World world_;
  OneProfile types_;
  core::Enrollment boiler_;
  std::optional<Session> session_;
};

TEST_F(RosterTest, AnAddressThatTheConfigurationGivesToAnotherEndsTheServiceOfARegisteredChild) {
  start();
  ASSERT_TRUE(enroll(pump()));
  ASSERT_TRUE(is_served("pump"));
  core::Enrollment fan = boiler_;
  fan.id = "fan";
  fan.address = "/dev/ttyS1";
  session_->gateway.enroll({boiler_, fan}, {}, {});
  settle();
  EXPECT_TRUE(is_served("fan"));
  EXPECT_FALSE(is_served("pump")) << "two children at one address: what is for one goes to the other";
  EXPECT_EQ(world_.journal.count("child pump is enrolled and cannot be served: child pump: the configuration has child "
                                 "fan at serial /dev/ttyS1"),
            1U);
  session_->gateway.enroll({boiler_}, {}, {});
  settle();
  EXPECT_TRUE(is_served("pump")) << "its place is free again";
}

TEST_F(RosterTest, AChildWhoseProfileIsGoneIsServedNoMore) {
  start();
  ASSERT_TRUE(enroll(pump()));
  types_.is_missing = true;
  session_->gateway.enroll({boiler_}, {}, {});
  settle();
  EXPECT_FALSE(is_served("pump"));
  EXPECT_EQ(world_.journal.count("child pump is enrolled and cannot be served: there is no profile any"), 1U);
}

TEST_F(RosterTest, APolicyGivesNobodyThePlaceOfOneWhoCannotBeServedToday) {
  start();
  ASSERT_TRUE(enroll(pump()));
  types_.is_missing = true;
  session_->gateway.enroll({boiler_}, {}, {});
  settle();
  types_.is_missing = false;
  session_->transport.meet(core::ChildDiscovered{{"pump", "serial", "/dev/ttyS9", {}, {}, "hello", {}}});
  settle();
  EXPECT_FALSE(is_served("pump"));
  EXPECT_EQ(session_->state().children.at("pump").registration->address, "/dev/ttyS1");
}

TEST_F(RosterTest, HistoryAboutAChildItselfIsOfNoPhase) {
  start();
  ASSERT_TRUE(enroll(pump()));
  EXPECT_EQ(world_.journal.count("child pump: uid 1000 has registered it"), 1U);
  EXPECT_EQ(world_.journal.count("preflight"), 0U);
}

TEST_F(RosterTest, KeysThatTheTierDoesNotHaveAreRefusedBeforeAnythingIsRemembered) {
  types_.tier = 2;
  fakes::VirtualClock& clock = world_.clock;
  boost::asio::io_context loop{1};
  Driver driver(loop.get_executor(), world_.catalogue, clock, world_.journal);
  fakes::FlashTransport transport(world_.children, clock);
  Roster roster(loop.get_executor(), driver, RosterPorts{transport, clock, world_.journal, &types_});
  core::ChildKey shared;
  shared.use = core::KeyUse::wrap;
  shared.kind = core::KeyKind::aes;
  const auto refused = roster.complete(pump(), {{core::KeyUse::wrap, shared}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::mismatch);
  EXPECT_EQ(refused.error().message, "child pump: profile any is of tier 2, which has no aes key to wrap");
  shared.kind = core::KeyKind::p256;
  EXPECT_TRUE(roster.complete(pump(), {{core::KeyUse::wrap, shared}}));
}

}  // namespace
}  // namespace hg::service::test
