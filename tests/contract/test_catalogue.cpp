// SPDX-License-Identifier: Apache-2.0
// What every Catalogue promises, asked of the one in memory and of the one in SQLite.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <boost/asio/io_context.hpp>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "adapters/storage/sqlite_catalogue.hpp"
#include "core/random_walk.hpp"
#include "fakes/memory_catalogue.hpp"
#include "fakes/on_loop.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/samples.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg {
namespace {

using fakes::on_loop;

/// The catalogue in memory: a restart drops what was not durable.
class InMemory {
 public:
  ports::Catalogue& catalogue() { return memory_; }
  void restart() { memory_.cut_power(); }
  void fail_next_commit() { memory_.fail_commits({Errc::io, "injected"}); }
  void heal() {}

 private:
  fakes::MemoryCatalogue memory_;
};

/// The one on disk: a restart closes and opens it.
class InSqlite {
 public:
  InSqlite() { restart(); }
  ports::Catalogue& catalogue() { return *catalogue_; }
  void restart() {
    catalogue_.reset();
    catalogue_ = storage::SqliteCatalogue::open(directory_.path(), journal_).value();
  }
  /// History is written last in the tests: what was written before it in the same transaction must go too.
  void fail_next_commit() {
    execute("CREATE TRIGGER fail BEFORE INSERT ON history BEGIN SELECT RAISE(ABORT, 'injected'); END");
  }
  void heal() { execute("DROP TRIGGER fail"); }

