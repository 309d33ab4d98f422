// SPDX-License-Identifier: Apache-2.0
// Groups: who may make one up, what is refused by name, what is left behind when one changes, how a replaced member is
// brought to what the group has committed, and an operator's four ways out of split.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/table_group.hpp"
#include "core/transaction.hpp"

namespace hg::core::table {
namespace {

using namespace std::string_literals;

Group with_members(std::vector<Member> members) {
  Group group = heater();
  group.members = std::move(members);
  return group;
}

Error refused(const Output& out) {
  return out.refusal.value_or(Error{Errc::invalid, "it was not refused"});
}

const PutGroup* put_group(const Output& out) {
  for (const Change& change : out.changes)
    if (const auto* put = std::get_if<PutGroup>(&change)) return put;
  return nullptr;
}

void enroll(GroupBench& bench, const ChildId& id, Uuid device_class = {2}) {
  Enrollment e = member_enrollment(id);
  e.device_class = device_class;
  bench.post(ChildEnrolled{e});
}

// ---------------------------------------------------------------------------------------------------------- forming

Group made_by_an_operator() {
  Group group = heater();
  group.is_configured = false;
  return group;
}

TEST(Groups, IsFormedOnceAndItsMembersKnowIt) {
  GroupBench bench;
  EXPECT_EQ(bench.child(kPump).group, kHeater);
  EXPECT_EQ(bench.child(kPump).role, kPump);
  const Output again = bench.post(GroupFormed{heater()});
  EXPECT_FALSE(again.refusal);
  EXPECT_TRUE(again.changes.empty()) << "said again at each start: nothing is new";
}

TEST(Groups, ANameThatAnOperatorHasGivenIsNotGivenTwice) {
  GroupBench bench;
  bench.post(GroupDissolved{kHeater});
  ASSERT_FALSE(bench.post(GroupFormed{made_by_an_operator()}).refusal);
  const Output again = bench.post(GroupFormed{made_by_an_operator()});
  ASSERT_TRUE(again.refusal);
  EXPECT_EQ(again.refusal->code, Errc::exists);
}

TEST(Groups, IsWrittenDownWhenItIsFormedAndDissolved) {
  GroupBench bench;
  const Output gone = bench.post(GroupDissolved{kHeater});
  ASSERT_EQ(gone.changes.size(), 1U);
  EXPECT_EQ(std::get<DropGroup>(gone.changes[0]).group, kHeater);
  EXPECT_EQ(bench.child(kHub).group, "");
  const Output out = bench.post(GroupFormed{heater()});
  ASSERT_NE(put_group(out), nullptr);
  EXPECT_EQ(put_group(out)->group, heater());
}

struct Refusal {
  const char* what;
  Group group;
  Errc code;
  const char* text;
};

class GroupsRefuse : public testing::TestWithParam<Refusal> {};

TEST_P(GroupsRefuse, ByName) {
  GroupBench bench;
  enroll(bench, "spare");
  enroll(bench, "lamp", {9});
  const State before = bench.state;
  const Output out = bench.post(GroupFormed{GetParam().group});
  EXPECT_EQ(refused(out).code, GetParam().code);
  EXPECT_NE(refused(out).message.find(GetParam().text), std::string::npos) << refused(out).message;
  EXPECT_TRUE(out.changes.empty());
  EXPECT_EQ(bench.state, before);
}

Group second(std::vector<Member> members) {
  Group group = with_members(std::move(members));
  group.id = "heater-2";
  return group;
}

Group of_layout(const std::string& layout) {
  Group group = heater();
  group.layout = layout;
  return group;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, GroupsRefuse,
    testing::Values(
        Refusal{"two_groups", second({{kHub, kHub}, {kPump, "spare"}, {kValve, "spare"}}), Errc::exists,
                "child hub is a member of group heater-1"},
        Refusal{"unknown_layout", of_layout("boat"), Errc::not_found, "no layout boat"},
        Refusal{"unknown_role", with_members({{kHub, kHub}, {kPump, kPump}, {"sail", kValve}}), Errc::not_found,
                "has no role sail"},
        Refusal{"unknown_child", with_members({{kHub, "ghost"}, {kPump, kPump}, {kValve, kValve}}), Errc::not_found,
                "no child ghost"},
        Refusal{"wrong_class", with_members({{kHub, kHub}, {kPump, "lamp"}, {kValve, kValve}}), Errc::mismatch,
                "child lamp is not of the vendor and class of role pump"},
        Refusal{"partial", with_members({{kHub, kHub}, {kPump, kPump}}), Errc::mismatch, "0 of 1 in role valve"},
        Refusal{"too_many_in_a_role", with_members({{kHub, kHub}, {kPump, kPump}, {kValve, kValve}, {kPump, "spare"}}),
                Errc::mismatch, "2 of 1 in role pump"},
        Refusal{"named_twice", with_members({{kHub, kHub}, {kPump, kHub}, {kValve, kValve}}), Errc::exists,
                "child hub is named twice"},
        Refusal{"the_other_kind", made_by_an_operator(), Errc::exists, "there is a group heater-1 already"},
        Refusal{"huge", with_members(std::vector<Member>(kMaxMembers + 1, Member{kHub, kHub})), Errc::too_large,
                "too many members"}),
    [](const auto& row) { return std::string(row.param.what); });

TEST(Groups, DissolvingOneThatIsNotThereIsRefused) {
  GroupBench bench;
  EXPECT_EQ(refused(bench.post(GroupDissolved{"boat-1"})).code, Errc::not_found);
}

// --------------------------------------------------------------------------------------------------------- rollouts

TEST(Groups, AMemberIsReachedOnlyWithItsGroup) {
  GroupBench bench;
  const Output out = bench.post(RolloutRequested{kDeliverable, {kPump}, 1000});
  EXPECT_EQ(refused(out).code, Errc::denied);
  EXPECT_NE(refused(out).message.find("heater-1"), std::string::npos);
  EXPECT_FALSE(bench.child(kPump).update);
}

TEST(Groups, AnUnknownGroupIsRefused) {
  GroupBench bench;
  EXPECT_EQ(refused(bench.post(RolloutRequested{kDeliverable, {}, 1000, false, {"boat-1"}})).code, Errc::not_found);
}

TEST(Groups, ARolloutToAllReachesGroupsAndChildrenThatAreInNone) {
  GroupBench bench;
  enroll(bench, "spare");
  bench.post(RolloutRequested{kDeliverable, {}, 1000});
  EXPECT_EQ(bench.update(kPump).group, kHeater);
  ASSERT_TRUE(bench.child("spare").update);
  EXPECT_EQ(bench.update("spare").group, "");
}

TEST(Groups, WhatIsNamedTwiceIsReachedOnce) {
  GroupBench bench;
  const Output out = bench.post(RolloutRequested{kDeliverable, {}, 0, false, {kHeater, kHeater}});
  ASSERT_FALSE(out.refusal);
  EXPECT_EQ(bench.state.rollouts.at(out.rollout).children.size(), kMembers.size());
}

TEST(Groups, AGroupAndAChildCanBeNamedTogether) {
  GroupBench bench;
  enroll(bench, "spare");
  const Output out = bench.post(RolloutRequested{kDeliverable, {"spare"}, 1000, false, {kHeater}});
  EXPECT_FALSE(out.refusal);
  EXPECT_EQ(bench.update("spare").group, "");
  EXPECT_EQ(bench.update(kValve).group, kHeater);
  EXPECT_EQ(bench.update(kValve).rollout, bench.update("spare").rollout);
}

TEST(Groups, AnImageForARoleGoesToThisRoleOnly) {
  GroupBench bench;
  Deliverable two = deliverable();
  two.id = "two";
  two.images.push_back(Image{"pump/app", {1}, {2}, digest_of('P'), 4096, "2.0.0", kOther, false});
  bench.post(DeliverableSealed{two});
  bench.link_all();
  bench.run();
  ASSERT_FALSE(bench.start("two").refusal);
  bench.run();
  EXPECT_EQ(bench.flash.at(kHub).runs, kNew);
  EXPECT_EQ(bench.flash.at(kPump).runs, kOther);
  EXPECT_EQ(bench.phases(), "confirmed");
}

TEST(Groups, AnImageForARoleThatNobodyHasIsRefused) {
  GroupBench bench;
  Deliverable strange = deliverable();
  strange.id = "strange";
  strange.images.push_back(Image{"sail/app", {1}, {2}, digest_of('P'), 4096, "2.0.0", kOther, false});
  bench.post(DeliverableSealed{strange});
  const Output out = bench.start("strange");
  EXPECT_EQ(refused(out).code, Errc::mismatch);
  EXPECT_NE(refused(out).message.find("sail/app is for nobody"), std::string::npos) << refused(out).message;
}

TEST(Groups, AMemberThatIsNoLongerEnrolledMakesItsGroupPartial) {
  GroupBench bench;
  bench.post(ChildDropped{kPump});
  EXPECT_EQ(refused(bench.start()).code, Errc::not_found);
}

TEST(Groups, AGroupPastActivateIsBusyAndStaysAsItIs) {
  GroupBench bench;
  enroll(bench, "spare");
  ASSERT_TRUE(bench.go_to_decision(Decision::activate));
  EXPECT_EQ(refused(bench.start()).code, Errc::busy);
  EXPECT_EQ(refused(bench.post(GroupDissolved{kHeater})).code, Errc::busy);
  const Group other = with_members({{kHub, kHub}, {kPump, "spare"}, {kValve, kValve}});
  EXPECT_EQ(refused(bench.post(GroupFormed{other})).code, Errc::busy);
  EXPECT_FALSE(bench.post(GroupFormed{heater()}).refusal) << "the same again is no change";
  EXPECT_EQ(refused(bench.post(RepairRequested{kHeater, 0})).code, Errc::not_found) << "nothing committed yet";
}

TEST(Groups, AnotherRolloutBeforeActivateTakesThePlaceOfTheFirst) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kHub, Phase::transferring));
  ASSERT_FALSE(bench.start().refusal);
  EXPECT_EQ(bench.phases(), "preflight");
  bench.run();
  EXPECT_EQ(bench.phases(), "confirmed");
}

