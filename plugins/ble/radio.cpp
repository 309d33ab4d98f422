// SPDX-License-Identifier: Apache-2.0
#include "ble/radio.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

namespace hg::ble {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 1s;
constexpr auto kBetweenLooks = 100ms;
constexpr auto kLookAtLeast = 30s;   // also when nothing changes: strangers go by not being heard
constexpr auto kAnswerWithin = 10s;  // bluetoothd, to what it does by itself
constexpr auto kAfterFailure = 5s;   // before an adapter is told again to listen
constexpr auto kBackWithin = 24h;    // bluetoothd, when a bond is to be removed

bool is_of(const AdapterSeen& adapter, const BleAddress& child) {
  return child.adapter.empty() || child.adapter == adapter.name || child.adapter == adapter.address;
}

}  // namespace

Radio::Radio(asio::any_io_executor executor, std::shared_ptr<Bluez> bluez, RadioSettings settings, Bonds bonds,
             plugin::MeetingReport meet, plugin::Log log)
    : executor_(std::move(executor)),
      bluez_(std::move(bluez)),
      settings_(std::move(settings)),
      bonds_(std::move(bonds)),
      strangers_(std::move(meet)),
      log_(std::move(log)),
      timer_(executor_),
      soon_(executor_) {}

void Radio::start() {
  const auto changed = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look_soon();
  };
  bluez_->when_changed(changed);
  last_tick_ = std::chrono::steady_clock::now();
  tick_later();
}

void Radio::close() {
  is_closed_ = true;
  timer_.cancel();
  soon_.cancel();
  bluez_->when_changed({});
}

void Radio::seek(const std::shared_ptr<Sought>& child) {
  sought_.insert_or_assign(child->name(), Seeking{child, Sight(std::chrono::steady_clock::now()), 0, {}});
  look_again();
}

void Radio::leave(const std::string& child) {
  sought_.erase(child);
}

void Radio::lost(const std::string& child) {
  const auto found = sought_.find(child);
  if (found != sought_.end()) found->second.sight.lost(std::chrono::steady_clock::now());
  look();
}

// ---------------------------------------------------------------------------------------------------------- looking

void Radio::look_again() {
  const auto later = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look();
  };
  asio::post(executor_, later);
}

/// At most one look in kBetweenLooks, however many advertise.
void Radio::look_soon() {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now - last_look_ >= kBetweenLooks) return look();
  if (std::exchange(is_looking_soon_, true)) return;
  soon_.expires_at(last_look_ + kBetweenLooks);
  const auto then = [weak = weak_from_this()](boost::system::error_code failure) {
    const auto self = weak.lock();
    if (!self) return;
    self->is_looking_soon_ = false;
    if (!failure) self->look();
  };
  soon_.async_wait(then);
}

void Radio::look() {
  if (is_closed_) return;
  const SteadyTime now = last_look_ = std::chrono::steady_clock::now();
  const std::vector<std::string> all_taken = taken();
  std::set<std::string> children;
  std::vector<std::pair<std::string, std::shared_ptr<Sought>>> alive;
  for (const auto& [name, seeking] : sought_) alive.emplace_back(name, seeking.child.lock());
  for (const auto& [name, child] : alive) {  // a look may lead to leave()
    const auto found = sought_.find(name);
    if (found == sought_.end() || !child) continue;
    look_at(found->second, *child, all_taken, now);
    const auto still = sought_.find(name);
    if (still != sought_.end() && !still->second.device.empty()) children.insert(still->second.device);
  }
  strangers_.look(bluez_->objects(), children, now);
  listen_as_needed(now);
}

