// SPDX-License-Identifier: Apache-2.0
// A gateway without a gateway: the state of core's own types, changed by a test's script, and told to a watcher as the
// driver would tell it. Requests are taken by the same rules as the real one's where a face can see them (which error
// for what); how an update goes on is the script's business. Used by the tests of the bus.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ports/clock.hpp"
#include "ports/control.hpp"
#include "ports/watcher.hpp"

namespace hg::fakes {

class ScriptedControl : public ports::Control {
 public:
  explicit ScriptedControl(const ports::Clock& clock) : clock_(clock) {}

  // ---------------------------------------------------------------------------------------------------- the script

  ports::Watcher* watcher = nullptr;
  /// The answer to the next requests, if set.
  std::optional<Error> refusal;
  bool connected = true;
  std::uint64_t used = 1000;

  std::vector<core::RolloutRequested> started;
  std::vector<core::RolloutId> closed;
  std::vector<core::Epoch> aborted;
  std::vector<core::SplitResolved> resolved;
  std::vector<Bytes> records;
  ports::Trust trusted{3, {{"anna", {"root", "author"}, {"acme/"}, {}, {}, true}}, {}, true};
  std::vector<std::string> imported;
  std::vector<Bytes> envelopes;
  struct SetKey {
    core::ChildId child;
    core::KeyUse use;
    std::string name;
    Bytes material;
    std::uint32_t uid;
  };
  std::vector<core::Registration> registered;
  std::vector<SetKey> keys_set;
  ports::Counts counted{7, 6, 5, 4, 3};
  std::map<core::ChildId, ports::Radio> radios{};
  std::map<core::Epoch, ports::TransferProgress> transfers;
  std::vector<ports::Arrival> announced;

  void enroll(const core::ChildId& id, std::uint8_t device_class = 1) {
    core::Child& child = state_.children[id];
    child.enrollment = {.id = id,
                        .transport = "serial",
                        .address = "/dev/" + id,
                        .profile = "mcuboot-swap",
                        .vendor = {},
                        .device_class = {device_class},
                        .link = core::LinkProtection::internal,
                        .patience = {}};
    child.enrolled = true;
    child.online = true;
    child.last_seen = clock_.now();
    core::Slot slot{.version = "1.0.0", .digest = *Digest::from_text(std::string(64, 'a')), .bootable = true};
    slot.active = slot.confirmed = true;
    core::Inspection& seen = child.seen.emplace();
    seen.slots = {slot};
    seen.revert_class = core::RevertClass::self_reverting;
    seen.bootloader = "MCUboot mode 3";
    tell({core::PutChild{child}});
  }

  void seal(const core::DeliverableId& id, const std::string& version = "2.0.0", std::uint8_t device_class = 1) {
    const core::Image image{.component = "app",
                            .device_class = {device_class},
                            .digest = *Digest::from_text(std::string(64, 'b')),
                            .size = 100'000,
                            .version = version,
                            .running_digest = {}};
    core::Deliverable& deliverable = state_.deliverables[id];
    deliverable = {.id = id,
                   .product = "boiler",
                   .sequence = 7,
                   .version = version,
                   .signers = {"vendor"},
                   .source = "https://vendor.example/x",
                   .sealed_at = clock_.now(),
                   .images = {image}};
    tell({core::PutDeliverable{deliverable}});
  }

  /// A plugin has met it, or lost sight of it: nothing of that is written.
  void meet(core::Discovered met) {
    state_.discovered[met.id] = std::move(met);
    if (watcher != nullptr) watcher->changed(state_, {}, {});
  }
  void lose_sight_of(const core::ChildId& id) {
    state_.discovered.erase(id);
    if (watcher != nullptr) watcher->changed(state_, {}, {});
  }

  /// Its image is what enrolled children report.
  void runs_from_factory(const core::DeliverableId& id) {
    state_.deliverables.at(id).images.front().running_digest = *Digest::from_text(std::string(64, 'a'));
  }

