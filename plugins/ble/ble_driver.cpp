// SPDX-License-Identifier: Apache-2.0
#include "ble/ble_driver.hpp"

#include <algorithm>
#include <utility>

#include "smp/recording.hpp"

namespace hg::ble {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectedWithin = 60s;  // for a delivery, which has no deadline as a whole
constexpr auto kAskAgain = 15s;         // an offer that waited in vain, and for each that waits before it
constexpr auto kAskAgainAtMost = 5min;

Error unreachable(Error error) {
  if (error.code != Errc::cancelled) error.code = Errc::unavailable;
  return error;
}

/// The longer the line, the later: a child that is asked again is connected to before, which costs the air of others.
plugin::Willingness ask_again(unsigned line) {
  const std::chrono::milliseconds wait = std::min<std::chrono::milliseconds>(kAskAgain * (1 + line), kAskAgainAtMost);
  return {wire::Willing::later, wait, "other transfers use its adapter"};
}

}  // namespace

Result<std::unique_ptr<BleDriver>> BleDriver::make(const plugin::Setup& setup, const std::string& software,
                                                   const std::string& bus, RadioSettings settings) {
  auto bluez = std::make_shared<Bluez>(setup.executor, bus, setup.log);
  auto radio =
      std::make_shared<Radio>(setup.executor, bluez, std::move(settings), Bonds(setup.state), setup.meet, setup.log);
  std::unique_ptr<BleDriver> driver(new BleDriver(bluez, radio));
  const auto open = [setup, radio,
                     links = driver->links_](const wire::Enroll& child) -> Result<std::shared_ptr<smp::RunningLink>> {
    auto values = link_settings_from(child);
    if (!values) return values.error();
    auto link =
        std::make_shared<BleLink>(setup.executor, std::move(*values), radio, setup.report, setup.radio, setup.log);
    (*links)[child.child] = link;
    link->start();
    return std::shared_ptr<smp::RunningLink>(std::move(link));
  };
  auto recorded = smp::with_recording(open, setup.record, software, setup.log);
  if (!recorded) return recorded.error();
  driver->smp_ = std::make_unique<smp::SmpDriver>(setup.executor, std::move(*recorded), setup.report, setup.state);
  radio->start();
  bluez->start();
  return driver;
}

BleDriver::BleDriver(std::shared_ptr<Bluez> bluez, std::shared_ptr<Radio> radio)
    : bluez_(std::move(bluez)), radio_(std::move(radio)), links_(std::make_shared<Links>()) {}

BleDriver::~BleDriver() {
  smp_.reset();
  radio_->close();
  bluez_->close();
}

// --------------------------------------------------------------------------------------------------------- children

void BleDriver::enroll(const wire::Enroll& child) {
  links_->erase(child.child);
  smp_->enroll(child);
  enrolled_.insert(child.child);
}

void BleDriver::forget(const std::string& child) {
  links_->erase(child);
  enrolled_.erase(child);
  smp_->forget(child);
  radio_->drop_bond(child);
}

void BleDriver::set_link_key(const std::string& child, plugin::LinkKey key) {
  const auto link = link_of(child);
  if (!link) return;
  const bool is_passkey = key.kind == plugin::LinkKeyKind::passkey;
  (*link)->set_passkey(is_passkey ? std::make_shared<const Secret>(std::move(key.secret)) : nullptr);
}

void BleDriver::all_are_enrolled() {
  for (const std::string& child : radio_->bonds().children()) {
    if (!enrolled_.contains(child)) radio_->drop_bond(child);
  }
}

Result<std::shared_ptr<BleLink>> BleDriver::link_of(const std::string& child) const {
  const auto found = links_->find(child);
  if (found == links_->end()) return Error{Errc::unavailable, "the child cannot be served: its values are wrong"};
  return found->second;
}

// ------------------------------------------------------------------------------------------------------------ steps

