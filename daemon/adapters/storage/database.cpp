// SPDX-License-Identifier: Apache-2.0
#include "adapters/storage/database.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <limits>

namespace hg::storage {
namespace {

constexpr int kBusyTimeoutMs = 2000;

// cell_size_check and trusted_schema: a damaged or planted file must not make SQLite do more than fail.
constexpr const char* kSettings =
    "PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA mmap_size = 0;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -1024;"             // KiB
    "PRAGMA journal_size_limit = 4194304;";  // bytes that the WAL keeps after a checkpoint

Errc errc_of(int code, int system_errno) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Errc::no_space;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Errc::busy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::invalid;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
      return Errc::internal;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return system_errno == ENOSPC || system_errno == EDQUOT ? Errc::no_space : Errc::io;
    default:
      return Errc::io;
  }
}

Error error_of(sqlite3* database, int code) {
  const int system_errno = sqlite3_system_errno(database);
  std::string text = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  text.append(" (").append(sqlite3_errstr(code)).append(", code ").append(std::to_string(code));
  if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN) {
    text.append(", ").append(std::strerror(system_errno));
  }
  return Error{errc_of(code, system_errno), text.append(")")};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bound_ = 0;
  failed_ = SQLITE_OK;
}

void Statement::bind_integer(std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), ++bound_, value);
  if (failed_ == SQLITE_OK) failed_ = code;
}

void Statement::bind_text(std::string_view value) {
  // SQLite copies: values are small, and the caller's may be temporary. A null pointer would bind NULL.
  const char* const data = value.data() != nullptr ? value.data() : "";
  const int code = sqlite3_bind_text64(statement_.get(), ++bound_, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (failed_ == SQLITE_OK) failed_ = code;
}

void Statement::bind_null() {
  const int code = sqlite3_bind_null(statement_.get(), ++bound_);
  if (failed_ == SQLITE_OK) failed_ = code;
}

Result<bool> Statement::next() {
  sqlite3* const database = sqlite3_db_handle(statement_.get());
  const int code = failed_ != SQLITE_OK ? failed_ : sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  Error error = error_of(database, code);
  reset();
  return error;
}

Result<void> Statement::finish() {
  for (;;) {
    const auto row = next();
    if (!row) return row.error();
    if (!*row) return {};
  }
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* const text = sqlite3_column_text(statement_.get(), column);
  if (text == nullptr) return {};
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return {reinterpret_cast<const char*>(text), size};
}

std::string_view Statement::name(int column) const {
  const char* const name = sqlite3_column_name(statement_.get(), column);
  return name != nullptr ? name : "";
}

void Database::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Result<Database> Database::open(const std::filesystem::path& file, Access access) {
  sqlite3* handle = nullptr;
  const int flags = access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(file.c_str(), &handle,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return error_of(handle, code);
  if (auto ready = database.set_up(access); !ready) return ready.error();
  return database;
}

Result<void> Database::set_up(Access access) {
  sqlite3_busy_timeout(database_.get(), kBusyTimeoutMs);
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (auto set = execute(kSettings); !set) return set;
  if (access == Access::read_only) return {};
  const auto mode = text("PRAGMA journal_mode = WAL");
  if (!mode) return mode.error();
  if (*mode != "wal") return Error{Errc::io, "the file system cannot hold a write-ahead log"};
  return execute("PRAGMA synchronous = FULL");
}

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(database_.get(), code);
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error_of(database_.get(), code);
  return Statement(statement);
}

Result<std::int64_t> Database::integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->next();
  if (!row) return row.error();
  return *row ? statement->integer(0) : 0;
}

Result<std::string> Database::text(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->next();
  if (!row) return row.error();
  return std::string(*row ? statement->text(0) : "");
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

Result<Transaction> Transaction::begin(Database& database) {
  // IMMEDIATE: a busy database is met here and not in the middle.
  if (auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  return Transaction(database);
}

Transaction::~Transaction() {
  // Some errors (full, I/O) have rolled back already.
  if (database_ != nullptr && database_->in_transaction()) (void)database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  return database_->execute("COMMIT");
}

}  // namespace hg::storage
