// SPDX-License-Identifier: Apache-2.0
// Content keys, and what a child gets in the place of the shared bytes: made once, kept as long as the update lasts,
// void with the key that it was made for.
#include <gtest/gtest.h>

#include "core/table_keys.hpp"

namespace hg::core::table {
namespace {

using std::chrono::hours;

const Deliver* delivers(Bench& bench) {
  return std::get_if<Deliver>(&bench.child().step);
}

TEST(Views, AreMadeBeforeTheFirstByteLeaves) {
  KeyBench bench;
  bench.go_to_prepare();
  const auto* order = std::get_if<Prepare>(&bench.child().step);
  ASSERT_NE(order, nullptr) << bench.step();
  EXPECT_EQ(*order, (Prepare{kBlob, 4096, sealing(), content_key(), child_key()}));
  bench.prepares();
  ASSERT_NE(delivers(bench), nullptr) << bench.step();
  EXPECT_EQ(delivers(bench)->view, view());
  EXPECT_EQ(bench.update().views.at(kBlob), view()) << "committed with the transfer";
}

TEST(Views, StayTheSameOverLinksRestartsAndAttempts) {
  KeyBench bench;
  bench.go_to_prepare();
  bench.prepares();
  bench.link(false);
  bench.link(true);
  EXPECT_EQ(delivers(bench)->view, view());
  bench.restart();
  EXPECT_EQ(delivers(bench)->view, view());
  bench.fails(Errc::io);
  ASSERT_EQ(bench.phase(), "deferred");
  for (int i = 0; i < 5 && bench.phase() == "deferred"; ++i)
    bench.step() == "inspect" ? (void)bench.says(normal()) : bench.wait_out();
  bench.go_on_to(Phase::transferring);
  ASSERT_EQ(bench.step(), "deliver") << "no second one is made";
  EXPECT_EQ(delivers(bench)->view, view());
}

TEST(Views, EndWithTheUpdate) {
  KeyBench bench;
  bench.go_to_prepare();
  bench.prepares();
  bench.obey_to_the_end(Phase::transferring);
  ASSERT_EQ(bench.phase(), "confirmed");
  EXPECT_TRUE(bench.update().views.empty());
}

TEST(Views, AnOverlayThatCannotBeIsRefusedAndNothingIsSent) {
  struct {
    const char* name;
    View view;
  } const rows[] = {
      {"overlay beyond the end of the file", {digest_of('v'), digest_of('1'), {{4000, Bytes(113, 7)}}}},
      {"overlay that begins beyond it", {digest_of('v'), digest_of('1'), {{~std::uint64_t{0}, Bytes(2, 7)}}}},
      {"overlapping patches", {digest_of('v'), digest_of('1'), {{5, Bytes(9, 7)}, {13, Bytes(2, 7)}}}},
      {"no patch at all", {digest_of('v'), digest_of('1'), {}}},
      {"no digest", {{}, digest_of('1'), {{5, Bytes(9, 7)}}}},
      {"a record that is too large", {digest_of('v'), digest_of('1'), {}, Bytes(1025, 7)}},
      {"too many patches", {digest_of('v'), digest_of('1'), std::vector<Patch>(9, Patch{1, {1}})}},
      {"made for another key", {digest_of('v'), digest_of('2'), {{5, Bytes(9, 7)}}}},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    KeyBench bench;
    bench.go_to_prepare();
    bench.answer(Prepared{row.view});
    EXPECT_EQ(bench.phase(), "refused");
    EXPECT_EQ(bench.reason(), "content-key-unknown");
    EXPECT_NE(bench.step(), "deliver");
  }
}

TEST(Views, OneThatCannotBeMadeIsRefusedOrTriedAgain) {
  struct {
    Errc code;
    const char* phase;
    const char* reason;
  } const rows[] = {
      {Errc::unauthenticated, "refused", "content-key-unknown"},
      {Errc::invalid, "refused", "content-key-unknown"},
      {Errc::unsupported, "refused", "no-child-key"},
      {Errc::io, "deferred", "transfer-failed"},
      {Errc::internal, "deferred", "transfer-failed"},
  };
  for (const auto& row : rows) {
    KeyBench bench;
    bench.go_to_prepare();
    bench.fails(row.code);
    EXPECT_EQ(bench.phase(), row.phase) << name_of(row.code);
    EXPECT_EQ(bench.reason(), row.reason) << name_of(row.code);
    EXPECT_EQ(bench.update().attempts, bench.phase() == "deferred" ? 1U : 0U);
  }
}

TEST(Keys, RotationInMidTransferBeginsAgain) {
  KeyBench bench;
  bench.go_to_prepare();
  bench.prepares();
  ASSERT_EQ(bench.step(), "deliver");
  const StepNumber transfer = bench.child().step_number;
  bench.post(ChildKeySet{kBoiler, child_key(KeyUse::wrap, KeyKind::p256, '2')});
  EXPECT_EQ(bench.phase(), "preflight");
  EXPECT_GT(bench.child().step_number, transfer) << "the transfer ends";
  EXPECT_TRUE(bench.update().views.empty());
  EXPECT_TRUE(bench.tells(Reason::key_changed, "uid 1000 has set the wrap key p256"));
  bench.go_on_to(Phase::transferring);
  ASSERT_EQ(bench.step(), "prepare");
  EXPECT_EQ(std::get<Prepare>(bench.child().step).child_key.id, digest_of('2'));
  bench.prepares('2');
  EXPECT_EQ(delivers(bench)->view, view('2'));
}

TEST(Keys, TheSameKeyOnceMoreInterruptsNothing) {
  KeyBench bench;
  bench.go_to_prepare();
  bench.prepares();
  bench.post(ChildKeySet{kBoiler, child_key()});
  EXPECT_EQ(bench.step(), "deliver");
}

TEST(Keys, RotationWhenAllIsStagedBeginsAgain) {
  KeyBench bench;
  bench.go_to_prepare();
  bench.prepares();
  bench.answer(Delivered{});
  ASSERT_EQ(bench.phase(), "staged");
  bench.post(ChildKeySet{kBoiler, child_key(KeyUse::wrap, KeyKind::p256, '2')});
  EXPECT_EQ(bench.phase(), "preflight");
  EXPECT_EQ(bench.update().delivered, 0U);
}

TEST(Keys, RevocationInMidTransferEndsIt) {
  KeyBench bench;
  bench.go_to_prepare();
  bench.prepares();
  bench.post(ChildKeyRevoked{kBoiler, KeyUse::wrap, 0});
  EXPECT_EQ(bench.step(), "inspect");
  bench.says(normal());
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.reason(), "no-child-key");
  EXPECT_TRUE(bench.tells(Reason::key_changed, "uid 0 has revoked the wrap key"));
}

TEST(Keys, AfterActivateARotationChangesNothing) {
  KeyBench bench;
  bench.go_to_prepare();
  bench.prepares();
  bench.answer(Delivered{});
  bench.says(uploaded());
  ASSERT_EQ(bench.phase(), "activating");
  bench.post(ChildKeySet{kBoiler, child_key(KeyUse::wrap, KeyKind::p256, '2')});
  bench.post(ChildKeyRevoked{kBoiler, KeyUse::wrap, 0});
  EXPECT_EQ(bench.phase(), "activating");
  bench.answer(Ordered{under_test()});
  bench.answer(Ordered{after_confirm()});
  EXPECT_EQ(bench.phase(), "confirmed");
}

/// Its content key comes with a grant that holds for an hour.
struct Granted : KeyBench {
  Granted() {
    grant.image = kBlob;
    grant.not_after = now + hours{1};
    post(GrantAccepted{grant, content_key()});
  }
  Grant grant;
};

TEST(Grants, OneThatExpiredIsRefused) {
  Granted bench;
  bench.now += hours{2};
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.reason(), "grant-expired");
}

