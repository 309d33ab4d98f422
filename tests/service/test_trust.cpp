// SPDX-License-Identifier: Apache-2.0
// Whom the gateway believes, over time: roots that follow each other through crashes and reloads, signers who lose
// their right while a deliverable comes in, records that wait for the clock, dependencies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/real_safe.hpp"
#include "service/signed_by_names.hpp"

namespace hg::service::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;

const std::string kRootUrl = "https://cloud.example/root";
const std::string kPermitUrl = "https://cloud.example/permit";

std::uint64_t root_version(Session& session) {
  return session.gateway.control().trust().root_version;
}

TEST(Trust, ARootThatComesInTakesOverAndStays) {
  Vendor world;
  {
    Session session(world);
    EXPECT_EQ(Vendor::arrive(session, world, kUrl, Vendor::deliverable("anna").bytes()), "sealed");
    EXPECT_EQ(Vendor::arrive(session, world, kRootUrl, Vendor::record_of(world.root(2, "bert"))), "accepted root");
    EXPECT_EQ(root_version(session), 2U);
    EXPECT_THAT(Vendor::arrive(session, world, kUrl, Vendor::deliverable("anna", 2).bytes()), HasSubstr("verify"));
    EXPECT_EQ(Vendor::arrive(session, world, kUrl, Vendor::deliverable("bert", 2).bytes()), "sealed");
    EXPECT_THAT(Vendor::arrive(session, world, kRootUrl, Vendor::record_of(world.root(2, "bert"))), HasSubstr("known"));
  }
  Session again(world);  // the administrator's file still has the first one
  EXPECT_EQ(root_version(again), 2U);
  EXPECT_EQ(again.state().deliverables.size(), 2U) << "what was accepted before stays";
}

TEST(Trust, ARootThatWasNotDurableIsTakenAgain) {
  Vendor world;
  {
    Session session(world);
    world.web.put(kRootUrl, Vendor::record_of(world.root(2)));
    session.announcements.announce(kRootUrl);
    const auto is_under_way = [&] { return session.state().root.version == 2; };
    ASSERT_TRUE(session.run_until(is_under_way));
    ASSERT_TRUE(world.catalogue.is_committing());
    EXPECT_EQ(root_version(session), 1U) << "not before it is durable";
  }
  world.catalogue.cut_power();
  Session again(world);
  EXPECT_EQ(root_version(again), 1U);
  EXPECT_TRUE(again.run_until([&] { return root_version(again) == 2; })) << "what was heard of is remembered";
}

TEST(Trust, RootsThatComeAtOnceFollowEachOther) {
  Vendor world;
  Session session(world);
  trust::Root second = world.root(2);
  second.keys[0] = draft::key("rolf", {trust::Role::root});
  trust::Root third = second;
  third.version = 3;
  world.web.put(kRootUrl + "2", Vendor::record_of(second, {"rita", "rolf"}));
  world.web.put(kRootUrl + "3", Vendor::record_of(third, {"rita", "rolf"}));
  session.announcements.announce(kRootUrl + "2");
  session.announcements.announce(kRootUrl + "3");
  EXPECT_TRUE(session.run_until([&] { return root_version(session) == 3; }, hours{1}));
  EXPECT_TRUE(session.run_until([&] { return world.catalogue.durable().root.version == 3; }));
}

struct NextFile {
  const char* name;
  Bytes (*file)(const Vendor&);
  std::uint64_t in_force;
  const char* says;
};

class RootFile : public testing::TestWithParam<NextFile> {};

TEST_P(RootFile, IsHeldAgainstTheOneInForce) {
  Vendor world;
  {
    Session session(world);
    ASSERT_EQ(Vendor::arrive(session, world, kRootUrl, Vendor::record_of(world.root(2))), "accepted root");
  }
  world.source.root = GetParam().file(world);
  Session session(world);
  EXPECT_EQ(root_version(session), GetParam().in_force);
  EXPECT_EQ(world.journal.count(GetParam().says), 1U) << GetParam().says;
  session.run_until([&] { return world.catalogue.durable().root.version == GetParam().in_force; });
  EXPECT_EQ(world.catalogue.durable().root.version, GetParam().in_force);
}

