// SPDX-License-Identifier: Apache-2.0
// The keys of links on their way to the plugins, with the real key safe: whatever sets, changes or takes away a key
// reaches the plugin at once, and what does not open is replaced by a key that nobody knows, with a word to whoever can
// mend it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/crypto/key_safe.hpp"
#include "service/real_safe.hpp"
#include "service/virtual_gateway.hpp"

namespace hg::service::test {
namespace {

using LinkKey = ports::Transport::LinkKey;
using std::chrono::seconds;
using testing::HasSubstr;

const Bytes kPsk = {0x11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
const Bytes kPasskey = {'0', '4', '2', '1', '3', '7', '\n'};
const Bytes kNext = {0x22, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

class LinkKeysTest : public ::testing::Test {
 protected:
  LinkKeysTest() {
    world_.key_safe = safe_.get();
    session_.emplace(world_);
  }

  Result<Digest> set(const Bytes& material, const std::string& name = {}, core::KeyUse use = core::KeyUse::link) {
    std::optional<Result<Digest>> answer;
    asio::co_spawn(session_->loop, session_->gateway.control().set_child_key("boiler", use, name, Bytes(material), 0),
                   [&](const std::exception_ptr&, Result<Digest> result) { answer = std::move(result); });
    session_->run_until([&] { return answer.has_value(); }, seconds{5});
    return answer.value_or(Error{Errc::timed_out, "no answer"});
  }
  Result<void> revoke() {
    std::optional<Result<void>> answer;
    asio::co_spawn(session_->loop, session_->gateway.control().revoke_child_key("boiler", core::KeyUse::link, 0),
                   [&](const std::exception_ptr&, Result<void> result) { answer = std::move(result); });
    session_->run_until([&] { return answer.has_value(); }, seconds{5});
    return answer.value_or(Error{Errc::timed_out, "no answer"});
  }
  const LinkKey& told() { return session_->transport.link_keys.at("boiler"); }
  unsigned times() { return session_->transport.keys_told; }
  void expect_psk(const Bytes& bytes, const std::string& identity = "boiler") {
    EXPECT_EQ(told().kind, LinkKey::Kind::psk);
    EXPECT_EQ(told().identity, identity);
    EXPECT_TRUE(std::ranges::equal(told().secret.view(), bytes));
  }
  void begin_again() { session_.emplace(world_); }

  World world_;
  Safe safe_;
  std::optional<Session> session_;
};

TEST_F(LinkKeysTest, AChildWithoutOneHasNone) {
  EXPECT_EQ(told().kind, LinkKey::Kind::none);
  EXPECT_EQ(world_.journal.count("link key"), 0U);
}

TEST_F(LinkKeysTest, OneThatIsSetIsToldAtOnceUnderTheNameOfTheChild) {
  ASSERT_TRUE(set(kPsk));
  expect_psk(kPsk);
  EXPECT_TRUE(is_locked_secret(told().secret.view().data()));
}

TEST_F(LinkKeysTest, AnIdentityOfItsOwnIsTold) {
  ASSERT_TRUE(set(kPsk, "urn:dev:mac:0024be"));
  expect_psk(kPsk, "urn:dev:mac:0024be");
}

TEST_F(LinkKeysTest, AnotherOneTakesItsPlace) {
  ASSERT_TRUE(set(kPsk));
  ASSERT_TRUE(set(kNext));
  expect_psk(kNext);
}

TEST_F(LinkKeysTest, OneThatIsRevokedIsNone) {
  ASSERT_TRUE(set(kPsk));
  ASSERT_TRUE(revoke());
  EXPECT_EQ(told().kind, LinkKey::Kind::none);
  EXPECT_EQ(told().secret.size(), 0U);
}

TEST_F(LinkKeysTest, AnotherBoardHasNone) {
  ASSERT_TRUE(set(kPsk));
  asio::co_spawn(session_->loop, session_->gateway.control().replace_board("boiler", 0), asio::detached);
  EXPECT_TRUE(session_->run_until([this] { return told().kind == LinkKey::Kind::none; }, seconds{5}));
}

TEST_F(LinkKeysTest, KeysForOtherUsesAndLinksThatComeAndGoAreNoNews) {
  ASSERT_TRUE(set(kPsk));
  const unsigned before = times();
  ASSERT_TRUE(set(kNext, {}, core::KeyUse::wrap));
  session_->transport.link("boiler", false);
  session_->transport.link("boiler", true);
  session_->run_until([] { return false; }, seconds{2});
  EXPECT_EQ(times(), before);
  expect_psk(kPsk);
}

TEST_F(LinkKeysTest, AfterARestartItIsToldAgain) {
  ASSERT_TRUE(set(kPsk));
  begin_again();
  expect_psk(kPsk);
}

TEST_F(LinkKeysTest, OneThatAnotherStoreKeySealedIsReplacedByOneThatNobodyKnowsAndNamed) {
  ASSERT_TRUE(set(kPsk));
  const Safe other;
  world_.key_safe = other.get();
  begin_again();
  EXPECT_EQ(told().kind, LinkKey::Kind::psk) << "what comes without a key is not taken for the child";
  EXPECT_FALSE(std::ranges::equal(told().secret.view(), kPsk));
  EXPECT_GE(world_.journal.count("child boiler: its link key does not open"), 1U);
  EXPECT_GE(world_.journal.count("headgatectl children set-key boiler link"), 1U);
  world_.key_safe = safe_.get();
}

TEST_F(LinkKeysTest, APasskeyIsToldAsOneWithoutAnIdentity) {
  ASSERT_TRUE(set(kPasskey));
  EXPECT_EQ(told().kind, LinkKey::Kind::passkey);
  EXPECT_EQ(told().identity, "");
  EXPECT_TRUE(std::ranges::equal(told().secret.view(), as_bytes(std::string_view("042137"))));
  EXPECT_TRUE(is_locked_secret(told().secret.view().data()));
  EXPECT_EQ(world_.journal.count("042137"), 0U);
  begin_again();
  EXPECT_EQ(told().kind, LinkKey::Kind::passkey);
  ASSERT_TRUE(revoke());
  EXPECT_EQ(told().kind, LinkKey::Kind::none);
}

TEST_F(LinkKeysTest, APasskeyThatDoesNotOpenIsNotGuessedAtTheChild) {
  ASSERT_TRUE(set(kPasskey));
  const Safe other;
  world_.key_safe = other.get();
  begin_again();
  EXPECT_EQ(told().kind, LinkKey::Kind::none);
  EXPECT_GE(world_.journal.count("child boiler: its link key does not open"), 1U);
  world_.key_safe = safe_.get();
}

TEST_F(LinkKeysTest, NothingOfItStandsInTheJournal) {
  ASSERT_TRUE(set(kPsk));
  EXPECT_EQ(world_.journal.count(to_hex(kPsk)), 0U);
}

// --------------------------------------------------------------------------------------------------------- the safe

TEST(RevealedLinkKeys, AreThePskOfThisChildsLinkOnly) {
  const Safe safe;
  const auto psk = safe->take_child_key("boiler", core::KeyUse::link, {}, kPsk);
  ASSERT_TRUE(psk);
  EXPECT_EQ(psk->name, "boiler");
  const auto revealed = safe->reveal_link_key("boiler", *psk);
  ASSERT_TRUE(revealed) << revealed.error().message;
  EXPECT_TRUE(std::ranges::equal(revealed->view(), kPsk));
  EXPECT_EQ(safe->reveal_link_key("pump", *psk).error().code, Errc::unauthenticated);

  const auto passkey = safe->take_child_key("boiler", core::KeyUse::link, {}, kPasskey).value();
  EXPECT_EQ(passkey.name, "");
  EXPECT_EQ(safe->reveal_link_key("boiler", passkey)->size(), 6U);
  EXPECT_EQ(safe->reveal_link_key("pump", passkey).error().code, Errc::unauthenticated);

  const auto wrap = safe->take_child_key("boiler", core::KeyUse::wrap, {}, kPsk).value();
  EXPECT_EQ(safe->reveal_link_key("boiler", wrap).error().code, Errc::unsupported);
  core::ChildKey disguised = wrap;
  disguised.use = core::KeyUse::link;
  disguised.kind = core::KeyKind::psk;
  EXPECT_EQ(safe->reveal_link_key("boiler", disguised).error().code, Errc::unauthenticated);
  core::ChildKey damaged = *psk;
  damaged.value.back() ^= 1;
  const auto refused = safe->reveal_link_key("boiler", damaged);
  EXPECT_EQ(refused.error().code, Errc::unauthenticated);
  EXPECT_THAT(refused.error().message, HasSubstr("boiler"));
}

}  // namespace
}  // namespace hg::service::test