void Radio::look_at(Seeking& seeking, Sought& child, const std::vector<std::string>& taken, SteadyTime now) {
  const auto device = device_of(child.address(), child.bonded_address(), taken, bluez_->objects(), settings_.adapters);
  if (!device) {
    seeking.device.clear();
    const bool is_only_forgotten =
        device.error().code == Errc::not_found && has_adapter(child.address(), bluez_->objects(), settings_.adapters);
    if (seeking.sight.is_in_sight() && !is_only_forgotten) seeking.sight.lost(now);
  } else {
    const bool is_other = seeking.device != device->path;
    const bool was_heard = device->rssi && (is_other || device->heard != seeking.heard);
    if (was_heard || device->connected) seeking.sight.heard(now);
    seeking.device = device->path;
    seeking.heard = device->heard;
  }
  const bool is_in_sight = seeking.sight.is_in_sight();
  child.look(device, is_in_sight);
}

std::vector<std::string> Radio::taken() const {
  std::vector<std::string> taken;
  for (const auto& [name, seeking] : sought_) {
    const auto child = seeking.child.lock();
    if (!child) continue;
    if (!child->address().address.empty()) taken.push_back(child->address().address);
    if (std::string bonded = child->bonded_address(); !bonded.empty()) taken.push_back(std::move(bonded));
  }
  return taken;
}

// -------------------------------------------------------------------------------------------------------- listening

void Radio::tick_later() {
  timer_.expires_after(kTick);
  const auto next = [weak = weak_from_this()](boost::system::error_code failure) {
    const auto self = weak.lock();
    if (!failure && self && !self->is_closed_) self->tick();
  };
  timer_.async_wait(next);
}

void Radio::tick() {
  const SteadyTime now = std::chrono::steady_clock::now();
  const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(now - std::exchange(last_tick_, now));
  bool has_gone = false;
  for (auto& [name, seeking] : sought_) {
    const auto child = seeking.child.lock();
    if (!child || child->is_connected() || !is_listened_for(child->address())) continue;
    const bool was_in_sight = seeking.sight.is_in_sight();
    seeking.sight.listened(time, now);
    has_gone = has_gone || (was_in_sight && !seeking.sight.is_in_sight());
  }
  if (has_gone || now - last_look_ >= kLookAtLeast) {
    look();
  } else {
    listen_as_needed(now);
  }
  tick_later();
}

bool Radio::is_listened_for(const BleAddress& child) const {
  return std::ranges::any_of(adapters_, [this, &child](const auto& entry) {
    const AdapterSeen* const seen = bluez_->objects().adapter(entry.first);
    return seen != nullptr && entry.second.is_listening && is_of(*seen, child);
  });
}

ScanPlan::Needs Radio::needs_of(const AdapterSeen& seen, const Adapter& adapter, SteadyTime now) const {
  ScanPlan::Needs needs;
  needs.has_transfers = adapter.transfers.taken() > 0;
  for (const auto& [name, seeking] : sought_) {
    const auto child = seeking.child.lock();
    if (!child || child->is_connected()) continue;
    if (!is_of(seen, child->address())) continue;
    const bool is_missed = seeking.sight.is_missed(now) || (child->is_wanted() && seeking.device.empty());
    needs.is_missed = needs.is_missed || is_missed;
    needs.is_stale = needs.is_stale || (seeking.sight.is_in_sight() && seeking.sight.is_stale(now));
    needs.has_long_missing = needs.has_long_missing || (!seeking.sight.is_in_sight() && !is_missed);
  }
  return needs;
}

void Radio::listen_as_needed(SteadyTime now) {
  const auto& shown = bluez_->objects().adapters();
  std::erase_if(adapters_, [&shown](const auto& entry) { return !shown.contains(entry.first); });
  for (const auto& [path, seen] : shown) {
    if (!is_allowed(seen, settings_.adapters)) continue;
    Adapter& adapter = adapter_at(path);
    if (!seen.powered) adapter.is_listening = false;  // bluetoothd has ended it
    if (!seen.powered || adapter.is_changing || now < adapter.not_before) continue;
    const bool wants = adapter.plan.wants_to_listen(needs_of(seen, adapter, now), now);
    if (wants == adapter.is_listening) continue;
    adapter.is_changing = true;
    asio::co_spawn(executor_, change_listening(shared_from_this(), path, wants), asio::detached);
  }
}

