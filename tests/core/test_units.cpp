// SPDX-License-Identifier: Apache-2.0
// Groups that are formed of what children report: when one is whole, what it waits for, what is never done, and how a
// member that reports otherwise is settled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/table_child.hpp"
#include "core/units.hpp"

namespace hg::core::table {
namespace {

using testing::HasSubstr;

const Uuid kVendor{1};
const Uuid kMain{3};
const Uuid kPanel{2};
const Uuid kLamp{4};  // in no layout that is formed by itself
const GroupId kUnit = "HTR-0042";

/// A heater has a main board and two panels.
Layout heater_layout(bool is_formed_by_unit = true) {
  return {"heater", {{"main", kVendor, kMain, 1, 0}, {"panel", kVendor, kPanel, 2, 1}}, is_formed_by_unit};
}

class Units : public testing::Test {
 protected:
  Units() { post(LayoutsSaid{{heater_layout()}}); }

  Output post(const Event& event) {
    Output out = apply(state_, event, kNow);
    for (const Change& change : out.changes)
      if (const auto* line = std::get_if<PutHistory>(&change)) history_.push_back(*line);
    return out;
  }
  void enroll(const ChildId& id, Uuid device_class) {
    Enrollment e = enrollment();
    e.id = id;
    e.vendor = kVendor;
    e.device_class = device_class;
    post(ChildEnrolled{e});
    post(LinkChanged{id, true, ""});
  }
  Output says(const ChildId& id, const std::string& unit) {
    Inspection seen = normal();
    seen.unit = unit;
    return answers(id, seen);
  }
  Output answers(const ChildId& id, const Inspection& seen) {
    Child& child = state_.children.at(id);
    if (!std::holds_alternative<Inspect>(child.step)) {  // an hour later
      post(TimePassed{id, child.step_number});
    }
    EXPECT_TRUE(std::holds_alternative<Inspect>(child.step)) << id;
    return post(StepEnded{id, child.step_number, seen});
  }
  /// A main board and two panels of one unit.
  void form() {
    enroll("main", kMain);
    for (const char* id : {"left", "right"}) enroll(id, kPanel);
    for (const char* id : {"main", "left", "right"}) says(id, kUnit);
    ASSERT_TRUE(state_.groups.contains(kUnit));
    history_.clear();
  }
  Output start() {
    post(DeliverableSealed{deliverable()});
    return post(RolloutRequested{kDeliverable, {}, 1000, false, {kUnit}});
  }
  std::string text(const ChildId& id) { return unit_text(state_, state_.children.at(id)); }
  std::string group_of(const ChildId& id) { return state_.children.at(id).group; }
  std::vector<std::string> history_of(const ChildId& id) const {
    std::vector<std::string> texts;
    for (const PutHistory& line : history_)
      if (line.child == id) texts.push_back(line.cause.text);
    return texts;
  }

