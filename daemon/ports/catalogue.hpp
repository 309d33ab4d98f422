// SPDX-License-Identifier: Apache-2.0
// The memory that survives a power cut. service/driver is its only writer. adapters/storage keeps it in SQLite.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "base/error.hpp"
#include "core/engine.hpp"

namespace hg::ports {

class Catalogue {
 public:
  virtual ~Catalogue() = default;

  /// Older lines of a child's history are dropped.
  static constexpr unsigned kHistoryPerChild = 1000;

  /// What was committed last; called once, at start. Children come without enrollment, offline and in doubt.
  [[nodiscard]] virtual Result<core::State> load() = 0;

  /// Writes all changes in one transaction, durable when it returns. On failure nothing is written, and the same
  /// changes may be tried again: Errc::no_space, Errc::busy, Errc::io.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> commit(std::vector<core::Change> changes) = 0;

  /// The newest `count` lines of a child's history, newest first.
  [[nodiscard]] virtual Result<std::vector<core::PutHistory>> history(const core::ChildId& child, unsigned count) = 0;
};

}  // namespace hg::ports
