// SPDX-License-Identifier: Apache-2.0
// The face on a real dbus-daemon: what it shows, what it tells, what it takes and what it refuses. Authorization by a
// real polkitd is test_polkit.py's; here there is none, so that this process's own user may do everything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "adapters/bus/face_on_bus.hpp"

namespace hg::bus::test {
namespace {

using core::Phase;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// ------------------------------------------------------------------------------------------------------ what it shows

TEST_F(FaceOnBus, ShowsAllObjectsBelowTheObjectManager) {
  control_.enroll("boiler-1");
  control_.seal(kNewId);
  open();
  const Answer all = client_.call(kRootPath, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
  ASSERT_TRUE(all.reply) << all.text;
  const std::string text = to_text(all.reply.get());
  EXPECT_THAT(text, HasSubstr("/org/headgate/Headgate1/Manager "));
  EXPECT_THAT(text, HasSubstr("/org/headgate/Headgate1/children/boiler_2d1 "));
  EXPECT_THAT(text, HasSubstr(new_path_.text));
  EXPECT_THAT(text, Not(HasSubstr("/jobs/")));
}

TEST_F(FaceOnBus, ShowsWhatAChildIs) {
  control_.enroll("a");
  open();
  const std::string path = child_path("a").text;
  EXPECT_EQ(client_.property(path, kChildInterface, "Id"), "a");
  EXPECT_EQ(client_.property(path, kChildInterface, "Version"), "1.0.0");
  EXPECT_EQ(client_.property(path, kChildInterface, "Digest"), std::string(64, 'a'));
  EXPECT_EQ(client_.property(path, kChildInterface, "Online"), "1");
  EXPECT_EQ(client_.property(path, kChildInterface, "Phase"), "idle");
  EXPECT_EQ(client_.property(path, kChildInterface, "RevertClass"), "self-reverting");
  EXPECT_EQ(client_.property(path, kChildInterface, "Evidence"), "digest");
  EXPECT_EQ(client_.property(path, kChildInterface, "Job"), "/");
  EXPECT_THAT(client_.property(path, kChildInterface, "Slots"), HasSubstr("Version 1.0.0"));
  EXPECT_EQ(client_.property(path, kChildInterface, "LastSeen"),
            std::to_string(clock_.now().time_since_epoch().count() * 1000));
}

TEST_F(FaceOnBus, ShowsEveryTargetOfAChild) {
  control_.enroll("a");
  core::Child& child = control_.child("a");
  child.enrollment.targets = {{"radio", 1}, {"app", 0}};
  open();
  const std::string path = child_path("a").text;
  EXPECT_EQ(client_.property(path, kChildInterface, "Version"), "");  // the first one's, and nothing runs there
  EXPECT_THAT(client_.property(path, kChildInterface, "Targets"),
              AllOf(HasSubstr("Name radio"), HasSubstr("Name app"), HasSubstr("Version 1.0.0")));
  child.seen.reset();
  control_.commit("a");
  EXPECT_EQ(client_.property(path, kChildInterface, "Staging"), "unknown");
  EXPECT_EQ(client_.property(path, kChildInterface, "RevertClass"), "unknown");
  EXPECT_THAT(client_.property(path, kChildInterface, "Targets"), Not(HasSubstr("1.0.0")));
}

TEST_F(FaceOnBus, ShowsWhatAChildTells) {
  control_.enroll("a");
  open();
  const std::string path = child_path("a").text;
  const auto shown = [&](const char* name) { return client_.property(path, kChildInterface, name); };
  EXPECT_EQ(shown("Staging"), "aside");
  EXPECT_EQ(shown("IdentityState"), "none");
  EXPECT_EQ(shown("Power"), "unknown");
  EXPECT_EQ(shown("Battery"), "4294967295");
  EXPECT_EQ(shown("Boots"), "0");
  core::Child& child = control_.child("a");
  child.seen->staging = core::Staging::in_place;
  child.seen->identity = "acme/1";
  child.seen->power = core::Power::mains;
  child.seen->battery_percent = 0;
  child.seen->busy = true;
  child.seen->busy_for = seconds{2};
  child.seen->boots = 7;
  child.seen->unit = "HTR-0042";
  child.seen->obstacle = "why";
  child.confirms_itself = true;
  child.update.emplace().backup = *Digest::from_text(std::string(64, 'c'));
  child.update->restore_is_due = true;
  control_.commit("a");
  EXPECT_EQ(shown("Staging"), "in-place");
  EXPECT_EQ(shown("Obstacle"), "why");
  EXPECT_EQ(shown("Identity"), "acme/1");
  EXPECT_EQ(shown("IdentityState"), "claimed");  // nobody has proved it
  EXPECT_EQ(shown("Power"), "mains");
  EXPECT_EQ(shown("Battery"), "0");
  EXPECT_EQ(shown("Busy"), "1");
  EXPECT_EQ(shown("BusyFor"), "2000000");
  EXPECT_EQ(shown("Boots"), "7");
  EXPECT_EQ(shown("Unit"), "HTR-0042");
  EXPECT_EQ(shown("UnitText"), "");              // nothing is formed of such children
  EXPECT_EQ(shown("RevertClass"), "swap-back");  // weaker than it says: it was seen to confirm itself
  EXPECT_EQ(shown("ConfirmsItself"), "1");
  EXPECT_EQ(shown("Backup"), std::string(64, 'c'));
  EXPECT_EQ(shown("RestoreDue"), "1");
}

TEST_F(FaceOnBus, ShowsTheGateway) {
  open();
  EXPECT_EQ(client_.property(kManagerPath, kManagerInterface, "Version"), "0.1.0");
  EXPECT_EQ(client_.property(kManagerPath, kManagerInterface, "State"), "ready");
  EXPECT_EQ(client_.property(kManagerPath, kManagerInterface, "CacheLimit"), "4000000");
  face_.troubled("storage full: waiting");
  EXPECT_EQ(client_.property(kManagerPath, kManagerInterface, "State"), "troubled");
  EXPECT_EQ(client_.property(kManagerPath, kManagerInterface, "Trouble"), "storage full: waiting");
}

TEST_F(FaceOnBus, TellsWhatNobodyAnnouncesWithinFiveSeconds) {
  open();
  control_.connected = false;
  control_.announced.push_back({.url = "https://x/y", .state = ports::ArrivalState::refused, .text = "no"});
  advance(seconds{5});
  EXPECT_EQ(client_.count("PropertiesChanged", "/Manager"), 1U);
  EXPECT_EQ(client_.property(kManagerPath, kManagerInterface, "CloudConnected"), "0");
  EXPECT_THAT(client_.property(kManagerPath, kManagerInterface, "Arrivals"), HasSubstr("State refused"));
  advance(seconds{60});
  EXPECT_EQ(client_.count("PropertiesChanged", "/Manager"), 1U);
}

TEST_F(FaceOnBus, GivesDeliverablesWithTheSameFirstDigitsDifferentPaths) {
  const std::string twin = kNewId.substr(0, 63) + "e";
  control_.seal(kNewId);
  control_.seal(twin);
  open();
  EXPECT_EQ(client_.property(new_path_.text, kDeliverableInterface, "Id"), kNewId);
  EXPECT_EQ(client_.property(new_path_.text + 'd', kDeliverableInterface, "Id"), twin);
}

TEST_F(FaceOnBus, SendsTextThatIsNoUtf8) {
  control_.enroll("a");
  control_.child("a").link_text = "port \xff\xfe gone";
  open();
  EXPECT_EQ(client_.property(child_path("a").text, kChildInterface, "LinkText"), "port ?? gone");
}

TEST_F(FaceOnBus, HoldsAThousandChildren) {
  for (int number = 0; number < 1000; ++number) control_.enroll("child-" + std::to_string(number));
  control_.seal(kNewId);
  open();
  ASSERT_TRUE(start_rollout(new_path_, {}).reply);
  sync();
  EXPECT_EQ(client_.count("InterfacesAdded"), 1001U);  // jobs and the rollout
  for (int number = 0; number < 1000; ++number) control_.move("child-" + std::to_string(number), Phase::confirmed);
  sync();
  EXPECT_EQ(client_.count("JobRemoved"), 1000U);
  EXPECT_EQ(client_.property(rollout_path(1).text, kRolloutInterface, "Confirmed"), "1000");
  const Answer all = client_.call(kRootPath, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
  ASSERT_TRUE(all.reply) << all.text;
  EXPECT_THAT(to_text(all.reply.get()), HasSubstr("/children/child_2d999 "));
}

// ------------------------------------------------------------------------------------------------------ what it tells

TEST_F(FaceOnBus, TellsOnlyWhatChanged) {
  control_.enroll("a");
  open();
  control_.child("a").online = false;
  control_.child("a").link_text = "cable out";
  control_.commit("a");
  control_.commit("a");  // the same again: nothing to tell
  sync();
  ASSERT_EQ(client_.signals.size(), 1U);
  EXPECT_EQ(to_text(client_.signals[0].message.get()), "org.headgate.Headgate1.Child [Online 0 LinkText cable out] []");
}

TEST_F(FaceOnBus, FollowsAJobFromItsBeginningToAMinuteAfterItsEnd) {
  control_.enroll("a");
  control_.seal(kNewId);
  open();
  ASSERT_TRUE(start_rollout(new_path_, {}).reply);
  sync();
  EXPECT_EQ(client_.count("InterfacesAdded", kRootPath), 2U);
  const std::string job = job_path(1).text;
  EXPECT_EQ(client_.property(child_path("a").text, kChildInterface, "Job"), job);
  EXPECT_EQ(client_.property(job, kJobInterface, "State"), "preflight");
  EXPECT_EQ(client_.property(job, kJobInterface, "StartedByUid"), std::to_string(::getuid()));
  EXPECT_EQ(client_.property(job, kJobInterface, "Cancelable"), "1");
  EXPECT_EQ(client_.property(rollout_path(1).text, kRolloutInterface, "State"), "running");

  control_.move("a", Phase::refused, {core::Reason::not_newer, "sequence 7 is not above 9"});
  sync();
  EXPECT_EQ(client_.count("Completed", job), 1U);
  EXPECT_EQ(client_.count("JobRemoved"), 1U);
  EXPECT_EQ(client_.property(job, kJobInterface, "Error"), "(not-newer sequence 7 is not above 9)");
  EXPECT_EQ(client_.property(job, kJobInterface, "Cancelable"), "0");
  EXPECT_EQ(client_.property(child_path("a").text, kChildInterface, "Job"), "/");
  EXPECT_EQ(client_.property(rollout_path(1).text, kRolloutInterface, "Failed"), "1");
  EXPECT_EQ(client_.property(rollout_path(1).text, kRolloutInterface, "State"), "finished");

  advance(seconds{54});
  EXPECT_EQ(client_.count("InterfacesRemoved"), 0U);
  advance(seconds{6});
  EXPECT_EQ(client_.count("InterfacesRemoved"), 1U);
  EXPECT_EQ(client_.property(job, kJobInterface, "State"), SD_BUS_ERROR_UNKNOWN_OBJECT);
  EXPECT_EQ(client_.count("Completed", job), 1U);
}

TEST_F(FaceOnBus, EndsAJobThatALaterOneReplaces) {
  begin_update();
  ASSERT_TRUE(start_rollout(new_path_, {child_path("a")}).reply);
  sync();
  ASSERT_EQ(client_.count("JobRemoved"), 1U);
  EXPECT_EQ(client_.count("InterfacesRemoved"), 1U);
  EXPECT_EQ(client_.property(job_path(2).text, kJobInterface, "State"), "preflight");
  EXPECT_EQ(client_.property(rollout_path(1).text, kRolloutInterface, "Pending"), "0");
  EXPECT_EQ(client_.property(rollout_path(1).text, kRolloutInterface, "State"), "finished");
}

TEST_F(FaceOnBus, ShowsNoJobForAnUpdateThatWasOverBefore) {
  control_.enroll("a");
  control_.seal(kNewId);
  control_.child("a").update = core::Update{
      .epoch = 4, .rollout = 1, .deliverable = kNewId, .parts = {}, .phase = Phase::confirmed, .cause = {}};
  open();
  EXPECT_EQ(client_.property(child_path("a").text, kChildInterface, "Phase"), "confirmed");
  control_.commit("a");
  sync();
  EXPECT_THAT(client_.signals, IsEmpty());
}

TEST_F(FaceOnBus, TellsProgressAtMostFourTimesASecond) {
  begin_update();
  for (unsigned step = 1; step <= 1000; ++step) {  // ten seconds
    control_.transfer("a", step * 100U, 100'000);
    clock_.advance(loop_, milliseconds{10});
  }
  clock_.advance(loop_, milliseconds{250});
  sync();
  EXPECT_LE(client_.count("PropertiesChanged", "/jobs/1"), 42U);
  EXPECT_GE(client_.count("PropertiesChanged", "/jobs/1"), 38U);
  EXPECT_EQ(client_.property(job_path(1).text, kJobInterface, "BytesDone"), "100000");
  EXPECT_EQ(client_.property(job_path(1).text, kJobInterface, "Progress"), "1.000000");
  EXPECT_EQ(client_.property(job_path(1).text, kJobInterface, "ProgressValid"), "1");
}

// ------------------------------------------------------------------------------------------------------ what it takes

TEST_F(FaceOnBus, PassesARolloutOn) {
  control_.enroll("a");
  control_.enroll("b");
  control_.seal(kNewId);
  open();
  const Answer answer = start_rollout(new_path_, {child_path("b")});
  ASSERT_TRUE(answer.reply) << answer.text;
  EXPECT_EQ(to_text(answer.reply.get()), rollout_path(1).text);
  ASSERT_EQ(control_.started.size(), 1U);
  EXPECT_EQ(control_.started[0].deliverable, kNewId);
  EXPECT_EQ(control_.started[0].children, std::vector<core::ChildId>{"b"});
  EXPECT_EQ(control_.started[0].uid, ::getuid());
}

TEST_F(FaceOnBus, PassesAnApprovalOn) {
  control_.enroll("a");
  control_.seal(kNewId);
  open();
  ASSERT_TRUE(start_rollout(new_path_, {}, "approved").reply);
  EXPECT_TRUE(control_.started.at(0).approved);
  EXPECT_EQ(client_.property(rollout_path(1).text, kRolloutInterface, "Approved"), "1");
  ASSERT_TRUE(start_rollout(new_path_, {}).reply);
  EXPECT_FALSE(control_.started.at(1).approved);
}

TEST_F(FaceOnBus, PassesOnThatItIsForced) {
  control_.enroll("a");
  control_.seal(kNewId);
  open();
  ASSERT_TRUE(start_rollout(new_path_, {}, "forced").reply);
  EXPECT_TRUE(control_.started.at(0).forced);
  EXPECT_FALSE(control_.started.at(0).approved);
  EXPECT_EQ(client_.property(rollout_path(1).text, kRolloutInterface, "Forced"), "1");
}

TEST_F(FaceOnBus, PassesTheCloseOfARolloutOn) {
  begin_update();
  const auto close = [&](core::RolloutId rollout) {
    const auto fill = [](sd_bus_message* call) { return append(call, Dictionary{}); };
    return client_.call(rollout_path(rollout).text, kRolloutInterface, "Close", fill);
  };
  EXPECT_TRUE(close(1).reply);
  EXPECT_EQ(control_.closed, std::vector<core::RolloutId>{1});
  EXPECT_EQ(close(2).error, SD_BUS_ERROR_UNKNOWN_OBJECT);
}

TEST_F(FaceOnBus, PassesARecordOnAndSaysWhatItIs) {
  open();
  const auto import = [&](std::string_view record) {
    const auto fill = [record](sd_bus_message* call) {
      sd_bus_message_append_array(call, 'y', record.data(), record.size());
      return append(call, Dictionary{});
    };
    return client_.call(kTrustPath, kTrustInterface, "ImportRecord", fill);
  };
  const Answer head = import("head");
  ASSERT_TRUE(head.reply) << head.text;
  EXPECT_EQ(to_text(head.reply.get()), "head");
  EXPECT_EQ(control_.records.at(0).size(), 4U);
  EXPECT_EQ(import("").error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(import(std::string(64 * 1024 + 1, 'x')).error, SD_BUS_ERROR_LIMITS_EXCEEDED);
  control_.refusal = Error{Errc::unauthenticated, "head: 1 of 2 head keys"};
  EXPECT_EQ(import("head").error, "org.headgate.Headgate1.Error.SignatureInvalid");
}

TEST_F(FaceOnBus, ShowsWhomTheGatewayBelieves) {
  control_.trusted.now = clock_.now();
  control_.accept(core::Head{"stable", 4, clock_.now(), clock_.now() + seconds{60}, {{"boiler", 7, kNewId, 5}}});
  open();
  const auto shown = [&](const char* name) { return client_.property(kTrustPath, kTrustInterface, name); };
  EXPECT_EQ(shown("RootVersion"), "3");
  EXPECT_EQ(shown("TimeKnown"), "1");
  EXPECT_THAT(shown("Keys"), HasSubstr("Name anna"));
  EXPECT_THAT(shown("Keys"), HasSubstr("root"));
  EXPECT_THAT(shown("Heads"), HasSubstr("Expired 0"));
  EXPECT_THAT(shown("HeadEntries"), HasSubstr("Deliverable " + kNewId));
  control_.trusted.now = clock_.now() + seconds{61};
  advance(seconds{5});
  EXPECT_THAT(shown("Heads"), HasSubstr("Expired 1"));
  EXPECT_EQ(client_.count("PropertiesChanged", "/Trust"), 1U);
}

TEST_F(FaceOnBus, PassesACancelOn) {
  begin_update();
  const Answer answer = cancel(1);
  EXPECT_TRUE(answer.reply) << answer.text;
  EXPECT_EQ(control_.aborted, std::vector<core::Epoch>{1});
  EXPECT_EQ(client_.property(job_path(1).text, kJobInterface, "State"), "cancelled");
  EXPECT_EQ(cancel(1).error, "org.headgate.Headgate1.Error.NotFound");
}

TEST_F(FaceOnBus, PassesAFetchOnIfItIsHttps) {
  open();
  EXPECT_TRUE(fetch("https://vendor.example/boiler.suit").reply);
  EXPECT_EQ(control_.imported, std::vector<std::string>{"https://vendor.example/boiler.suit"});
  for (const char* url : {"http://vendor.example/x", "file:///etc/shadow", "https://a b", "", "https://\n"}) {
    EXPECT_EQ(fetch(url).error, SD_BUS_ERROR_INVALID_ARGS) << url;
  }
  EXPECT_EQ(fetch("https://" + std::string(3000, 'x')).error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(control_.imported.size(), 1U);
  for (int number = 0; number < 40; ++number) EXPECT_TRUE(fetch("https://vendor.example/x").reply) << number;
}

TEST_F(FaceOnBus, FindsChildrenAndTheirHistory) {
  begin_update();
  control_.move("a", Phase::confirmed);
  const auto find = [&](const char* id) {
    return client_.call(kManagerPath, kManagerInterface, "FindChild",
                        [id](sd_bus_message* call) { return append(call, std::string{id}); });
  };
  EXPECT_EQ(to_text(find("a").reply.get()), child_path("a").text);
  EXPECT_EQ(find("b").error, "org.headgate.Headgate1.Error.NotFound");
  EXPECT_EQ(find("../../x").error, "org.headgate.Headgate1.Error.NotFound");

  const Answer history = client_.call(child_path("a").text, kChildInterface, "GetHistory",
                                      [](sd_bus_message* call) { return append(call, std::uint32_t{10}); });
  ASSERT_TRUE(history.reply) << history.text;
  const std::string lines = to_text(history.reply.get());
  EXPECT_LT(lines.find("Phase confirmed"), lines.find("Phase transferring"));
}

// ---------------------------------------------------------------------------------------------------- what it refuses

TEST_F(FaceOnBus, RefusesOptionsThatItDoesNotKnow) {
  control_.enroll("a");
  control_.seal(kNewId);
  open();
  const Answer answer = start_rollout(new_path_, {}, "force");
  EXPECT_EQ(answer.error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_THAT(answer.text, HasSubstr("force"));
  EXPECT_THAT(control_.started, IsEmpty());
}

TEST_F(FaceOnBus, RefusesObjectsThatAreNotThere) {
  control_.enroll("a");
  control_.seal(kNewId);
  open();
  EXPECT_EQ(start_rollout({"/x"}, {}).error, "org.headgate.Headgate1.Error.NotFound");
  EXPECT_EQ(start_rollout(new_path_, {{kManagerPath}}).error, "org.headgate.Headgate1.Error.NotFound");
  EXPECT_EQ(start_rollout(child_path("a"), {}).error, "org.headgate.Headgate1.Error.NotFound");
  const std::vector<ObjectPath> too_many(10'001, child_path("a"));
  EXPECT_EQ(start_rollout(new_path_, too_many).error, SD_BUS_ERROR_LIMITS_EXCEEDED);
  EXPECT_EQ(cancel(77).error, SD_BUS_ERROR_UNKNOWN_OBJECT);
  EXPECT_THAT(control_.started, IsEmpty());
}

TEST_F(FaceOnBus, GivesEachErrorItsName) {
  const std::map<Errc, std::string> names{
      {Errc::internal, "org.headgate.Headgate1.Error.Failed"},
      {Errc::invalid, "org.freedesktop.DBus.Error.InvalidArgs"},
      {Errc::unsupported, "org.headgate.Headgate1.Error.NotSupported"},
      {Errc::too_large, "org.freedesktop.DBus.Error.LimitsExceeded"},
      {Errc::not_found, "org.headgate.Headgate1.Error.NotFound"},
      {Errc::exists, "org.headgate.Headgate1.Error.AlreadyExists"},
      {Errc::unauthenticated, "org.headgate.Headgate1.Error.SignatureInvalid"},
      {Errc::mismatch, "org.headgate.Headgate1.Error.Incompatible"},
      {Errc::denied, "org.headgate.Headgate1.Error.NotPermitted"},
      {Errc::busy, "org.headgate.Headgate1.Error.Busy"},
      {Errc::unavailable, "org.headgate.Headgate1.Error.Unavailable"},
      {Errc::timed_out, "org.headgate.Headgate1.Error.TimedOut"},
      {Errc::cancelled, "org.headgate.Headgate1.Error.Cancelled"},
      {Errc::no_space, "org.headgate.Headgate1.Error.CacheFull"},
      {Errc::io, "org.headgate.Headgate1.Error.Failed"},
      {Errc::guard_failed, "org.headgate.Headgate1.Error.NotAllowedInState"},
  };
  open();
  for (const auto& [code, name] : names) {
    control_.refusal = Error{code, "because 100% of \"it\""};
    const Answer answer = fetch("https://vendor.example/x");
    EXPECT_EQ(answer.error, name);
    EXPECT_EQ(answer.text, "because 100% of \"it\"");
  }
}

int swallow(sd_bus_message* message, void* count, sd_bus_error* /*error*/) {
  if (sd_bus_message_is_method_call(message, nullptr, "CheckAuthorization") == 0) return 0;
  ++*static_cast<unsigned*>(count);
  return 1;
}

TEST_F(FaceOnBus, LetsNobodyPileUpCallsThatWaitForPolkit) {
  open();
  Client polkit(loop_, bus_.address());
  unsigned asked = 0;
  sd_bus_add_filter(polkit.connection().bus(), nullptr, swallow, &asked);
  const auto name = polkit.post(
      "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
      [](sd_bus_message* call) { return sd_bus_message_append(call, "su", "org.freedesktop.PolicyKit1", 0); });
  ASSERT_TRUE(eventually(loop_, [&] { return name->reply != nullptr; }));

  const auto fill = [](sd_bus_message* call) { return sd_bus_message_append(call, "sa{sv}", "https://x/", 0); };
  std::vector<std::shared_ptr<Answer>> answers;
  for (int number = 0; number < 17; ++number) {
    answers.push_back(client_.post(kBusName, kManagerPath, kManagerInterface, "Fetch", fill));
  }
  ASSERT_TRUE(eventually(loop_, [&] { return !answers.back()->error.empty(); }));
  EXPECT_EQ(answers.back()->error, SD_BUS_ERROR_LIMITS_EXCEEDED);
  ASSERT_TRUE(eventually(loop_, [&] { return asked == 16; }));
  EXPECT_TRUE(answers.front()->error.empty());
  EXPECT_THAT(control_.imported, IsEmpty());
  EXPECT_EQ(client_.property(kManagerPath, kManagerInterface, "State"), "ready");  // reads go on
}

// ------------------------------------------------------------------------------------------------------ the bus itself

TEST_F(FaceOnBus, SaysWhenAnotherHasTheName) {
  open();
  Face second{loop_.get_executor(), bus_.address(), control_, clock_, journal_, "0.1.0"};
  const Result<void> started = start(second);
  ASSERT_TRUE(started.has_error());
  EXPECT_EQ(started.error().code, Errc::exists);
  EXPECT_THAT(started.error().message, HasSubstr("org.headgate.Headgate1"));
  EXPECT_THAT(started.error().message, HasSubstr("running already"));
}

TEST_F(FaceOnBus, SaysWhenThereIsNoBus) {
  Face lonely{loop_.get_executor(), "unix:path=/nonexistent/bus", control_, clock_, journal_, "0.1.0"};
  const Result<void> started = start(lonely);
  ASSERT_TRUE(started.has_error());
  EXPECT_EQ(started.error().code, Errc::unavailable);
  Face mistyped{loop_.get_executor(), "sistem", control_, clock_, journal_, "0.1.0"};
  EXPECT_TRUE(start(mistyped).has_error());
}

TEST_F(FaceOnBus, WorksOnWithoutABusAndComesBack) {
  begin_update();
  bus_.kill();
  ASSERT_TRUE(eventually(loop_, [&] { return journal_.count("D-Bus connection lost") == 1; }));
  control_.transfer("a", 50, 100);
  control_.move("a", Phase::staged);
  clock_.advance(loop_, seconds{30});  // tries with growing pauses, and says it once
  EXPECT_EQ(journal_.lines().size(), 2U);

  bus_.start();
  clock_.advance(loop_, seconds{60});
  ASSERT_TRUE(eventually(loop_, [&] { return journal_.count("D-Bus connection is back") == 1; }));
  Client again(loop_, bus_.address());
  EXPECT_EQ(again.property(job_path(1).text, kJobInterface, "State"), "staged");
}

TEST_F(FaceOnBus, MayGoWhileACallIsBeingAuthorized) {
  const auto fill = [](sd_bus_message* call) { return sd_bus_message_append(call, "sa{sv}", "https://x/", 0); };
  PrivateBus other;
  auto guest = std::make_unique<Face>(loop_.get_executor(), other.address(), control_, clock_, journal_, "0.1.0");
  ASSERT_TRUE(start(*guest));
  Client caller(loop_, other.address());
  const auto answer = caller.post(kBusName, kManagerPath, kManagerInterface, "Fetch", fill);
  loop_.restart();
  loop_.run_one_for(milliseconds{100});
  guest.reset();
  ASSERT_TRUE(eventually(loop_, [&] { return answer->reply || !answer->error.empty(); }));
}

}  // namespace
}  // namespace hg::bus::test
