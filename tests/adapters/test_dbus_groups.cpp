// SPDX-License-Identifier: Apache-2.0
// Groups on the bus: what they show of their members' updates, and what can be asked of them.
#include <gmock/gmock.h>
#include <unistd.h>

#include "adapters/bus/face_on_bus.hpp"
#include "adapters/dbus/views.hpp"

namespace hg::bus::test {
namespace {

using core::Decision;
using core::Gate;
using core::Phase;
using core::Reason;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kError = "org.headgate.Headgate1.Error.";

core::Layout pair() {
  return {"pair", {core::Role{"left", {}, {1}}, core::Role{"right", {}, {1}}}};
}

core::Group house() {
  return {"house", "pair", {{"left", "a"}, {"right", "b"}}, {}};
}

// ---------------------------------------------------------------------------------------------- what a group shows

/// A member's part in the transaction.
struct Part {
  Phase phase = Phase::preflight;
  Decision decision = Decision::none;
  Gate gate = Gate::none;
  Reason reason = Reason::none;
  seconds until{0};
  bool is_pivot = false;
};

struct Row {
  const char* name;
  Part a;
  Part b;
  std::string phase;
  std::vector<std::string> waiting_for{};
  std::string failing{};
};

core::Child member(const core::ChildId& id, const Part& part) {
  core::Child child;
  child.enrollment.id = id;
  child.gate = part.gate;
  core::Update& update = child.update.emplace();
  update.rollout = 3;
  update.deliverable = "d1";
  update.group = "house";
  update.phase = part.phase;
  update.decision = part.decision;
  update.cause = {part.reason, part.reason == Reason::none ? "" : id + " says why"};
  update.until = Instant{part.until};
  update.pivot = part.is_pivot;
  return child;
}

class GroupShows : public testing::TestWithParam<Row> {};

TEST_P(GroupShows, OneWordForItsTransaction) {
  const Row& row = GetParam();
  core::State state;
  state.children = {{"a", member("a", row.a)}, {"b", member("b", row.b)}};
  const GroupView view = view_of(house(), state);
  EXPECT_EQ(view.phase, row.phase);
  EXPECT_EQ(view.waiting_for, row.waiting_for);
  EXPECT_EQ(view.failing_member, row.failing);
  EXPECT_EQ(view.text, row.failing.empty() ? "" : row.failing + " says why");
  EXPECT_EQ(view.deliverable, "d1");
  EXPECT_EQ(view.rollout, rollout_path(3));
  EXPECT_EQ(view.decision, name_of(row.a.decision));
}

constexpr Decision kNo = Decision::none;
constexpr Decision kBack = Decision::back;
constexpr Decision kCommit = Decision::commit;
using Names = std::vector<std::string>;

INSTANTIATE_TEST_SUITE_P(
    Table, GroupShows,
    testing::Values(
        Row{"begins", {}, {}, "preparing", Names{"a", "b"}},
        Row{"one_at_gate", {Phase::preflight, kNo, Gate::preflight}, {}, "preparing", Names{"b"}},
        Row{"one_staged", {Phase::staged, kNo, Gate::staged}, {Phase::transferring}, "preparing", Names{"b"}},
        Row{"activates",
            {Phase::testing, Decision::activate, Gate::healthy},
            {Phase::activating, Decision::activate},
            "activating",
            Names{"b"}},
        Row{"second_rank_waits",
            {Phase::activating, Decision::activate},
            {Phase::staged, Decision::activate, Gate::staged},
            "activating",
            Names{"a"}},
        Row{"pivot",
            {Phase::testing, Decision::pivot},
            {Phase::activating, Decision::pivot, Gate::none, Reason::none, seconds{9}, true},
            "activating",
            Names{"b"}},
        Row{"commits", {Phase::confirmed, kCommit}, {Phase::testing, kCommit}, "committing", Names{"b"}},
        Row{"updated", {Phase::confirmed, kCommit}, {Phase::confirmed, kCommit}, "updated"},
        Row{"goes_back",
            {Phase::reverting, kBack, Gate::none, Reason::other_member},
            {Phase::reverted, kBack, Gate::none, Reason::unhealthy},
            "reverting",
            Names{"a"},
            "b"},
        Row{"is_back",
            {Phase::reverted, kBack, Gate::none, Reason::aborted},
            {Phase::reverted, kBack, Gate::none, Reason::other_member},
            "reverted",
            Names{},
            "a"},
        Row{"is_back_and_tries_again",
            {Phase::reverted, kBack, Gate::none, Reason::other_member, seconds{9}},
            {Phase::reverted, kBack, Gate::none, Reason::unhealthy, seconds{9}},
            "waiting",
            Names{},
            "b"},
        Row{"is_put_off",
            {Phase::deferred, kNo, Gate::none, Reason::child_busy, seconds{9}},
            {Phase::deferred, kNo, Gate::none, Reason::other_member, seconds{9}},
            "waiting",
            Names{},
            "a"},
        Row{"is_refused",
            {Phase::refused, kNo, Gate::none, Reason::other_member},
            {Phase::refused, kNo, Gate::none, Reason::not_newer},
            "refused",
            Names{},
            "b"},
        Row{"is_cancelled",
            {Phase::cancelled, kNo, Gate::none, Reason::aborted},
            {Phase::cancelled, kNo, Gate::none, Reason::aborted},
            "cancelled",
            Names{},
            "a"},
        Row{"is_split",
            {Phase::reverted, kBack, Gate::none, Reason::aborted},
            {Phase::split, kBack, Gate::none, Reason::third_version},
            "split",
            Names{"b"},
            "b"},
        Row{"is_split_and_goes_back",
            {Phase::split, kBack, Gate::none, Reason::third_version},
            {Phase::reverting, kBack, Gate::none, Reason::other_member},
            "split",
            Names{"a", "b"},
            "a"},
        Row{"one_went_back_by_itself",
            {Phase::confirmed, kCommit},
            {Phase::reverted, kCommit, Gate::none, Reason::third_version},
            "mixed",
            Names{},
            "b"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(GroupView, WithoutAnUpdateIsIdle) {
  core::State state;
  state.children["a"].enrollment.id = "a";
  const GroupView view = view_of(house(), state);  // b is not even enrolled
  EXPECT_EQ(view.phase, "idle");
  EXPECT_EQ(view.decision, "none");
  EXPECT_EQ(view.rollout.text, "/");
  EXPECT_THAT(view.waiting_for, IsEmpty());
}

TEST(GroupView, ShowsTheNewestTransactionOnly) {
  core::State state;
  state.children = {{"a", member("a", {Phase::split})}, {"b", member("b", {Phase::confirmed, kCommit})}};
  state.children.at("b").update->rollout = 4;
  EXPECT_EQ(view_of(house(), state).phase, "updated");
  EXPECT_EQ(view_of(house(), state).rollout, rollout_path(4));
}

TEST(GroupView, LeavesOutWhatAMemberDoesAlone) {
  core::State state;
  state.children = {{"a", member("a", {})}, {"b", member("b", {Phase::confirmed, kCommit})}};
  state.children.at("a").update->group.clear();  // a repair
  EXPECT_EQ(view_of(house(), state).phase, "updated");
}

// ------------------------------------------------------------------------------------------------------ on the bus

class GroupOnBus : public FaceOnBus {
 protected:
  void open_with_house() {
    for (const char* id : {"a", "b", "c"}) control_.enroll(id);
    control_.lay_out({pair()});
    control_.form(house());
    control_.seal(kNewId);
    open();
  }

  std::string shown(const char* name) { return client_.property(path_, kGroupInterface, name); }
  std::string child(const char* id, const char* name) {
    return client_.property(child_path(id).text, kChildInterface, name);
  }

  using Pairs = std::vector<std::pair<std::string, std::string>>;
  Answer create(const std::string& name, const std::string& layout, const Pairs& members) {
    const auto fill = [&](sd_bus_message* call) {
      sd_bus_message_append(call, "ss", name.c_str(), layout.c_str());
      sd_bus_message_open_container(call, 'a', "(ss)");
      for (const auto& [role, id] : members) sd_bus_message_append(call, "(ss)", role.c_str(), id.c_str());
      sd_bus_message_close_container(call);
      return append(call, Dictionary{});
    };
    return client_.call(kManagerPath, kManagerInterface, "CreateGroup", fill);
  }

  Answer dissolve(const std::string& name) {
    const auto fill = [&](sd_bus_message* call) {
      append(call, name);
      return append(call, Dictionary{});
    };
    return client_.call(kManagerPath, kManagerInterface, "DissolveGroup", fill);
  }

  Answer repair() {
    return client_.call(path_, kGroupInterface, "Repair",
                        [](sd_bus_message* call) { return append(call, Dictionary{}); });
  }

  Answer resolve(const std::string& id, const std::string& way, const Dictionary& options = {}) {
    const auto fill = [&](sd_bus_message* call) {
      append(call, id);
      append(call, way);
      return append(call, options);
    };
    return client_.call(path_, kGroupInterface, "Resolve", fill);
  }

  Answer start_to(const Value& groups) {
    const auto fill = [&](sd_bus_message* call) {
      append(call, new_path_);
      append(call, std::vector<ObjectPath>{});
      return append(call, Dictionary{{"groups", groups}});
    };
    return client_.call(kManagerPath, kManagerInterface, "StartRollout", fill);
  }

  // Member b can reach neither; a is back.
  void split() {
    ASSERT_TRUE(start_to(Names{"house"}).reply);
    for (const char* id : {"a", "b"}) control_.child(id).update->decision = Decision::back;
    control_.move("a", Phase::reverted, {Reason::other_member, "b: it runs 9.9.9"});
    control_.move("b", Phase::split, {Reason::third_version, "it runs 9.9.9"});
  }

  const std::string path_ = group_path("house").text;
};

TEST_F(GroupOnBus, IsShownWithItsMembers) {
  open_with_house();
  EXPECT_EQ(shown("Name"), "house");
  EXPECT_EQ(shown("Layout"), "pair");
  EXPECT_THAT(shown("Members"), AllOf(HasSubstr("Role left"), HasSubstr("Child " + child_path("a").text),
                                      HasSubstr("Role right"), HasSubstr("Id b")));
  EXPECT_EQ(shown("Configured"), "0");
  EXPECT_EQ(shown("Phase"), "idle");
  EXPECT_EQ(child("a", "Group"), "house");
  EXPECT_EQ(child("b", "Role"), "right");
  EXPECT_EQ(child("c", "Group"), "");
}

TEST_F(GroupOnBus, IsToldOfWhenItIsMadeAndGone) {
  for (const char* id : {"a", "b"}) control_.enroll(id);
  control_.lay_out({pair()});
  open();
  const Answer made = create("house", "pair", {{"left", "a"}, {"right", "b"}});
  ASSERT_TRUE(made.reply) << made.text;
  EXPECT_EQ(to_text(made.reply.get()), path_);
  sync();
  EXPECT_EQ(client_.count("InterfacesAdded"), 1U);
  EXPECT_EQ(client_.count("PropertiesChanged", child_path("a").text), 1U);
  EXPECT_EQ(child("b", "Group"), "house");
  ASSERT_TRUE(dissolve("house").reply);
  sync();
  EXPECT_EQ(client_.count("InterfacesRemoved"), 1U);
  EXPECT_EQ(child("b", "Group"), "");
  EXPECT_EQ(dissolve("house").error, kError + "NotFound");
}

TEST_F(GroupOnBus, IsNotMadeOfWhatDoesNotMakeUpAProduct) {
  open_with_house();
  const std::string invalid = SD_BUS_ERROR_INVALID_ARGS;
  EXPECT_EQ(create("", "pair", {{"left", "c"}}).error, invalid);
  EXPECT_EQ(create(std::string(65, 'x'), "pair", {{"left", "c"}}).error, invalid);
  EXPECT_EQ(create("a/b", "pair", {{"left", "c"}}).error, invalid);
  EXPECT_EQ(create("shed", "pa ir", {{"left", "c"}}).error, invalid);
  EXPECT_EQ(create("shed", "pair", {}).error, invalid);
  EXPECT_EQ(create("shed", "pair", {{"left", "\n"}}).error, invalid);
  EXPECT_EQ(create("shed", "pair", Pairs(65, {"left", "c"})).error, SD_BUS_ERROR_LIMITS_EXCEEDED);
  EXPECT_EQ(create("shed", "solo", {{"left", "c"}}).error, kError + "NotFound");
  EXPECT_EQ(create("shed", "pair", {{"top", "c"}}).error, kError + "NotFound");
  EXPECT_EQ(create("shed", "pair", {{"left", "z"}}).error, kError + "NotFound");
  EXPECT_EQ(create("shed", "pair", {{"left", "c"}}).error, kError + "Incompatible");
  EXPECT_EQ(create("shed", "pair", {{"left", "c"}, {"right", "a"}}).error, kError + "AlreadyExists");
  EXPECT_EQ(create("house", "pair", {{"left", "a"}, {"right", "b"}}).error, kError + "AlreadyExists");
  EXPECT_THAT(control_.state().groups, testing::SizeIs(1));
}

TEST_F(GroupOnBus, PassesARolloutToGroupsOn) {
  open_with_house();
  ASSERT_TRUE(start_to(Names{"house"}).reply);
  EXPECT_THAT(control_.started.at(0).groups, ElementsAre("house"));
  EXPECT_THAT(control_.started.at(0).children, IsEmpty());
  EXPECT_EQ(shown("Phase"), "preparing");
  EXPECT_EQ(shown("Rollout"), rollout_path(1).text);
  EXPECT_EQ(shown("WaitingFor"), "[a b]");
  EXPECT_EQ(start_to(Names{"shed"}).error, kError + "NotFound");
  EXPECT_EQ(start_to(std::string("house")).error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(start_to(Names(1001, "house")).error, SD_BUS_ERROR_LIMITS_EXCEEDED);
  EXPECT_EQ(control_.started.size(), 1U);
}

TEST_F(GroupOnBus, TellsWhatBecomesOfIt) {
  open_with_house();
  ASSERT_TRUE(start_to(Names{"house"}).reply);
  sync();
  client_.signals.clear();
  control_.reach("a", Gate::preflight);
  sync();
  EXPECT_EQ(client_.count("PropertiesChanged", path_), 1U);
  EXPECT_EQ(shown("WaitingFor"), "[b]");
  EXPECT_EQ(child("a", "Gate"), "preflight");
  control_.move("b", Phase::refused, {Reason::not_newer, "7 is not above 9"});
  control_.move("a", Phase::refused, {Reason::other_member, "b: 7 is not above 9"});
  EXPECT_EQ(shown("Phase"), "refused");
  EXPECT_EQ(shown("Reason"), "not-newer");
  EXPECT_EQ(shown("Text"), "7 is not above 9");
  EXPECT_EQ(shown("FailingMember"), "b");
  EXPECT_EQ(child("a", "Reason"), "other-member");
  EXPECT_EQ(child("a", "ReasonText"), "b: 7 is not above 9");
}

TEST_F(GroupOnBus, LetsAJobBeCancelledUntilThePivotIsTouched) {
  open_with_house();
  ASSERT_TRUE(start_to(Names{"house"}).reply);
  const std::string job = job_path(1).text;
  const std::pair<Decision, std::string> rows[] = {{Decision::none, "1"},
                                                   {Decision::activate, "1"},
                                                   {Decision::pivot, "0"},
                                                   {Decision::commit, "0"},
                                                   {Decision::back, "0"}};
  for (const auto& [decision, is_cancelable] : rows) {
    control_.child("a").update->decision = decision;
    control_.commit("a");
    EXPECT_EQ(client_.property(job, kJobInterface, "Cancelable"), is_cancelable) << name_of(decision);
  }
}

TEST_F(GroupOnBus, PassesAResolutionOn) {
  open_with_house();
  split();
  EXPECT_EQ(shown("Phase"), "split");
  EXPECT_EQ(dissolve("house").error, kError + "Busy");
  EXPECT_EQ(resolve("a", "retry").error, kError + "AlreadyExists");
  EXPECT_EQ(resolve("c", "retry").error, kError + "NotFound");
  const Answer answer = resolve("b", "replace", {{"replacement", std::string("c")}});
  ASSERT_TRUE(answer.reply) << answer.text;
  EXPECT_EQ(control_.resolved.back().replacement, "c");
  EXPECT_EQ(control_.resolved.back().uid, ::getuid());
  EXPECT_EQ(child("b", "Group"), "");
  EXPECT_EQ(child("c", "Role"), "right");
  EXPECT_THAT(shown("Members"), HasSubstr("Id c"));
  EXPECT_EQ(shown("Phase"), "reverted");
}

TEST_F(GroupOnBus, RefusesResolutionsThatAreNone) {
  open_with_house();
  split();
  const std::string invalid = SD_BUS_ERROR_INVALID_ARGS;
  EXPECT_EQ(resolve("b", "forget").error, invalid);
  EXPECT_EQ(resolve("b", "replace").error, invalid);
  EXPECT_EQ(resolve("b", "retry", {{"replacement", std::string("c")}}).error, invalid);
  EXPECT_EQ(resolve("b", "replace", {{"replacement", true}}).error, invalid);
  EXPECT_EQ(resolve("b", "replace", {{"replacement", std::string("a b")}}).error, invalid);
  EXPECT_EQ(resolve("b", "replace", {{"instead", std::string("c")}}).error, invalid);
  EXPECT_EQ(resolve("../b", "retry").error, invalid);
  EXPECT_THAT(control_.resolved, IsEmpty());
}

TEST_F(GroupOnBus, PassesARepairOn) {
  open_with_house();
  EXPECT_EQ(repair().error, kError + "NotFound");  // it has committed nothing
  control_.group("house").committed = kNewId;
  const Answer answer = repair();
  ASSERT_TRUE(answer.reply) << answer.text;
  EXPECT_EQ(to_text(answer.reply.get()), rollout_path(1).text);
  EXPECT_EQ(control_.child("a").update->deliverable, kNewId);
}

TEST_F(GroupOnBus, RecordsABaseline) {
  open_with_house();
  const auto declare = [&] {
    return client_.call(new_path_.text, kDeliverableInterface, "DeclareBaseline",
                        [](sd_bus_message* call) { return append(call, Dictionary{}); });
  };
  EXPECT_EQ(declare().error, kError + "Incompatible");
  control_.runs_from_factory(kNewId);
  ASSERT_TRUE(declare().reply);
  EXPECT_EQ(child("c", "Committed"), kNewId);
  EXPECT_EQ(shown("Committed"), kNewId);
}

}  // namespace
}  // namespace hg::bus::test