TEST(Grants, ExpiryInMidTransferLetsItEndAndRefusesTheNext) {
  Granted bench;
  bench.go_to_prepare();
  bench.prepares();
  bench.now += hours{2};
  bench.link(false);
  bench.link(true);
  EXPECT_EQ(bench.step(), "deliver") << "what has a view goes on";
  bench.obey_to_the_end(Phase::transferring);
  ASSERT_EQ(bench.phase(), "confirmed");
  Deliverable again = encrypted_deliverable();
  again.id = "d8";
  again.sequence = 8;
  again.images.front().running_digest = kOther;
  bench.post(DeliverableSealed{again});
  bench.post(RolloutRequested{"d8", {kBoiler}, 0});
  bench.says(only_new());
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.reason(), "grant-expired");
}

TEST(Grants, ExpiryBeforeTheViewIsMadeEndsTheUpdate) {
  Granted bench;
  bench.go_to(Phase::backing_up);
  bench.now += hours{2};
  bench.answer(BackedUp{});
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.reason(), "grant-expired");
  EXPECT_TRUE(bench.update().views.empty());
}

TEST(Grants, WhileTheTimeIsNotKnownExpiryHolds) {
  Granted bench;
  bench.post(TimeJudged{false});
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "deferred");
  EXPECT_EQ(bench.reason(), "time-unknown");
  bench.post(TimeJudged{true});
  bench.wait_out();
  bench.says(normal());
  EXPECT_EQ(bench.phase(), "offered");
}

