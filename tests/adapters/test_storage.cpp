// SPDX-License-Identifier: Apache-2.0
// The catalogue where it hurts: killed in the middle, a full disk, damaged files and files of other versions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include "adapters/storage/sqlite_catalogue.hpp"
#include "base/unique_fd.hpp"
#include "fakes/on_loop.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/samples.hpp"
#include "fakes/small_disk.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg {
namespace {

using storage::SqliteCatalogue;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// One commit, recognisable in every table that it touches.
std::vector<core::Change> step(std::uint64_t number) {
  core::Child one = fakes::sample_child("boiler-1");
  core::Child two = fakes::sample_child("pump-2");
  one.update->epoch = number;
  two.update->epoch = number;
  return {core::PutChild{one}, core::PutRollout{fakes::sample_rollout(1), 1, number},
          fakes::sample_line("boiler-1", number), core::PutChild{two}};
}

/// Which step() the catalogue shows; fails the test when it shows halves of two.
std::uint64_t step_shown_by(SqliteCatalogue& catalogue) {
  const core::State state = catalogue.load().value();
  if (state.children.empty()) return 0;
  const std::uint64_t number = state.last_epoch;
  EXPECT_EQ(state.children.at("boiler-1").update->epoch, number);
  EXPECT_EQ(state.children.at("pump-2").update->epoch, number);
  EXPECT_EQ(state.children.at("pump-2").seen->slots.size(), 2U);
  EXPECT_EQ(catalogue.history("boiler-1", 1).value().at(0).epoch, number);
  return number;
}

class Storage : public ::testing::Test {
 protected:
  Result<std::unique_ptr<SqliteCatalogue>> open() { return SqliteCatalogue::open(directory_.path(), journal_); }
  [[nodiscard]] std::string file() const { return directory_.path() / "catalogue.db"; }

  /// On a connection of its own.
  void execute(const char* sql) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file().c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

  boost::asio::io_context loop_;
  fakes::TemporaryDirectory directory_;
  fakes::RecordingJournal journal_;
};

/// Commits step after step and writes the number of each to `acknowledged` once it is durable, until it is killed.
[[noreturn]] void commit_until_killed(const std::filesystem::path& directory, int acknowledged) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  fakes::RecordingJournal journal;
  boost::asio::io_context loop;
  const auto catalogue = SqliteCatalogue::open(directory, journal).value();
  for (std::uint64_t number = catalogue->load()->last_epoch + 1;; ++number) {
    if (!fakes::on_loop(loop, catalogue->commit(step(number)))) ::_exit(1);
    if (::write(acknowledged, &number, sizeof number) != sizeof number) ::_exit(2);
  }
}

TEST_F(Storage, AKilledWriterLeavesACommittedState) {
  std::minstd_rand chance(20261121);
  std::uint64_t shown = 0;
  for (int round = 0; round < 25; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t writer = ::fork();
    if (writer == 0) commit_until_killed(directory_.path(), ends[1]);
    ::close(ends[1]);
    const UniqueFd acknowledged(ends[0]);
    std::uint64_t last = shown;
    const auto wanted = shown + 1 + chance() % 40;
    while (last < wanted && ::read(acknowledged.get(), &last, sizeof last) == sizeof last) {
    }
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    while (::read(acknowledged.get(), &last, sizeof last) == sizeof last) {
    }
    auto catalogue = open();
    ASSERT_TRUE(catalogue) << catalogue.error().message;
    shown = step_shown_by(**catalogue);
    EXPECT_GE(shown, last) << "an acknowledged commit is lost";
    EXPECT_LE(shown, last + 1);
    EXPECT_GE(last, wanted);
  }
}

