// SPDX-License-Identifier: Apache-2.0
// Groups over the real service: as the configuration says them, over restarts and reloads; and the shutdown lock, which
// is held while children run what nobody has confirmed.
#include <gtest/gtest.h>

#include <algorithm>

#include "service/virtual_gateway.hpp"

namespace hg::service::test {
namespace {

using core::Decision;
using core::Phase;
using std::chrono::hours;
using std::chrono::seconds;

/// A product of two: the boiler takes the deliverable's mcu0, the pump its mcu1.
struct Product : World {
  Product() { children.emplace("pump", fakes::FlashChild{{"1.0.0", fakes::sha256_of(as_bytes("the pump's"))}}); }

  [[nodiscard]] std::vector<core::Enrollment> enrolled() const {
    core::Enrollment pump = boiler();
    pump.id = "pump";
    pump.targets = {{"mcu1", 0}};
    return {boiler(), pump};
  }
  [[nodiscard]] core::Layout layout() const {
    const core::Enrollment of = boiler();
    return {"heater", {{"burner", of.vendor, of.device_class, 1, 0}, {"pump", of.vendor, of.device_class, 1, 0}}};
  }
  [[nodiscard]] static core::Group group(const core::GroupId& id = "left") {
    return {id, "heater", {{"burner", "boiler"}, {"pump", "pump"}}, {}, true};
  }
  [[nodiscard]] const ByName<core::Group>& kept() const { return catalogue.durable().groups; }
  [[nodiscard]] bool all_kept(const std::function<bool(const core::Update&)>& holds) const {
    const auto& kept_children = catalogue.durable().children;
    return kept_children.size() == 2 && std::ranges::all_of(kept_children, [&](const auto& entry) {
             return entry.second.update && holds(*entry.second.update);
           });
  }
  [[nodiscard]] bool all_confirmed() const {
    return all_kept([](const core::Update& update) { return update.phase == Phase::confirmed; });
  }
  [[nodiscard]] bool all_activated() const {
    return all_kept([](const core::Update& update) { return update.decision == Decision::activate; });
  }
};

struct ProductSession : Session {
  explicit ProductSession(Product& product)
      : Session(product, product.enrolled(), {product.layout()}, {Product::group()}) {}
};

TEST(Groups, AreFormedAsTheConfigurationSays) {
  Product product;
  ProductSession session(product);
  ASSERT_TRUE(session.run_until([&] { return product.kept().contains("left"); }, seconds{5}));
  EXPECT_EQ(product.kept().at("left"), Product::group());
  EXPECT_EQ(session.boiler().group, "left");
  EXPECT_EQ(session.state().layouts.at("heater"), product.layout());
  EXPECT_EQ(product.journal.count("not formed"), 0U);
}

TEST(Groups, OneThatTheConfigurationNoLongerNamesIsDissolved) {
  Product product;
  ProductSession session(product);
  ASSERT_TRUE(session.run_until([&] { return product.kept().contains("left"); }, seconds{5}));
  session.gateway.enroll(product.enrolled());
  EXPECT_TRUE(session.run_until([&] { return product.kept().empty(); }, seconds{5}));
  EXPECT_EQ(session.boiler().group, "");
}

TEST(Groups, OneOfAnEarlierRunIsDissolvedToo) {
  Product product;
  {
    ProductSession session(product);
    ASSERT_TRUE(session.run_until([&] { return product.kept().contains("left"); }, seconds{5}));
  }
  product.catalogue.cut_power();
  Session session(product, product.enrolled());
  EXPECT_TRUE(session.run_until([&] { return product.kept().empty(); }, seconds{5}));
}

TEST(Groups, OneThatAnOperatorMadeStaysOverAReload) {
  Product product;
  Session session(product, product.enrolled(), {product.layout()});
  core::Group own = Product::group("own");
  own.is_configured = false;
  const auto form = [](Session& s, core::Group group) -> asio::awaitable<void> {
    (void)co_await s.gateway.control().form_group(std::move(group), 0);
  };
  asio::co_spawn(session.loop, form(session, own), asio::detached);
  ASSERT_TRUE(session.run_until([&] { return product.kept().contains("own"); }, seconds{5}));
  session.gateway.enroll(product.enrolled(), {product.layout()});
  session.run_until([] { return false; }, seconds{5});
  EXPECT_TRUE(product.kept().contains("own"));
}

TEST(Groups, ARenamedOneTakesItsChildrenAlong) {
  Product product;
  ProductSession session(product);
  ASSERT_TRUE(session.run_until([&] { return product.kept().contains("left"); }, seconds{5}));
  session.gateway.enroll(product.enrolled(), {product.layout()}, {Product::group("west")});
  ASSERT_TRUE(session.run_until([&] { return product.kept().contains("west"); }, seconds{5}));
  EXPECT_EQ(product.kept().size(), 1U);
  EXPECT_EQ(product.journal.count("not formed"), 0U);
}

TEST(Groups, TwoQuickReloadsLeaveNoGhost) {
  Product product;
  Session session(product, product.enrolled());
  session.gateway.enroll(product.enrolled(), {product.layout()}, {Product::group()});
  session.gateway.enroll(product.enrolled(), {product.layout()});
  session.run_until([] { return false; }, seconds{5});
  EXPECT_TRUE(product.kept().empty());
  EXPECT_TRUE(session.state().groups.empty());
}

TEST(Groups, AConfigurationThatTookAnOperatorsNameDoesNotDissolveHis) {
  Product product;
  Session session(product, product.enrolled(), {product.layout()});
  core::Group his = Product::group();
  his.is_configured = false;
  bool is_formed = false;
  const auto form = [&]() -> boost::asio::awaitable<void> {
    is_formed = static_cast<bool>(co_await session.gateway.control().form_group(his, 1000));
  };
  boost::asio::co_spawn(session.loop, form, boost::asio::detached);
  ASSERT_TRUE(session.run_until([&] { return is_formed; }, seconds{5}));
  session.gateway.enroll(product.enrolled(), {product.layout()}, {Product::group()});
  ASSERT_TRUE(session.run_until([&] { return product.journal.count("not formed as configured") > 0; }, seconds{5}));
  session.gateway.enroll(product.enrolled(), {product.layout()});
  session.run_until([] { return false; }, seconds{5});
  EXPECT_TRUE(product.kept().contains("left"));
}

TEST(Groups, ARefusedOneIsSaidAndStopsNobody) {
  Product product;
  core::Group partial = Product::group();
  partial.members.pop_back();
  Session session(product, product.enrolled(), {product.layout()}, {partial});
  ASSERT_TRUE(session.run_until([&] { return product.journal.count("not formed as configured") > 0; }, seconds{5}));
  const auto lines = product.journal.lines();
  const auto line = std::ranges::find_if(lines, [](const auto& l) { return l.text.starts_with("not formed"); });
  EXPECT_EQ(line->level, ports::Level::error);
  EXPECT_NE(line->text.find("group left"), std::string::npos) << line->text;
  session.gateway.enroll(product.enrolled(), {product.layout()});
  session.run_until([] { return false; }, seconds{5});
  EXPECT_EQ(product.journal.count("not dissolved"), 0U) << "it was never there";
  EXPECT_TRUE(session.seal()) << "the gateway works";
}

TEST(Groups, AreUpdatedTogetherAndKnowWhatTheyHaveCommitted) {
  Product product;
  {
    ProductSession session(product);
    ASSERT_TRUE(session.seal());
    session.start_rollout();
    ASSERT_TRUE(session.run_until([&] { return product.all_confirmed(); }));
    ASSERT_TRUE(session.run_until([&] { return !product.kept().at("left").committed.empty(); }, seconds{5}));
  }
  for (const char* id : {"boiler", "pump"})
    EXPECT_EQ(product.children.at(id).listing().active(0)->version, "2.0.0") << id;
  product.catalogue.cut_power();
  ProductSession session(product);
  session.run_until([] { return false; }, seconds{5});
  EXPECT_EQ(product.kept().at("left").committed, product.catalogue.durable().deliverables.begin()->first);
}

TEST(Groups, AMemberThatDoesNotComeBackAfterARestartTakesTheOthersBack) {
  Product product;
  {
    ProductSession session(product);
    ASSERT_TRUE(session.seal());
    session.start_rollout();
    ASSERT_TRUE(session.run_until([&] { return product.all_activated(); }));
  }
  product.catalogue.cut_power();
  const fakes::FlashChild pump = product.children.at("pump");
  product.children.erase("pump");  // no line brings it back
  {
    ProductSession session(product);
    const auto is_back = [](const core::Update& update) { return update.decision == Decision::back; };
    ASSERT_TRUE(session.run_until([&] { return product.all_kept(is_back); })) << "nobody waits for it for ever";
    ASSERT_TRUE(session.run_until([&] { return session.phase() == Phase::reverted; }));
    EXPECT_EQ(product.children.at("boiler").listing().active(0)->version, "1.0.0");
    product.children.emplace("pump", pump);
    session.transport.link("pump", true);
    EXPECT_TRUE(session.run_until([&] { return product.all_confirmed(); }, hours{48})) << "all are tried again";
  }
}

TEST(ShutdownLock, IsHeldFromActivateToTheEnd) {
  World world;
  core::Enrollment child = world.boiler();
  child.patience.health = seconds{60};
  Session session(world, {child});
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.run_until([&] { return session.phase() == Phase::transferring; }));
  EXPECT_EQ(session.shutdown_lock.times, 0U);
  ASSERT_TRUE(session.run_until([&] { return session.phase() == Phase::testing; }));
  EXPECT_TRUE(session.shutdown_lock.is_held);
  ASSERT_TRUE(session.confirm());
  EXPECT_TRUE(session.run_until([&] { return !session.shutdown_lock.is_held; }, seconds{1}));
  EXPECT_EQ(session.shutdown_lock.times, 1U);
}

TEST(ShutdownLock, IsHeldOverTheWayBackAndNotBetweenTwoAttempts) {
  World world;
  world.children.at("boiler").refuses_images = true;
  Session session(world);
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.run_until([&] { return session.shutdown_lock.is_held; }));
  ASSERT_TRUE(session.run_until([&] { return !session.shutdown_lock.is_held; }));
  EXPECT_EQ(session.phase(), Phase::reverted);
  EXPECT_EQ(session.boiler().update->decision, Decision::back);
}

