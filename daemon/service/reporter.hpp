// SPDX-License-Identifier: Apache-2.0
// Writes one journal line for each change of an update's phase, each deliverable that was sealed, each trust record
// that was accepted or used, and each link that came or went: for whom, and why. A Watcher; app makes it.
#pragma once

#include <map>

#include "ports/journal.hpp"
#include "ports/watcher.hpp"

namespace hg::service {

class Reporter final : public ports::Watcher {
 public:
  explicit Reporter(ports::Journal& journal) : journal_(journal) {}

  void changed(const core::State& state, std::span<const core::Change> changes,
               std::span<const core::ChildId> touched) override;
  void progressed(const core::ChildId&, core::Epoch, std::uint64_t, std::uint64_t) override {}
  void troubled(const std::string&) override {}  // the driver has written that line

 private:
  void report(const core::State& state, const core::PutHistory& line);
  void report_link(const core::Child& child);

  ports::Journal& journal_;
  std::map<core::ChildId, bool> online_;  // what was written last, so that a line is written once
};

}  // namespace hg::service