  void accept(const core::Head& head) {
    state_.heads[head.channel] = head;
    tell({core::PutHead{head}});
  }

  void accept(const core::Permit& permit) {
    state_.permits[permit.id] = permit;
    tell({core::PutPermit{permit}});
  }

  core::Child& child(const core::ChildId& id) { return state_.children.at(id); }
  /// Nothing of it is written: watchers hear who was touched.
  void reach(const core::ChildId& id, core::Gate gate) {
    state_.children.at(id).gate = gate;
    if (watcher != nullptr) watcher->changed(state_, {}, std::vector{id});
  }

  core::Group& group(const core::GroupId& id) { return state_.groups.at(id); }

  /// What the configuration says products are made of.
  void lay_out(std::vector<core::Layout> layouts) { (void)take(core::LayoutsSaid{std::move(layouts)}); }
  void form(core::Group group) { (void)take(core::GroupFormed{std::move(group)}); }

  /// What the test did to a child is committed.
  void commit(const core::ChildId& id) {
    const core::Child& row = child(id);
    core::PutHistory line{.at = clock_.now(), .child = id, .deliverable = {}, .cause = {}};
    if (row.update) {
      line.epoch = row.update->epoch;
      line.deliverable = row.update->deliverable;
      line.phase = row.update->phase;
      line.cause = row.update->cause;
      history_.push_back(line);
    }
    tell({core::PutChild{row}, line});
  }

  void move(const core::ChildId& id, core::Phase phase, core::Cause cause = {}) {
    core::Update& update = *child(id).update;
    update.phase = phase;
    update.cause = std::move(cause);
    update.since = clock_.now();
    if (phase == core::Phase::activating) update.decision = core::Decision::activate;
    if (phase == core::Phase::confirmed) {
      update.decision = core::Decision::commit;
      child(id).seen->slots.front().version = state_.deliverables.at(update.deliverable).version;
    }
    commit(id);
  }

  void transfer(const core::ChildId& id, std::uint64_t done, std::uint64_t total) {
    const core::Epoch epoch = child(id).update->epoch;
    transfers[epoch] = {done, total};
    if (watcher != nullptr) watcher->progressed(id, epoch, done, total);
  }

  // -------------------------------------------------------------------------------------------------------- Control

  [[nodiscard]] const core::State& state() const override { return state_; }

  [[nodiscard]] ports::TransferProgress progress(core::Epoch epoch) const override {
    const auto known = transfers.find(epoch);
    return known == transfers.end() ? ports::TransferProgress{} : known->second;
  }

  [[nodiscard]] boost::asio::awaitable<Result<core::RolloutId>> start_rollout(core::RolloutRequested request) override {
    started.push_back(request);
    if (refusal) co_return *refusal;
    if (!state_.deliverables.contains(request.deliverable)) co_return Error{Errc::not_found, "no such deliverable"};
    if (request.children.empty() && request.groups.empty()) request.children = all_that_fit(request.deliverable);
    for (const core::GroupId& group : request.groups)
      for (const core::Member& member : state_.groups.at(group).members) request.children.push_back(member.child);
    if (request.children.empty()) co_return Error{Errc::mismatch, "it fits no child"};
    for (const core::ChildId& id : request.children) {
      const auto& update = child(id).update;
      if (update && !core::is_over(*update) && update->decision != core::Decision::none) {
        co_return Error{Errc::busy, id + " is being activated"};
      }
    }
    co_return make_rollout(request);
  }

  // What is asked about groups and baselines is answered by core itself.

