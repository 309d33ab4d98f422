// SPDX-License-Identifier: Apache-2.0
#include "service/roster.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace hg::service {

namespace asio = boost::asio;

namespace {

/// Core knows the tier of a child only once it is enrolled, and a key that came earlier would stay.
Result<void> check_tier(const core::Enrollment& child, const core::ChildKeys& keys) {
  const std::uint8_t tier = child.protection.tier;
  for (const auto& [use, key] : keys)
    if (!core::tier_takes(tier, use, key.kind))
      return Error{Errc::mismatch, "child " + child.id + ": profile " + child.profile + " is of tier " +
                                       std::to_string(tier) + ", which has no " + std::string(core::name_of(key.kind)) +
                                       " key to " + std::string(core::name_of(use))};
  return {};
}

}  // namespace

Roster::Roster(asio::any_io_executor executor, Driver& driver, RosterPorts ports)
    : executor_(executor), driver_(driver), ports_(ports), tasks_(std::move(executor)) {
  ports_.transport.listen_for_strangers([this](ports::Transport::Meeting meeting) { met(std::move(meeting)); });
}

void Roster::configure(std::vector<core::Enrollment> children) {
  for (const core::Enrollment& old : configured_) {  // not State's: events of the last reload may still be in the queue
    if (std::ranges::find(children, old.id, &core::Enrollment::id) == children.end())
      driver_.post(core::ChildDropped{old.id});
  }
  configured_ = std::move(children);
  for (const core::Enrollment& child : configured_) driver_.post(core::ChildEnrolled{child});
  complete_registered();
  ports_.transport.enroll(configured_);
  if (!registered_.empty()) tell_plugins();
}

bool Roster::is_configured(const core::ChildId& child) const {
  return std::ranges::find(configured_, child, &core::Enrollment::id) != configured_.end();
}

Result<core::Enrollment> Roster::complete(const core::Registration& registration, const core::ChildKeys& keys) const {
  if (ports_.types == nullptr) return Error{Errc::unsupported, "children are enrolled by the configuration only"};
  const auto is_there = [&](const core::Enrollment& child) {
    return child.id != registration.id && child.transport == registration.transport &&
           child.address == registration.address;
  };
  if (const auto other = std::ranges::find_if(configured_, is_there); other != configured_.end())
    return Error{Errc::exists, "child " + registration.id + ": the configuration has child " + other->id + " at " +
                                   registration.transport + " " + registration.address};
  Result<core::Enrollment> completed = ports_.types->complete(registration);
  if (!completed) return completed;
  if (const Result<void> checked = check_tier(*completed, keys); !checked) return checked.error();
  return completed;
}

/// Profiles may have changed since; and what the configuration names now, a child or its place, is as it says.
void Roster::complete_registered() {
  registered_.clear();
  for (const auto& [id, child] : driver_.state().children) {
    if (!child.registration || is_configured(id)) continue;
    Result<core::Enrollment> completed = complete(*child.registration, {});
    if (!completed) {
      driver_.post(core::ChildDropped{id});  // it may have been served until now
      ports_.journal.write(ports::Level::error, {id, {}, {}},
                           "child " + id + " is enrolled and cannot be served: " + completed.error().message);
      continue;
    }
    driver_.post(core::ChildEnrolled{*completed});
    registered_.emplace(id, std::move(*completed));
  }
}

/// Once for all that came to be known meanwhile.
void Roster::tell_plugins() {
  if (std::exchange(*telling_, true)) return;
  asio::post(executor_, [this, telling = std::weak_ptr(telling_)] {
    const auto still_there = telling.lock();
    if (!still_there) return;
    *still_there = false;
    std::vector<core::Enrollment> all = configured_;
    for (const auto& [id, child] : registered_) all.push_back(child);
    ports_.transport.enroll(all);
  });
}

asio::awaitable<Result<void>> Roster::enroll(core::Registration registration, core::ChildKeys keys) {
  if (is_configured(registration.id))
    co_return Error{Errc::exists, "child " + registration.id + " is in the configuration"};
  Result<core::Enrollment> completed = complete(registration, keys);
  if (!completed) co_return completed.error();
  core::Event event = core::ChildRegistered{registration, std::move(keys)};
  const Result<core::RolloutId> durable = co_await driver_.ask(std::move(event));
  if (!durable) co_return durable.error();
  if (is_configured(registration.id)) co_return Result<void>{};  // since then: it is as the configuration says
  completed = complete(registration, {});                        // which may have changed since then
  if (!completed) co_return completed.error();
  driver_.post(core::ChildEnrolled{*completed});
  const core::ChildId id = completed->id;
  registered_.insert_or_assign(id, std::move(*completed));
  tell_plugins();
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Roster::forget(core::ChildId child, std::uint32_t uid) {
  if (is_configured(child))
    co_return Error{Errc::guard_failed, "child " + child + " is in the configuration: take it out there"};
  core::Event event = core::ChildUnregistered{child, uid};
  const Result<core::RolloutId> durable = co_await driver_.ask(std::move(event));
  if (!durable) co_return durable.error();
  registered_.erase(child);
  tell_plugins();
  co_return Result<void>{};
}

/// A name that somebody has already is refused by core: nobody takes another's place by calling himself so.
void Roster::met(ports::Transport::Meeting meeting) {
  const auto* met = std::get_if<core::ChildDiscovered>(&meeting);
  const bool is_stranger =
      met != nullptr && !is_configured(met->discovered.id) && !registered_.contains(met->discovered.id);
  if (is_stranger && ports_.types != nullptr)
    if (auto registration = ports_.types->by_policy(met->discovered, ports_.clock.now()))
      tasks_.spawn(enroll_by_policy(std::move(*registration)));
  std::visit([this](auto& said) { driver_.post(std::move(said)); }, meeting);
}

asio::awaitable<void> Roster::enroll_by_policy(core::Registration registration) {
  const std::string what = "policy " + registration.by + " would enroll " + registration.id;
  const Result<void> enrolled = co_await enroll(std::move(registration), {});
  if (!enrolled && enrolled.error().code != Errc::cancelled)
    ports_.journal.write(ports::Level::warning, {}, what + ": " + enrolled.error().message);
}

asio::awaitable<void> Roster::stop() {
  tasks_.cancel_all();
  co_await tasks_.join();
}

}  // namespace hg::service