asio::awaitable<void> Radio::change_listening(std::shared_ptr<Radio> self, std::string path, bool listens) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + kAnswerWithin;
  Result<void> done;
  if (listens) {
    done = co_await self->bluez_->start_discovery(path, std::string(kSmpService), deadline);
  } else {
    done = co_await self->bluez_->stop_discovery(path, deadline);
  }
  const auto found = self->adapters_.find(path);
  if (found == self->adapters_.end()) co_return;
  Adapter& adapter = found->second;
  adapter.is_changing = false;
  adapter.is_listening = listens == done.has_value();  // what was not ended goes on
  if (done) co_return;
  adapter.not_before = std::chrono::steady_clock::now() + kAfterFailure;
  if (listens) self->log_(path + ": cannot listen for children: " + done.error().message);
}

Radio::Adapter& Radio::adapter_at(const std::string& path) {
  return adapters_.try_emplace(path, executor_, settings_).first->second;
}

// ----------------------------------------------------------------------------------------------------------- places

asio::awaitable<Result<std::shared_ptr<void>>> Radio::connection(std::string adapter, SteadyTime deadline) {
  look_again();  // when it waits already: those that nobody uses see that somebody does
  co_return co_await adapter_at(adapter).connections.take(deadline);
}

asio::awaitable<Result<std::shared_ptr<void>>> Radio::transfer(std::string adapter, SteadyTime deadline) {
  co_return co_await adapter_at(adapter).transfers.take(deadline);
}

unsigned Radio::line_for_transfer(const std::string& adapter) const {
  const auto found = adapters_.find(adapter);
  return found == adapters_.end() ? 0 : found->second.transfers.waiting() / settings_.transfers;
}

bool Radio::is_crowded(const std::string& adapter) const {
  const auto found = adapters_.find(adapter);
  return found != adapters_.end() && found->second.connections.waiting() > 0;
}

// ------------------------------------------------------------------------------------------------------------ bonds

void Radio::drop_bond(const std::string& child) {
  const auto bond = bonds_.load(child);
  if (!bond || !dropping_.insert(child + '\n' + text_of(*bond)).second) return;
  asio::co_spawn(executor_, drop(shared_from_this(), child, *bond), asio::detached);
}

asio::awaitable<void> Radio::drop(std::shared_ptr<Radio> self, std::string child, Bond bond) {
  const auto& objects = self->bluez_->objects();
  const auto has_adapter = [&objects, &bond] {
    return std::ranges::any_of(objects.adapters(),
                               [&bond](const auto& entry) { return entry.second.address == bond.adapter; });
  };
  const SteadyTime deadline = std::chrono::steady_clock::now() + kBackWithin;
  Result<void> done = Error{Errc::unavailable, "no such adapter"};
  while (!self->is_closed_ && std::chrono::steady_clock::now() < deadline) {
    const auto there = co_await self->bluez_->until(has_adapter, deadline);
    if (!there && there.error().code != Errc::unavailable) break;
    asio::steady_timer pause(self->executor_, kAfterFailure);
    if (!there) {
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    std::string adapter;
    std::string device;
    for (const auto& [path, seen] : objects.devices()) {
      const AdapterSeen* const its = objects.adapter(seen.adapter);
      if (seen.address == bond.address && its != nullptr && its->address == bond.adapter) {
        adapter = seen.adapter;
        device = path;
      }
    }
    done = Result<void>{};
    const SteadyTime soon = std::chrono::steady_clock::now() + kAnswerWithin;
    if (!device.empty()) done = co_await self->bluez_->remove_device(adapter, device, soon);
    if (done) break;
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  self->dropping_.erase(child + '\n' + text_of(bond));
  if (!done) co_return;  // it stays remembered, and the next start tries again
  if (self->bonds_.load(child) == bond) self->bonds_.remove(child);  // and not one made since
  self->log_(child + ": its bond is removed");
}

}  // namespace hg::ble