INSTANTIATE_TEST_SUITE_P(
    Table, RootFile,
    testing::Values(NextFile{"older", [](const Vendor& w) { return Vendor::record_of(w.root(1)); }, 2,
                             "root version 2 is in force, from the catalogue"},
                    NextFile{"the_same", [](const Vendor& w) { return Vendor::record_of(w.root(2)); }, 2,
                             "root version 2 is in force, from the catalogue"},
                    NextFile{"of_the_same_version",
                             [](const Vendor& w) { return Vendor::record_of(w.root(2, "mallory")); }, 2,
                             "something else under the same version"},
                    NextFile{"a_successor", [](const Vendor& w) { return Vendor::record_of(w.root(3)); }, 3,
                             "root version 3 is in force, from /etc/root"},
                    NextFile{"a_stranger",
                             [](const Vendor& w) {
                               trust::Root root = w.root(3);
                               root.keys[0] = draft::key("mallory", {trust::Role::root});
                               return Vendor::record_of(root, {"mallory"});
                             },
                             2, "have the root keys of version 2 sign it, too"},
                    NextFile{"damaged",
                             [](const Vendor&) {
                               return Bytes{1, 2, 3};
                             },
                             2, "root version 2 stays in force"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Trust, AReloadTakesASuccessorAndLeavesTheRest) {
  Vendor world;
  Session session(world);
  world.source.root = Vendor::record_of(world.root(2));
  ASSERT_TRUE(session.gateway.choose_root(world.source));
  EXPECT_EQ(root_version(session), 2U);
  ASSERT_TRUE(session.run_until([&] { return world.catalogue.durable().root.version == 2; }));
  world.source.root = Error{Errc::not_found, "it is gone"};
  ASSERT_TRUE(session.gateway.choose_root(world.source));
  EXPECT_EQ(root_version(session), 2U);
  EXPECT_EQ(world.journal.count("it is gone"), 1U);
}

TEST(Trust, WithoutAnyRootThereIsNoGateway) {
  Vendor world;
  world.source.root = Error{Errc::not_found, "no such file"};
  EXPECT_THROW(Session{world}, std::runtime_error);
}

TEST(Trust, NothingIsFetchedForWhoMayNotRelease) {
  Vendor world;
  Session session(world);
  EXPECT_THAT(Vendor::arrive(session, world, kUrl, Vendor::deliverable("hugo").bytes()),
              HasSubstr("key hugo is for head, not for author"));
  EXPECT_EQ(world.web.fetches(), 1U);
}

TEST(Trust, ASignerWhoIsRevokedWhileTheImageComesInIsRefused) {
  Vendor world;
  Session session(world);
  world.web.put(kUrl, Vendor::deliverable("anna").bytes());
  world.web.put(kRootUrl, Vendor::record_of(world.root(2, "bert")));
  world.web.fail_next({1U << 20, {Errc::unavailable, "none"}});  // the envelope: not reached
  world.web.fail_next({1, {Errc::unavailable, "reset in the middle"}});
  session.announcements.announce(kUrl);
  ASSERT_TRUE(session.run_until([&] { return world.web.fetches() == 2; }));
  EXPECT_EQ(session.arrive(kRootUrl).text, "root");
  ASSERT_TRUE(session.run_until([&] { return world.journal.count(kUrl + ": refused") == 1; }));
  EXPECT_TRUE(session.state().deliverables.empty());
}

TEST(Trust, APermitIsTakenOnce) {
  Vendor world;
  Session session(world);
  EXPECT_EQ(Vendor::arrive(session, world, kPermitUrl, world.permit()), "accepted permit");
  EXPECT_THAT(Vendor::arrive(session, world, kPermitUrl, world.permit()), HasSubstr("known permit"));
  EXPECT_EQ(Vendor::arrive(session, world, kPermitUrl, world.permit(0x45)), "accepted permit");
  EXPECT_EQ(world.journal.count("accepted for child boiler"), 2U);
}

TEST(Trust, APermitWaitsUntilTheTimeIsKnown) {
  Vendor world;
  const Instant right = world.clock.now();
  const Bytes permit = world.permit();
  world.clock.set_civil_time(right - hours{48});  // before the root was issued
  Session session(world);
  world.web.put(kPermitUrl, permit);
  session.announcements.announce(kPermitUrl);
  ASSERT_TRUE(session.run_until([&] { return world.journal.count("tried again at") == 1; }));
  EXPECT_EQ(world.journal.count("the time is not known: the clock says"), 1U);
  EXPECT_FALSE(session.state().time_is_known);
  EXPECT_FALSE(session.gateway.control().trust().time_is_known);

  world.clock.set_civil_time(right);
  ASSERT_TRUE(session.run_until([&] { return !session.state().permits.empty(); }, minutes{30}));
  EXPECT_TRUE(session.state().time_is_known);
  EXPECT_EQ(world.journal.count("the time is known"), 1U);
}

TEST(Trust, AGrantWantsAGatewayWithAKey) {
  Vendor world;
  Session session(world);
  const Bytes grant = draft::record(trust::RecordKind::grant, trust::write_grant(draft::good_grant()), {"dora"});
  EXPECT_THAT(Vendor::arrive(session, world, kRootUrl, grant), HasSubstr("keys.gateway_credential"));
}

/// The key of a grant, wrapped for this gateway: detached, with the one recipient.
Bytes wrapped_for(const std::string& public_pem) {
  const auto recipient = crypto::RecipientKey::from_pem(public_pem).value();
  const auto key = crypto::ContentKey::generate(-65534).value();
  const std::vector<Bytes> recipients{crypto::wrap(key, recipient).value()};
  return cose::write_encrypted(-65534, Bytes(16), recipients);
}

TEST(Trust, AGrantIsTakenIfItsKeyComesOut) {
  Vendor world;
  const Safe safe;
  world.key_safe = safe.get();
  trust::Grant grant = draft::good_grant();
  grant.gateway = safe->gateway();
  grant.not_after = world.clock.now() + hours{24 * 365};  // the clock runs on while the key is opened off the loop
  Session session(world);
  const auto arrive = [&](trust::Grant sent) {
    return Vendor::arrive(session, world, kRootUrl,
                          draft::record(trust::RecordKind::grant, trust::write_grant(sent), {"dora"}));
  };
  grant.encrypted_key = wrapped_for(Safe::other_public_pem());
  EXPECT_THAT(arrive(grant), HasSubstr("does not come out"));
  EXPECT_TRUE(session.state().content_keys.empty());
  grant.encrypted_key = wrapped_for(Safe::public_pem());
  EXPECT_EQ(arrive(grant), "accepted grant");
  EXPECT_EQ(session.state().grants.at(draft::kImage).not_after, grant.not_after);
  EXPECT_EQ(session.state().content_keys.at(draft::kImage).not_after, grant.not_after);
  grant.gateway = draft::kManifest;
  EXPECT_THAT(arrive(grant), HasSubstr("for the gateway with the key"));
}

const std::string kDependencyUrl = "https://cloud.example/boiler/dep.suit";

suit::draft::Draft radio() {
  suit::draft::Draft made = Vendor::deliverable("anna");
  made.components = {suit::draft::array({suit::draft::string(as_bytes("radio"))})};
  return made;
}

TEST(Trust, ADependencyIsFetchedAndItsImagesComeWithIt) {
  Vendor world;
  Session session(world);
  world.web.put(kDependencyUrl, radio().bytes());
  EXPECT_EQ(Vendor::arrive(session, world, kUrl, Vendor::with_dependency("anna", radio()).bytes()), "sealed");
  const core::Deliverable& sealed = session.state().deliverables.begin()->second;
  ASSERT_EQ(sealed.images.size(), 2U);
  EXPECT_EQ(sealed.images[0].component, "app");
  EXPECT_EQ(sealed.images[1].component, "radio");
}

TEST(Trust, WhoMayNotWriteToADependencysComponentsMayNotReleaseIt) {
  Vendor world;
  trust::Root root = world.root(1);
  root.keys[1].prefixes = {"app"};
  world.source.root = Vendor::record_of(root);
  Session session(world);
  world.web.put(kDependencyUrl, radio().bytes());
  suit::draft::Draft parent = Vendor::with_dependency("anna", radio());
  EXPECT_EQ(Vendor::arrive(session, world, kUrl, Vendor::deliverable("anna").bytes()), "sealed");
  parent.manifest[5] = suit::draft::array({suit::draft::string(as_bytes("product"))});
  EXPECT_THAT(Vendor::arrive(session, world, kUrl, parent.bytes()), HasSubstr("key anna may sign app, not product"));
}

TEST(Trust, ADependencyThatIsAnotherOrNotThereIsNamed) {
  Vendor world;
  Session session(world);
  const Bytes parent = Vendor::with_dependency("anna", radio()).bytes();
  EXPECT_THAT(Vendor::arrive(session, world, kUrl, parent), HasSubstr("dependency other at dep.suit"));
  world.web.put(kDependencyUrl, Vendor::deliverable("anna", 7).bytes());
  EXPECT_THAT(Vendor::arrive(session, world, kUrl, parent), HasSubstr("what stands there is another manifest"));
  world.web.put(kDependencyUrl, Bytes(std::size_t{2} << 20));
  EXPECT_THAT(Vendor::arrive(session, world, kUrl, parent), HasSubstr("over the limit"));
  EXPECT_TRUE(session.state().deliverables.empty());
}

TEST(Trust, AnImportSaysWhatItWas) {
  Vendor world;
  Session session(world);
  std::optional<Result<std::string>> answer;
  const auto import = [](Session& at, Bytes record, std::optional<Result<std::string>>& into) -> asio::awaitable<void> {
    into = co_await at.gateway.control().import_record(std::move(record), 1000);
  };
  asio::co_spawn(session.loop, import(session, world.permit(), answer), asio::detached);
  ASSERT_TRUE(session.run_until([&] { return answer.has_value(); }));
  EXPECT_EQ(answer->value(), "permit");
  EXPECT_EQ(world.journal.count("permit imported by uid 1000: accepted"), 1U);

  answer.reset();
  asio::co_spawn(session.loop, import(session, Bytes{0xd8, 0x6b}, answer), asio::detached);
  ASSERT_TRUE(session.run_until([&] { return answer.has_value(); }));
  EXPECT_EQ(answer->error().code, Errc::invalid);
  EXPECT_EQ(world.journal.count("trust record imported by uid 1000: refused"), 1U);
}

}  // namespace
}  // namespace hg::service::test
