// SPDX-License-Identifier: Apache-2.0
// Link keys through the SDK: to the driver when they change and not again, and gone with what they belong to.
#include <set>

#include "plugins/sdk_fixture.hpp"

namespace hg::plugin {
namespace {

const Digest kOne = *Digest::from_bytes(Bytes(32, 1));

wire::LinkKey psk_of(const std::string& child, std::uint8_t fill) {
  return {child, wire::LinkKeyKind::psk, child, std::make_shared<const Secret>(Bytes(32, fill)), {}};
}

TEST_F(SdkTest, HandsAKeyToTheDriverInLockedMemory) {
  let_in();
  send(wire::Enroll{"a", "/somewhere", {}});
  send(psk_of("a", 1));
  loop_.until([this] { return !driver_.keys.empty(); });
  const auto& [child, key] = driver_.keys.front();
  EXPECT_EQ(child, "a");
  EXPECT_EQ(key.kind, LinkKeyKind::psk);
  EXPECT_EQ(key.identity, "a");
  EXPECT_TRUE(std::ranges::equal(key.secret.view(), Bytes(32, 1)));
  EXPECT_TRUE(is_locked_secret(key.secret.view().data()));
}

TEST_F(SdkTest, HandsAPasskeyToTheDriverAndDoesNotLogIt) {
  let_in();
  send(wire::Enroll{"a", "/somewhere", {}});
  send(wire::LinkKey{
      "a", wire::LinkKeyKind::passkey, "", std::make_shared<const Secret>(as_bytes(std::string_view("042137"))), {}});
  loop_.until([this] { return !driver_.keys.empty(); });
  const LinkKey& key = driver_.keys.front().second;
  EXPECT_EQ(key.kind, LinkKeyKind::passkey);
  EXPECT_TRUE(std::ranges::equal(key.secret.view(), as_bytes(std::string_view("042137"))));
  EXPECT_TRUE(is_locked_secret(key.secret.view().data()));
  EXPECT_THAT(log_, testing::Contains("a: link key: passkey"));
  EXPECT_THAT(log_, testing::Not(testing::Contains(testing::HasSubstr("042137"))));
}

TEST_F(SdkTest, HandsAKeyOverOnlyWhenItChanges) {
  let_in();
  enroll("a");
  send(wire::LinkKey{"a"});  // none: that is how it begins
  send(psk_of("a", 1));
  send(psk_of("a", 1));
  send(psk_of("a", 2));
  send(wire::LinkKey{"a", wire::LinkKeyKind::certificate, "", {}, kOne});
  send(wire::LinkKey{"a"});
  loop_.until([this] { return !driver_.keys.empty() && driver_.keys.back().second.kind == LinkKeyKind::none; });
  ASSERT_EQ(driver_.keys.size(), 4U);
  EXPECT_EQ(driver_.keys[1].second.secret.view()[0], 2);
  EXPECT_EQ(driver_.keys[2].second.certificate, kOne);
  EXPECT_EQ(driver_.keys[3].second.secret.size(), 0U);
}

TEST_F(SdkTest, KeepsItsKeysWhenTheDaemonGoesAndIsToldOfChangesByTheNext) {
  let_in();
  enroll("a");
  send(psk_of("a", 1));
  loop_.until([this] { return driver_.keys.size() == 1; });
  daemon_->close();
  let_in();
  send(wire::Enroll{"a", "/somewhere", {}});
  send(psk_of("a", 1));
  send(wire::Inspect{task(1)});
  next<wire::Inspected>();
  EXPECT_EQ(driver_.keys.size(), 1U);
  send(psk_of("a", 2));
  loop_.until([this] { return driver_.keys.size() == 2; });
  EXPECT_EQ(driver_.keys.back().second.secret.view()[0], 2);
}

TEST_F(SdkTest, AKeyIsHandedOverWhileAStepOfItsChildRuns) {
  hold_one_of_two();
  send(psk_of("a", 1));
  loop_.until([this] { return driver_.keys.size() == 1; });
  EXPECT_EQ(driver_.left, 0U);
  driver_.let_go();
  EXPECT_EQ(next<wire::Inspected>().reply.request, 1U);
  EXPECT_EQ(next<wire::Inspected>().reply.request, 2U);
}

TEST_F(SdkTest, AKeyEndsWithItsChildWhateverRuns) {
  hold_one_of_two();
  send(psk_of("a", 1));
  send(wire::Forget{"a"});
  loop_.until([this] { return driver_.keys.size() == 2; });
  EXPECT_EQ(driver_.keys.back().second.kind, LinkKeyKind::none);
  EXPECT_TRUE(driver_.forgotten.empty());  // the step has not ended
  send(psk_of("a", 2));                    // of nobody
  driver_.let_go();
  loop_.until([this] { return !driver_.forgotten.empty(); });
  EXPECT_EQ(driver_.keys.size(), 2U);
}

TEST_F(SdkTest, AKeyOfAChildThatComesBackAtOnceIsHandedOverAgain) {
  hold_one_of_two();
  send(psk_of("a", 1));
  send(wire::Forget{"a"});
  send(wire::Enroll{"a", "/somewhere", {}});
  send(psk_of("a", 1));
  loop_.until([this] { return driver_.keys.size() == 3; });
  EXPECT_EQ(driver_.keys[1].second.kind, LinkKeyKind::none);
  EXPECT_EQ(driver_.keys[2].second.kind, LinkKeyKind::psk);
  driver_.let_go();
  loop_.until([this] { return driver_.enrolled.size() == 2; });
  ASSERT_EQ(driver_.keys.size(), 4U);  // with the new values once more
  EXPECT_EQ(driver_.keys[3].second.kind, LinkKeyKind::psk);
}

TEST_F(SdkTest, WithOtherValuesAChildGetsItsKeyOnceMore) {  // a driver may have begun with it anew
  let_in();
  enroll("a");
  send(psk_of("a", 1));
  loop_.until([this] { return driver_.keys.size() == 1; });
  send(wire::Enroll{"a", "/elsewhere", {}});
  send(psk_of("a", 1));
  loop_.until([this] { return driver_.keys.size() == 2; });
  EXPECT_EQ(driver_.enrolled.size(), 2U);
  EXPECT_TRUE(std::ranges::equal(driver_.keys.back().second.secret.view(), Bytes(32, 1)));
}

TEST_F(SdkTest, NoKeyOfAStrangerIsHandedOver) {
  let_in();
  enroll("a");
  send(psk_of("b", 1));
  send(wire::Inspect{task(1)});
  next<wire::Inspected>();
  EXPECT_TRUE(driver_.keys.empty());
}

TEST_F(ImpatientSdkTest, ForgetsChildrenAndKeysThatANewConnectionDoesNotSayAgain) {
  let_in();
  for (const char* child : {"a", "b", "c"}) {
    enroll(child);
    send(psk_of(child, 1));
  }
  loop_.until([this] { return driver_.keys.size() == 3; });
  daemon_->close();
  let_in();
  send(wire::Enroll{"a", "/somewhere", {}});
  send(psk_of("a", 1));
  send(wire::Enroll{"b", "/somewhere", {}});
  loop_.until([this] { return !driver_.forgotten.empty() && driver_.keys.size() == 5; });
  EXPECT_EQ(driver_.forgotten, std::vector<std::string>{"c"});
  std::set<std::string> without;
  for (std::size_t i = 3; i < driver_.keys.size(); ++i) {
    EXPECT_EQ(driver_.keys[i].second.kind, LinkKeyKind::none);
    without.insert(driver_.keys[i].first);
  }
  EXPECT_EQ(without, (std::set<std::string>{"b", "c"}));
}

}  // namespace
}  // namespace hg::plugin
