// SPDX-License-Identifier: Apache-2.0
// Floor 2's daemon: service::Gateway as it is, on the fleet's virtual time. What people ask goes the way of the bus,
// deliverables come as envelopes from a cloud that is away at times, groups come and go with the configuration. Disk,
// blobs and cloud outlive it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>

#include "fakes/counting_lock.hpp"
#include "fakes/memory_blobs.hpp"
#include "fakes/memory_catalogue.hpp"
#include "fakes/memory_web.hpp"
#include "fakes/names_ring.hpp"
#include "fakes/queued_announcements.hpp"
#include "fakes/recording_journal.hpp"
#include "service/gateway.hpp"
#include "sim/daemon.hpp"
#include "sim/service/cloud.hpp"
#include "sim/service/fragile_catalogue.hpp"
#include "sim/service/plugin_host.hpp"
#include "sim/service/timeline_clock.hpp"

namespace hg::sim {

class ServiceDaemon final : public Daemon, private ports::Watcher {
 public:
  explicit ServiceDaemon(const Surroundings& in);
  ~ServiceDaemon() override;

  void start(const Population& people) override;
  void die() override;
  void strike(const std::function<void()>& kill) override;
  void post(core::Event event) override;
  void answered(const Job& job, core::StepAnswer&& answer) override;
  [[nodiscard]] const core::State& state() const override;
  [[nodiscard]] std::string waiting() const override;
  [[nodiscard]] std::uint64_t events() const override { return batches_; }

 private:
  struct Life;
  /// A rollout that somebody wants: of what, and whether it has been asked for in this life.
  struct Wanted {
    core::RolloutRequested request;
    bool is_asked = false;
  };

  // The watcher.
  void changed(const core::State& state, std::span<const core::Change> changes,
               std::span<const core::ChildId> touched) override;
  void progressed(const core::ChildId&, core::Epoch, std::uint64_t, std::uint64_t) override {}
  void troubled(const std::string& text) override;

  void run_dry();
  void configure(const core::GroupId& but = {});
  void bring(const core::Deliverable& deliverable);
  bool ask_for_rollouts();
  boost::asio::awaitable<void> roll_out(core::DeliverableId name, core::RolloutRequested request);
  boost::asio::awaitable<void> carry_out(core::Event request);
  void said(const std::string& what, const std::string& refusal);

  Surroundings in_;
  TimelineClock clock_;
  fakes::MemoryCatalogue disk_;
  FragileCatalogue catalogue_;
  fakes::MemoryBlobs blobs_;
  fakes::MemoryWeb web_;
  fakes::RecordingJournal journal_;
  fakes::NamesMaker rings_;
  const Population* people_ = nullptr;
  Duration web_is_back_{0};
  std::map<core::DeliverableId, Wanted> wanted_;  // by the name that the operator gives it

  std::unique_ptr<Life> life_;  // null: it is dead
  std::uint64_t lives_ = 0;
  std::uint64_t batches_ = 0;
  core::State last_;  // as the last batch left it, and as those who act on it have it
  bool is_running_dry_ = false;
};

}  // namespace hg::sim
