// SPDX-License-Identifier: Apache-2.0
// An update of two images that change at one reset, by tables: all new or all as before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/table_parts.hpp"

namespace hg::core::table {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// -------------------------------------------------------------------------------------------------------- standing

struct StandingRow {
  const char* name;
  Inspection seen;
  Standing standing;
  bool rests = false;  ///< on the images that the standing names
};

class StandingOfTwo : public testing::TestWithParam<StandingRow> {};

TEST_P(StandingOfTwo, IsOneWord) {
  const Parts parts{{0, kBlob, kOld, kNew}, {1, kRadioBlob, kRadioOld, kRadioNew}};
  const StandingRow& row = GetParam();
  EXPECT_EQ(standing_of(row.seen, parts), row.standing);
  EXPECT_EQ(rests_on_new(row.seen, parts), row.rests && row.standing == Standing::all_new);
  EXPECT_EQ(rests_on_old(row.seen, parts), row.rests && row.standing == Standing::as_before);
}

INSTANTIATE_TEST_SUITE_P(
    Table, StandingOfTwo,
    testing::Values(StandingRow{"all_old", both(normal(), radio_normal()), Standing::as_before, true},
                    StandingRow{"staged", both(uploaded(), radio_uploaded()), Standing::as_before, true},
                    StandingRow{"one_marked", both(marked(), radio_uploaded()), Standing::as_before},
                    StandingRow{"under_test", both(under_test(), radio_under_test()), Standing::all_new},
                    StandingRow{"one_confirmed", both(after_confirm(), radio_under_test()), Standing::all_new},
                    StandingRow{"all_confirmed", both(after_confirm(), radio_confirmed()), Standing::all_new, true},
                    StandingRow{"first_only", both(under_test(), radio_normal()), Standing::mixed},
                    StandingRow{"second_only", both(normal(), radio_confirmed()), Standing::mixed},
                    StandingRow{"third_and_new", both(other(), radio_confirmed()), Standing::third},
                    StandingRow{"third_and_old", both(normal(), radio_other()), Standing::third},
                    StandingRow{"second_is_not_told", normal(), Standing::untold},
                    StandingRow{"in_recovery", in_recovery(), Standing::nothing}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Standing, APartThatDoesNotChangeCountsAsBoth) {
  const Parts parts{{0, kBlob, kOld, kNew}, {1, kRadioBlob, kRadioNew, kRadioNew}};
  EXPECT_EQ(standing_of(both(normal(), radio_only_new()), parts), Standing::as_before);
  EXPECT_EQ(standing_of(both(under_test(), radio_only_new()), parts), Standing::all_new);
  EXPECT_EQ(standing_of(both(under_test(), radio_normal()), parts), Standing::third);
}

TEST(Standing, WhatIsNotKnownOfBeforeIsNeverAsBefore) {
  const Parts parts{{0, kBlob, {}, kNew}};
  EXPECT_EQ(standing_of(normal(), parts), Standing::third);
  EXPECT_FALSE(rests_on_old(with({slot(0, {}, "ac")}), parts));
}

// ------------------------------------------------------------------------------------------------------- preflight

TEST(Parts, OneForEachTargetByImageNumber) {
  Bench2 bench;
  bench.child().enrollment.targets = {{"radio", 1}, {"app", 0}};
  bench.go_to(Phase::offered);
  EXPECT_THAT(bench.update().parts, ElementsAre(Part{0, kBlob, kOld, kNew}, Part{1, kRadioBlob, kRadioOld, kRadioNew}));
}

TEST(Parts, OneOfferForAllOfThem) {
  Bench2 bench;
  bench.go_to(Phase::offered);
  EXPECT_EQ(std::get<Offer>(bench.child().step), (Offer{0, "2.0.0", 5096}));
}

TEST(Parts, ATargetWithoutAnImageIsLeftAlone) {
  Bench2 bench;
  bench.state.deliverables.at(kDeliverable).images.pop_back();
  bench.link(true);
  bench.start();
  bench.says(both(normal(), radio_other()));
  ASSERT_EQ(bench.phase(), "offered");
  EXPECT_EQ(bench.update().parts.size(), 1U);
}

TEST(Parts, WhatRunsTheNewImageAlreadyIsNeitherSentNorMarkedButCounts) {
  Bench2 bench;
  bench.link(true);
  bench.start();
  bench.says(both(normal(), radio_only_new()));
  ASSERT_EQ(bench.phase(), "offered");
  EXPECT_EQ(std::get<Offer>(bench.child().step), (Offer{0, "2.0.0", 4096}));
  bench.answer(OfferAnswer{});
  bench.answer(BackedUp{});
  EXPECT_EQ(std::get<Deliver>(bench.child().step).image_number, 0);
  bench.answer(Delivered{});
  ASSERT_EQ(bench.phase(), "staged");
  bench.says(both(uploaded(), radio_only_new()));
  EXPECT_THAT(std::get<Activate>(bench.child().step).moves, ElementsAre(Move{0, kOld, kNew}));
  bench.answer(Ordered{both(under_test(), radio_only_new())});
  EXPECT_THAT(std::get<Confirm>(bench.child().step).guards, ElementsAre(Guard{0, kNew}, Guard{1, kRadioNew}));
  bench.answer(Ordered{both(after_confirm(), radio_other())});
  EXPECT_EQ(bench.phase(), "split") << "it counts";
}

TEST(Parts, AllNewAlreadyIsNothingToDo) {
  Bench2 bench;
  bench.go_to(Phase::preflight);
  bench.says(both(after_confirm(), radio_only_new()));
  EXPECT_EQ(bench.phase(), "confirmed");
}

struct PreflightRow {
  const char* name;
  void (*set)(Bench2&);
  Inspection seen;
  Phase phase;
  Reason reason;
  const char* step = "wait";
};

class PreflightOfTwo : public testing::TestWithParam<PreflightRow> {};

TEST_P(PreflightOfTwo, IsAboutAll) {
  const PreflightRow& row = GetParam();
  Bench2 bench;
  row.set(bench);
  bench.go_to(Phase::preflight);
  bench.says(row.seen);
  EXPECT_EQ(bench.phase(), name_of(row.phase)) << bench.update().cause.text;
  EXPECT_EQ(name_of(bench.update().cause.reason), name_of(row.reason));
  EXPECT_EQ(bench.step(), row.step);
}

Image& radio_image(Bench& bench) {
  return bench.state.deliverables.at(kDeliverable).images.back();
}
void nothing(Bench2&) {}

INSTANTIATE_TEST_SUITE_P(
    Table, PreflightOfTwo,
    testing::Values(
        PreflightRow{"both_fit", nothing, both(normal(), radio_normal()), Phase::offered, Reason::none, "offer"},
        PreflightRow{"two_images_for_the_second",
                     [](Bench2& b) {
                       auto& images = b.state.deliverables.at(kDeliverable).images;
                       images.push_back(images.back());
                     },
                     both(normal(), radio_normal()), Phase::refused, Reason::ambiguous},
        PreflightRow{"both_bring_the_same", [](Bench2& b) { radio_image(b).running_digest = kNew; },
                     both(normal(), radio_normal()), Phase::refused, Reason::same_as_other},
        PreflightRow{"second_cannot_be_told", [](Bench2& b) { radio_image(b).running_digest = {}; },
                     both(normal(), radio_normal()), Phase::refused, Reason::cannot_verify},
        PreflightRow{"second_is_plain_on_an_open_link",
                     [](Bench2& b) {
                       b.child().enrollment.link = LinkProtection::none;
                       b.state.deliverables.at(kDeliverable).images.front().encrypted = true;
                     },
                     both(normal(), radio_normal()), Phase::refused, Reason::no_protection},
        PreflightRow{"second_is_not_told", nothing, normal(), Phase::deferred, Reason::cannot_verify},
        PreflightRow{"first_holds_what_the_second_is_to_get", nothing,
                     both(with({slot(0, kOld, "ac"), slot(1, kRadioNew, "")}), radio_normal()), Phase::refused,
                     Reason::same_as_other},
        PreflightRow{"condition_of_the_second", [](Bench2& b) { radio_image(b).conditions.use_before = kNow; },
                     both(normal(), radio_normal()), Phase::refused, Reason::use_before_passed},
        PreflightRow{"condition_of_a_second_that_runs_it",
                     [](Bench2& b) { radio_image(b).conditions.use_before = kNow; }, both(normal(), radio_only_new()),
                     Phase::offered, Reason::none, "offer"},
        PreflightRow{"later_of_two_times_before_it_is_refused",
                     [](Bench2& b) {
                       b.state.deliverables.at(kDeliverable).images.front().conditions.not_before = kNow + seconds{5};
                       radio_image(b).conditions.use_before = kNow;
                     },
                     both(normal(), radio_normal()), Phase::refused, Reason::use_before_passed},
        PreflightRow{"both_marked", nothing, both(marked(), radio_marked()), Phase::activating, Reason::none,
                     "activate"},
        PreflightRow{"one_marked_is_played_through", nothing, both(marked(), radio_uploaded()), Phase::preflight,
                     Reason::none, "revert"},
        PreflightRow{"one_under_test_is_played_through", nothing, both(under_test(), radio_normal()), Phase::preflight,
                     Reason::none, "revert"},
        PreflightRow{"both_under_test", nothing, both(under_test(), radio_under_test()), Phase::testing, Reason::none,
                     "confirm"},
        PreflightRow{"one_under_test_one_confirmed", nothing, both(after_confirm(), radio_under_test()), Phase::testing,
                     Reason::none, "confirm"},
        PreflightRow{"confirmed_and_old", nothing, both(after_confirm(), radio_normal()), Phase::offered, Reason::none,
                     "offer"},
        PreflightRow{"a_third_beside_the_old_one", nothing, both(other(), radio_normal()), Phase::offered, Reason::none,
                     "offer"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Parts, TheLaterOfTwoTimesIsWaitedFor) {
  Bench2 bench;
  bench.state.deliverables.at(kDeliverable).images.front().conditions.not_before = kNow + seconds{50};
  radio_image(bench).conditions.not_before = kNow + seconds{5};
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "deferred");
  EXPECT_EQ(bench.update().until, kNow + seconds{50});
}

// ------------------------------------------------------------------------------------------- delivering, activating

TEST(Parts, AreDeliveredOneAfterTheOtherAndNotAgainAfterARestart) {
  Bench2 bench;
  bench.go_to(Phase::transferring);
  EXPECT_EQ(std::get<Deliver>(bench.child().step), (Deliver{kBlob, 4096, 0, kNew}));
  bench.answer(Delivered{});
  EXPECT_EQ(bench.phase(), "transferring");
  EXPECT_EQ(std::get<Deliver>(bench.child().step), (Deliver{kRadioBlob, 1000, 1, kRadioNew}));
  EXPECT_EQ(size_delivered(bench.state, bench.update()), 4096U);
  bench.restart();
  EXPECT_EQ(std::get<Deliver>(bench.child().step).image_number, 1);
  bench.answer(Delivered{});
  EXPECT_EQ(bench.phase(), "staged");
}

TEST(Parts, AreAllMarkedForOneResetAndAllConfirmed) {
  Bench2 bench;
  bench.go_to(Phase::activating);
  const Activate expected{bench.update().epoch, {{0, kOld, kNew}, {1, kRadioOld, kRadioNew}}, 5096};
  EXPECT_EQ(std::get<Activate>(bench.child().step), expected);
  bench.answer(Ordered{both(under_test(), radio_under_test())});
  EXPECT_THAT(std::get<Confirm>(bench.child().step).guards, ElementsAre(Guard{0, kNew}, Guard{1, kRadioNew}));
  bench.answer(Ordered{both(after_confirm(), radio_confirmed())});
  EXPECT_EQ(bench.phase(), "confirmed");
}

struct Row {
  const char* name;
  Phase from;
  StepAnswer answer;
  Phase to;
  const char* step;
  Decision decision;
};

class Two : public testing::TestWithParam<Row> {};

TEST_P(Two, ChangeTogether) {
  const Row& row = GetParam();
  Bench2 bench;
  bench.go_to(row.from);
  ASSERT_EQ(bench.update().phase, row.from);
  bench.answer(row.answer);
  EXPECT_EQ(bench.phase(), name_of(row.to)) << bench.update().cause.text;
  EXPECT_EQ(bench.step(), row.step);
  EXPECT_EQ(name_of(bench.update().decision), name_of(row.decision));
}

INSTANTIATE_TEST_SUITE_P(
    Table, Two,
    testing::Values(
        Row{"staged_one_is_missing", Phase::staged, both(uploaded(), radio_normal()), Phase::deferred, "wait",
            Decision::none},
        Row{"staged_one_was_changed", Phase::staged, both(after_confirm(), radio_uploaded()), Phase::deferred, "wait",
            Decision::none},
        Row{"staged_both_run", Phase::staged, both(after_confirm(), radio_confirmed()), Phase::confirmed, "wait",
            Decision::commit},
        Row{"both_run", Phase::activating, Ordered{both(under_test(), radio_under_test())}, Phase::testing, "confirm",
            Decision::commit},
        Row{"marked_permanent", Phase::activating, Ordered{both(only_new(), radio_only_new())}, Phase::confirmed,
            "wait", Decision::commit},
        Row{"only_one_is_marked", Phase::activating, Ordered{both(marked(), radio_uploaded())}, Phase::activating,
            "activate", Decision::activate},
        Row{"one_is_marked_one_is_gone", Phase::activating, Ordered{both(marked(), radio_normal())}, Phase::reverting,
            "inspect", Decision::back},
        Row{"bootloader_refused_the_second", Phase::activating, Ordered{both(under_test(), radio_normal())},
            Phase::reverting, "inspect", Decision::back},
        Row{"bootloader_refused_the_first", Phase::activating, Ordered{both(normal(), radio_under_test())},
            Phase::reverting, "inspect", Decision::back},
        Row{"both_came_back_old", Phase::activating, Ordered{both(after_revert(), radio_normal())}, Phase::reverted,
            "wait", Decision::back},
        Row{"one_is_a_third", Phase::activating, Ordered{both(under_test(), radio_other())}, Phase::split, "wait",
            Decision::activate},
        Row{"one_is_not_told", Phase::activating, Ordered{under_test()}, Phase::activating, "wait", Decision::activate},
        Row{"one_is_confirmed", Phase::testing, Ordered{both(after_confirm(), radio_under_test())}, Phase::testing,
            "confirm", Decision::commit},
        Row{"one_fell_back_after_commit", Phase::testing, GuardFailed{both(after_confirm(), radio_uploaded())},
            Phase::activating, "activate", Decision::commit},
        Row{"one_fell_back_one_is_under_test", Phase::testing, GuardFailed{both(under_test(), radio_uploaded())},
            Phase::activating, "confirm", Decision::commit},
        Row{"one_fell_back_and_is_gone", Phase::testing, GuardFailed{both(after_confirm(), radio_normal())},
            Phase::split, "wait", Decision::commit},
        Row{"confirmed_and_one_is_changed", Phase::confirmed, both(after_confirm(), radio_normal()), Phase::split,
            "wait", Decision::commit}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Parts, AfterCommitWhatRunsIsConfirmedBeforeTheOtherIsBroughtAgain) {
  Bench2 bench;
  bench.go_to(Phase::testing);
  bench.answer(GuardFailed{both(under_test(), radio_uploaded())});
  EXPECT_THAT(std::get<Confirm>(bench.child().step).guards, ElementsAre(Guard{0, kNew}));
  bench.answer(Ordered{both(after_confirm(), radio_uploaded())});
  EXPECT_THAT(std::get<Activate>(bench.child().step).moves,
              ElementsAre(Move{0, kNew, kNew}, Move{1, kRadioOld, kRadioNew}));
  bench.answer(Ordered{both(after_confirm(), radio_under_test())});
  ASSERT_EQ(bench.step(), "confirm");
  bench.answer(Ordered{both(after_confirm(), radio_confirmed())});
  EXPECT_EQ(bench.phase(), "confirmed");
}

TEST(Parts, OneThatIsNeverConfirmedEndsInSplitWithItsReason) {
  Bench2 bench;
  bench.go_to(Phase::testing);
  for (int i = 0; i < 20 && bench.phase() == "testing"; ++i)
    bench.answer(Ordered{both(after_confirm(), radio_under_test())});  // stock Zephyr: 32 for image 1
  EXPECT_EQ(bench.phase(), "split");
  EXPECT_EQ(bench.update().cause.reason, Reason::confirm_refused);
}

TEST(Parts, ALocalChangeOfOneIsNoticed) {
  Bench2 bench;
  bench.go_to(Phase::confirmed);
  bench.wait_out();
  bench.says(both(after_confirm(), radio_normal()));
  EXPECT_EQ(bench.phase(), "split");
  EXPECT_THAT(bench.update().cause.text, HasSubstr("image 1: 2.0.0 (7070"));
}

TEST(Parts, BackBringsEachBackAndNamesAllInOneOrder) {
  Bench2 bench;
  bench.go_to(Phase::activating);
  bench.answer(Ordered{both(under_test(), radio_normal())});
  ASSERT_EQ(bench.phase(), "reverting");
  bench.says(both(under_test(), radio_normal()));
  EXPECT_THAT(std::get<Revert>(bench.child().step).moves,
              ElementsAre(Move{0, kNew, kOld}, Move{1, kRadioOld, kRadioOld}));
  bench.answer(Ordered{both(after_revert(), radio_normal())});
  EXPECT_EQ(bench.phase(), "reverted");
}

struct BackRow {
  const char* name;
  Inspection seen;
  Phase to;
  const char* step;
};

class TwoBack : public testing::TestWithParam<BackRow> {};

TEST_P(TwoBack, GoBackTogether) {
  Bench2 bench;
  bench.go_to_reverting();
  bench.says(GetParam().seen);
  EXPECT_EQ(bench.phase(), name_of(GetParam().to));
  EXPECT_EQ(bench.step(), GetParam().step);
}

INSTANTIATE_TEST_SUITE_P(
    Table, TwoBack,
    testing::Values(
        BackRow{"all_old", both(after_revert(), radio_uploaded()), Phase::reverted, "wait"},
        BackRow{"one_marked", both(marked(), radio_uploaded()), Phase::reverting, "revert"},
        BackRow{"both_under_test", both(under_test(), radio_under_test()), Phase::reverting, "revert"},
        BackRow{"one_under_test", both(normal(), radio_under_test()), Phase::reverting, "revert"},
        BackRow{"one_confirmed_and_the_old_is_there", both(normal(), radio_confirmed()), Phase::reverting, "revert"},
        BackRow{"one_confirmed_and_the_old_is_gone", both(normal(), radio_only_new()), Phase::split, "wait"},
        BackRow{"one_is_a_third", both(other(), radio_normal()), Phase::split, "wait"}),
    [](const auto& row) { return std::string(row.param.name); });

// ------------------------------------------------------------------------------------------------------------ times

TEST(SwapTime, GrowsWithTheSizeOfWhatChanges) {
  Patience patience;
  patience.swap = seconds{10};
  patience.swap_per_kib = Duration{100};
  EXPECT_EQ(activation_time(patience, 0), seconds{10});
  EXPECT_EQ(activation_time(patience, 1), seconds{10} + Duration{100});
  EXPECT_EQ(activation_time(patience, 1024), seconds{10} + Duration{100});
  EXPECT_EQ(activation_time(patience, 512 * 1024), seconds{10} + Duration{51'200});
  EXPECT_GT(activation_time(patience, ~std::uint64_t{0}), seconds{10}) << "an absurd size does not overflow";
}

TEST(SwapTime, IsThatOfAllImagesUntilBack) {
  Bench2 bench;
  bench.child().enrollment.patience.swap = seconds{10};
  bench.child().enrollment.patience.swap_per_kib = seconds{100};
  bench.go_to(Phase::activating);
  EXPECT_EQ(bench.update().until, bench.now + seconds{510}) << "4096 and 1000 bytes";
  bench.link(false);
  bench.now += seconds{500};
  bench.link(true);
  EXPECT_EQ(bench.update().until, bench.now + seconds{510}) << "what the line was away is given back";
}

}  // namespace
}  // namespace hg::core::table