TEST_F(Storage, TheReserveCarriesAFullDiskForAWhile) {
  const fakes::SmallDisk disk(12 << 20);
  if (!disk.is_there()) GTEST_SKIP() << "no mount namespace here";
  auto catalogue = SqliteCatalogue::open(disk.path(), journal_).value();
  ASSERT_TRUE(std::filesystem::exists(disk.path() / "reserve"));
  disk.fill();
  std::uint64_t number = 1;
  Result<void> last;
  while ((last = fakes::on_loop(loop_, catalogue->commit(step(number))))) ASSERT_LT(++number, 5000U);
  EXPECT_EQ(last.error().code, Errc::no_space) << last.error().message;
  EXPECT_EQ(journal_.count("reserve of 1 MiB is given up"), 1U);
  EXPECT_GT(number, 15U) << "the reserve was of no use";  // each commit writes a page of each table of a child
  EXPECT_EQ(step_shown_by(*catalogue), number - 1);

  // The same changes again, and after a restart on the full disk.
  EXPECT_EQ(fakes::on_loop(loop_, catalogue->commit(step(number))).error().code, Errc::no_space);
  disk.empty();
  ASSERT_TRUE(fakes::on_loop(loop_, catalogue->commit(step(number))));
  EXPECT_EQ(step_shown_by(*catalogue), number);
  EXPECT_TRUE(std::filesystem::exists(disk.path() / "reserve"));
  EXPECT_EQ(journal_.count("reserve of 1 MiB is back"), 1U);
  catalogue.reset();
  catalogue = SqliteCatalogue::open(disk.path(), journal_).value();
  EXPECT_EQ(step_shown_by(*catalogue), number);
}

TEST_F(Storage, AnotherWriterIsBusyAndNotLost) {
  auto catalogue = open().value();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(fakes::on_loop(loop_, catalogue->commit(step(1))).error().code, Errc::busy);
  sqlite3_close(other);
  EXPECT_TRUE(fakes::on_loop(loop_, catalogue->commit(step(1))));
}

TEST_F(Storage, ReadsDoNotWaitForACommit) {
  auto catalogue = open().value();
  ASSERT_TRUE(fakes::on_loop(loop_, catalogue->commit(step(1))));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(step_shown_by(*catalogue), 1U);
  sqlite3_close(other);
}

TEST_F(Storage, ADamagedFileSaysWhatToDo) {
  {
    auto catalogue = open().value();
    std::vector<core::Change> changes;
    for (std::uint64_t n = 1; n <= 500; ++n) changes.push_back(fakes::sample_line("boiler-1", n));
    ASSERT_TRUE(fakes::on_loop(loop_, catalogue->commit(changes)));
  }
  const auto size = std::filesystem::file_size(file());
  std::fstream bytes(file(), std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(static_cast<std::streamoff>(size / 2));
  bytes << std::string(16384, '\xA5');
  bytes.close();
  const auto catalogue = open();
  ASSERT_FALSE(catalogue);
  EXPECT_EQ(catalogue.error().code, Errc::invalid);
  EXPECT_THAT(catalogue.error().message,
              AllOf(HasSubstr(file()), HasSubstr("stop headgated and move"), HasSubstr("asked anew")));
}

TEST_F(Storage, AFileOfSomethingElseIsRefused) {
  std::ofstream(file()) << "this is not a database, and long enough to be looked at as one";
  const auto text = open();
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Errc::invalid) << text.error().message;

  std::filesystem::remove(file());
  execute("CREATE TABLE songs (title TEXT)");
  const auto foreign = open();
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message, HasSubstr("not a database of headgate"));
}

TEST_F(Storage, ANewerSchemaIsRefusedByName) {
  (void)open().value();
  execute("PRAGMA user_version = 99");
  const auto catalogue = open();
  ASSERT_FALSE(catalogue);
  EXPECT_EQ(catalogue.error().code, Errc::unsupported);
  EXPECT_THAT(catalogue.error().message, AllOf(HasSubstr("version 99"), HasSubstr("newer")));
}

TEST_F(Storage, AMissingDirectoryIsAnError) {
  const auto catalogue = SqliteCatalogue::open(directory_.path() / "absent", journal_);
  ASSERT_FALSE(catalogue);
  EXPECT_EQ(catalogue.error().code, Errc::io);
  EXPECT_THAT(catalogue.error().message, HasSubstr("No such file"));
}

