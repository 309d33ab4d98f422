// SPDX-License-Identifier: Apache-2.0
// A thin owner of one SQLite connection and of its prepared statements: values in, values out, errors as Result. It
// knows no table. A Database and its Statements belong to one thread at a time. Called by SqliteCatalogue.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace hg::storage {

/// A prepared statement. Must not outlive its Database.
class Statement {
 public:
  Statement() = default;

  /// Binds the next parameters in order: integers, bool, text, nullptr, or one of them as an optional. A failure is
  /// told by run() or next().
  template <class... Arguments>
  void bind(const Arguments&... arguments) {
    (bind_one(arguments), ...);
  }

  /// Binds the rest of the parameters, runs to the end, and is ready for the next run.
  template <class... Arguments>
  [[nodiscard]] Result<void> run(const Arguments&... arguments) {
    bind(arguments...);
    return finish();
  }

  /// Forgets the row and the parameters. Done by run(), and by next() after the last row.
  void reset();

  /// Whether there is one more row. After the last row, or an error, the statement is reset: no lock is kept.
  [[nodiscard]] Result<bool> next();

  /// Of the current row.
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  /// Valid until the next call.
  [[nodiscard]] std::string_view text(int column) const;
  /// The column's name, for messages.
  [[nodiscard]] std::string_view name(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  Result<void> finish();
  void bind_integer(std::int64_t value);
  void bind_text(std::string_view value);
  void bind_null();

  template <class T>
  void bind_one(const std::optional<T>& value) {
    value ? bind_one(*value) : bind_null();
  }
  template <class T>
  void bind_one(const T& value) {
    if constexpr (std::is_null_pointer_v<T>) {
      bind_null();
    } else if constexpr (std::integral<T>) {
      bind_integer(static_cast<std::int64_t>(value));
    } else {
      bind_text(value);
    }
  }

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
  int failed_ = 0;  // first code that a bind returned
};

class Database {
 public:
  enum class Access { read_write, read_only };

  /// Opens, or makes, the file, with the settings that every connection of ours has. WAL, synchronous=FULL: a commit
  /// is on the disk when it returns. Errc::invalid: damaged or not a database; Errc::io, Errc::no_space, Errc::busy.
  static Result<Database> open(const std::filesystem::path& file, Access access);

  /// One or several statements without results.
  [[nodiscard]] Result<void> execute(const char* sql);

  /// The statement is expected to be run many times.
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);

  /// The first column of the only row.
  [[nodiscard]] Result<std::int64_t> integer(std::string_view sql);
  [[nodiscard]] Result<std::string> text(std::string_view sql);

  /// Whether a transaction was begun and is neither committed nor rolled back.
  [[nodiscard]] bool in_transaction() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}
  Result<void> set_up(Access access);

  std::unique_ptr<sqlite3, Close> database_;
};

/// Begun on construction, rolled back on destruction unless committed. begin() first.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(other.database_) { other.database_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  [[nodiscard]] Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace hg::storage
