// SPDX-License-Identifier: Apache-2.0
// Keeps a snapshot in step with the signals and says in words what each signal was. `monitor` and `rollout start
// --wait` follow with it until they have seen enough.
#pragma once

#include <map>

#include "ctl/screen.hpp"
#include "ctl/session.hpp"
#include "ctl/snapshot.hpp"

namespace hg::ctl {

/// An update that ended: JobRemoved.
struct Ended {
  std::string job;  ///< its path
  std::string child;
  std::string result;
  boost::json::object details;
};

class Follower {
 public:
  /// Listens first and looks then, so that nothing is missed.
  static Result<Follower> begin(Client& client);

  /// The next signal, taken into the snapshot already; nothing when none came until `until`.
  Result<std::optional<Signal>> next(SteadyTime until);

  /// What a signal says, for people: a line, or nothing when it is not worth one. Every tenth of a transfer is one
  /// where no bars are drawn.
  std::optional<std::string> line_of(const Signal& signal, bool with_progress);
  [[nodiscard]] std::string line_of_job(const boost::json::object& job) const;
  [[nodiscard]] std::optional<Ended> ended(const Signal& signal) const;

  [[nodiscard]] const Snapshot& snapshot() const { return snapshot_; }
  /// The jobs that have not ended.
  [[nodiscard]] std::vector<std::string> running_jobs() const;
  /// One bar for each of those that `rollout` (a path; empty: any) has.
  [[nodiscard]] std::vector<Bar> bars(const std::string& rollout = {}) const;

 private:
  Follower(Client& client, Snapshot snapshot) : client_(&client), snapshot_(std::move(snapshot)) {}
  std::optional<std::string> line_of_change(const Signal& signal, bool with_progress);
  std::optional<std::string> line_of_progress(const Signal& signal, const boost::json::object& job);

  Client* client_;
  Snapshot snapshot_;
  std::map<std::string, std::uint64_t> tenths_;  // of the jobs' transfers, said so far
};

}  // namespace hg::ctl
