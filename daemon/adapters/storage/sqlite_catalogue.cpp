// SPDX-License-Identifier: Apache-2.0
#include "adapters/storage/sqlite_catalogue.hpp"

#include <boost/asio/thread_pool.hpp>
#include <string>
#include <utility>
#include <variant>

#include "adapters/on_pool.hpp"
#include "adapters/storage/catalogue_load.hpp"
#include "adapters/storage/catalogue_write.hpp"
#include "adapters/storage/database.hpp"
#include "adapters/storage/reserve.hpp"
#include "adapters/storage/schema.hpp"

namespace hg::storage {
namespace {

constexpr std::int64_t kApplicationId = 0x48644774;  // "HdGt", in the file's header (SQLite file format, 1.3.16)

std::string what_to_do(const std::filesystem::path& file) {
  return "; stop headgated and move " + file.string() + " and its -wal away: children are asked anew what they run, " +
         "rollouts must be started again";
}

/// Brings an empty or older database to the newest schema, one transaction for each step.
Result<void> migrate(Database& database) {
  const auto scripts = schema_scripts();
  const auto version = database.integer("PRAGMA user_version");
  if (!version) return version.error();
  if (*version < 0 || *version > std::ssize(scripts)) {
    return Error{Errc::unsupported, "schema version " + std::to_string(*version) + " is newer than this headgated's " +
                                        std::to_string(scripts.size()) + ": install the newer headgated again"};
  }
  const auto application = database.integer("PRAGMA application_id");
  if (!application) return application.error();
  const auto tables = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const bool is_ours = *version > 0 ? *application == kApplicationId : *tables == 0;
  if (!is_ours) return Error{Errc::invalid, "not a database of headgate"};
  for (auto next = *version; next < std::ssize(scripts); ++next) {
    auto transaction = Transaction::begin(database);
    if (!transaction) return transaction.error();
    if (auto done = database.execute(scripts[static_cast<std::size_t>(next)]); !done) {
      return done.error().within("schema script " + std::to_string(next + 1));
    }
    const std::string marks = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                              "; PRAGMA user_version = " + std::to_string(next + 1);
    if (auto done = database.execute(marks.c_str()); !done) return done;
    if (auto done = transaction->commit(); !done) return done;
  }
  return {};
}

Result<void> check(Database& database) {
  const auto verdict = database.text("PRAGMA quick_check(1)");
  if (!verdict) return verdict.error();
  if (*verdict != "ok") return Error{Errc::invalid, "damaged: " + *verdict};
  return {};
}

}  // namespace

struct SqliteCatalogue::Parts {
  Parts(Database its_writing, Database its_reading, Writer its_writer, std::filesystem::path directory,
        ports::Journal& its_journal)
      : writing(std::move(its_writing)),
        reading(std::move(its_reading)),
        writer(std::move(its_writer)),
        reserve(directory / "reserve"),
        journal(its_journal) {
    reserve.take();
  }

  Result<void> write(const std::vector<core::Change>& changes);
  Result<void> write_or_give_up_reserve(const std::vector<core::Change>& changes);

  Database writing;  // by the thread only
  Database reading;  // by the loop only
  Writer writer;
  Reserve reserve;
  ports::Journal& journal;
  boost::asio::thread_pool thread{1};  // last: joined first
};

Result<void> SqliteCatalogue::Parts::write(const std::vector<core::Change>& changes) {
  auto transaction = Transaction::begin(writing);
  if (!transaction) return transaction.error();
  for (const auto& change : changes) {
    const auto put = std::visit([this](const auto& row) { return writer.put(row); }, change);
    if (!put) return put;
  }
  return transaction->commit();
}

Result<void> SqliteCatalogue::Parts::write_or_give_up_reserve(const std::vector<core::Change>& changes) {
  auto written = write(changes);
  if (!written && written.error().code == Errc::no_space && reserve.give_up()) {
    journal.write(ports::Level::error, {}, "disk full: the catalogue's reserve of 1 MiB is given up");
    written = write(changes);
  } else if (written && !reserve.held()) {
    reserve.take();
    if (reserve.held()) journal.write(ports::Level::notice, {}, "the catalogue's reserve of 1 MiB is back");
  }
  return written;
}

SqliteCatalogue::SqliteCatalogue(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

SqliteCatalogue::~SqliteCatalogue() {
  parts_->thread.join();
}

Result<std::unique_ptr<SqliteCatalogue>> SqliteCatalogue::open(const std::filesystem::path& state_directory,
                                                               ports::Journal& journal) {
  const std::filesystem::path file = state_directory / "catalogue.db";
  const auto doing = "catalogue " + file.string();
  const auto failed = [&](Error error) {
    if (error.code == Errc::invalid) error.message += what_to_do(file);
    return std::move(error).within(doing);
  };
  auto writing = Database::open(file, Database::Access::read_write);
  if (!writing) return failed(writing.error());
  if (auto checked = check(*writing); !checked) return failed(checked.error());
  if (auto migrated = migrate(*writing); !migrated) return failed(migrated.error());
  auto writer = Writer::prepare(*writing);
  if (!writer) return failed(writer.error());
  auto reading = Database::open(file, Database::Access::read_only);
  if (!reading) return failed(reading.error());
  auto parts =
      std::make_unique<Parts>(std::move(*writing), std::move(*reading), std::move(*writer), state_directory, journal);
  return std::unique_ptr<SqliteCatalogue>(new SqliteCatalogue(std::move(parts)));
}

Result<core::State> SqliteCatalogue::load() {
  auto state = load_state(parts_->reading);
  if (!state) return state.error().within("catalogue");
  return state;
}

boost::asio::awaitable<Result<void>> SqliteCatalogue::commit(std::vector<core::Change> changes) {
  if (changes.empty()) co_return Result<void>{};
  auto write = [parts = parts_.get(), changes = std::move(changes)]() -> Result<void> {
    const auto written = parts->write_or_give_up_reserve(changes);
    if (written) return {};
    Error error = written.error().within("catalogue: commit");
    if (error.code == Errc::invalid) error.code = Errc::io;  // damage met while running
    return error;
  };
  co_return co_await adapters::on_pool(parts_->thread, std::move(write));
}

Result<std::vector<core::PutHistory>> SqliteCatalogue::history(const core::ChildId& child, unsigned count) {
  auto lines = load_history(parts_->reading, child, count);
  if (!lines) return lines.error().within("catalogue");
  return lines;
}

}  // namespace hg::storage
