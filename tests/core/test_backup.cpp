// SPDX-License-Identifier: Apache-2.0
// A child's configuration: remembered before the update, written back by policy once it has come to rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/table_parts.hpp"

namespace hg::core::table {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Digest kSaved = digest_of('s');

class BackupBench : public Bench {
 public:
  explicit BackupBench(RestorePolicy policy = RestorePolicy::always) { child().enrollment.restore = policy; }

  /// To ACTIVATE, with a backup.
  void go_to_activating() {
    go_to(Phase::backing_up);
    answer(BackedUp{kSaved});
    answer(Delivered{});
    says(uploaded());
  }
  void revert() {
    go_to_activating();
    answer(Ordered{after_revert()});
  }
  void confirm() {
    go_to_activating();
    answer(Ordered{under_test()});
    answer(Ordered{after_confirm()});
  }
  [[nodiscard]] std::size_t lines(Reason reason) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(history, [&](const PutHistory& line) { return line.cause.reason == reason; }));
  }
};

TEST(Backup, IsRememberedAndNeverWrittenBackBeforeTheUpdateRests) {
  BackupBench bench;
  bench.go_to_activating();
  EXPECT_EQ(bench.update().backup, kSaved);
  EXPECT_FALSE(bench.update().restore_is_due);
  bench.answer(Ordered{under_test()});
  EXPECT_EQ(bench.step(), "confirm");
}

TEST(Backup, LeavesALineThatSaysHowMuchWasSaved) {
  BackupBench bench;
  bench.go_to(Phase::backing_up);
  bench.answer(BackedUp{kSaved, "settings saved: 2"});
  ASSERT_GE(bench.history.size(), 2U);
  const PutHistory& line = *(bench.history.end() - 2);
  EXPECT_EQ(line.phase, Phase::backing_up);
  EXPECT_EQ(line.cause, (Cause{Reason::none, "settings saved: 2"}));
  EXPECT_EQ(bench.phase(), "transferring");
  EXPECT_TRUE(bench.update().cause.text.empty()) << "it is no cause of what follows";
}

struct Row {
  const char* name;
  RestorePolicy policy;
  bool after_revert;
  bool after_update;
};

class Restoring : public testing::TestWithParam<Row> {};

TEST_P(Restoring, GoesByThePolicy) {
  BackupBench back(GetParam().policy);
  back.revert();
  ASSERT_EQ(back.phase(), "reverted");
  EXPECT_EQ(back.step(), GetParam().after_revert ? "restore" : "wait");
  BackupBench on(GetParam().policy);
  on.confirm();
  ASSERT_EQ(on.phase(), "confirmed");
  EXPECT_EQ(on.step(), GetParam().after_update ? "restore" : "wait");
}

