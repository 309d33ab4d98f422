// SPDX-License-Identifier: Apache-2.0
// What an operator asks about groups and baselines, from the face's call to what is durable and written down.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/virtual_gateway.hpp"

namespace hg::service::test {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t kOperator = 1000;

template <class Answer>
asio::awaitable<void> keep(asio::awaitable<Answer> asked, std::optional<Answer>& into) {
  into = co_await std::move(asked);
}

template <class Answer>
Answer ask(Session& session, asio::awaitable<Answer> asked) {
  std::optional<Answer> answer;
  asio::co_spawn(session.loop, keep(std::move(asked), answer), asio::detached);
  EXPECT_TRUE(session.run_until([&] { return answer.has_value(); }));
  return std::move(*answer);
}

class OperatorsGroup : public testing::Test {
 protected:
  OperatorsGroup() {
    world_.children.at("boiler") =
        board("1.0.0", fakes::sha256_of(as_bytes("the factory's")), fakes::sha256_of(as_bytes("two images")));
    start({});
  }

  /// With both images of the deliverable as its targets, so that it is for nobody else.
  void start(std::vector<core::Group> configured) {
    core::Enrollment boiler = world_.boiler();
    boiler.targets = {{"mcu0", 0}, {"mcu1", 1}};
    session_.emplace(world_, std::vector<core::Enrollment>{});
    session_->gateway.enroll({boiler}, {core::Layout{"lone", {core::Role{"one", boiler.vendor, boiler.device_class}}}},
                             std::move(configured));
    session_->run_until([&] { return session_->state().children.contains("boiler") && session_->boiler().seen; });
  }

  static fakes::FlashChild board(const std::string& version, const Digest& first, const Digest& second) {
    return fakes::FlashChild{std::vector<fakes::FlashChild::Held>{{version, first}, {version, second}}};
  }

  Result<void> form() { return ask(*session_, control().form_group(house_, kOperator)); }
  ports::Control& control() { return session_->gateway.control(); }

  World world_;
  std::optional<Session> session_;
  core::Group house_{"house", "lone", {{"one", "boiler"}}, {}};
};

TEST_F(OperatorsGroup, IsDurableAndWrittenDown) {
  EXPECT_TRUE(form());
  EXPECT_EQ(world_.catalogue.durable().groups.at("house"), house_);
  EXPECT_EQ(session_->boiler().group, "house");
  EXPECT_EQ(world_.journal.count("group house made by uid 1000"), 1U);
  EXPECT_TRUE(ask(*session_, control().dissolve_group("house", kOperator)));
  EXPECT_TRUE(world_.catalogue.durable().groups.empty());
  EXPECT_EQ(world_.journal.count("group house dissolved by uid 1000"), 1U);
}

TEST_F(OperatorsGroup, OutlivesTheDaemon) {
  EXPECT_TRUE(form());
  session_.reset();
  start({});
  EXPECT_EQ(session_->boiler().group, "house");
}

TEST_F(OperatorsGroup, IsNotMadeTwice) {
  EXPECT_TRUE(form());
  const Result<void> again = form();
  ASSERT_TRUE(again.has_error());
  EXPECT_EQ(again.error().code, Errc::exists);
  EXPECT_EQ(world_.journal.count("group house made"), 1U);
}

TEST_F(OperatorsGroup, IsNotMadeOfWhatIsNotThere) {
  house_.layout = "none";
  EXPECT_EQ(form().error().code, Errc::not_found);
  EXPECT_EQ(world_.journal.count("made"), 0U);
}

TEST_F(OperatorsGroup, IsNotTheConfigurations) {
  session_.reset();
  house_.is_configured = true;
  start({house_});
  ASSERT_TRUE(session_->run_until([&] { return session_->state().groups.contains("house"); }));
  const Result<void> dissolved = ask(*session_, control().dissolve_group("house", kOperator));
  ASSERT_TRUE(dissolved.has_error());
  EXPECT_EQ(dissolved.error().code, Errc::guard_failed);
  EXPECT_THAT(dissolved.error().message, HasSubstr("configuration"));
  EXPECT_TRUE(session_->state().groups.contains("house"));
}

TEST_F(OperatorsGroup, HasNothingToRepairOrResolve) {
  EXPECT_TRUE(form());
  const auto repaired = ask(*session_, control().repair_group("house", kOperator));
  EXPECT_EQ(repaired.error().code, Errc::not_found);
  core::SplitResolved resolved{"house", "boiler", core::Resolution::retry, {}, kOperator};
  EXPECT_EQ(ask(*session_, control().resolve_split(resolved)).error().code, Errc::exists);
  EXPECT_EQ(world_.journal.count("resolved"), 0U);
}

TEST_F(OperatorsGroup, IsBroughtBackToItsBaselineByARepair) {
  EXPECT_TRUE(form());
  ASSERT_TRUE(session_->seal());
  const core::Deliverable deliverable = session_->state().deliverables.begin()->second;
  const auto declare = [&] { return ask(*session_, control().declare_baseline(deliverable.id, kOperator)); };
  EXPECT_EQ(declare().error().code, Errc::mismatch);  // it runs something else

  // A child that came with it; and the board that takes its place, which did not.
  const fakes::FlashChild replacement = world_.children.at("boiler");
  const auto digest_of = [&](const char* component) {
    return std::ranges::find(deliverable.images, component, &core::Image::component)->running_digest;
  };
  session_.reset();
  world_.children.at("boiler") = board("2.0.0", digest_of("mcu0"), digest_of("mcu1"));
  start({});
  const auto runs_it = [&] { return session_->boiler().seen->active(1)->digest == digest_of("mcu1"); };
  ASSERT_TRUE(session_->run_until(runs_it));
  EXPECT_TRUE(declare());
  EXPECT_EQ(world_.catalogue.durable().children.at("boiler").committed, deliverable.id);
  EXPECT_EQ(world_.catalogue.durable().groups.at("house").committed, deliverable.id);
  EXPECT_EQ(world_.journal.count("declared the baseline by uid 1000"), 1U);
  EXPECT_EQ(ask(*session_, control().repair_group("house", kOperator)).error().code, Errc::exists);

  session_.reset();
  world_.children.at("boiler") = replacement;
  start({});
  ASSERT_TRUE(session_->run_until([&] { return !runs_it(); }));
  const auto repaired = ask(*session_, control().repair_group("house", kOperator));
  ASSERT_TRUE(repaired) << repaired.error().message;
  EXPECT_TRUE(session_->confirm());
}

}  // namespace
}  // namespace hg::service::test