TEST(Groups, ARolloutThatLeavesAMemberOutWithdrawsWhatItWasIn) {
  GroupBench bench;
  Deliverable partly = deliverable();
  partly.id = "partly";
  partly.images[0].component = "pump/app";
  bench.post(DeliverableSealed{partly});
  ASSERT_TRUE(bench.go_to(kHub, Phase::transferring));
  ASSERT_FALSE(bench.start("partly").refusal);
  EXPECT_EQ(bench.phases(), "cancelled preflight cancelled") << "or the hub would go on without the pump";
  EXPECT_EQ(bench.reason(kHub), Reason::superseded);
  bench.run();
  EXPECT_EQ(bench.truth(), "old new old");
}

TEST(Groups, AnotherMemberInTheGroupWithdrawsWhatIsUnderWay) {
  GroupBench bench;
  enroll(bench, "spare");
  ASSERT_TRUE(bench.go_to(kHub, Phase::transferring));
  ASSERT_FALSE(bench.post(GroupFormed{with_members({{kHub, kHub}, {kPump, "spare"}, {kValve, kValve}})}).refusal);
  EXPECT_EQ(bench.phases(), "cancelled") << "or two would go on without the third";
  EXPECT_EQ(bench.child(kPump).group, "");
}

TEST(Groups, DissolvingItWithdrawsWhatIsUnderWay) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to(kValve, Phase::staged));
  ASSERT_FALSE(bench.post(GroupDissolved{kHeater}).refusal);
  EXPECT_EQ(bench.phases(), "cancelled") << "or they would wait for each other for ever";
}