  State state_;
  std::vector<PutHistory> history_;
};

// ---------------------------------------------------------------------------------------------------------- forming

TEST_F(Units, ChildrenThatFillAllRolesMakeUpAGroup) {
  enroll("main", kMain);
  enroll("left", kPanel);
  enroll("right", kPanel);
  says("right", kUnit);
  says("main", kUnit);
  EXPECT_TRUE(state_.groups.empty());
  const Output out = says("left", kUnit);
  const Group expected{kUnit, "heater", {{"main", "main"}, {"panel", "left"}, {"panel", "right"}}, {}, false, true};
  ASSERT_TRUE(state_.groups.contains(kUnit));
  EXPECT_EQ(state_.groups.at(kUnit), expected);
  EXPECT_EQ(group_of("right"), kUnit);
  EXPECT_EQ(state_.children.at("right").role, "panel");
  const auto is_put = [&](const Change& change) {
    const auto* put = std::get_if<PutGroup>(&change);
    return put != nullptr && put->group == expected;
  };
  EXPECT_EQ(std::ranges::count_if(out.changes, is_put), 1) << "it is written down";
  EXPECT_EQ(history_of("main"), (std::vector<std::string>{"it is main in group HTR-0042, by the unit it reports"}));
  EXPECT_EQ(text("main"), "");
}

TEST_F(Units, TwoUnitsMakeUpTwoGroups) {
  for (const std::string unit : {"A", "B"}) {
    enroll("main-" + unit, kMain);
    enroll("left-" + unit, kPanel);
    enroll("right-" + unit, kPanel);
  }
  for (const char* role : {"main-", "left-", "right-"})
    for (const char* unit : {"A", "B"}) says(std::string(role) + unit, unit);
  EXPECT_EQ(state_.groups.size(), 2U);
  EXPECT_EQ(group_of("left-B"), "B");
}

TEST_F(Units, APartialOneWaitsAndSaysForWhom) {
  enroll("main", kMain);
  says("main", kUnit);
  EXPECT_EQ(text("main"), "waits for others of unit HTR-0042: 0 of 2 as panel");
  enroll("left", kPanel);
  const Output out = says("left", kUnit);
  EXPECT_EQ(text("main"), "waits for others of unit HTR-0042: 1 of 2 as panel");
  EXPECT_THAT(out.touched, testing::Contains("main")) << "what is said of it has changed";
  EXPECT_TRUE(state_.groups.empty());
  EXPECT_TRUE(history_.empty());
}

TEST_F(Units, NothingIsFormedOfALayoutThatDoesNotSaySo) {
  post(LayoutsSaid{{heater_layout(false)}});
  enroll("main", kMain);
  for (const char* id : {"left", "right"}) enroll(id, kPanel);
  for (const char* id : {"main", "left", "right"}) says(id, kUnit);
  EXPECT_TRUE(state_.groups.empty());
  EXPECT_EQ(text("main"), "");
}

TEST_F(Units, AChildOfAnotherClassIsNoPartOfIt) {
  enroll("lamp", kLamp);
  says("lamp", kUnit);
  EXPECT_EQ(text("lamp"), "");
  form();
  EXPECT_EQ(group_of("lamp"), "");
}

TEST_F(Units, OneThatIsNotEnrolledDoesNotCount) {
  enroll("main", kMain);
  enroll("left", kPanel);
  enroll("gone", kPanel);
  says("gone", kUnit);
  post(ChildDropped{"gone"});
  says("main", kUnit);
  says("left", kUnit);
  EXPECT_EQ(text("main"), "waits for others of unit HTR-0042: 1 of 2 as panel");
}

TEST_F(Units, AfterARestartEachIsHeardAgainFirst) {
  enroll("main", kMain);
  for (const char* id : {"left", "right"}) enroll(id, kPanel);
  for (const char* id : {"main", "left"}) says(id, kUnit);
  resume(state_, kNow);
  for (const char* id : {"main", "left", "right"}) post(LinkChanged{id, true, ""});
  says("right", kUnit);
  EXPECT_EQ(text("right"), "waits for others of unit HTR-0042: the next report of main, the next report of left");
  says("left", kUnit);
  says("main", kUnit);
  EXPECT_EQ(group_of("right"), kUnit);
}

TEST_F(Units, OneThatIsBeingActivatedIsWaitedFor) {
  enroll("main", kMain);
  for (const char* id : {"left", "right"}) enroll(id, kPanel);
  says("main", kUnit);
  Update update;
  update.phase = Phase::testing;
  update.decision = Decision::activate;
  state_.children.at("main").update = update;
  for (const char* id : {"left", "right"}) says(id, kUnit);
  EXPECT_TRUE(state_.groups.empty());
  EXPECT_EQ(text("left"), "waits for others of unit HTR-0042: the next report of main");
}

// ------------------------------------------------------------------------------------------------------------ never

TEST_F(Units, AMemberOfAnotherGroupIsNotMoved) {
  enroll("main", kMain);
  for (const char* id : {"left", "right"}) enroll(id, kPanel);
  Group own{"mine", "heater", {{"main", "main"}, {"panel", "left"}, {"panel", "right"}}, {}, true};
  ASSERT_FALSE(post(GroupFormed{own}).refusal);
  for (const char* id : {"main", "left", "right"}) says(id, kUnit);
  EXPECT_EQ(group_of("main"), "mine");
  EXPECT_EQ(state_.groups.size(), 1U);
  EXPECT_EQ(text("main"), "");
  enroll("other", kMain);
  says("other", kUnit);
  EXPECT_THAT(text("other"), HasSubstr("it is reported by 2 of 1 as main: main, other"));
}

TEST_F(Units, ANameThatIsTakenIsNotGivenAgain) {
  enroll("main", kMain);
  for (const char* id : {"left", "right", "up", "down"}) enroll(id, kPanel);
  enroll("second", kMain);
  Group taken{kUnit, "heater", {{"main", "second"}, {"panel", "up"}, {"panel", "down"}}, {}, false};
  ASSERT_FALSE(post(GroupFormed{taken}).refusal);
  for (const char* id : {"main", "left", "right"}) says(id, kUnit);
  EXPECT_EQ(state_.groups.at(kUnit), taken);
  EXPECT_EQ(text("main"), "no group is formed of unit HTR-0042: there is a group HTR-0042 already");
}

TEST_F(Units, MoreThanTheRoleCountsIsSaidOnce) {
  enroll("main", kMain);
  for (const char* id : {"left", "right", "third"}) enroll(id, kPanel);
  for (const char* id : {"left", "right", "third"}) says(id, kUnit);
  const std::string why = "no group is formed of unit HTR-0042: it is reported by 3 of 2 as panel: left, right, third";
  EXPECT_EQ(history_of("third"), std::vector<std::string>{why});
  says("main", kUnit);
  EXPECT_TRUE(state_.groups.empty());
  for (int hour = 0; hour < 3; ++hour)
    for (const char* id : {"main", "left", "right", "third"}) says(id, kUnit);
  EXPECT_EQ(history_of("third").size(), 1U) << "not at each inspection";
  EXPECT_EQ(history_of("left").size(), 0U);
  EXPECT_EQ(text("main"), why);
  post(ChildDropped{"third"});
  says("main", kUnit);
  EXPECT_EQ(group_of("left"), kUnit) << "whoever was too many is gone";
}

TEST_F(Units, AUnitThatAllTheWorldReportsIsNoGroup) {
  for (unsigned i = 0; i <= kMaxMembers; ++i) {
    const ChildId id = "p" + std::to_string(i);
    enroll(id, kPanel);
    says(id, kUnit);
  }
  EXPECT_THAT(text("p0"), HasSubstr("it is reported by more than 64 children"));
}

// ---------------------------------------------------------------------------------------------- who says otherwise

struct Otherwise {
  const char* name;
  const char* unit;
  const char* text;
  const char* refusal;
};

class UnitsDiffer : public Units, public testing::WithParamInterface<Otherwise> {};

TEST_P(UnitsDiffer, TheGroupStaysAndBeginsNothing) {
  form();
  const Group before = state_.groups.at(kUnit);
  for (int hour = 0; hour < 3; ++hour) says("left", GetParam().unit);
  EXPECT_EQ(state_.groups.at(kUnit), before);
  EXPECT_EQ(history_of("left"), std::vector<std::string>{GetParam().text});
  EXPECT_EQ(text("left"), GetParam().text);
  EXPECT_EQ(text("main"), "");
  const Output refused = start();
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->code, Errc::mismatch);
  EXPECT_EQ(refused.refusal->message, GetParam().refusal);
}

TEST_P(UnitsDiffer, UntilItReportsItsUnitAgain) {
  form();
  says("left", GetParam().unit);
  says("left", kUnit);
  EXPECT_EQ(history_of("left").back(), "it reports unit HTR-0042 again");
  EXPECT_FALSE(start().refusal);
}

TEST_P(UnitsDiffer, OrItIsDissolved) {
  form();
  says("left", GetParam().unit);
  ASSERT_FALSE(post(GroupDissolved{kUnit}).refusal);
  for (const char* id : {"main", "right"}) says(id, kUnit);
  EXPECT_TRUE(state_.groups.empty());
  EXPECT_EQ(text("main"), "waits for others of unit HTR-0042: 1 of 2 as panel");
}

INSTANTIATE_TEST_SUITE_P(
    Table, UnitsDiffer,
    testing::Values(Otherwise{"another", "HTR-0043",
                              "it reports unit HTR-0043, but is in group HTR-0042, which begins no rollout while it "
                              "does",
                              "group HTR-0042: child left reports unit HTR-0043"},
                    Otherwise{"none", "",
                              "it reports no unit, but is in group HTR-0042, which begins no rollout while it does",
                              "group HTR-0042: child left reports no unit"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(Units, AGroupThatIsAsReportedIsNotDissolvedInVain) {
  form();
  const Output out = post(GroupDissolved{kUnit});
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->code, Errc::guard_failed);
  post(LayoutsSaid{{heater_layout(false)}});
  EXPECT_FALSE(post(GroupDissolved{kUnit}).refusal);
}

TEST_F(Units, BoardsThatWereExchangedFindTheirGroupsOnceBothAreDissolved) {
  form();
  enroll("main2", kMain);
  for (const char* id : {"left2", "right2"}) enroll(id, kPanel);
  for (const char* id : {"main2", "left2", "right2"}) says(id, "HTR-0043");
  says("left", "HTR-0043");
  says("left2", kUnit);
  EXPECT_EQ(group_of("left"), kUnit);
  EXPECT_EQ(group_of("left2"), "HTR-0043");
  for (const char* unit : {"HTR-0042", "HTR-0043"}) ASSERT_FALSE(post(GroupDissolved{unit}).refusal);
  says("main", kUnit);
  says("main2", "HTR-0043");
  EXPECT_EQ(group_of("left2"), kUnit);
  EXPECT_EQ(group_of("left"), "HTR-0043");
}

TEST_F(Units, ABootloaderTakesNobodyOutOfItsGroup) {
  form();
  Inspection recovery = with({});
  recovery.staging = Staging::in_place;
  answers("left", recovery);
  EXPECT_EQ(text("left"), "");
  EXPECT_TRUE(history_.empty());
  says("left", kUnit);
  EXPECT_TRUE(history_.empty());
}

// ------------------------------------------------------------------------------------------------------ replacement

TEST_F(Units, AReplacementIsNotTakenSilently) {
  form();
  enroll("new", kPanel);
  says("new", kUnit);
  EXPECT_EQ(group_of("new"), "");
  const std::string why =
      "it reports unit HTR-0042, but group HTR-0042 has left, right as panel: `groups resolve` can put this child in "
      "that place";
  EXPECT_EQ(text("new"), why);
  EXPECT_EQ(history_of("new"), std::vector<std::string>{why});
  EXPECT_FALSE(start().refusal) << "whoever claims to be a member does not hold the group";
}

TEST_F(Units, AnOperatorPutsItInTheOldOnesPlace) {
  form();
  enroll("new", kPanel);
  says("new", kUnit);
  const Output out = post(SplitResolved{kUnit, "left", Resolution::replace, "new", 1000});
  ASSERT_FALSE(out.refusal) << out.refusal->message;
  EXPECT_EQ(group_of("new"), kUnit);
  EXPECT_EQ(group_of("left"), "");
  EXPECT_EQ(history_of("left").back(), "uid 1000 has put new in its place");
  EXPECT_EQ(history_of("new").back(), "uid 1000 has put it in the place of left");
  EXPECT_FALSE(start().refusal);
}

TEST_F(Units, OneThatReportsAnotherUnitIsPutInNobodysPlace) {
  form();
  enroll("new", kPanel);
  says("new", "HTR-0043");
  const Output out = post(SplitResolved{kUnit, "left", Resolution::replace, "new", 1000});
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->message, "group HTR-0042: child new reports unit HTR-0043");
  const Output twice = post(SplitResolved{kUnit, "left", Resolution::replace, "right", 1000});
  ASSERT_TRUE(twice.refusal);
  EXPECT_EQ(twice.refusal->code, Errc::exists);
}

TEST_F(Units, NobodyIsReplacedPastActivate) {
  form();
  enroll("new", kPanel);
  says("new", kUnit);
  Update update;
  update.group = kUnit;
  update.phase = Phase::testing;
  update.decision = Decision::activate;
  state_.children.at("main").update = update;
  const Output out = post(SplitResolved{kUnit, "left", Resolution::replace, "new", 1000});
  ASSERT_TRUE(out.refusal);
  EXPECT_EQ(out.refusal->code, Errc::busy);
}

TEST_F(Units, OtherWaysOutOfSplitAreForSplitOnly) {
  form();
  for (const Resolution way : {Resolution::retry, Resolution::drop, Resolution::accept}) {
    const Output out = post(SplitResolved{kUnit, "left", way, {}, 1000});
    ASSERT_TRUE(out.refusal);
    EXPECT_EQ(out.refusal->code, Errc::exists);
  }
}

TEST_F(Units, AreKnownAgainAfterARestart) {
  enroll("main", kMain);
  enroll("lamp", kLamp);
  says("main", kUnit);
  says("lamp", "");
  const auto before = state_.units;
  state_.units.clear();
  resume(state_, kNow);
  EXPECT_EQ(state_.units, before);
  EXPECT_EQ(state_.units.size(), 1U);
}

}  // namespace
}  // namespace hg::core::table
