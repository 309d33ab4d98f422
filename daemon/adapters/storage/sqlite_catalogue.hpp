// SPDX-License-Identifier: Apache-2.0
// The catalogue in an SQLite file. Writes run on a thread of their own, one transaction for each commit(); reads use
// a second connection on the caller's thread. It decides nothing: what the rows mean is core's. Made by app, written
// to by service/driver.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "ports/catalogue.hpp"
#include "ports/journal.hpp"

namespace hg::storage {

class SqliteCatalogue final : public ports::Catalogue {
 public:
  /// Opens or makes catalogue.db in an existing directory, checks it, and brings its schema up to date; blocks for as
  /// long as that takes (some ms; tens of ms for each 10 MB of check). Errc::unsupported: written by a newer headgate;
  /// Errc::invalid: not ours, or damaged, and the text says what to do; Errc::no_space, Errc::busy, Errc::io.
  /// `journal` outlives this.
  static Result<std::unique_ptr<SqliteCatalogue>> open(const std::filesystem::path& state_directory,
                                                       ports::Journal& journal);
  /// Waits for a commit that is under way.
  ~SqliteCatalogue() override;

  [[nodiscard]] Result<core::State> load() override;

  /// On ENOSPC the reserve is given up and the same transaction is tried once more before Errc::no_space is answered.
  /// Cancellation does not stop a commit that has begun.
  [[nodiscard]] boost::asio::awaitable<Result<void>> commit(std::vector<core::Change> changes) override;

  [[nodiscard]] Result<std::vector<core::PutHistory>> history(const core::ChildId& child, unsigned count) override;

 private:
  struct Parts;
  explicit SqliteCatalogue(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace hg::storage