TEST(Groups, WhatWaitsForAnotherAttemptIsWithdrawnToo) {
  GroupBench bench;
  bench.flash.at(kValve).refuses_new = true;
  bench.go_to_decision(Decision::back);
  bench.run();
  ASSERT_EQ(bench.phases(), "reverted");
  ASSERT_TRUE(waits_for_time(bench.update(kHub)));
  ASSERT_FALSE(bench.post(GroupDissolved{kHeater}).refusal);
  EXPECT_EQ(bench.phases(), "reverted");
  EXPECT_TRUE(is_over(bench.update(kHub)) && is_over(bench.update(kPump)) && is_over(bench.update(kValve)));
}

// ----------------------------------------------------------------------------------------------------------- repair

GroupBench all_confirmed() {
  GroupBench bench;
  bench.go_to(kValve, Phase::confirmed);
  bench.run();
  return bench;
}

TEST(Groups, RemembersWhatAllConfirmedLast) {
  GroupBench bench = all_confirmed();
  EXPECT_EQ(bench.phases(), "confirmed");
  EXPECT_EQ(bench.state.groups.at(kHeater).committed, kDeliverable);
  const Output again = bench.post(GroupFormed{heater()});
  EXPECT_FALSE(again.refusal);
  EXPECT_EQ(bench.state.groups.at(kHeater).committed, kDeliverable) << "it is not the configuration's to say";
}

