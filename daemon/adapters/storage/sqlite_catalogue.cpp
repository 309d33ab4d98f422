// SPDX-License-Identifier: Apache-2.0
#include "adapters/storage/sqlite_catalogue.hpp"

#include <boost/asio/thread_pool.hpp>
#include <string>
#include <utility>
#include <variant>

#include "adapters/on_pool.hpp"
#include "adapters/storage/catalogue_load.hpp"
#include "adapters/storage/database.hpp"
#include "adapters/storage/reserve.hpp"
#include "adapters/storage/row.hpp"
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

/// The prepared statements that write core's rows.
class Writer {
 public:
  static Result<Writer> prepare(Database& database);

  Result<void> put(const core::PutChild& row);
  Result<void> put(const core::PutDeliverable& row);
  Result<void> put(const core::PutRollout& row);
  Result<void> put(const core::DropRollout& row) { return drop_rollout_.run(stored(row.rollout)); }
  Result<void> put(const core::PutAnnouncement& row) { return announcement_.run(row.url, stored(row.at)); }
  Result<void> put(const core::DropAnnouncement& row) { return drop_announcement_.run(row.url); }
  Result<void> put(const core::PutHistory& row);

 private:
  Result<void> put_floors(const core::Child& child);
  Result<void> put_slots(const core::Child& child);
  Result<void> put_update(const core::Child& child);

  Statement child_, clear_floors_, floor_, clear_slots_, slot_, clear_update_, update_, deliverable_, clear_images_,
      image_, rollout_, clear_rollout_children_, rollout_child_, drop_rollout_, announcement_, drop_announcement_,
      meta_, last_line_, history_, prune_;
};