struct Spoiled {
  const char* sql;
  const char* table;
  const char* row;
  const char* column;
};

class SpoiledRow : public Storage, public ::testing::WithParamInterface<Spoiled> {};

TEST_P(SpoiledRow, IsNamed) {
  {
    auto catalogue = open().value();
    std::vector<core::Change> changes = step(7);
    changes.insert(changes.end(),
                   {core::PutDeliverable{fakes::sample_deliverable(9)}, core::PutHead{fakes::sample_head("stable", 1)},
                    core::PutPermit{fakes::sample_permit(1)}, core::PutPermit{fakes::sample_permit(2)},
                    core::PutGrant{fakes::sample_grant(1)}, core::PutRoot{{1, {1, 2}}},
                    core::PutGroup{fakes::sample_group("left")}});
    ASSERT_TRUE(fakes::on_loop(loop_, catalogue->commit(changes)));
  }
  execute(GetParam().sql);
  const auto state = open().value()->load();
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, Errc::invalid);
  EXPECT_THAT(state.error().message, AllOf(HasSubstr(std::string("table ") + GetParam().table),
                                           HasSubstr(std::string("row ") + GetParam().row),
                                           HasSubstr(std::string("column ") + GetParam().column)));
}

INSTANTIATE_TEST_SUITE_P(
    Each, SpoiledRow,
    ::testing::Values(
        Spoiled{"UPDATE update_ SET phase = 'jumping' WHERE child = 'pump-2'", "update_", "pump-2", "phase"},
        Spoiled{"UPDATE update_ SET decision = ''", "update_", "boiler-1", "decision"},
        Spoiled{"UPDATE update_ SET order_ = 'x'", "update_", "boiler-1", "order_"},
        Spoiled{"UPDATE update_ SET reason = 'x'", "update_", "boiler-1", "reason"},
        Spoiled{"UPDATE part SET after_ = 'xyz'", "part", "boiler-1", "after_"},
        Spoiled{"UPDATE part SET number = 256", "part", "boiler-1", "number"},
        Spoiled{"UPDATE update_ SET backup = 'xyz'", "update_", "boiler-1", "backup"},
        Spoiled{"UPDATE update_ SET restore_due = 2", "update_", "boiler-1", "restore_due"},
        Spoiled{"UPDATE update_ SET pivot = 2", "update_", "boiler-1", "pivot"},
        Spoiled{"UPDATE group_ SET configured = 2", "group_", "left", "configured"},
        Spoiled{"UPDATE member SET group_ = 'ghost' WHERE position = 0", "member", "ghost", "group_"},
        Spoiled{"UPDATE member SET child = '' WHERE position = 0", "member", "left", "child"},
        Spoiled{"UPDATE member SET role = ''", "member", "left", "role"},
        Spoiled{"UPDATE inspection SET staging = 'x'", "inspection", "boiler-1", "staging"},
        Spoiled{"UPDATE inspection SET power = 'x'", "inspection", "boiler-1", "power"},
        Spoiled{"UPDATE child SET confirms_itself = 7", "child", "boiler-1", "confirms_itself"},
        Spoiled{"UPDATE update_ SET orders = -1", "update_", "boiler-1", "orders"},
        Spoiled{"UPDATE inspection SET revert_class = 'x'", "inspection", "boiler-1", "revert_class"},
        Spoiled{"UPDATE inspection SET battery = 256", "inspection", "boiler-1", "battery"},
        Spoiled{"UPDATE inspection SET busy = 2", "inspection", "boiler-1", "busy"},
        Spoiled{"UPDATE slot SET image = 300", "slot", "boiler-1", "image"},
        Spoiled{"UPDATE slot SET digest = substr(digest, 2)", "slot", "boiler-1", "digest"},
        Spoiled{"UPDATE image SET vendor = '00'", "image", "0909", "vendor"},
        Spoiled{"UPDATE rollout SET started_by = 4294967296", "rollout", "1", "started_by"},
        Spoiled{"UPDATE rollout_child SET child = ''", "rollout_child", "1", "child"},
        Spoiled{"UPDATE rollout SET approved = 2", "rollout", "1", "approved"},
        Spoiled{"UPDATE floor SET child = 'ghost' WHERE child = 'boiler-1' AND product = 'boiler'", "floor", "ghost",
                "child"},
        Spoiled{"UPDATE signer SET deliverable = 'ghost'", "signer", "ghost", "deliverable"},
        Spoiled{"UPDATE image SET authorization_ = 7", "image", "0909", "authorization_"},
        Spoiled{"UPDATE image SET position = 5 WHERE position = 1", "image", "0909", "position"},
        Spoiled{"UPDATE version_condition SET image = 2", "version_condition", "0909", "image"},
        Spoiled{"UPDATE version_condition SET image = -1", "version_condition", "0909", "image"},
        Spoiled{"UPDATE version_condition SET operator = '<'", "version_condition", "0909", "operator"},
        Spoiled{"UPDATE version_condition SET version = '1.x'", "version_condition", "0909", "version"},
        Spoiled{"UPDATE head_entry SET channel = 'ghost'", "head_entry", "ghost", "channel"},
        Spoiled{"UPDATE permit SET id = upper(id) || 'G' WHERE child IS NULL", "permit", "0101", "id"},
        Spoiled{"UPDATE permit SET child = '' WHERE child IS NOT NULL", "permit", "0202", "child"},
        Spoiled{"UPDATE permit SET device_class = '00' WHERE child IS NULL", "permit", "0101", "device_class"},
        Spoiled{"UPDATE permit_use SET permit = 'ghost' WHERE child = 'pump-2' AND permit LIKE '01%'", "permit_use",
                "ghost", "permit"},
        Spoiled{"UPDATE permit_use SET child = '' WHERE child = 'pump-2'", "permit_use", "0101", "child"},
        Spoiled{"UPDATE key_grant SET image = '0'", "key_grant", "0", "image"},
        Spoiled{"UPDATE key_grant SET record = 'xyz'", "key_grant", "0101", "record"},
        Spoiled{"UPDATE image SET wrap = 'x' WHERE wrap IS NOT NULL", "image", "0909", "wrap"},
        Spoiled{"UPDATE image SET wrap_size = -1 WHERE wrap IS NOT NULL", "image", "0909", "wrap_size"},
        Spoiled{"UPDATE image SET wrap_info = hex(zeroblob(8193)) WHERE wrap IS NOT NULL", "image", "0909",
                "wrap_info"},
        Spoiled{"UPDATE child_key SET kind = 'x'", "child_key", "boiler-1", "kind"},
        Spoiled{"UPDATE child_key SET value = hex(zeroblob(16385))", "child_key", "boiler-1", "value"},
        Spoiled{"UPDATE registration SET origin = 'x'", "registration", "boiler-1", "origin"},
        Spoiled{"UPDATE registration_target SET number = 256", "registration_target", "boiler-1", "number"},
        Spoiled{"UPDATE view_ SET record = hex(zeroblob(1025))", "view_", "boiler-1", "record"},
        Spoiled{"UPDATE patch SET bytes = hex(zeroblob(4097))", "patch", "boiler-1", "bytes"},
        Spoiled{"UPDATE patch SET image = '00' WHERE position = 0", "patch", "boiler-1", "image"},
        Spoiled{"INSERT INTO content_key VALUES ('0', '', '', '', NULL)", "content_key", "0", "image"},
        Spoiled{"INSERT INTO content_key VALUES ('00', hex(zeroblob(257)), '', '', NULL)", "content_key", "00",
                "sealed"},
        Spoiled{"UPDATE trust_root SET record = '0'", "trust_root", "1", "record"}));

}  // namespace
}  // namespace hg