TEST(Groups, RepairBringsAReplacedBoardToIt) {
  GroupBench bench = all_confirmed();
  bench.flash.at(kPump) = Flash{};
  bench.flash.at(kPump).runs = kOther;
  bench.link(kPump, true);
  bench.run();
  ASSERT_EQ(bench.phases(), "confirmed split confirmed") << "it runs something else than it confirmed";
  ASSERT_EQ(bench.truth(), "new old? new");
  ASSERT_FALSE(bench.resolve(kPump, Resolution::accept).refusal);
  ASSERT_FALSE(bench.post(RepairRequested{kHeater, 0}).refusal);
  EXPECT_EQ(bench.update(kPump).group, "") << "alone";
  EXPECT_EQ(bench.phases(), "confirmed preflight confirmed");
  bench.run();
  EXPECT_EQ(bench.truth(), "new");
}

TEST(Groups, RepairOfAWholeGroupIsRefused) {
  GroupBench bench = all_confirmed();
  EXPECT_EQ(refused(bench.post(RepairRequested{kHeater, 0})).code, Errc::exists);
  EXPECT_EQ(refused(bench.post(RepairRequested{"boat-1", 0})).code, Errc::not_found);
}

TEST(Groups, ALinkThatMayNotCarryTheImageAnyMoreIsNoReasonForARepair) {
  GroupBench bench = all_confirmed();
  Enrollment unprotected = bench.child(kPump).enrollment;
  unprotected.link = LinkProtection::none;
  bench.post(ChildEnrolled{unprotected});
  bench.run();
  EXPECT_EQ(refused(bench.post(RepairRequested{kHeater, 0})).code, Errc::exists) << "it runs what it should";
}

TEST(Groups, RepairWithdrawsARolloutThatIsUnderWay) {
  GroupBench bench = all_confirmed();
  bench.flash.at(kPump).runs = kOld;
  bench.flash.at(kPump).other = kNew;
  bench.link(kPump, true);
  bench.run();
  ASSERT_EQ(bench.phase(kPump), "reverted") << "behind our back";
  ASSERT_FALSE(bench.start(kGoesBack).refusal);
  ASSERT_TRUE(bench.run([&] { return bench.phase(kHub) == "transferring"; }));
  ASSERT_FALSE(bench.post(RepairRequested{kHeater, 0}).refusal);
  EXPECT_EQ(bench.phases(), "cancelled preflight cancelled");
  bench.run();
  EXPECT_EQ(bench.truth(), "new");
}

// ------------------------------------------------------------------------------------------------------------ split

/// The pump runs something that nobody knows, after ACTIVATE: the others have gone back.
GroupBench split_pump() {
  GroupBench bench;
  bench.go_to(kPump, Phase::activating);
  bench.answer(kPump, Ordered{other()});
  bench.run();
  return bench;
}

TEST(Groups, ASplitGroupIsRefusedAnotherRolloutByName) {
  GroupBench bench = split_pump();
  ASSERT_EQ(bench.phases(), "reverted split reverted");
  const Output out = bench.start();
  EXPECT_EQ(refused(out).code, Errc::busy);
  EXPECT_NE(refused(out).message.find("split"), std::string::npos);
  EXPECT_EQ(refused(bench.post(GroupDissolved{kHeater})).code, Errc::busy);
}

TEST(Groups, ResolveNamesWhatIsWrong) {
  GroupBench bench = split_pump();
  enroll(bench, "lamp", {9});
  EXPECT_EQ(refused(bench.resolve(kHub, Resolution::drop)).code, Errc::exists) << "it is not split";
  EXPECT_EQ(refused(bench.resolve("lamp", Resolution::drop)).code, Errc::not_found) << "no member";
  EXPECT_EQ(refused(bench.post(SplitResolved{"boat-1", kHub, Resolution::drop, {}, 0})).code, Errc::not_found);
  EXPECT_EQ(refused(bench.resolve(kPump, Resolution::replace, "lamp")).code, Errc::mismatch);
  EXPECT_EQ(refused(bench.resolve(kPump, Resolution::replace, "ghost")).code, Errc::not_found);
  EXPECT_EQ(refused(bench.resolve(kPump, Resolution::replace, kHub)).code, Errc::exists) << "a member already";
  EXPECT_EQ(refused(bench.resolve(kPump, Resolution::replace, kPump)).code, Errc::exists) << "by itself";
  EXPECT_EQ(bench.phases(), "reverted split reverted");
  EXPECT_EQ(bench.state.groups.at(kHeater), heater());
}

