// SPDX-License-Identifier: Apache-2.0
#include "sim/service/service_daemon.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <stdexcept>

#include "sim/service/floor.hpp"

namespace hg::sim {

namespace asio = boost::asio;

namespace {

constexpr Duration kSync{5};
constexpr Duration kPiece{20};  // of a download
constexpr std::uint64_t kBreaksWithin = 30'000;

template <class T>
std::string refusal_of(const Result<T>& result) {
  return result ? std::string() : result.error().message;
}

/// A bug ends the run, not the simulation of it.
void rethrow(const std::exception_ptr& thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

/// One run of the process. Destroying it is a SIGKILL.
struct ServiceDaemon::Life {
  explicit Life(ServiceDaemon& of)
      : host(
            loop.get_executor(), of.in_, of.lives_,
            [&of](const core::Action& action, bool has_order) {
              of.in_.history.add(of.in_.time.elapsed(), action.child, core::name_of(action.step));
              of.in_.invariants.started(action, of.last_, of.disk_.durable(), has_order, of.in_.time);
            },
            [&of](const core::ChildId& child) { of.in_.invariants.inspected(child, of.catalogue_.is_under_way); }),
        gateway(loop.get_executor(),
                service::GatewayPorts{of.catalogue_, of.blobs_, of.web_, announcements, inspector, host, of.clock_,
                                      of.journal_, of.rings_, nullptr, nullptr, nullptr, nullptr, &shutdown_lock},
                service::GatewaySettings{}) {}

  asio::io_context loop{1};
  fakes::QueuedAnnouncements announcements;
  fakes::CountingLock shutdown_lock;
  ImageInspector inspector;
  PluginHost host;
  service::Gateway gateway;
};

ServiceDaemon::ServiceDaemon(const Surroundings& in)
    : in_(in),
      clock_(in.time, [this] { run_dry(); }),
      disk_(&clock_, kSync),
      catalogue_(in.time, disk_),
      web_(&clock_, kPiece) {
  disk_.full_while([this] { return in_.disk.is_full; });
  blobs_.full_while([this] { return in_.disk.is_full; });
  web_.away_while([this] { return in_.faults.cloud_outage > Duration{0} && in_.time.elapsed() < web_is_back_; });
}

ServiceDaemon::~ServiceDaemon() = default;

std::unique_ptr<Daemon> make_service(const Surroundings& surroundings) {
  return std::make_unique<ServiceDaemon>(surroundings);
}

// --------------------------------------------------------------------------------------------------- life and death

void ServiceDaemon::start(const Population& people) {
  people_ = &people;
  ++lives_;
  in_.history.add(in_.time.elapsed(), "daemon", "starts");
  life_ = std::make_unique<Life>(*this);
  life_->gateway.watch(*this);
  service::TrustSource source;
  source.author_keys.push_back(trust::draft::key("anna", {trust::Role::author}));
  if (const auto recovered = life_->gateway.recover(source); !recovered)
    throw std::runtime_error(recovered.error().message);
  last_ = life_->gateway.control().state();
  in_.invariants.resumed(last_);
  asio::co_spawn(life_->loop, life_->gateway.run(), rethrow);
  configure();
  for (auto& [name, wanted] : wanted_) {  // the broker says again what nobody has taken
    wanted.is_asked = false;
    life_->announcements.announce(url_of(name));
  }
  run_dry();
}

void ServiceDaemon::die() {
  in_.history.add(in_.time.elapsed(), "daemon", disk_.is_committing() ? "dies in a commit" : "dies");
  last_ = life_->gateway.control().state();
  life_.reset();
  catalogue_.spare();
  catalogue_.is_under_way = false;
  disk_.cut_power(in_.random.is_lucky(500) ? fakes::MemoryCatalogue::Unsynced::dropped
                                           : fakes::MemoryCatalogue::Unsynced::kept);
  in_.link.lose_daemon(in_.random.is_lucky(500));
}

void ServiceDaemon::strike(const std::function<void()>& kill) {
  const std::uint64_t lot = in_.random.below(3);
  if (lot == 0) return kill();
  catalogue_.kill_in_commit(lot == 1 ? FragileCatalogue::Moment::before : FragileCatalogue::Moment::after, kill);
}

/// Until nobody in it is ready.
void ServiceDaemon::run_dry() {
  if (is_running_dry_ || !life_) return;
  is_running_dry_ = true;
  do {
    do {
      life_->loop.restart();
    } while (life_->loop.poll() > 0);
  } while (ask_for_rollouts());
  is_running_dry_ = false;
}

// ------------------------------------------------------------------------------------------------ what it is asked

/// All of the configuration, without one group.
void ServiceDaemon::configure(const core::GroupId& but) {
  std::vector<core::Group> groups = people_->groups;
  std::erase_if(groups, [&](const core::Group& group) { return group.id == but; });
  life_->gateway.enroll(people_->enrollments, people_->layouts, std::move(groups));
}

void ServiceDaemon::post(core::Event event) {
  if (auto* change = std::get_if<core::LinkChanged>(&event))
    life_->host.link_changed(std::move(*change));
  else if (const auto* sealed = std::get_if<core::DeliverableSealed>(&event))
    bring(sealed->deliverable);
  else if (auto* request = std::get_if<core::RolloutRequested>(&event))
    wanted_[request->deliverable] = {*request};
  else if (const auto* dissolved = std::get_if<core::GroupDissolved>(&event))
    configure(dissolved->group);
  else if (std::holds_alternative<core::GroupFormed>(event))
    configure();
  else
    asio::co_spawn(life_->loop, carry_out(std::move(event)), rethrow);
  run_dry();
}

/// It is announced at once; but the servers may be away, or the line break on the way.
void ServiceDaemon::bring(const core::Deliverable& deliverable) {
  publish(web_, deliverable, people_->layouts);
  if (in_.faults.cloud_outage > Duration{0}) {
    if (in_.random.is_lucky(300))
      web_is_back_ = in_.time.elapsed() + in_.random.between(Duration{0}, in_.faults.cloud_outage);
    if (in_.random.is_lucky(300)) web_.fail_next({in_.random.below(kBreaksWithin)});
  }
  life_->announcements.announce(url_of(deliverable.id));
}

/// Of what has come in. True: there was one.
bool ServiceDaemon::ask_for_rollouts() {
  bool has_asked = false;
  for (auto& [name, wanted] : wanted_) {
    if (wanted.is_asked) continue;
    const auto& deliverables = life_->gateway.control().state().deliverables;
    const std::string url = url_of(name);
    const auto known =
        std::ranges::find_if(deliverables, [&](const auto& entry) { return entry.second.source == url; });
    if (known == deliverables.end()) continue;
    wanted.is_asked = has_asked = true;
    core::RolloutRequested request = wanted.request;
    request.deliverable = known->first;
    asio::co_spawn(life_->loop, roll_out(name, std::move(request)), rethrow);
  }
  return has_asked;
}

asio::awaitable<void> ServiceDaemon::roll_out(core::DeliverableId name, core::RolloutRequested request) {
  const Result<core::RolloutId> begun = co_await life_->gateway.control().start_rollout(std::move(request));
  if (begun && !disk_.durable().rollouts.contains(*begun))
    in_.history.wrong(in_.time.elapsed(), "operator", "is told of a rollout that is not durable");
  said("the rollout of " + name, refusal_of(begun));
  wanted_.erase(name);
}

asio::awaitable<void> ServiceDaemon::carry_out(core::Event request) {
  ports::Control& control = life_->gateway.control();
  if (const auto* aborted = std::get_if<core::UpdateAborted>(&request)) {
    const Result<void> done = co_await control.abort(aborted->epoch);
    said("an abort", refusal_of(done));
  } else if (const auto* resolved = std::get_if<core::SplitResolved>(&request)) {
    const core::SplitResolved split = *resolved;
    const Result<void> done = co_await control.resolve_split(split);
    said("a way out of split", refusal_of(done));
  } else if (const auto* repair = std::get_if<core::RepairRequested>(&request)) {
    const Result<core::RolloutId> done = co_await control.repair_group(repair->group, 0);
    said("a repair", refusal_of(done));
  } else {
    throw std::logic_error("the operator asked for what no bus has");
  }
}

void ServiceDaemon::said(const std::string& what, const std::string& refusal) {
  in_.history.add(in_.time.elapsed(), "operator", what + (refusal.empty() ? " is taken" : " is refused: " + refusal));
}

std::string ServiceDaemon::waiting() const {
  return wanted_.empty() ? std::string() : wanted_.begin()->first + " has not come in, or its rollout not begun";
}

// ---------------------------------------------------------------------------------------------- what is seen of it

void ServiceDaemon::answered(const Job& job, core::StepAnswer&& answer) {
  if (!life_) return;
  life_->host.answered(job, std::move(answer));
  run_dry();
}

const core::State& ServiceDaemon::state() const {
  return life_ ? life_->gateway.control().state() : last_;
}

void ServiceDaemon::changed(const core::State& state, std::span<const core::Change> changes,
                            std::span<const core::ChildId>) {
  ++batches_;
  catalogue_.is_under_way = false;
  in_.invariants.observed(last_, state, changes, in_.time);
  in_.invariants.committed(state, disk_.durable(), in_.invariants.touched(), in_.time);
  for (const auto& [id, child] : state.children)
    if (child.update && !child.update->backup.empty() && !core::is_over(*child.update) &&
        !blobs_.has(child.update->backup))
      in_.history.wrong(in_.time.elapsed(), id, "what was saved of it is not kept");
  last_ = state;
}

void ServiceDaemon::troubled(const std::string& text) {
  in_.history.add(in_.time.elapsed(), "gateway", text.empty() ? "is well again" : text);
}

}  // namespace hg::sim
