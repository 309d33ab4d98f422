// SPDX-License-Identifier: Apache-2.0
// What plugins say of their radios: kept for whoever asks, of their own children only, and no longer than they are
// there.
#include "adapters/plugin_board_fixture.hpp"

namespace hg::transport {
namespace {

class Radios : public PluginBoardTest {
 protected:
  /// Until what was sent before has been heard.
  void settle(const std::shared_ptr<wire::Channel>& channel, bool up) {
    links_.clear();
    ASSERT_TRUE(channel->send(wire::Link{"boiler", up, "a mark"}));
    loop_.until([this] { return !links_.empty(); });
  }
};

TEST_F(Radios, AreKeptAsTheyWereSaidLast) {
  const auto channel = plugin();
  settle(channel, true);
  EXPECT_FALSE(board_->radio("boiler"));
  ASSERT_TRUE(channel->send(wire::Radio{"boiler", "hci0", std::int16_t{-71}, std::uint16_t{247}, 1500, 3}));
  settle(channel, false);
  EXPECT_EQ(board_->radio("boiler"), (ports::Radio{"hci0", std::int16_t{-71}, std::uint16_t{247}, Duration{1500}, 3}));
  ASSERT_TRUE(channel->send(wire::Radio{"boiler", "hci1", {}, {}, ~std::uint64_t{0}}));
  settle(channel, true);
  const auto radio = board_->radio("boiler");
  ASSERT_TRUE(radio);
  EXPECT_EQ(radio->adapter, "hci1");
  EXPECT_FALSE(radio->rssi || radio->mtu);
  EXPECT_GT(std::chrono::microseconds(radio->airtime).count(), 0) << "no overflow";
}

TEST_F(Radios, AreForgottenWithTheirChildAndWithThePlugin) {
  const auto channel = plugin();
  ASSERT_TRUE(channel->send(wire::Radio{.child = "boiler"}));
  settle(channel, true);
  EXPECT_TRUE(board_->radio("boiler"));
  const std::vector<core::Enrollment> children{boiler()};
  board_->enroll({});
  EXPECT_FALSE(board_->radio("boiler"));
  board_->enroll(children);
  ASSERT_TRUE(channel->send(wire::Radio{.child = "boiler"}));
  settle(channel, false);
  EXPECT_TRUE(board_->radio("boiler"));
  channel->close();
  loop_.until([this] { return !board_->radio("boiler"); });
}

TEST_F(Radios, OfOthersAreDropped) {
  const auto channel = plugin();
  ASSERT_TRUE(channel->send(wire::Radio{.child = "stranger"}));
  settle(channel, true);
  EXPECT_FALSE(board_->radio("stranger"));
}

TEST_F(Radios, MoreThanCanBeHeardEndTheConnection) {
  const auto channel = plugin();
  for (unsigned i = 0; i < 4200; ++i) {
    if (!channel->send(wire::Radio{.child = "boiler", .airtime_ms = i})) break;
  }
  const Errc code = end_of(channel).code;
  EXPECT_TRUE(code == Errc::unavailable || code == Errc::io) << "io: with frames unread at the other end";
  EXPECT_TRUE(journal_.has("more is said of radios than can be heard"));
}

}  // namespace
}  // namespace hg::transport