asio::awaitable<Result<BleLink::Hold>> BleDriver::hold(std::string child, SteadyTime deadline) {
  const auto link = link_of(child);
  if (!link) co_return link.error();
  const auto kept = *link;
  auto held = co_await kept->hold(deadline);
  if (!held) co_return unreachable(held.error());
  co_return held;
}

asio::awaitable<Result<wire::Seen>> BleDriver::inspect(plugin::Job job) {
  const auto held = co_await hold(job.child, job.deadline);
  if (!held) co_return held.error();
  co_return co_await smp_->inspect(std::move(job));
}

asio::awaitable<Result<plugin::Outcome>> BleDriver::deliver(plugin::Job job, wire::Deliver request,
                                                            plugin::ImageView image) {
  const auto link = link_of(job.child);
  if (!link) co_return link.error();
  const auto kept = *link;
  const auto turn = co_await kept->take_transfer(std::chrono::steady_clock::now() + kConnectedWithin);
  if (!turn) co_return unreachable(turn.error()).within("wait for the other transfers of its adapter");
  const auto held = co_await hold(job.child, std::chrono::steady_clock::now() + kConnectedWithin);
  if (!held) co_return held.error();
  co_return co_await smp_->deliver(std::move(job), std::move(request), std::move(image));
}

asio::awaitable<Result<plugin::Outcome>> BleDriver::activate(plugin::Job job, wire::Activate request) {
  const auto held = co_await hold(job.child, job.deadline);
  if (!held) co_return held.error();
  co_return co_await smp_->activate(std::move(job), std::move(request));
}

asio::awaitable<Result<plugin::Outcome>> BleDriver::confirm(plugin::Job job, wire::Confirm request) {
  const auto held = co_await hold(job.child, job.deadline);
  if (!held) co_return held.error();
  co_return co_await smp_->confirm(std::move(job), std::move(request));
}

asio::awaitable<Result<plugin::Outcome>> BleDriver::revert(plugin::Job job, wire::Revert request) {
  const auto held = co_await hold(job.child, job.deadline);
  if (!held) co_return held.error();
  co_return co_await smp_->revert(std::move(job), std::move(request));
}

asio::awaitable<Result<plugin::Willingness>> BleDriver::offer(plugin::Job job, wire::Offer request) {
  const auto link = link_of(job.child);
  if (!link) co_return link.error();
  const auto kept = *link;
  const SteadyTime now = std::chrono::steady_clock::now();
  const auto reserved = co_await kept->reserve_transfer(now + (job.deadline - now) / 2);
  if (!reserved && reserved.error().code == Errc::timed_out) co_return ask_again(kept->line_for_transfer());
  if (!reserved) co_return unreachable(reserved.error());
  const auto held = co_await hold(job.child, job.deadline);
  if (!held) {
    kept->give_up_transfer();
    co_return held.error();
  }
  auto answer = co_await smp_->offer(std::move(job), std::move(request));
  if (!answer || answer->willing != wire::Willing::yes) kept->give_up_transfer();
  co_return answer;
}

asio::awaitable<Result<plugin::Saved>> BleDriver::backup(plugin::Job job) {
  const auto held = co_await hold(job.child, job.deadline);
  if (!held) co_return held.error();
  co_return co_await smp_->backup(std::move(job));
}

asio::awaitable<Result<void>> BleDriver::restore(plugin::Job job, UniqueFd saved) {
  const auto held = co_await hold(job.child, job.deadline);
  if (!held) co_return held.error();
  co_return co_await smp_->restore(std::move(job), std::move(saved));
}

asio::awaitable<Result<Bytes>> BleDriver::identify(plugin::Job job, Bytes nonce) {
  const auto held = co_await hold(job.child, job.deadline);
  if (!held) co_return held.error();
  co_return co_await smp_->identify(std::move(job), std::move(nonce));
}

asio::awaitable<Result<void>> BleDriver::prove(plugin::Job job, Bytes proof) {
  const auto held = co_await hold(job.child, job.deadline);
  if (!held) co_return held.error();
  co_return co_await smp_->prove(std::move(job), std::move(proof));
}

}  // namespace hg::ble
