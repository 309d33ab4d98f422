// SPDX-License-Identifier: Apache-2.0
#include "service/roster.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace hg::service {

namespace asio = boost::asio;

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

Result<core::Enrollment> Roster::complete(const core::Registration& registration) const {
  if (ports_.types == nullptr) return Error{Errc::unsupported, "children are enrolled by the configuration only"};
  return ports_.types->complete(registration);
}

/// Profiles may have changed since; and a child that the configuration names now is as the configuration says.
void Roster::complete_registered() {
  registered_.clear();
  for (const auto& [id, child] : driver_.state().children) {
    if (!child.registration || is_configured(id)) continue;
    Result<core::Enrollment> completed = complete(*child.registration);
    if (!completed) {
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
  Result<core::Enrollment> completed = complete(registration);
  if (!completed) co_return completed.error();
  if (is_configured(registration.id))
    co_return Error{Errc::exists, "child " + registration.id + " is in the configuration"};
  core::Event event = core::ChildRegistered{std::move(registration), std::move(keys)};
  const Result<core::RolloutId> durable = co_await driver_.ask(std::move(event));
  if (!durable) co_return durable.error();
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