INSTANTIATE_TEST_SUITE_P(Table, Restoring,
                         testing::Values(Row{"never", RestorePolicy::never, false, false},
                                         Row{"after_revert", RestorePolicy::after_revert, true, false},
                                         Row{"after_update", RestorePolicy::after_update, false, true},
                                         Row{"always", RestorePolicy::always, true, true}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Restoring, NamesWhatWasSavedAndLeavesALine) {
  BackupBench bench;
  bench.confirm();
  EXPECT_EQ(std::get<Restore>(bench.child().step), Restore{kSaved});
  bench.answer(Restored{});
  EXPECT_EQ(bench.step(), "wait");
  EXPECT_EQ(bench.phase(), "confirmed");
  EXPECT_EQ(bench.lines(Reason::restored), 1U);
  bench.wait_out();
  bench.says(after_confirm());
  EXPECT_EQ(bench.step(), "wait") << "once";
}

TEST(Restoring, NothingWithoutABackup) {
  BackupBench bench;
  bench.go_to(Phase::confirmed);
  EXPECT_EQ(bench.step(), "wait");
  EXPECT_FALSE(bench.update().restore_is_due);
}

TEST(Restoring, IsTriedThreeTimesAndThenSaidToHaveFailed) {
  BackupBench bench;
  bench.confirm();
  unsigned tries = 0;
  for (int i = 0; i < 50; ++i) {
    if (bench.step() == "restore") ++tries, bench.fails(Errc::denied);
    if (bench.step() == "inspect") bench.says(after_confirm());
    if (bench.step() == "wait") bench.wait_out();
  }
  EXPECT_EQ(tries, 3U);
  EXPECT_EQ(bench.lines(Reason::restore_failed), 1U);
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Restoring, GoesBeforeTheNextAttemptAndThatOneRestoresAgain) {
  BackupBench bench(RestorePolicy::after_revert);
  bench.revert();
  ASSERT_EQ(bench.step(), "restore");
  bench.fails(Errc::timed_out);
  bench.wait_out();
  for (int i = 0; i < 10 && bench.step() != "restore"; ++i) {
    EXPECT_EQ(bench.phase(), "reverted") << "the next attempt waits for it";
    if (bench.step() == "inspect") bench.says(after_revert());
    if (bench.step() == "wait") bench.wait_out();
  }
  bench.answer(Restored{});
  bench.wait_out();
  ASSERT_EQ(bench.phase(), "preflight");
  bench.says(normal());
  bench.answer(OfferAnswer{});
  bench.answer(BackedUp{kSaved});
  bench.answer(Delivered{});
  bench.says(uploaded());
  bench.answer(Ordered{after_revert()});
  EXPECT_EQ(bench.step(), "restore");
}

TEST(Restoring, IsGoneOnWithAfterARestart) {
  BackupBench bench;
  bench.confirm();
  bench.restart();
  bench.child().enrollment.restore = RestorePolicy::always;
  ASSERT_EQ(bench.step(), "inspect");
  bench.says(after_confirm());
  EXPECT_EQ(bench.step(), "restore");
}

TEST(Restoring, IsNotGivenToAChildInDoubtOrInRecovery) {
  BackupBench bench;
  bench.confirm();
  bench.link(false);
  EXPECT_EQ(bench.step(), "idle");
  bench.link(true);
  EXPECT_EQ(bench.step(), "inspect");
  bench.says(in_recovery());
  EXPECT_EQ(bench.phase(), "split");
  EXPECT_EQ(bench.step(), "wait");
}

TEST(Restoring, FollowsAnAbortAndAReturnFromSplit) {
  BackupBench aborted;
  aborted.go_to_activating();
  aborted.post(UpdateAborted{aborted.update().epoch});
  aborted.says(after_revert());
  ASSERT_TRUE(is_over(aborted.update()));
  EXPECT_EQ(aborted.step(), "restore");
  BackupBench split;
  split.go_to_activating();
  split.answer(Ordered{other()});
  EXPECT_EQ(split.step(), "wait") << "what it runs is not what was saved";
  split.wait_out();
  split.says(after_revert());
  ASSERT_EQ(split.phase(), "reverted");
  EXPECT_EQ(split.step(), "restore");
}

TEST(Restoring, DoesNotFollowALocalChangeAfterTheEnd) {
  BackupBench bench(RestorePolicy::after_revert);
  bench.confirm();
  bench.wait_out();
  bench.says(after_revert());
  EXPECT_EQ(bench.phase(), "reverted");
  EXPECT_EQ(bench.step(), "wait");
}

TEST(Restoring, AnAnswerToAnotherStepRestoresNothing) {
  BackupBench bench;
  bench.go_to_activating();
  bench.answer(Restored{});
  EXPECT_EQ(bench.lines(Reason::restored), 0U);
}

// ------------------------------------------------------------------------------------------ whose it is, and what is
// owed

TEST(Restoring, GoesOnlyToAChildThatRunsWhatItRestsOn) {
  BackupBench bench(RestorePolicy::after_revert);
  bench.revert();
  ASSERT_EQ(bench.step(), "restore");
  bench.link(false);
  bench.link(true);
  bench.says(other());
  EXPECT_NE(bench.step(), "restore") << "somebody flashed it, or it is another board";
}

TEST(Restoring, GoesToNoOtherBoard) {
  BackupBench bench(RestorePolicy::after_revert);
  bench.go_to_activating();
  Inspection seen = after_revert();
  seen.identity = "serial 1";
  bench.answer(Ordered{seen});
  ASSERT_EQ(bench.step(), "restore");
  bench.link(false);
  bench.link(true);
  seen.identity = "serial 2";
  bench.says(seen);
  EXPECT_EQ(bench.step(), "wait");
  EXPECT_TRUE(bench.update().backup.empty());
  EXPECT_EQ(bench.lines(Reason::restore_failed), 1U);
}

TEST(Restoring, IsForgottenWhenTheChildIsEnrolledOtherwise) {
  BackupBench bench(RestorePolicy::after_revert);
  bench.revert();
  Enrollment moved = bench.child().enrollment;
  moved.address = "elsewhere";
  bench.post(ChildEnrolled{moved});
  bench.says(after_revert());
  EXPECT_EQ(bench.step(), "wait");
  EXPECT_TRUE(bench.update().backup.empty());
}

TEST(Backup, ThatCannotBeMadeHoldsUpNoUpdate) {
  BackupBench bench;
  bench.go_to(Phase::backing_up);
  bench.fails(Errc::too_large);
  ASSERT_EQ(bench.phase(), "deferred") << "what is in its way may pass";
  for (int i = 0; i < 10 && bench.step() != "backup"; ++i) {
    if (bench.step() == "inspect") bench.says(normal());
    if (bench.step() == "wait") bench.wait_out();
    if (bench.step() == "offer") bench.answer(OfferAnswer{});
  }
  bench.fails(Errc::too_large);
  EXPECT_EQ(bench.phase(), "transferring");
  EXPECT_EQ(bench.step(), "deliver");
  EXPECT_EQ(bench.update().attempts, 1U);
  EXPECT_EQ(bench.lines(Reason::backup_failed), 2U);
}

/// Restoring fails three times, and the next attempt gets as far as its own backup.
void fail_to_restore(BackupBench& bench) {
  bench.revert();
  for (int i = 0; i < 50 && bench.lines(Reason::restore_failed) == 0; ++i) {
    if (bench.step() == "restore") bench.fails(Errc::denied);
    if (bench.step() == "inspect") bench.says(after_revert());
    if (bench.step() == "wait") bench.wait_out();
  }
}

TEST(Backup, OfASpoiltConfigurationTakesNoGoodOnesPlace) {
  BackupBench bench(RestorePolicy::after_revert);
  fail_to_restore(bench);
  for (int i = 0; i < 50 && bench.step() != "backup"; ++i) {
    if (bench.step() == "inspect") bench.says(after_revert());
    if (bench.step() == "wait") bench.wait_out();
    if (bench.step() == "offer") bench.answer(OfferAnswer{});
  }
  bench.answer(BackedUp{digest_of('t')});
  EXPECT_EQ(bench.update().backup, kSaved);
  bench.answer(Delivered{});
  bench.says(uploaded());
  bench.answer(Ordered{after_revert()});
  EXPECT_EQ(bench.step(), "restore") << "once more";
  bench.answer(Restored{});
  bench.wait_out();
  bench.says(normal());
  bench.answer(OfferAnswer{});
  bench.answer(BackedUp{digest_of('t')});
  EXPECT_EQ(bench.update().backup, digest_of('t')) << "nothing is owed any more";
}

TEST(Backup, ThatIsDueIsTakenOverByTheNextRollout) {
  BackupBench bench(RestorePolicy::after_revert);
  bench.revert();
  ASSERT_EQ(bench.step(), "restore");
  bench.start();
  EXPECT_EQ(bench.update().backup, kSaved);
  bench.says(after_revert());
  EXPECT_EQ(bench.phase(), "preflight");
  ASSERT_EQ(bench.step(), "restore") << "before anything is sent";
  bench.answer(Restored{});
  bench.says(normal());
  EXPECT_EQ(bench.phase(), "offered");
}

// ------------------------------------------------------------------------------------------------- how long it is kept

TEST(Backup, IsKeptUntilTheChildsNextUpdateBegins) {
  BackupBench bench;
  bench.confirm();
  bench.answer(Restored{});
  EXPECT_TRUE(needs_blob(bench.state, kSaved)) << "the last one stays";
  EXPECT_THAT(bench.start().unneeded, ElementsAre(kSaved));
  EXPECT_FALSE(needs_blob(bench.state, kSaved));
}

TEST(Backup, OfTheNextAttemptTakesThePlaceOfTheOneBefore) {
  BackupBench bench(RestorePolicy::never);
  bench.revert();
  bench.wait_out();
  bench.says(normal());
  bench.answer(OfferAnswer{});
  EXPECT_THAT(bench.answer(BackedUp{kSaved}).unneeded, IsEmpty()) << "the same";
  bench.answer(Delivered{});
  bench.says(uploaded());
  bench.answer(Ordered{after_revert()});
  bench.wait_out();
  bench.says(normal());
  bench.answer(OfferAnswer{});
  EXPECT_THAT(bench.answer(BackedUp{digest_of('t')}).unneeded, ElementsAre(kSaved));
}

TEST(Backup, ThatEqualsAnothersOrAnImageIsKeptForThat) {
  BackupBench twins;
  twins.confirm();
  Child twin = twins.child();
  twin.enrollment.id = "twin";
  twins.state.children.insert_or_assign("twin", twin);
  index_updates(twins.state);
  EXPECT_THAT(twins.start().unneeded, IsEmpty());
  EXPECT_TRUE(needs_blob(twins.state, kSaved));
  BackupBench image;
  image.go_to(Phase::backing_up);
  image.answer(BackedUp{kBlob});
  EXPECT_THAT(image.start().unneeded, IsEmpty());
}

}  // namespace
}  // namespace hg::core::table