TEST(ShutdownLock, IsHeldUntilTheLastOfAGroupIsDone) {
  Product product;
  std::vector<core::Enrollment> children = product.enrolled();
  children.back().patience.health = seconds{60};
  Session session(product, children, {product.layout()}, {Product::group()});
  ASSERT_TRUE(session.seal());
  session.start_rollout();
  ASSERT_TRUE(session.run_until([&] { return session.boiler().gate == core::Gate::healthy; }));
  session.run_until([] { return false; }, seconds{30});
  EXPECT_TRUE(session.shutdown_lock.is_held);
  ASSERT_TRUE(session.run_until([&] { return !session.shutdown_lock.is_held; }));
  EXPECT_TRUE(product.all_confirmed());
  EXPECT_EQ(session.shutdown_lock.times, 1U);
}

TEST(ShutdownLock, IsTakenAgainAfterARestartAndGivenUpWithTheChild) {
  World world;
  core::Enrollment child = world.boiler();
  child.patience.health = hours{1};
  {
    Session session(world, {child});
    ASSERT_TRUE(session.seal());
    session.start_rollout();
    ASSERT_TRUE(session.run_until([&] { return session.phase() == Phase::testing; }));
  }
  world.catalogue.cut_power();
  Session session(world, {child});
  EXPECT_TRUE(session.run_until([&] { return session.shutdown_lock.is_held; }, seconds{5}));
  session.gateway.enroll({});
  EXPECT_TRUE(session.run_until([&] { return !session.shutdown_lock.is_held; }, seconds{5}))
      << "nothing will be done for it any more";
}

}  // namespace
}  // namespace hg::service::test