 private:
  void execute(const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((directory_.path() / "catalogue.db").c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

  fakes::TemporaryDirectory directory_;
  fakes::RecordingJournal journal_;
  std::unique_ptr<storage::SqliteCatalogue> catalogue_;
};

template <class Kind>
class Catalogue : public ::testing::Test {
 protected:
  Result<void> commit(std::vector<core::Change> changes) {
    return on_loop(loop_, kind_.catalogue().commit(std::move(changes)));
  }
  core::State reload() {
    kind_.restart();
    return kind_.catalogue().load().value();
  }

  boost::asio::io_context loop_;
  Kind kind_;
};

using Kinds = ::testing::Types<InMemory, InSqlite>;
TYPED_TEST_SUITE(Catalogue, Kinds);

TYPED_TEST(Catalogue, IsEmptyAtFirst) {
  EXPECT_EQ(this->reload(), core::State{});
  EXPECT_TRUE(this->kind_.catalogue().history("boiler-1", 10).value().empty());
}

TYPED_TEST(Catalogue, KeepsEveryField) {
  ASSERT_TRUE(this->commit({core::PutDeliverable{fakes::sample_deliverable(9)},
                            core::PutRollout{fakes::sample_rollout(5), 5, 77},
                            core::PutRollout{fakes::sample_rollout(4), 5, 77},
                            core::DropRollout{4},
                            core::PutAnnouncement{"https://a.example/1.suit", Instant{Duration{7}}},
                            core::PutAnnouncement{"https://a.example/2.suit", Instant{Duration{8}}},
                            core::DropAnnouncement{"https://a.example/1.suit"},
                            core::PutHead{fakes::sample_head("stable", 3)},
                            core::PutPermit{fakes::sample_permit(1)},
                            core::PutPermit{fakes::sample_permit(2)},
                            core::PutPermit{fakes::sample_permit(3)},
                            core::DropPermit{fakes::sample_permit(3).id},
                            core::PutGrant{fakes::sample_grant(1)},
                            core::PutGrant{fakes::sample_grant(2)},
                            core::DropGrant{fakes::sample_grant(2).image},
                            core::PutContentKey{fakes::sample_content_key(1)},
                            core::PutContentKey{fakes::sample_content_key(2)},
                            core::PutContentKey{fakes::sample_content_key(3)},
                            core::DropContentKey{fakes::sample_content_key(3).image},
                            core::PutRoot{{3, Bytes(500, 0xD8)}},
                            core::PutGatewayFloor{"boiler", 12},
                            core::PutEnrollmentList{"site-7", 3},
                            core::PutGroup{fakes::sample_group("left")},
                            core::PutGroup{fakes::sample_group("right")},
                            core::DropGroup{"right"},
                            core::PutChild{fakes::sample_child("boiler-1")}}));
  core::State expected;
  expected.groups["left"] = fakes::sample_group("left");
  expected.heads["stable"] = fakes::sample_head("stable", 3);
  for (const std::uint8_t fill : Bytes{1, 2})
    expected.permits[fakes::sample_permit_id(fill)] = fakes::sample_permit(fill);
  expected.grants[fakes::sample_digest(1)] = fakes::sample_grant(1);
  for (const std::uint8_t fill : Bytes{1, 2})
    expected.content_keys[fakes::sample_digest(fill)] = fakes::sample_content_key(fill);
  expected.root = {3, Bytes(500, 0xD8)};
  expected.floors = {{"boiler", 12}};
  expected.enrollment_lists = {{"site-7", 3}};
  expected.children["boiler-1"] = fakes::sample_child("boiler-1");
  expected.deliverables[fakes::sample_deliverable(9).id] = fakes::sample_deliverable(9);
  expected.rollouts[5] = fakes::sample_rollout(5);
  expected.last_rollout = 5;
  expected.announced.emplace("https://a.example/2.suit", Instant{Duration{8}});
  expected.last_epoch = 77;
  EXPECT_EQ(this->reload(), expected);
}

TYPED_TEST(Catalogue, DoesNotKeepWhatTheConfigurationAndTheLinksSay) {
  core::Child child = fakes::sample_child("boiler-1");
  child.enrollment.transport = "serial";
  child.enrolled = true;
  child.online = true;
  child.link_text = "up";
  child.in_doubt = false;
  child.step = core::Inspect{};
  child.step_number = 9;
  child.group = "left";
  child.role = "burner";
  child.gate = core::Gate::staged;
  child.in_round = true;
  child.link_security = core::LinkSecurity::proven;
  child.identified = core::Identified::yes;
  ASSERT_TRUE(this->commit({core::PutChild{child}}));
  EXPECT_EQ(this->reload().children.at("boiler-1"), fakes::sample_child("boiler-1"));
}

TYPED_TEST(Catalogue, ACertificateAsLargeAsIsTakenIsReadAgain) {
  constexpr std::size_t kMostTaken = 16 * 1024;  // crypto::kMostKeyMaterial
  core::Child child = fakes::sample_child("boiler-1");
  core::ChildKey certificate = fakes::sample_key(core::KeyUse::link, core::KeyKind::certificate);
  certificate.value = Bytes(kMostTaken, 0x30);
  child.keys[core::KeyUse::link] = certificate;
  ASSERT_TRUE(this->commit({core::PutChild{child}}));
  EXPECT_EQ(this->reload().children.at("boiler-1"), child) << "or the daemon would not start again";
}

TYPED_TEST(Catalogue, ANewValueReplacesTheWholeOldOne) {
  core::Child child = fakes::sample_child("boiler-1");
  ASSERT_TRUE(this->commit({core::PutChild{child}}));
  child.seen->slots.pop_back();
  child.seen->battery_percent.reset();
  child.seen->boots.reset();
  child.seen->unit.clear();
  child.floors.erase("boiler");
  child.confirms_itself = false;
  child.update->parts.pop_back();
  child.update->backup = {};
  child.update->group.clear();
  child.update->pivot = false;
  child.update->after_commit = false;
  child.update->views.erase(fakes::sample_digest(1));
  child.update->views.at(fakes::sample_digest(5)).record.clear();
  child.keys.erase(core::KeyUse::identify);
  child.keys.at(core::KeyUse::wrap).kind = core::KeyKind::x25519;
  child.registration->targets.pop_back();
  child.registration->origin = core::Origin::command;
  ASSERT_TRUE(this->commit({core::PutChild{child}}));
  EXPECT_EQ(this->reload().children.at("boiler-1"), child);
  child.update.reset();
  ASSERT_TRUE(this->commit({core::PutChild{child}}));
  EXPECT_EQ(this->reload().children.at("boiler-1"), child);
  child.seen.reset();
  child.keys.clear();
  child.registration.reset();
  ASSERT_TRUE(this->commit({core::PutChild{child}}));
  EXPECT_EQ(this->reload().children.at("boiler-1"), child);

  core::Rollout rollout = fakes::sample_rollout(1);
  ASSERT_TRUE(this->commit({core::PutRollout{rollout, 1, 1}}));
  rollout.children = {"pump-2"};
  ASSERT_TRUE(this->commit({core::PutRollout{rollout, 2, 3}}));
  const core::State state = this->reload();
  EXPECT_EQ(state.rollouts.at(1), rollout);
  EXPECT_EQ(state.last_rollout, 2U);
  EXPECT_EQ(state.last_epoch, 3U);
}

TYPED_TEST(Catalogue, KeepsTheOrderOfAnUpdatesParts) {
  core::Child child = fakes::sample_child("boiler-1");
  child.update->parts.clear();
  for (std::uint8_t n = 16; n > 0; --n)
    child.update->parts.push_back(
        {n, fakes::sample_digest(n), {}, fakes::sample_digest(static_cast<std::uint8_t>(n + 50))});
  child.update->delivered = 15;
  ASSERT_TRUE(this->commit({core::PutChild{child}}));
  EXPECT_EQ(this->reload().children.at("boiler-1"), child);
}

TYPED_TEST(Catalogue, AChangedGroupReplacesTheWholeOldOne) {
  core::Group group = fakes::sample_group("left");
  const core::Group other = fakes::sample_group("right");
  ASSERT_TRUE(this->commit({core::PutGroup{group}, core::PutGroup{other}}));
  group.layout = "stove";
  group.members = {{"burner", "boiler-2"}};
  group.committed.clear();
  group.is_configured = false;
  group.is_reported = true;
  ASSERT_TRUE(this->commit({core::PutGroup{group}}));
  EXPECT_EQ(this->reload().groups, (ByName<core::Group>{{"left", group}, {"right", other}}));
  ASSERT_TRUE(this->commit({core::DropGroup{"left"}, core::DropGroup{"was-never-there"}}));
  EXPECT_EQ(this->reload().groups, (ByName<core::Group>{{"right", other}}));
  ASSERT_TRUE(this->commit({core::PutGroup{group}}));
  EXPECT_EQ(this->reload().groups.at("left"), group) << "nothing of the dropped one comes back";
}

TYPED_TEST(Catalogue, KeepsTheOrderOfAGroupsMembers) {
  core::Group group = fakes::sample_group("left");
  group.members.clear();
  for (std::size_t n = core::kMaxMembers; n > 0; --n)
    group.members.push_back({"burner", "boiler-" + std::to_string(n)});
  ASSERT_TRUE(this->commit({core::PutGroup{group}}));
  EXPECT_EQ(this->reload().groups.at("left"), group);
}

TYPED_TEST(Catalogue, ANewRecordReplacesTheWholeOldOne) {
  core::Head head = fakes::sample_head("stable", 3);
  core::Permit permit = fakes::sample_permit(1);
  core::Grant grant = fakes::sample_grant(1);
  core::Deliverable what = fakes::sample_deliverable(9);
  ASSERT_TRUE(
      this->commit({core::PutHead{head}, core::PutPermit{permit}, core::PutGrant{grant}, core::PutRoot{{3, Bytes{1}}},
                    core::PutGatewayFloor{"boiler", 1}, core::PutDeliverable{what}}));
  head.version = 4;
  head.entries.pop_back();
  permit.whom = "pump-2";
  permit.uses = {{"pump-2", 79}};
  grant.record = {};
  what.signers.pop_back();
  what.priority.reset();
  what.images.pop_back();
  core::ContentKey key = fakes::sample_content_key(1);
  ASSERT_TRUE(this->commit({core::PutContentKey{key}}));
  key.not_after.reset();
  key.sealed = Bytes(61, 9);
  ASSERT_TRUE(this->commit({core::PutContentKey{key}}));
  ASSERT_TRUE(
      this->commit({core::PutHead{head}, core::PutPermit{permit}, core::PutGrant{grant}, core::PutRoot{{4, Bytes{2}}},
                    core::PutGatewayFloor{"boiler", 2}, core::PutDeliverable{what}}));
  const core::State state = this->reload();
  EXPECT_EQ(state.heads.at("stable"), head);
  EXPECT_EQ(state.permits.at(permit.id), permit);
  EXPECT_EQ(state.grants.at(grant.image), grant);
  EXPECT_EQ(state.content_keys.at(key.image), key);
  EXPECT_EQ(state.root, (core::TrustRoot{4, Bytes{2}}));
  EXPECT_EQ(state.floors, (core::Floors{{"boiler", 2}}));
  EXPECT_EQ(state.deliverables.at(what.id), what);
}

TYPED_TEST(Catalogue, KeepsExtremeNumbersAndOddTexts) {
  core::Deliverable what = fakes::sample_deliverable(9);
  what.sequence = std::numeric_limits<std::uint64_t>::max();
  what.images[0].size = what.sequence - 1;
  what.product = std::string("Ofen 'ß' \"x\"\0; DROP TABLE child; --", 36);
  what.version = "";
  core::Child child = fakes::sample_child("b");
  child.seen->battery_percent = 255;
  child.update->epoch = what.sequence;
  child.update->orders = std::numeric_limits<unsigned>::max();
  child.update->until = Instant::max();
  child.update->since = Instant::min();
  child.update->parts = {{255, fakes::sample_digest(1), Digest{}, *Digest::from_bytes(Bytes(64, 0xFF))}};
  child.update->restores = std::numeric_limits<unsigned>::max();
  child.seen->busy_for = Duration::max();
  child.seen->boots = what.sequence;
  child.seen->obstacle = std::string(500, '\'');
  core::Rollout rollout = fakes::sample_rollout(what.sequence);
  rollout.started_by = std::numeric_limits<std::uint32_t>::max();
  what.priority = std::numeric_limits<std::int64_t>::min();
  what.images[1].slot = what.sequence;
  what.images[1].conditions.minimum_battery_mwh = what.sequence;
  what.images[1].conditions.use_before = Instant::min();
  what.images[1].conditions.not_before = Instant::max();
  what.images[1].conditions.versions = {{VersionOp::equal, {}},
                                        {VersionOp::greater, {std::numeric_limits<std::int64_t>::max(), -3}}};
  core::Head head = fakes::sample_head("", what.sequence);
  head.entries[0] = {what.product, what.sequence, "", what.sequence};
  ASSERT_TRUE(this->commit({core::PutDeliverable{what}, core::PutChild{child}, core::PutHead{head},
                            core::PutRollout{rollout, what.sequence, what.sequence}}));
  const core::State state = this->reload();
  EXPECT_EQ(state.deliverables.at(what.id), what);
  EXPECT_EQ(state.children.at("b"), child);
  EXPECT_EQ(state.heads.at(""), head);
  EXPECT_EQ(state.rollouts.at(what.sequence), rollout);
}

TYPED_TEST(Catalogue, HistoryComesNewestFirst) {
  std::vector<core::Change> changes;
  for (core::Epoch epoch = 1; epoch <= 5; ++epoch) changes.push_back(fakes::sample_line("boiler-1", epoch));
  changes.push_back(fakes::sample_line("pump-2", 6));
  ASSERT_TRUE(this->commit(changes));
  this->kind_.restart();
  const auto lines = this->kind_.catalogue().history("boiler-1", 3).value();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].epoch, 5U);
  EXPECT_EQ(lines[2].epoch, 3U);
  const core::PutHistory expected = fakes::sample_line("boiler-1", 5);
  EXPECT_EQ(lines[0].at, expected.at);
  EXPECT_EQ(lines[0].child, expected.child);
  EXPECT_EQ(lines[0].deliverable, expected.deliverable);
  EXPECT_EQ(lines[0].phase, expected.phase);
  EXPECT_EQ(lines[0].cause, expected.cause);
}

TYPED_TEST(Catalogue, HistoryIsBounded) {
  constexpr unsigned kMost = ports::Catalogue::kHistoryPerChild;
  std::vector<core::Change> changes;
  for (core::Epoch epoch = 1; epoch <= kMost + 10; ++epoch) changes.push_back(fakes::sample_line("boiler-1", epoch));
  changes.push_back(fakes::sample_line("pump-2", 1));
  ASSERT_TRUE(this->commit(changes));
  const auto lines = this->kind_.catalogue().history("boiler-1", kMost * 2).value();
  ASSERT_EQ(lines.size(), kMost);
  EXPECT_EQ(lines.front().epoch, kMost + 10);
  EXPECT_EQ(lines.back().epoch, 11U);
  EXPECT_EQ(this->kind_.catalogue().history("pump-2", 5).value().size(), 1U);
}

TYPED_TEST(Catalogue, AFailedCommitWritesNothingAndMayBeTriedAgain) {
  ASSERT_TRUE(this->commit({core::PutChild{fakes::sample_child("pump-2")}}));
  const core::State before = this->reload();
  const std::vector<core::Change> changes = {core::PutChild{fakes::sample_child("boiler-1")},
                                             core::PutRollout{fakes::sample_rollout(1), 1, 1},
                                             fakes::sample_line("boiler-1", 1)};
  this->kind_.fail_next_commit();
  EXPECT_FALSE(this->commit(changes));
  this->kind_.heal();
  EXPECT_EQ(this->reload(), before);
  ASSERT_TRUE(this->commit(changes));
  EXPECT_EQ(this->reload().children.size(), 2U);
  EXPECT_EQ(this->kind_.catalogue().history("boiler-1", 5).value().size(), 1U);
}

TYPED_TEST(Catalogue, CommitsThatOverlapAreWrittenInOrder) {
  core::Child first = fakes::sample_child("boiler-1");
  core::Child second = first;
  second.last_seen += Duration{1};
  std::vector<core::Change> changes = {core::PutChild{first}};
  auto ignore = [](std::exception_ptr, Result<void> written) { EXPECT_TRUE(written); };
  boost::asio::co_spawn(this->loop_, this->kind_.catalogue().commit(changes), ignore);
  ASSERT_TRUE(this->commit({core::PutChild{second}}));
  EXPECT_EQ(this->reload().children.at("boiler-1"), second);
}

/// What of a state is written down.
core::State remembered(core::State state) {
  for (auto& [id, child] : state.children) {
    core::Child kept;
    kept.enrollment.id = id;
    static_cast<core::Remembered&>(kept) = child;
    child = kept;
  }
  state.layouts.clear();
  state.updates.clear();
  state.backups.clear();
  state.plaintexts.clear();
  state.addresses.clear();
  state.discovered.clear();
  state.policy = {};
  state.time_is_known = true;
  return state;
}

TYPED_TEST(Catalogue, WhatTheEngineKnowsIsWhatItKnowsAfterARestart) {
  core::table::Walk walk(20261121);
  core::table::Bench& bench = walk.bench();
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 50; ++i) walk.step();
    ASSERT_TRUE(this->commit(std::exchange(bench.changes, {})));
    ASSERT_EQ(this->reload(), remembered(bench.state)) << "round " << round;
  }
  EXPECT_FALSE(bench.state.permits.empty());
  EXPECT_FALSE(bench.state.heads.empty());
}

TYPED_TEST(Catalogue, APermitIsNotReplayedAfterARestart) {
  core::table::Bench bench;
  const auto restart = [&] {
    ASSERT_TRUE(this->commit(std::exchange(bench.changes, {})));
    bench.state = this->reload();
    core::resume(bench.state, bench.now);
    bench.post(core::ChildEnrolled{core::table::enrollment()});
  };
  bench.child().floors["boiler"] = 9;
  bench.changes.emplace_back(core::PutChild{bench.child()});
  bench.post(core::PermitAccepted{core::table::permit()});
  restart();
  bench.go_to_reverting();
  ASSERT_TRUE(bench.state.permits.at(core::table::kPermit).uses.contains(core::table::kBoiler)) << bench.phase();
  bench.says(core::table::after_revert());
  restart();
  EXPECT_EQ(bench.post(core::PermitAccepted{core::table::permit()}).refusal->code, Errc::exists);
  bench.go_to(core::Phase::offered);
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.update().cause.reason, core::Reason::permit_used);
}

}  // namespace
}  // namespace hg