TEST(Grants, ALaterOneReplacesHowLong) {
  Granted bench;
  bench.grant.not_after += hours{5};
  bench.post(GrantAccepted{bench.grant});
  EXPECT_EQ(bench.state.content_keys.at(kBlob).not_after, bench.grant.not_after);
  bench.now += hours{2};
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "offered");
}

TEST(ContentKeys, TheSameCekWithTwoPayloadsIsRefused) {
  KeyBench bench;
  ContentKey second = content_key();
  second.image = digest_of('q');
  second.plaintext = kOther;
  Deliverable other = encrypted_deliverable();
  other.id = "d8";
  other.images.front().digest = second.image;
  const Output sealed = bench.post(DeliverableSealed{other, {second}});
  ASSERT_TRUE(sealed.refusal);
  EXPECT_EQ(sealed.refusal->code, Errc::exists);
  EXPECT_TRUE(sealed.changes.empty());
  EXPECT_FALSE(bench.state.deliverables.contains("d8"));
  Grant grant;
  grant.image = second.image;
  grant.not_after = bench.now + hours{1};
  EXPECT_EQ(bench.post(GrantAccepted{grant, second}).refusal->code, Errc::exists);
  EXPECT_FALSE(bench.state.grants.contains(second.image));
  resume(bench.state, bench.now);
  EXPECT_EQ(bench.post(DeliverableSealed{other, {second}}).refusal->code, Errc::exists) << "also after a restart";
  second.plaintext = kNew;
  EXPECT_FALSE(bench.post(DeliverableSealed{other, {second}}).refusal) << "the same payload under the same key";
}

TEST(ContentKeys, TwoOfOneDeliverableStandAgainstEachOtherToo) {
  Bench bench;
  ContentKey second = content_key();
  second.image = digest_of('q');
  second.plaintext = kOther;
  Deliverable both = encrypted_deliverable();
  both.id = "d8";
  const Output out = bench.post(DeliverableSealed{both, {content_key(), second}});
  ASSERT_TRUE(out.refusal);
  EXPECT_TRUE(bench.state.content_keys.empty()) << "all or none";
}

TEST(ContentKeys, AreBoundedAndTheUselessGoFirst) {
  Bench bench;
  const auto numbered = [&](std::uint32_t i) {
    Bytes number(32, 0);
    number[0] = static_cast<std::uint8_t>(i >> 8);
    number[1] = static_cast<std::uint8_t>(i);
    ContentKey key = content_key();
    key.image = key.fingerprint = key.plaintext = *Digest::from_bytes(number);
    return key;
  };
  const auto grant = [&](std::uint32_t i, Instant until) {
    const ContentKey key = numbered(i);
    bench.state.grants.clear();
    return bench.post(GrantAccepted{{key.image, until, {}}, key});
  };
  for (std::uint32_t i = 0; i < kMaxContentKeys; ++i) bench.state.content_keys[numbered(i).image] = numbered(i);
  ASSERT_EQ(bench.state.content_keys.size(), kMaxContentKeys);
  const Output full = grant(5000, bench.now + hours{2});
  ASSERT_TRUE(full.refusal);
  EXPECT_EQ(full.refusal->code, Errc::busy);
  bench.state.content_keys.at(numbered(7).image).not_after = bench.now + hours{1};
  bench.now += hours{1} + Duration{1};
  const Output room = grant(5001, bench.now + hours{3});
  EXPECT_FALSE(room.refusal);
  EXPECT_FALSE(bench.state.content_keys.contains(numbered(7).image)) << "it had expired, and no image was here";
  EXPECT_TRUE(bench.state.content_keys.contains(numbered(5001).image));
}

