// SPDX-License-Identifier: Apache-2.0
// PluginBoard tells of those whom plugins have met and nobody has enrolled: within the plugin's own transport, bounded,
// and only as long as the plugin is there.
#include "adapters/plugin_board_fixture.hpp"

namespace hg::transport {
namespace {

wire::Discovered stranger(const std::string& name) {
  return {name, "at " + name, wire::Uuid{1}, wire::Uuid{2}, "a meter"};
}

class Strangers : public PluginBoardTest {
 protected:
  Strangers() {
    board_->listen_for_strangers([this](ports::Transport::Meeting meeting) {
      if (const auto* met = std::get_if<core::ChildDiscovered>(&meeting)) met_.push_back(met->discovered);
      if (const auto* gone = std::get_if<core::ChildVanished>(&meeting)) gone_.push_back(*gone);
    });
  }
  /// Until what was sent before has been heard.
  void settle(const std::shared_ptr<wire::Channel>& channel, bool up) {
    links_.clear();
    ASSERT_TRUE(channel->send(wire::Link{"boiler", up, "a mark"}));
    loop_.until([this] { return !links_.empty(); });
  }

  std::vector<core::Discovered> met_;
  std::vector<core::ChildVanished> gone_;
};

TEST_F(Strangers, AreToldWithTheTransportOfTheirPlugin) {
  const auto channel = plugin();
  ASSERT_TRUE(channel->send(stranger("meter-17")));
  settle(channel, false);
  ASSERT_EQ(met_.size(), 1U);
  EXPECT_EQ(met_.front(), (core::Discovered{"meter-17", "serial", "at meter-17", wire::Uuid{1}, wire::Uuid{2},
                                            "a meter", clock_.now()}));
  ASSERT_TRUE(channel->send(wire::Vanished{"meter-17"}));
  settle(channel, true);
  ASSERT_EQ(gone_.size(), 1U);
  EXPECT_EQ(gone_.front().child, "meter-17");
  EXPECT_EQ(gone_.front().transport, "serial");
}

TEST_F(Strangers, AreToldAgainOnlyWhenTheySaySomethingElse) {
  const auto channel = plugin();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(channel->send(stranger("meter-17")));
  auto changed = stranger("meter-17");
  changed.text = "a meter, opened";
  ASSERT_TRUE(channel->send(changed));
  settle(channel, false);
  ASSERT_EQ(met_.size(), 2U);
  EXPECT_EQ(met_.back().text, "a meter, opened");
}

TEST_F(Strangers, AreToldAgainWhenTheyAreNotEnrolledAnyMore) {
  const auto channel = plugin();
  ASSERT_TRUE(channel->send(stranger("boiler")));  // core leaves out whom it knows
  ASSERT_TRUE(channel->send(stranger("meter-17")));
  settle(channel, false);
  met_.clear();
  board_->enroll({});
  EXPECT_TRUE(met_.empty());  // not before the caller has told that it dropped the child
  loop_.until([this] { return !met_.empty(); });
  EXPECT_EQ(met_.front().id, "boiler");
  loop_.settle();
  EXPECT_EQ(met_.size(), 1U);
}

TEST_F(Strangers, WhoWereNeverToldDoNotVanish) {
  const auto channel = plugin();
  ASSERT_TRUE(channel->send(wire::Vanished{"meter-17"}));
  settle(channel, false);
  EXPECT_TRUE(gone_.empty());
}

TEST_F(Strangers, VanishWithTheirPlugin) {
  const auto channel = plugin();
  ASSERT_TRUE(channel->send(stranger("a")));
  ASSERT_TRUE(channel->send(stranger("b")));
  settle(channel, false);
  channel->close();
  loop_.until([this] { return gone_.size() == 2; });
  EXPECT_EQ(gone_.front().child, "a");
}

TEST_F(Strangers, BeyondTheirBoundAreNotTold) {
  const auto channel = plugin();
  for (std::size_t i = 0; i < wire::kMaxStrangers + 10; ++i) {
    ASSERT_TRUE(channel->send(stranger("s" + std::to_string(i))));
    if (i % 64 == 0) loop_.settle();
  }
  settle(channel, false);
  EXPECT_EQ(met_.size(), wire::kMaxStrangers);
  EXPECT_TRUE(journal_.has("more strangers are in sight"));
  ASSERT_TRUE(channel->send(wire::Vanished{"s0"}));
  ASSERT_TRUE(channel->send(stranger("in-its-place")));
  settle(channel, true);
  EXPECT_EQ(met_.back().id, "in-its-place");
}

TEST_F(Strangers, WhoComeAndGoTooOftenAreNotToldAndTheOthersGoOn) {
  const auto channel = plugin();
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(channel->send(stranger("a")));
    ASSERT_TRUE(channel->send(wire::Vanished{"a"}));
    if (i % 64 == 0) loop_.settle();
  }
  settle(channel, false);  // the plugin serves its children all the same
  EXPECT_LE(met_.size(), 4096U);
  EXPECT_GE(met_.size(), 4000U);
  EXPECT_EQ(gone_.size(), met_.size());
  met_.clear();
  clock_.advance(1s);  // and what is new later is told
  ASSERT_TRUE(channel->send(stranger("b")));
  settle(channel, true);
  EXPECT_EQ(met_.size(), 1U);
}

TEST_F(Strangers, AFloodOfThemEndsTheConnection) {
  const auto channel = plugin();
  for (int i = 0; i < 20000 && !journal_.has("more is said of strangers"); ++i) {
    if (!channel->send(wire::Vanished{"a"})) break;
    if (i % 64 == 0) loop_.settle();
  }
  loop_.until([this] { return journal_.has("more is said of strangers than can be heard"); });
}

TEST_F(Strangers, AreNamedAsChildrenAreOrTheConnectionEnds) {
  const auto channel = plugin();
  ASSERT_TRUE(channel->send(stranger("../etc")));
  EXPECT_EQ(end_of(channel).code, Errc::unavailable);
  EXPECT_TRUE(met_.empty());
}

}  // namespace
}  // namespace hg::transport
