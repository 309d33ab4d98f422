// SPDX-License-Identifier: Apache-2.0
// Who becomes a child, which keys it may have, and what is forgotten with a board.
#include <gtest/gtest.h>

#include <string>

#include "core/table_keys.hpp"

namespace hg::core::table {
namespace {

Registration registration(const ChildId& id = "pump", const std::string& address = "/dev/ttyS1") {
  Registration what;
  what.id = id;
  what.transport = "serial";
  what.address = address;
  what.profile = "pump";
  what.vendor = {1};
  what.device_class = {3};
  what.targets = {{"app", 0}};
  what.by = "uid 1000";
  what.at = kNow;
  return what;
}

Enrollment completed(const Registration& what) {
  Enrollment e;
  e.id = what.id;
  e.transport = what.transport;
  e.address = what.address;
  e.profile = what.profile;
  e.vendor = what.vendor;
  e.device_class = what.device_class;
  return e;
}

Discovered stranger(const ChildId& id, const std::string& address, Instant at = kNow) {
  return {id, "serial", address, {}, {}, "hello", at};
}

TEST(Registration, IsRememberedAndGetsNothingUntilItIsCompleted) {
  Bench bench;
  const Output out = bench.post(ChildRegistered{registration()});
  EXPECT_FALSE(out.refusal);
  const Child& pump = bench.state.children.at("pump");
  EXPECT_EQ(pump.registration, registration());
  EXPECT_FALSE(pump.enrolled);
  EXPECT_EQ(pump.step, Step{Idle{}});
  EXPECT_EQ(bench.history.back().cause.text, "uid 1000 has registered it at serial /dev/ttyS1 as pump");
  bench.post(ChildEnrolled{completed(registration())});
  EXPECT_TRUE(bench.state.children.at("pump").enrolled);
}

TEST(Registration, ANameOrAddressThatIsTakenIsRefused) {
  Bench bench;
  Enrollment boiler = enrollment();
  boiler.address = "/dev/ttyS0";
  bench.post(ChildEnrolled{boiler});
  bench.post(ChildRegistered{registration()});
  EXPECT_EQ(bench.post(ChildRegistered{registration(kBoiler)}).refusal->code, Errc::exists);
  EXPECT_EQ(bench.post(ChildRegistered{registration("fan")}).refusal->code, Errc::exists) << "the pump's address";
  EXPECT_EQ(bench.post(ChildRegistered{registration("fan", "/dev/ttyS0")}).refusal->code, Errc::exists);
  resume(bench.state, bench.now);
  EXPECT_EQ(bench.post(ChildRegistered{registration("fan")}).refusal->code, Errc::exists) << "also after a restart";
  EXPECT_FALSE(bench.post(ChildRegistered{registration("pump", "/dev/ttyS2")}).refusal) << "it has moved";
  EXPECT_FALSE(bench.post(ChildRegistered{registration("fan")}).refusal) << "and its place is free";
}

TEST(Registration, APolicyTakesNobodyThatIsRegisteredAlready) {
  Bench bench;
  bench.post(ChildRegistered{registration(), {{KeyUse::wrap, child_key()}}});
  Registration impostor = registration("pump", "/dev/ttyS9");
  impostor.origin = Origin::policy;
  impostor.by = "all pumps";
  EXPECT_EQ(bench.post(ChildRegistered{impostor}).refusal->code, Errc::exists);
  EXPECT_EQ(bench.state.children.at("pump").registration, registration()) << "though its profile may be missing today";
  impostor.id = "fan";
  EXPECT_FALSE(bench.post(ChildRegistered{impostor}).refusal);
}

TEST(Registration, APolicyDoesNotBringBackWhoWasForgotten) {
  Bench bench;
  bench.post(ChildRegistered{registration()});
  bench.post(ChildEnrolled{completed(registration())});
  bench.post(ChildUnregistered{"pump", 1000});
  Registration again = registration();
  again.origin = Origin::policy;
  EXPECT_EQ(bench.post(ChildRegistered{again}).refusal->code, Errc::exists);
  EXPECT_FALSE(bench.state.children.at("pump").registration);
  bench.post(ChildDiscovered{stranger("pump", "/dev/ttyS1")});
  EXPECT_TRUE(bench.state.discovered.contains("pump")) << "listed, for whoever wants it back";
  EXPECT_FALSE(bench.post(ChildRegistered{registration()}).refusal) << "by command";
}

TEST(Registration, MayMoveAChildToAProfileOfAnotherTierWithItsKey) {
  Bench bench;
  bench.post(ChildRegistered{registration()});
  Enrollment e = completed(registration());
  e.protection.tier = 2;
  bench.post(ChildEnrolled{e});
  Registration moved = registration();
  moved.profile = "small-pump";
  const ChildKey shared = child_key(KeyUse::wrap, KeyKind::aes);
  EXPECT_FALSE(bench.post(ChildRegistered{moved, {{KeyUse::wrap, shared}}}).refusal);
  EXPECT_EQ(bench.state.children.at("pump").keys.at(KeyUse::wrap), shared);
}

TEST(Registration, ComesWithItsKeysOrNotAtAll) {
  Bench bench;
  const ChildKey key = child_key(KeyUse::identify, KeyKind::ed25519);
  EXPECT_FALSE(bench.post(ChildRegistered{registration(), {{KeyUse::identify, key}}}).refusal);
  EXPECT_EQ(bench.state.children.at("pump").keys.at(KeyUse::identify), key);
  const ChildKey useless = child_key(KeyUse::wrap, KeyKind::psk);
  EXPECT_EQ(bench.post(ChildRegistered{registration("fan", "x"), {{KeyUse::wrap, useless}}}).refusal->code,
            Errc::mismatch);
  EXPECT_FALSE(bench.state.children.contains("fan"));
}

TEST(Registration, EndsWithItsKeysAndKeepsItsFloors) {
  Bench bench;
  bench.post(ChildRegistered{registration(), {{KeyUse::wrap, child_key()}}});
  bench.post(ChildEnrolled{completed(registration())});
  bench.state.children.at("pump").floors["pump"] = 4;
  EXPECT_FALSE(bench.post(ChildUnregistered{"pump", 1000}).refusal);
  const Child& pump = bench.state.children.at("pump");
  EXPECT_FALSE(pump.enrolled || pump.registration);
  EXPECT_TRUE(pump.keys.empty());
  EXPECT_EQ(pump.floors.at("pump"), 4U);
  EXPECT_EQ(bench.history.back().cause.text, "uid 1000 has unregistered it: its keys are forgotten");
  EXPECT_EQ(bench.post(ChildUnregistered{"pump", 1000}).refusal->code, Errc::not_found);
  EXPECT_EQ(bench.post(ChildUnregistered{kBoiler, 1000}).refusal->code, Errc::not_found) << "of the configuration";
  EXPECT_EQ(bench.post(ChildUnregistered{"nobody", 1000}).refusal->code, Errc::not_found);
  EXPECT_FALSE(bench.post(ChildRegistered{registration("fan")}).refusal) << "its address is free";
}

TEST(Strangers, AreListedAndBounded) {
  Bench bench;
  for (std::uint32_t i = 0; i < kMaxDiscovered; ++i)
    bench.post(ChildDiscovered{stranger("s" + std::to_string(i), std::to_string(i), kNow + Duration{i})});
  ASSERT_EQ(bench.state.discovered.size(), kMaxDiscovered);
  const Output out = bench.post(ChildDiscovered{stranger("late", "late", kNow + std::chrono::hours{1})});
  EXPECT_TRUE(out.changes.empty()) << "nothing of it is kept";
  EXPECT_EQ(bench.state.discovered.size(), kMaxDiscovered);
  EXPECT_FALSE(bench.state.discovered.contains("s0")) << "the oldest goes";
  EXPECT_TRUE(bench.state.discovered.contains("late"));
  bench.post(ChildVanished{"late", "ble"});
  EXPECT_TRUE(bench.state.discovered.contains("late")) << "another plugin's word";
  bench.post(ChildVanished{"late", "serial"});
  EXPECT_FALSE(bench.state.discovered.contains("late"));
}

TEST(Strangers, WhoIsEnrolledIsNone) {
  Bench bench;
  Enrollment boiler = enrollment();
  boiler.address = "/dev/ttyS0";
  bench.post(ChildEnrolled{boiler});
  const Child before = bench.child();
  bench.post(ChildDiscovered{stranger(kBoiler, "/dev/ttyS7")});
  bench.post(ChildDiscovered{stranger("other", "/dev/ttyS0")});
  EXPECT_TRUE(bench.state.discovered.empty());
  EXPECT_EQ(bench.child(), before) << "another address changes nothing for the child";
  bench.post(ChildDiscovered{stranger("pump", "/dev/ttyS1")});
  bench.post(ChildRegistered{registration()});
  EXPECT_TRUE(bench.state.discovered.empty());
}

TEST(Keys, HangOnTheTier) {
  struct {
    std::uint8_t tier;
    KeyUse use;
    KeyKind kind;
    bool is_taken;
  } const rows[] = {
      {0, KeyUse::wrap, KeyKind::aes, true},          {0, KeyUse::wrap, KeyKind::p256, true},
      {0, KeyUse::wrap, KeyKind::hmac, false},        {0, KeyUse::identify, KeyKind::x25519, false},
      {1, KeyUse::wrap, KeyKind::aes, true},          {1, KeyUse::wrap, KeyKind::p256, false},
      {1, KeyUse::identify, KeyKind::hmac, true},     {1, KeyUse::identify, KeyKind::ed25519, false},
      {1, KeyUse::link, KeyKind::psk, true},          {1, KeyUse::link, KeyKind::certificate, false},
      {2, KeyUse::wrap, KeyKind::aes, false},         {2, KeyUse::wrap, KeyKind::x25519, true},
      {2, KeyUse::identify, KeyKind::hmac, false},    {2, KeyUse::identify, KeyKind::ed25519, true},
      {2, KeyUse::link, KeyKind::certificate, true},  {2, KeyUse::link, KeyKind::psk, true},
      {0, KeyUse::link, KeyKind::passkey, true},      {1, KeyUse::link, KeyKind::passkey, true},
      {2, KeyUse::link, KeyKind::passkey, true},      {3, KeyUse::link, KeyKind::passkey, true},
      {0, KeyUse::identify, KeyKind::passkey, false}, {0, KeyUse::wrap, KeyKind::passkey, false},
      {3, KeyUse::wrap, KeyKind::aes, false},         {3, KeyUse::wrap, KeyKind::p256, true},
      {3, KeyUse::identify, KeyKind::hmac, false},    {3, KeyUse::link, KeyKind::aes, false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::to_string(row.tier) + " " + std::string(name_of(row.use)) + " " + std::string(name_of(row.kind)));
    Bench bench;
    bench.child().enrollment.protection.tier = row.tier;
    const Output out = bench.post(ChildKeySet{kBoiler, child_key(row.use, row.kind)});
    EXPECT_EQ(!out.refusal, row.is_taken);
    EXPECT_EQ(bench.child().keys.contains(row.use), row.is_taken);
    if (out.refusal) {
      EXPECT_EQ(out.refusal->code, Errc::mismatch);
    }
  }
}

TEST(Keys, OfNobodyAreRefused) {
  Bench bench;
  EXPECT_EQ(bench.post(ChildKeySet{"nobody", child_key()}).refusal->code, Errc::not_found);
  EXPECT_EQ(bench.post(ChildKeyRevoked{"nobody", KeyUse::wrap, 0}).refusal->code, Errc::not_found);
  EXPECT_EQ(bench.post(ChildKeyRevoked{kBoiler, KeyUse::wrap, 0}).refusal->code, Errc::not_found);
}

TEST(Keys, NoTwoChildrenOfAPluginHaveOneIdentity) {
  Bench bench;
  const auto enroll = [&](const ChildId& id, const std::string& transport) {
    Enrollment e = enrollment();
    e.id = id;
    e.transport = transport;
    e.address = id;
    bench.post(ChildEnrolled{e});
  };
  enroll("pump", "serial");
  enroll("far", "coap");
  const auto set = [&](const ChildId& id, const std::string& name) {
    ChildKey key = child_key(KeyUse::link, KeyKind::psk);
    key.name = name;
    const Output out = bench.post(ChildKeySet{id, key});
    return out.refusal ? out.refusal->code : Errc{};
  };
  EXPECT_EQ(set(kBoiler, "meter"), Errc{});
  EXPECT_EQ(set("pump", "meter"), Errc::exists);
  EXPECT_FALSE(bench.state.children.at("pump").keys.contains(KeyUse::link));
  EXPECT_EQ(set("far", "meter"), Errc{}) << "another plugin";
  EXPECT_EQ(set(kBoiler, "meter"), Errc{}) << "its own again";
  EXPECT_EQ(set("pump", ""), Errc{});
  EXPECT_EQ(set(kBoiler, "pump"), Errc::exists) << "a key without a name has the child's";
}

TEST(Keys, ChildrenOfAPluginMayHaveOnePasskey) {
  Bench bench;
  Enrollment other = enrollment();
  other.id = other.address = "pump";
  bench.post(ChildEnrolled{other});
  const ChildKey passkey = child_key(KeyUse::link, KeyKind::passkey);
  for (const ChildId& id : {ChildId(kBoiler), ChildId("pump")}) {
    EXPECT_FALSE(bench.post(ChildKeySet{id, passkey}).refusal);
    EXPECT_EQ(bench.state.children.at(id).keys.at(KeyUse::link).kind, KeyKind::passkey);
  }
}

TEST(Keys, TheHistoryTellsWhoHasSetWhichInThePlaceOfWhich) {
  Bench bench;
  bench.post(ChildKeySet{kBoiler, child_key()});
  ChildKey next = child_key(KeyUse::wrap, KeyKind::x25519, '2');
  next.set_by = 7;
  bench.post(ChildKeySet{kBoiler, next});
  EXPECT_EQ(bench.history.back().cause.reason, Reason::key_changed);
  EXPECT_EQ(bench.history.back().cause.text,
            "uid 7 has set the wrap key x25519 323232323232 in the place of wrap key p256 313131313131");
}

TEST(Keys, RevokingTheOneToIdentifyTellsWhatThatMeans) {
  Bench bench;
  bench.post(ChildKeySet{kBoiler, child_key(KeyUse::identify, KeyKind::ed25519)});
  bench.post(ChildKeyRevoked{kBoiler, KeyUse::identify, 7});
  EXPECT_EQ(bench.history.back().cause.reason, Reason::key_changed);
  EXPECT_EQ(bench.history.back().cause.text,
            "uid 7 has revoked the identify key ed25519 313131313131: until it has another one, nobody asks who it is "
            "before it gets an image");
}

TEST(Board, AnotherOneIsANewChildWithTheOldFloors) {
  KeyBench bench;
  bench.go_to(Phase::transferring);
  bench.prepares();
  bench.obey_to_the_end(Phase::transferring);
  ASSERT_EQ(bench.phase(), "confirmed");
  bench.child().confirms_itself = true;
  EXPECT_FALSE(bench.post(BoardReplaced{kBoiler, 1000}).refusal);
  const Child& child = bench.child();
  EXPECT_TRUE(child.keys.empty());
  EXPECT_FALSE(child.seen || child.update || child.confirms_itself);
  EXPECT_TRUE(child.committed.empty());
  EXPECT_EQ(child.floors.at("boiler"), 7U);
  EXPECT_TRUE(bench.state.updates.empty());
  EXPECT_TRUE(bench.tells(Reason::key_changed, "uid 1000 has put another board in its place"));
  EXPECT_EQ(bench.step(), "inspect");
  bench.says(normal());
  bench.start();
  bench.says(normal());
  EXPECT_EQ(bench.reason(), "no-child-key");
}

TEST(Board, IsNotReplacedPastActivate) {
  Bench bench;
  bench.go_to(Phase::activating);
  EXPECT_EQ(bench.post(BoardReplaced{kBoiler, 0}).refusal->code, Errc::busy);
  EXPECT_EQ(bench.post(BoardReplaced{"nobody", 0}).refusal->code, Errc::not_found);
}

TEST(Board, BeforeActivateTheUpdateIsWithdrawn) {
  Bench bench;
  bench.go_to(Phase::transferring);
  bench.post(BoardReplaced{kBoiler, 0});
  EXPECT_EQ(bench.phase(), "cancelled");
  EXPECT_EQ(bench.step(), "inspect");
}

}  // namespace
}  // namespace hg::core::table
