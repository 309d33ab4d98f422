// SPDX-License-Identifier: Apache-2.0
// PluginBoard and the keys of links: each goes to the plugin of its child, if that one holds keys, and to nobody else.
#include "adapters/plugin_board_fixture.hpp"

namespace hg::transport {
namespace {

using LinkKey = ports::Transport::LinkKey;

class LinkKeyTest : public PluginBoardTest {
 protected:
  LinkKeyTest() {
    const auto source = [this](const core::ChildId& child) {
      asked_.push_back(child);
      LinkKey key;
      if (kind_ == LinkKey::Kind::none) return key;
      key.kind = kind_;
      if (kind_ == LinkKey::Kind::certificate) {
        key.certificate = digest_of(9);
        return key;
      }
      key.identity = child;
      key.secret = Secret(Bytes(size_, fill_));
      return key;
    };
    board_->take_link_keys_from(source);
  }

  /// Let in, with what it is told of its child's key.
  std::shared_ptr<wire::Channel> keeper() {
    auto channel = plugin(wire::kCanHoldKeys);
    first_ = next_as<wire::LinkKey>(channel);
    return channel;
  }
  static wire::LinkKey psk(const std::string& child, std::uint8_t fill) {
    return {child, wire::LinkKeyKind::psk, child, std::make_shared<const Secret>(Bytes(32, fill)), {}};
  }

  LinkKey::Kind kind_ = LinkKey::Kind::psk;
  std::size_t size_ = 32;
  std::uint8_t fill_ = 1;
  std::vector<core::ChildId> asked_;
  wire::LinkKey first_;
};

TEST_F(LinkKeyTest, GoesToThePluginRightAfterItsChild) {
  keeper();
  EXPECT_EQ(first_, psk("boiler", 1));
  EXPECT_EQ(asked_, std::vector<core::ChildId>{"boiler"});
}

TEST_F(LinkKeyTest, OfACertificateIsItsDigest) {
  kind_ = LinkKey::Kind::certificate;
  keeper();
  EXPECT_EQ(first_, (wire::LinkKey{"boiler", wire::LinkKeyKind::certificate, "", {}, digest_of(9)}));
}

TEST_F(LinkKeyTest, ThatIsNotThereIsSaidToBeNone) {
  kind_ = LinkKey::Kind::none;
  keeper();
  EXPECT_EQ(first_, wire::LinkKey{"boiler"});
}

TEST_F(LinkKeyTest, IsNeitherToldNorOpenedForAPluginThatHoldsNone) {
  const auto channel = plugin(~wire::kCanHoldKeys);
  board_->link_key_changed("boiler");
  perform(core::Inspect{});
  next_as<wire::Inspect>(channel);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(LinkKeyTest, ThatChangesIsToldAtOnce) {
  const auto channel = keeper();
  fill_ = 2;
  board_->link_key_changed("boiler");
  EXPECT_EQ(next_as<wire::LinkKey>(channel), psk("boiler", 2));
  kind_ = LinkKey::Kind::none;
  board_->link_key_changed("boiler");
  EXPECT_EQ(next_as<wire::LinkKey>(channel), wire::LinkKey{"boiler"});
}

TEST_F(LinkKeyTest, OfSomebodyElsesChildIsNotTold) {
  auto other = boiler();
  other.id = "sensor";
  other.transport = "ble";
  const std::vector<core::Enrollment> both{boiler(), other};
  board_->enroll(both);
  const auto channel = keeper();
  board_->link_key_changed("sensor");
  board_->link_key_changed("nobody");
  perform(core::Inspect{});
  next_as<wire::Inspect>(channel);
  EXPECT_EQ(asked_, std::vector<core::ChildId>{"boiler"});
}

TEST_F(LinkKeyTest, IsToldAgainOnANewConnection) {
  keeper()->close();
  loop_.until([this] { return journal_.has("connection closed"); });
  fill_ = 2;
  keeper();
  EXPECT_EQ(first_, psk("boiler", 2));
}

TEST_F(LinkKeyTest, OfAChildThatIsEnrolledLaterComesWithIt) {
  const auto channel = keeper();
  auto other = boiler();
  other.id = "pump";
  const std::vector<core::Enrollment> both{boiler(), other};
  board_->enroll(both);
  EXPECT_EQ(next_as<wire::Enroll>(channel).child, "pump");
  EXPECT_EQ(next_as<wire::LinkKey>(channel), psk("pump", 1));
}

TEST_F(LinkKeyTest, ThatNoFrameMayCarryIsToldAsNoneAndNamed) {
  size_ = 8;
  keeper();
  EXPECT_EQ(first_, wire::LinkKey{"boiler"});
  EXPECT_TRUE(journal_.has("its link key is not handed over: a PSK has 16 to 64 bytes"));
}

TEST_F(LinkKeyTest, IsNotForAPluginToSay) {
  const auto channel = keeper();
  ASSERT_TRUE(channel->send(psk("boiler", 3)));
  EXPECT_EQ(end_of(channel).code, Errc::unavailable);
  EXPECT_TRUE(journal_.has("LinkKey is not for a plugin to send"));
}

TEST_F(LinkKeyTest, OfThousandsOfChildrenWaitInLockedMemoryUntilThePluginReads) {
  constexpr std::size_t kChildren = 3000;
  const auto channel = keeper();
  const std::size_t before = bytes_of_secrets();
  std::vector<core::Enrollment> children{boiler()};
  for (std::size_t i = 0; i < kChildren; ++i) {
    children.push_back(boiler());
    children.back().id = "child-" + std::to_string(i);
  }
  board_->enroll(children);
  EXPECT_GT(bytes_of_secrets(), before);
  for (std::size_t i = 0; i < kChildren; ++i) {
    const std::string child = next_as<wire::Enroll>(channel).child;
    EXPECT_EQ(next_as<wire::LinkKey>(channel), psk(child, 1));
  }
  EXPECT_EQ(bytes_of_secrets(), before);
}

}  // namespace
}  // namespace hg::transport