TEST(StoreKey, AnotherOneLosesWhatWasSealedUnderIt) {
  KeyBench bench;
  bench.post(ChildKeySet{kBoiler, child_key(KeyUse::link, KeyKind::psk, '3')});
  bench.go_to_prepare();
  bench.prepares();
  const Output out = bench.post(StoreKeyReplaced{});
  EXPECT_TRUE(bench.state.content_keys.empty());
  EXPECT_FALSE(bench.child().keys.contains(KeyUse::link)) << "a secret";
  EXPECT_TRUE(bench.child().keys.contains(KeyUse::wrap)) << "a public key";
  EXPECT_EQ(bench.phase(), "preflight");
  EXPECT_TRUE(bench.tells(Reason::key_changed, "the store key is another one"));
  bench.says(normal());
  EXPECT_EQ(bench.reason(), "content-key-unknown");
  bench.post(DeliverableSealed{encrypted_deliverable(), {content_key()}});
  bench.start();
  bench.says(normal());
  EXPECT_EQ(bench.phase(), "offered") << "the key came again";
}

Inspection with_reinstall(Inspection what) {
  what.revert_class = RevertClass::reinstall;
  return what;
}

/// The boiler keeps no old image, runs the new one and is to be brought the old one, which is ciphertext; its key.
ContentKey go_to_reinstall(KeyBench& bench) {
  Deliverable before = encrypted_deliverable();
  before.id = "d6";
  before.sequence = 6;
  before.images.front().digest = digest_of('q');
  before.images.front().running_digest = kOld;
  ContentKey key = content_key('j');
  key.image = before.images.front().digest;
  key.plaintext = kOld;
  bench.post(DeliverableSealed{before, {key}});
  bench.child().committed = "d6";
  bench.link(true);
  bench.start();
  bench.says(with_reinstall(normal()));
  bench.answer(OfferAnswer{});
  bench.answer(BackedUp{});
  bench.prepares();
  bench.answer(Delivered{});
  bench.says(with_reinstall(uploaded()));
  bench.post(UpdateAborted{bench.update().epoch});
  bench.says(with_reinstall(only_new()));
  return key;
}

TEST(Reinstall, PreparesTheImageBeforeTheSameWay) {
  KeyBench bench;
  const ContentKey key = go_to_reinstall(bench);
  ASSERT_EQ(bench.phase(), "reverting");
  ASSERT_EQ(bench.step(), "prepare");
  EXPECT_EQ(std::get<Prepare>(bench.child().step).image, key.image);
  bench.prepares();
  ASSERT_NE(delivers(bench), nullptr) << bench.step();
  EXPECT_EQ(delivers(bench)->image, key.image);
  EXPECT_TRUE(delivers(bench)->view);
}

TEST(Reinstall, ACopyThatWasMadeForAnotherKeyIsNoneThatTheChildCanOpen) {
  KeyBench bench;
  go_to_reinstall(bench);
  ASSERT_EQ(bench.step(), "prepare");
  bench.prepares();
  bench.answer(Delivered{});
  Inspection there = with_reinstall(only_new());
  there.slots.push_back(slot(1, kOld, ""));
  bench.post(ChildKeySet{kBoiler, child_key(KeyUse::wrap, KeyKind::p256, '2')});
  for (int i = 0; i < 5 && bench.step() != "prepare" && bench.step() != "revert"; ++i)
    bench.step() == "wait" ? bench.wait_out() : (void)bench.says(there);
  ASSERT_EQ(bench.step(), "prepare") << "what it lists, it cannot open any more";
  bench.prepares('2');
  bench.answer(Delivered{});
  for (int i = 0; i < 5 && bench.step() != "revert"; ++i)
    bench.step() == "wait" ? bench.wait_out() : (void)bench.says(there);
  EXPECT_EQ(bench.step(), "revert");
}

}  // namespace
}  // namespace hg::core::table