  [[nodiscard]] boost::asio::awaitable<Result<void>> form_group(core::Group group, std::uint32_t) override {
    if (state_.groups.contains(group.id)) co_return Error{Errc::exists, "there is a group " + group.id};
    co_return take(core::GroupFormed{std::move(group)});
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> dissolve_group(core::GroupId group, std::uint32_t) override {
    co_return take(core::GroupDissolved{std::move(group)});
  }

  [[nodiscard]] boost::asio::awaitable<Result<core::RolloutId>> repair_group(core::GroupId group,
                                                                             std::uint32_t uid) override {
    const auto taken = take(core::RepairRequested{std::move(group), uid});
    if (taken.has_error()) co_return taken.error();
    co_return state_.last_rollout;
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> resolve_split(core::SplitResolved request) override {
    resolved.push_back(request);
    co_return take(std::move(request));
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> declare_baseline(core::DeliverableId deliverable,
                                                                      std::uint32_t uid) override {
    co_return take(core::BaselineDeclared{std::move(deliverable), uid});
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> close_rollout(core::RolloutId rollout, std::uint32_t) override {
    closed.push_back(rollout);
    if (refusal) co_return *refusal;
    co_return Result<void>{};
  }

  /// The first byte says what it is.
  [[nodiscard]] boost::asio::awaitable<Result<std::string>> import_record(Bytes record, std::uint32_t) override {
    records.push_back(record);
    if (refusal) co_return *refusal;
    if (record.empty()) co_return Error{Errc::invalid, "no trust record"};
    co_return record.front() == 'h' ? "head" : "permit";
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> register_child(core::Registration registration,
                                                                    std::uint32_t uid) override {
    if (refusal) co_return *refusal;
    if (registration.transport != "serial" && registration.transport != "udp")
      co_return Error{Errc::not_found, "there is no transport \"" + registration.transport + '"'};
    if (state_.children.contains(registration.id)) co_return Error{Errc::exists, "there is a child " + registration.id};
    registration.origin = core::Origin::command;
    registration.by = "uid " + std::to_string(uid);
    registered.push_back(registration);
    state_.discovered.erase(registration.id);
    state_.children[registration.id].registration = registration;
    enroll(registration.id);
    co_return Result<void>{};
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> unregister_child(core::ChildId id, std::uint32_t) override {
    if (refusal) co_return *refusal;
    if (!child(id).registration) co_return Error{Errc::guard_failed, "the configuration names child " + id};
    core::Child& gone = child(id);
    gone.registration.reset();
    gone.keys.clear();
    gone.enrolled = gone.online = false;
    tell({core::PutChild{gone}});
    co_return Result<void>{};
  }

  /// A secret is what has no PEM about it.
  [[nodiscard]] boost::asio::awaitable<Result<Digest>> set_child_key(core::ChildId id, core::KeyUse use,
                                                                     std::string name, Bytes material,
                                                                     std::uint32_t uid) override {
    keys_set.push_back({id, use, name, material, uid});
    wipe(material);
    if (refusal) co_return *refusal;
    const Bytes& said = keys_set.back().material;
    const bool is_public = std::string(said.begin(), said.end()).starts_with("-----BEGIN");
    core::ChildKey key{.use = use,
                       .kind = is_public ? core::KeyKind::p256 : core::KeyKind::psk,
                       .id = *Digest::from_text(std::string(64, is_public ? '5' : '6')),
                       .name = std::move(name),
                       .value = said,
                       .since = clock_.now(),
                       .set_by = uid};
    child(id).keys[use] = key;
    tell({core::PutChild{child(id)}});
    co_return key.id;
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> revoke_child_key(core::ChildId id, core::KeyUse use,
                                                                      std::uint32_t) override {
    if (refusal) co_return *refusal;
    if (child(id).keys.erase(use) == 0) co_return Error{Errc::not_found, id + " has no key for this use"};
    tell({core::PutChild{child(id)}});
    co_return Result<void>{};
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> replace_board(core::ChildId id, std::uint32_t) override {
    if (refusal) co_return *refusal;
    child(id).keys.clear();
    child(id).committed.clear();
    tell({core::PutChild{child(id)}});
    co_return Result<void>{};
  }

  [[nodiscard]] std::optional<ports::Radio> radio(const core::ChildId& child) const override {
    const auto found = radios.find(child);
    return found == radios.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] ports::Counts counts() const override { return counted; }

  [[nodiscard]] ports::Trust trust() const override { return trusted; }
  [[nodiscard]] std::string urgency(const core::Deliverable& deliverable) const override {
    return deliverable.priority ? "emergency" : "minor";
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> abort(core::Epoch epoch) override {
    aborted.push_back(epoch);
    if (refusal) co_return *refusal;
    for (auto& [id, row] : state_.children) {
      if (!row.update || row.update->epoch != epoch || core::is_over(*row.update)) continue;
      if (row.update->decision == core::Decision::commit) co_return Error{Errc::busy, "committed already"};
      move(id, core::Phase::cancelled, {core::Reason::aborted, "withdrawn by the operator"});
      co_return Result<void>{};
    }
    co_return Error{Errc::not_found, "no such update"};
  }

  [[nodiscard]] boost::asio::awaitable<Result<void>> import(std::string url) override {
    imported.push_back(url);
    if (refusal) co_return *refusal;
    co_return Result<void>{};
  }

  [[nodiscard]] boost::asio::awaitable<Result<std::string>> import_envelope(Bytes envelope, std::uint32_t) override {
    envelopes.push_back(std::move(envelope));
    if (refusal) co_return *refusal;
    co_return "import:" + std::to_string(envelopes.size());
  }

  [[nodiscard]] Result<std::vector<core::PutHistory>> history(const core::ChildId& id, unsigned count) override {
    std::vector<core::PutHistory> lines;
    for (auto line = history_.rbegin(); line != history_.rend() && lines.size() < count; ++line) {
      if (line->child == id) lines.push_back(*line);
    }
    return lines;
  }

  [[nodiscard]] std::vector<ports::Arrival> arrivals() const override { return announced; }
  [[nodiscard]] bool cloud_connected() const override { return connected; }
  [[nodiscard]] std::uint64_t cache_used() const override { return used; }
  [[nodiscard]] std::uint64_t cache_limit() const override { return 4'000'000; }

 private:
  [[nodiscard]] std::vector<core::ChildId> all_that_fit(const core::DeliverableId& deliverable) const {
    const core::Image& image = state_.deliverables.at(deliverable).images.front();
    std::vector<core::ChildId> ids;
    for (const auto& [id, row] : state_.children) {
      if (row.enrollment.device_class == image.device_class) ids.push_back(id);
    }
    return ids;
  }

  core::RolloutId make_rollout(const core::RolloutRequested& request) {
    const core::RolloutId number = ++state_.last_rollout;
    core::Rollout& rollout = state_.rollouts[number];
    rollout = {.id = number,
               .deliverable = request.deliverable,
               .children = request.children,
               .started_by = request.uid,
               .started_at = clock_.now(),
               .approved = request.approved,
               .forced = request.forced};
    std::vector<core::Change> changes{core::PutRollout{rollout}};
    for (const core::ChildId& id : request.children) {
      const bool is_of_group = std::ranges::find(request.groups, child(id).group) != request.groups.end();
      child(id).update = core::Update{.epoch = ++state_.last_epoch,
                                      .rollout = number,
                                      .deliverable = request.deliverable,
                                      .parts = {},
                                      .since = clock_.now(),
                                      .cause = {},
                                      .group = is_of_group ? child(id).group : core::GroupId{}};
      changes.emplace_back(core::PutChild{child(id)});
    }
    tell(changes);
    return number;
  }

  Result<void> take(const core::Event& event) {
    if (refusal) return *refusal;
    const core::Output out = core::apply(state_, event, clock_.now());
    if (out.refusal) return *out.refusal;
    if (watcher != nullptr) watcher->changed(state_, out.changes, out.touched);
    return {};
  }

  void tell(const std::vector<core::Change>& changes) {
    if (watcher != nullptr) watcher->changed(state_, changes, {});
  }

  const ports::Clock& clock_;
  core::State state_;
  std::vector<core::PutHistory> history_;
};

}  // namespace hg::fakes
