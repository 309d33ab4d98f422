// SPDX-License-Identifier: Apache-2.0
// A child with a key to identify itself gets nothing before it has shown it, and one with the wrong key gets nothing at
// all.
#include <gtest/gtest.h>

#include "core/table_group.hpp"
#include "core/table_keys.hpp"

namespace hg::core::table {
namespace {

const ChildKey kIdentity = child_key(KeyUse::identify, KeyKind::p256, 'i');

/// The plain boiler on its internal link, with a key to identify itself.
struct IdentityBench : Bench {
  IdentityBench() { post(ChildKeySet{kBoiler, kIdentity}); }

  Output proves() { return answer(Proven{"boiler"}); }
  /// Until it is to identify itself.
  void go_to_identify() {
    link(true);
    says(normal());
    start();
    says(normal());
  }
  void go_to_transfer() {
    go_to_identify();
    proves();
    go_on_to(Phase::transferring);
  }
};

TEST(Identity, IsAskedForBeforeTheChildIsOfferedAnything) {
  IdentityBench bench;
  bench.go_to_identify();
  EXPECT_EQ(bench.phase(), "preflight");
  ASSERT_EQ(bench.step(), "identify");
  EXPECT_EQ(std::get<Identify>(bench.child().step).key, kIdentity);
  bench.proves();
  EXPECT_EQ(bench.child().identified, Identified::yes);
  bench.go_on_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "offered");
  EXPECT_EQ(bench.step(), "offer");
}

TEST(Identity, AChildWithoutAKeyIsNotAsked) {
  Bench bench;
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.step(), "offer");
  EXPECT_EQ(bench.child().identified, Identified::no);
}

TEST(Identity, TheRightIdWithTheWrongKeyGetsNothing) {
  for (const Errc code : {Errc::unauthenticated, Errc::unsupported}) {
    IdentityBench bench;
    bench.go_to_identify();
    bench.fails(code);
    EXPECT_EQ(bench.phase(), "refused");
    EXPECT_EQ(bench.update().cause.reason, Reason::wrong_identity);
    EXPECT_EQ(bench.child().identified, Identified::wrong);
    EXPECT_EQ(bench.history.back().cause.reason, Reason::wrong_identity) << "an audit reads it";
  }
}

TEST(Identity, OneThatCannotBeAskedHasFailedAfterAFewTries) {
  for (const Errc code : {Errc::timed_out, Errc::unavailable}) {
    IdentityBench bench;
    bench.go_to_identify();
    for (int i = 0; i < 20 && bench.phase() == "preflight"; ++i) {
      if (bench.step() == "wait") bench.wait_out();
      if (bench.step() == "inspect") bench.says(normal());
      if (bench.step() == "identify") bench.fails(code);
    }
    EXPECT_EQ(bench.phase(), "deferred");
    EXPECT_EQ(bench.update().cause.reason, Reason::not_identified);
    EXPECT_EQ(bench.update().attempts, 1U);
  }
}

TEST(Identity, IsAskedForAgainWhenTheLinkWasAwayBeforeTheNextByte) {
  IdentityBench bench;
  bench.go_to_transfer();
  ASSERT_EQ(bench.step(), "deliver");
  bench.link(false);
  bench.link(true);
  EXPECT_EQ(bench.step(), "identify");
  bench.proves();
  EXPECT_EQ(bench.step(), "deliver");
  bench.link(false);
  bench.link(true);
  bench.fails(Errc::unauthenticated);
  EXPECT_EQ(bench.phase(), "refused") << "another board was put in";
}

TEST(Identity, IsAskedForAgainWhenTheKeyChanges) {
  IdentityBench bench;
  bench.go_to_transfer();
  bench.post(ChildKeySet{kBoiler, child_key(KeyUse::identify, KeyKind::p256, 'j')});
  EXPECT_EQ(bench.phase(), "transferring");
  ASSERT_EQ(bench.step(), "identify");
  EXPECT_EQ(std::get<Identify>(bench.child().step).key.id, digest_of('j'));
}

TEST(Identity, IsAskedForAgainAfterAResetBeforeCommit) {
  IdentityBench bench;
  bench.go_to_transfer();
  bench.answer(Delivered{});
  bench.says(uploaded());
  ASSERT_EQ(bench.step(), "activate");
  bench.answer(Ordered{under_test()});
  EXPECT_EQ(bench.phase(), "testing");
  EXPECT_EQ(bench.update().decision, Decision::activate) << "no COMMIT for somebody unknown";
  ASSERT_EQ(bench.step(), "identify");
  bench.proves();
  bench.says(under_test());
  EXPECT_EQ(bench.step(), "confirm");
  bench.answer(Ordered{after_confirm()});
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Identity, AWrongBoardUnderTestIsSilenceAndComesToBack) {
  IdentityBench bench;
  bench.go_to_transfer();
  bench.answer(Delivered{});
  bench.says(uploaded());
  bench.answer(Ordered{under_test()});
  int asked = 0;
  for (; asked < 200 && bench.phase() == "testing"; ++asked) {
    if (bench.step() == "wait") bench.wait_out();
    if (bench.step() == "inspect") bench.says(under_test());
    if (bench.step() == "identify") bench.fails(Errc::unauthenticated);
    ASSERT_NE(bench.step(), "confirm");
  }
  EXPECT_EQ(bench.phase(), "reverting");
  EXPECT_EQ(bench.update().cause.reason, Reason::wrong_identity);
  EXPECT_LT(asked, 100) << "the pauses grow";
}