TEST(Groups, ResolveRetryGivesAsManyOrdersAgain) {
  GroupBench bench = split_pump();
  ASSERT_FALSE(bench.resolve(kPump, Resolution::retry).refusal);
  EXPECT_EQ(bench.phases(), "reverted reverting reverted");
  EXPECT_EQ(bench.history.back().cause, (Cause{Reason::resolved, "uid 1000 has it tried again"}));
  EXPECT_EQ(bench.step(kPump), "inspect");
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted");
  EXPECT_TRUE(waits_for_time(bench.update(kHub))) << "all are back: tried again";
  EXPECT_EQ(bench.update(kHub).until, bench.update(kPump).until);
  EXPECT_EQ(bench.truth(), "old");
}

TEST(Groups, ResolveDropLeavesAPartialGroup) {
  GroupBench bench = split_pump();
  const Output out = bench.resolve(kPump, Resolution::drop);
  ASSERT_FALSE(out.refusal);
  ASSERT_NE(put_group(out), nullptr);
  EXPECT_EQ(put_group(out)->group.members.size(), 2U);
  EXPECT_EQ(bench.phase(kPump), "cancelled");
  EXPECT_EQ(bench.reason(kPump), Reason::resolved);
  EXPECT_EQ(bench.child(kPump).group, "");
  EXPECT_EQ(refused(bench.start()).code, Errc::mismatch);
}

TEST(Groups, ResolveReplacePutsAnotherChildInItsPlace) {
  GroupBench bench = split_pump();
  enroll(bench, "spare");
  ASSERT_FALSE(bench.resolve(kPump, Resolution::replace, "spare").refusal);
  EXPECT_EQ(bench.child("spare").role, kPump);
  EXPECT_EQ(bench.child(kPump).group, "");
  EXPECT_FALSE(bench.start().refusal);
  EXPECT_EQ(bench.update("spare").group, kHeater);
}

TEST(Groups, ResolveAcceptLetsItRestAsItIs) {
  GroupBench bench = split_pump();
  const Output out = bench.resolve(kPump, Resolution::accept);
  ASSERT_FALSE(out.refusal);
  EXPECT_EQ(bench.child(kPump).group, kHeater);
  EXPECT_EQ(bench.phases(), "reverted cancelled reverted");
  EXPECT_EQ(bench.history.back().cause, (Cause{Reason::resolved, "uid 1000 lets it rest as it is"}));
  EXPECT_FALSE(is_split(bench.state, bench.state.groups.at(kHeater)));
  EXPECT_FALSE(bench.start().refusal);
}

TEST(Groups, AfterAMemberWasGivenUpTheOthersAreNotTriedAgainWithoutIt) {
  GroupBench bench;
  bench.go_to(kPump, Phase::activating);
  bench.link(kHub, false);
  bench.answer(kPump, Ordered{other()});
  ASSERT_EQ(bench.phases(), "reverting split reverting");
  ASSERT_FALSE(bench.resolve(kPump, Resolution::drop).refusal);
  bench.link(kHub, true);
  bench.run();
  EXPECT_EQ(bench.phases(), "reverted cancelled reverted");
  EXPECT_TRUE(is_over(bench.update(kHub))) << "it would be new, and the pump not";
}

TEST(Groups, AfterCommitTheOthersConfirmWithoutAMemberThatWasGivenUp) {
  GroupBench bench;
  ASSERT_TRUE(bench.go_to_decision(Decision::commit));
  bench.says(kPump, other());
  bench.answer(kPump, Ordered{other()});
  bench.run();
  ASSERT_EQ(bench.phases(), "confirmed split confirmed");
  EXPECT_EQ(bench.state.groups.at(kHeater).committed, "");
  ASSERT_FALSE(bench.resolve(kPump, Resolution::drop).refusal);
  EXPECT_EQ(bench.state.groups.at(kHeater).committed, kDeliverable);
}

TEST(Groups, TheWaysOutHaveNames) {
  EXPECT_EQ(resolution_from("retry"), Resolution::retry);
  EXPECT_EQ(resolution_from("drop"), Resolution::drop);
  EXPECT_EQ(resolution_from("replace"), Resolution::replace);
  EXPECT_EQ(resolution_from("accept"), Resolution::accept);
  EXPECT_FALSE(resolution_from("forget"));
}

TEST(Groups, WhoComesToAGateIsToldToThoseWhoWatch) {
  GroupBench bench;
  bench.link_all();
  bench.run();
  bench.start();
  const Output out = bench.says(kHub, bench.flash.at(kHub).says());
  EXPECT_EQ(bench.child(kHub).gate, Gate::preflight);
  EXPECT_TRUE(std::ranges::find(out.touched, kHub) != out.touched.end()) << "nothing of it is stored";
}

}  // namespace
}  // namespace hg::core::table
