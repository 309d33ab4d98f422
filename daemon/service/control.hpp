// SPDX-License-Identifier: Apache-2.0
// What an operator may ask, answered by driver, ingest and deliver. The bus calls it after the caller was authorized.
#pragma once

#include "core/urgency.hpp"
#include "ports/announcements.hpp"
#include "ports/blobs.hpp"
#include "ports/catalogue.hpp"
#include "ports/control.hpp"
#include "ports/key_safe.hpp"
#include "service/deliver.hpp"
#include "service/driver.hpp"
#include "service/ingest.hpp"
#include "service/roster.hpp"

namespace hg::service {

class Control final : public ports::Control {
 public:
  /// All outlive it.
  struct Parts {
    Driver& driver;
    Ingest& ingest;
    const Deliver& deliver;
    const RootKeeper& roots;
    TrustRecords& records;
    Roster& roster;
    ports::Catalogue& catalogue;
    const ports::Announcements& announcements;
    const ports::Blobs& blobs;
    const ports::Clock& clock;
    ports::Journal& journal;
    const ports::Transport& transport;
    ports::KeySafe* key_safe;         ///< null: this gateway has no key of its own
    const ports::Counters* counters;  ///< null: nobody counts
  };

  Control(Parts parts, core::UrgencyLimits urgency) : parts_(parts), urgency_(urgency) {}

  [[nodiscard]] const core::State& state() const override { return parts_.driver.state(); }
  [[nodiscard]] ports::TransferProgress progress(core::Epoch epoch) const override {
    return parts_.deliver.progress(epoch);
  }
  [[nodiscard]] boost::asio::awaitable<Result<core::RolloutId>> start_rollout(core::RolloutRequested request) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> close_rollout(core::RolloutId rollout, std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> form_group(core::Group group, std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> dissolve_group(core::GroupId group, std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<core::RolloutId>> repair_group(core::GroupId group,
                                                                             std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> resolve_split(core::SplitResolved resolved) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> declare_baseline(core::DeliverableId deliverable,
                                                                      std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> abort(core::Epoch epoch) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> import(std::string url) override {
    return parts_.ingest.take_in(std::move(url));
  }
  [[nodiscard]] boost::asio::awaitable<Result<std::string>> import_envelope(Bytes envelope, std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<std::string>> import_record(Bytes record, std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> register_child(core::Registration registration,
                                                                    std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> unregister_child(core::ChildId child, std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<Digest>> set_child_key(core::ChildId child, core::KeyUse use,
                                                                     std::string name, Bytes material,
                                                                     std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> revoke_child_key(core::ChildId child, core::KeyUse use,
                                                                      std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> replace_board(core::ChildId child, std::uint32_t uid) override;
  [[nodiscard]] std::optional<ports::Radio> radio(const core::ChildId& child) const override {
    return parts_.transport.radio(child);
  }
  [[nodiscard]] ports::Counts counts() const override {
    return parts_.counters == nullptr ? ports::Counts{} : parts_.counters->now();
  }
  [[nodiscard]] ports::Trust trust() const override { return parts_.roots.show(); }
  [[nodiscard]] std::string urgency(const core::Deliverable& deliverable) const override {
    return std::string(core::name_of(core::urgency_of(deliverable.priority, urgency_)));
  }
  [[nodiscard]] Result<std::vector<core::PutHistory>> history(const core::ChildId& child, unsigned count) override {
    return parts_.catalogue.history(child, count);
  }
  [[nodiscard]] std::vector<ports::Arrival> arrivals() const override { return parts_.ingest.arrivals().list(); }
  [[nodiscard]] bool cloud_connected() const override { return parts_.announcements.connected(); }
  [[nodiscard]] std::uint64_t cache_used() const override { return parts_.blobs.used(); }
  [[nodiscard]] std::uint64_t cache_limit() const override { return parts_.blobs.limit(); }

 private:
  [[nodiscard]] Result<void> check_signers(const core::DeliverableId& id) const;
  boost::asio::awaitable<Result<void>> carry_out(core::Event request, std::string what, std::uint32_t uid);

  Parts parts_;
  core::UrgencyLimits urgency_;
};

}  // namespace hg::service