Result<Writer> Writer::prepare(Database& database) {
  Writer writer;
  // An upsert and no REPLACE: that would delete the row first, and its own rows with it.
  const std::pair<Statement*, std::string_view> statements[] = {
      {&writer.child_,
       "INSERT INTO child (id, last_seen, revert_class, bootloader, busy, battery)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET last_seen = ?2, revert_class = ?3,"
       " bootloader = ?4, busy = ?5, battery = ?6"},
      {&writer.clear_floors_, "DELETE FROM floor WHERE child = ?1"},
      {&writer.floor_, "INSERT INTO floor (child, product, sequence) VALUES (?1, ?2, ?3)"},
      {&writer.clear_slots_, "DELETE FROM slot WHERE child = ?1"},
      {&writer.slot_,
       "INSERT INTO slot (child, position, image, slot, version, digest, bootable, pending, confirmed, active,"
       " permanent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"},
      {&writer.clear_update_, "DELETE FROM update_ WHERE child = ?1"},
      {&writer.update_,
       "INSERT OR REPLACE INTO update_ (child, epoch, rollout, deliverable, image, before_, after_, phase, decision,"
       " order_, orders, attempts, since, until, reason, cause)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"},
      {&writer.deliverable_,
       "INSERT INTO deliverable (id, product, sequence, version, signer, source, sealed_at)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET product = ?2, sequence = ?3, version = ?4,"
       " signer = ?5, source = ?6, sealed_at = ?7"},
      {&writer.clear_images_, "DELETE FROM image WHERE deliverable = ?1"},
      {&writer.image_,
       "INSERT INTO image (deliverable, position, component, vendor, device_class, digest, size, version,"
       " running_digest, encrypted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"},
      {&writer.rollout_,
       "INSERT INTO rollout (id, deliverable, started_by, started_at) VALUES (?1, ?2, ?3, ?4)"
       " ON CONFLICT (id) DO UPDATE SET deliverable = ?2, started_by = ?3, started_at = ?4"},
      {&writer.clear_rollout_children_, "DELETE FROM rollout_child WHERE rollout = ?1"},
      {&writer.rollout_child_, "INSERT INTO rollout_child (rollout, position, child) VALUES (?1, ?2, ?3)"},
      {&writer.drop_rollout_, "DELETE FROM rollout WHERE id = ?1"},
      {&writer.announcement_, "INSERT OR REPLACE INTO announcement (url, heard) VALUES (?1, ?2)"},
      {&writer.drop_announcement_, "DELETE FROM announcement WHERE url = ?1"},
      {&writer.meta_, "UPDATE meta SET last_rollout = ?1, last_epoch = ?2"},
      {&writer.last_line_, "SELECT coalesce(max(line), 0) FROM history WHERE child = ?1"},
      {&writer.history_,
       "INSERT INTO history (child, line, at, epoch, deliverable, phase, reason, cause)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
      {&writer.prune_, "DELETE FROM history WHERE child = ?1 AND line <= ?2"},
  };
  for (const auto& [statement, sql] : statements) {
    auto prepared = database.prepare(sql);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  return writer;
}

Result<void> Writer::put(const core::PutChild& row) {
  const core::Child& child = row.child;
  const std::string& id = child.enrollment.id;
  Statement& to = child_;
  to.bind(id, stored(child.last_seen));
  if (child.seen) {
    to.bind(core::name_of(child.seen->revert_class), child.seen->bootloader, child.seen->busy);
    child.seen->battery_percent ? to.bind(*child.seen->battery_percent) : to.bind(nullptr);
  } else {
    to.bind(nullptr, nullptr, nullptr, nullptr);
  }
  if (auto put = to.run(); !put) return put;
  if (auto put = put_floors(child); !put) return put;
  if (auto put = put_slots(child); !put) return put;
  return put_update(child);
}

Result<void> Writer::put_floors(const core::Child& child) {
  const std::string& id = child.enrollment.id;
  if (auto cleared = clear_floors_.run(id); !cleared) return cleared;
  for (const auto& [product, sequence] : child.floors)
    if (auto put = floor_.run(id, product, stored(sequence)); !put) return put;
  return {};
}

Result<void> Writer::put_slots(const core::Child& child) {
  const std::string& id = child.enrollment.id;
  if (auto cleared = clear_slots_.run(id); !cleared) return cleared;
  if (!child.seen) return {};
  std::int64_t position = 0;
  for (const core::Slot& slot : child.seen->slots) {
    auto put = slot_.run(id, position++, slot.image, slot.slot, slot.version, stored(slot.digest), slot.bootable,
                         slot.pending, slot.confirmed, slot.active, slot.permanent);
    if (!put) return put;
  }
  return {};
}

Result<void> Writer::put_update(const core::Child& child) {
  const std::string& id = child.enrollment.id;
  if (!child.update) return clear_update_.run(id);
  const core::Update& update = *child.update;
  return update_.run(id, stored(update.epoch), stored(update.rollout), update.deliverable, stored(update.image),
                     stored(update.before), stored(update.after), core::name_of(update.phase),
                     core::name_of(update.decision), core::name_of(update.order), update.orders, update.attempts,
                     stored(update.since), stored(update.until), core::name_of(update.cause.reason), update.cause.text);
}

Result<void> Writer::put(const core::PutDeliverable& row) {
  const core::Deliverable& what = row.deliverable;
  if (auto put = deliverable_.run(what.id, what.product, stored(what.sequence), what.version, what.signer, what.source,
                                  stored(what.sealed_at));
      !put) {
    return put;
  }
  if (auto cleared = clear_images_.run(what.id); !cleared) return cleared;
  std::int64_t position = 0;
  for (const core::Image& image : what.images) {
    auto put = image_.run(what.id, position++, image.component, stored(image.vendor), stored(image.device_class),
                          stored(image.digest), stored(image.size), image.version, stored(image.running_digest),
                          image.encrypted);
    if (!put) return put;
  }
  return {};
}

Result<void> Writer::put(const core::PutRollout& row) {
  const core::Rollout& rollout = row.rollout;
  const std::int64_t id = stored(rollout.id);
  if (auto put = meta_.run(stored(row.last_rollout), stored(row.last_epoch)); !put) return put;
  if (auto put = rollout_.run(id, rollout.deliverable, rollout.started_by, stored(rollout.started_at)); !put) {
    return put;
  }
  if (auto cleared = clear_rollout_children_.run(id); !cleared) return cleared;
  std::int64_t position = 0;
  for (const core::ChildId& child : rollout.children) {
    if (auto put = rollout_child_.run(id, position++, child); !put) return put;
  }
  return {};
}

Result<void> Writer::put(const core::PutHistory& row) {
  last_line_.bind(row.child);
  const auto found = last_line_.next();
  if (!found) return found.error();
  const std::int64_t line = last_line_.integer(0) + 1;
  last_line_.reset();
  auto put = history_.run(row.child, line, stored(row.at), stored(row.epoch), row.deliverable, core::name_of(row.phase),
                          core::name_of(row.cause.reason), row.cause.text);
  if (!put) return put;
  return prune_.run(row.child, line - std::int64_t{ports::Catalogue::kHistoryPerChild});
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