TEST(Identity, AfterCommitAWrongBoardIsAskedOnAndConfirmsNothing) {
  IdentityBench bench;
  bench.go_to_transfer();
  bench.answer(Delivered{});
  bench.says(uploaded());
  bench.answer(Ordered{under_test()});
  bench.proves();
  bench.says(under_test());
  ASSERT_EQ(bench.step(), "confirm");
  bench.link(false);
  bench.link(true);
  for (int i = 0; i < 100; ++i) {
    if (bench.step() == "wait") bench.wait_out();
    if (bench.step() == "inspect") bench.says(i < 50 ? under_test() : after_confirm());
    if (bench.step() == "identify") bench.fails(Errc::unauthenticated);
    ASSERT_NE(bench.step(), "confirm");
    ASSERT_EQ(bench.phase(), "testing");
  }
  while (bench.step() != "identify") bench.step() == "wait" ? bench.wait_out() : (void)bench.says(after_confirm());
  bench.proves();
  bench.says(after_confirm());
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Identity, ARestartOfTheChildThatItsKitCountsIsAReset) {
  IdentityBench bench;
  Inspection seen = normal();
  seen.boots = 4;
  bench.link(true);
  bench.says(seen);
  bench.start();
  bench.says(seen);
  bench.proves();
  ASSERT_EQ(bench.child().identified, Identified::yes);
  seen.boots = 5;
  bench.says(seen);
  EXPECT_EQ(bench.child().identified, Identified::no);
  EXPECT_EQ(bench.step(), "identify");
}

/// The group's pump has a key to identify itself, and is asked before anything is offered.
GroupBench pump_is_asked() {
  GroupBench bench;
  bench.link_all();
  bench.run();
  bench.post(ChildKeySet{kPump, kIdentity});
  bench.start();
  bench.run([&] { return bench.step(kPump) == "identify"; });
  return bench;
}

TEST(Identity, OneWrongMemberIsNamedAndNobodyOfItsGroupGetsAnything) {
  GroupBench bench = pump_is_asked();
  ASSERT_EQ(bench.step(kPump), "identify");
  ASSERT_EQ(bench.phases(), "preflight");
  bench.fails(kPump, Errc::unauthenticated);
  bench.run_on([&] { return bench.phases() == "refused"; }, 4);
  EXPECT_EQ(bench.phases(), "refused");
  EXPECT_EQ(bench.reason(kPump), Reason::wrong_identity);
  for (const ChildId& id : {kHub, kValve}) {
    EXPECT_EQ(bench.reason(id), Reason::other_member) << id;
    EXPECT_TRUE(bench.update(id).cause.text.starts_with("pump: ")) << bench.update(id).cause.text;
    EXPECT_TRUE(bench.flash.at(id).other.empty()) << id;
  }
  EXPECT_EQ(bench.child(kPump).identified, Identified::wrong);
}

TEST(Identity, AMemberThatBecomesAnotherWhileTheOthersWaitIsRefusedWithThem) {
  GroupBench bench = pump_is_asked();
  bench.answer(kPump, Proven{kPump});
  ASSERT_TRUE(bench.run([&] { return bench.phase(kPump) == "transferring"; }));
  bench.link(kPump, false);
  bench.link(kPump, true);
  bench.run([&] { return bench.step(kPump) == "identify"; });
  ASSERT_EQ(bench.step(kPump), "identify") << "before the next byte";
  bench.fails(kPump, Errc::unauthenticated);
  bench.run_on([&] { return bench.phases() == "refused"; }, 4);
  EXPECT_EQ(bench.phases(), "refused");
  EXPECT_TRUE(bench.flash.at(kPump).other.empty());
}

TEST(Identity, NothingThatWasSavedIsWrittenBackToSomebodyUnknown) {
  IdentityBench bench;
  Enrollment e = enrollment();
  e.restore = RestorePolicy::after_update;
  bench.post(ChildEnrolled{e});
  bench.go_to_identify();
  bench.proves();
  bench.says(normal());
  bench.answer(OfferAnswer{});
  bench.answer(BackedUp{kOther});
  bench.answer(Delivered{});
  bench.says(uploaded());
  bench.answer(Ordered{under_test()});
  bench.proves();
  bench.says(under_test());
  bench.answer(Ordered{after_confirm()});
  ASSERT_EQ(bench.phase(), "confirmed");
  ASSERT_EQ(bench.step(), "restore") << "it has been known since its reset";
  bench.link(false);
  bench.link(true);
  bench.wait_out();
  bench.says(after_confirm());
  ASSERT_EQ(bench.step(), "identify");
  for (int i = 0; i < 30 && bench.update().restore_is_due; ++i) {
    if (bench.step() == "wait") bench.wait_out();
    if (bench.step() == "inspect") bench.says(after_confirm());
    if (bench.step() == "identify") bench.fails(Errc::unauthenticated);
    ASSERT_NE(bench.step(), "restore");
  }
  EXPECT_FALSE(bench.update().restore_is_due) << "given up, and told";
}

}  // namespace
}  // namespace hg::core::table
