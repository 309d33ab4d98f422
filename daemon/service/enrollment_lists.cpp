// SPDX-License-Identifier: Apache-2.0
#include "service/enrollment_lists.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace hg::service {

namespace asio = boost::asio;

namespace {

static_assert(static_cast<int>(core::KeyUse::wrap) == static_cast<int>(trust::ListedUse::wrap));
static_assert(static_cast<int>(core::KeyUse::identify) == static_cast<int>(trust::ListedUse::identify));
static_assert(static_cast<int>(core::KeyUse::link) == static_cast<int>(trust::ListedUse::link));

core::Registration registration_of(const trust::ListedChild& child, const std::string& by, Instant now) {
  core::Registration registration;
  registration.id = child.id;
  registration.transport = child.transport;
  registration.address = child.address;
  registration.profile = child.profile;
  registration.vendor = child.vendor;
  registration.device_class = child.device_class;
  for (const trust::ListedTarget& target : child.targets)
    registration.targets.emplace_back(target.component, target.image_number);
  if (registration.targets.empty()) registration.targets = {{"app", 0}};
  registration.origin = core::Origin::list;
  registration.by = by;
  registration.at = now;
  return registration;
}

/// The groups that the list names, each with the children that it names for them.
std::map<core::GroupId, core::Group> groups_in(const trust::EnrollmentList& list) {
  std::map<core::GroupId, core::Group> groups;
  for (const trust::ListedChild& child : list.children) {
    if (!child.membership) continue;
    core::Group& group = groups[child.membership->group];
    group.id = child.membership->group;
    group.layout = child.membership->layout;
    group.members.push_back({child.membership->role, child.id});
  }
  return groups;
}

}  // namespace

asio::awaitable<Result<void>> EnrollmentLists::take(trust::EnrollmentList list, std::string signers) {
  if (std::exchange(*taking_, true))
    co_return Error{Errc::busy, "another enrollment list is being taken: bring it again"};
  const std::shared_ptr<void> until_done(nullptr, [taking = taking_](void*) { *taking = false; });
  co_return co_await take_alone(std::move(list), std::move(signers));
}

asio::awaitable<Result<void>> EnrollmentLists::take_alone(trust::EnrollmentList list, std::string signers) {
  if (const Result<void> known = check_memberships(list); !known) co_return known.error();
  auto newcomers = co_await read(list, signers);
  if (!newcomers) co_return newcomers.error();
  const Result<void> applied = co_await apply(list, std::move(*newcomers));
  if (!applied) co_return applied.error();
  const Result<void> formed = co_await form_groups(list);
  if (!formed) co_return formed.error();
  core::Event taken = core::EnrollmentListTaken{list.name, list.version};
  const Result<core::RolloutId> durable = co_await driver_.ask(std::move(taken));
  if (!durable) co_return durable.error();
  journal_.write(ports::Level::notice, {},
                 "enrollment list " + list.name + ", version " + std::to_string(list.version) + ", signed by " +
                     signers + ": " + std::to_string(list.children.size()) + " children enrolled, " +
                     std::to_string(list.forgets.size()) + " forgotten");
  co_return Result<void>{};
}

Result<void> EnrollmentLists::check_memberships(const trust::EnrollmentList& list) const {
  for (const trust::ListedChild& child : list.children) {
    if (!child.membership) continue;
    const auto layout = driver_.state().layouts.find(child.membership->layout);
    const std::string whose = "child " + child.id + ": ";
    if (layout == driver_.state().layouts.end())
      return Error{Errc::not_found, whose + "the configuration has no layout " + child.membership->layout};
    if (std::ranges::find(layout->second.roles, child.membership->role, &core::Role::name) ==
        layout->second.roles.end())
      return Error{Errc::not_found,
                   whose + "layout " + child.membership->layout + " has no role " + child.membership->role};
  }
  return {};
}

asio::awaitable<Result<std::vector<EnrollmentLists::Newcomer>>> EnrollmentLists::read(trust::EnrollmentList list,
                                                                                      std::string signers) const {
  std::vector<Newcomer> newcomers;
  const std::string by = "list " + list.name + " " + std::to_string(list.version) + ", signed by " + signers;
  for (const trust::ListedChild& child : list.children) {
    if (roster_.is_configured(child.id)) {
      journal_.write(ports::Level::warning, {child.id, {}, {}},
                     "child " + child.id + " is in the configuration: what " + by + " says of it is passed over");
      continue;
    }
    core::Registration registration = registration_of(child, by, clock_.now());
    auto keys = co_await keys_of(child);
    if (!keys) co_return keys.error().within("child " + child.id);
    if (const auto completed = roster_.complete(registration, *keys); !completed) co_return completed.error();
    newcomers.emplace_back(std::move(registration), std::move(*keys));
  }
  co_return newcomers;
}

asio::awaitable<Result<core::ChildKeys>> EnrollmentLists::keys_of(trust::ListedChild child) const {
  core::ChildKeys keys;
  for (const trust::ListedKey& listed : child.keys) {
    if (safe_ == nullptr)
      co_return Error{Errc::unsupported, "this gateway has no key of its own, so that it could use none of a child"};
    const auto use = static_cast<core::KeyUse>(listed.use);
    auto key = co_await safe_->take_listed_key(child.id, use, listed.name, listed.public_half, listed.wrapped_secret);
    if (!key) co_return key.error().within("key to " + std::string(core::name_of(use)));
    key->since = clock_.now();
    keys.emplace(use, std::move(*key));
  }
  co_return keys;
}

/// One that fails leaves the others alone: a list of a thousand is not held up by one that is in an update.
asio::awaitable<Result<void>> EnrollmentLists::apply(const trust::EnrollmentList& list,
                                                     std::vector<Newcomer> newcomers) {
  std::optional<Error> first;
  for (const core::ChildId& child : list.forgets) {
    const Result<void> forgotten = co_await roster_.forget(child, 0);
    if (!forgotten && forgotten.error().code != Errc::not_found && !first) first = forgotten.error();
  }
  for (auto& [registration, keys] : newcomers) {
    const core::ChildId id = registration.id;
    const Result<void> enrolled = co_await roster_.enroll(std::move(registration), std::move(keys));
    if (!enrolled && !first) first = enrolled.error().within("child " + id);
  }
  if (first) co_return *first;
  co_return Result<void>{};
}

/// A group that is there stays as it is: it may be in the middle of something.
asio::awaitable<Result<void>> EnrollmentLists::form_groups(const trust::EnrollmentList& list) {
  for (auto& [id, group] : groups_in(list)) {
    if (driver_.state().groups.contains(id)) continue;
    core::Event formed = core::GroupFormed{group};
    const Result<core::RolloutId> durable = co_await driver_.ask(std::move(formed));
    if (!durable) co_return durable.error();
  }
  co_return Result<void>{};
}

}  // namespace hg::service
