// SPDX-License-Identifier: Apache-2.0
#include "service/control.hpp"

namespace hg::service {

namespace asio = boost::asio;

/// A key may have been taken away, or have ended, since its deliverable was sealed: what begins now is judged now.
Result<void> Control::check_signers(const core::DeliverableId& id) const {
  const auto found = state().deliverables.find(id);
  if (found == state().deliverables.end()) return {};  // core answers that
  const core::Deliverable& deliverable = found->second;
  std::vector<std::string> components;
  for (const core::Image& image : deliverable.images) components.push_back(image.component);
  const Result<void> may =
      parts_.roots.authority().may_release(deliverable.signers, deliverable.product, components, parts_.roots.time());
  if (!may) return may.error().within("deliverable " + id + " may no longer be released");
  return {};
}

asio::awaitable<Result<core::RolloutId>> Control::start_rollout(core::RolloutRequested request) {
  if (const Result<void> may = check_signers(request.deliverable); !may) co_return may.error();
  core::Event event = std::move(request);
  co_return co_await parts_.driver.ask(std::move(event));
}

asio::awaitable<Result<void>> Control::close_rollout(core::RolloutId rollout, std::uint32_t uid) {
  core::Event request = core::RolloutClosed{rollout, uid};
  const Result<core::RolloutId> done = co_await parts_.driver.ask(std::move(request));
  if (!done) co_return done.error();
  co_return Result<void>{};
}

/// Who changed what is written down: the state does not say it of these.
asio::awaitable<Result<void>> Control::carry_out(core::Event request, std::string what, std::uint32_t uid) {
  const Result<core::RolloutId> done = co_await parts_.driver.ask(std::move(request));
  if (!done) co_return done.error();
  parts_.journal.write(ports::Level::notice, {}, what + " by uid " + std::to_string(uid));
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Control::form_group(core::Group group, std::uint32_t uid) {
  if (state().groups.contains(group.id)) co_return Error{Errc::exists, "there is a group " + group.id + " already"};
  std::string what = "group " + group.id + " made";
  core::Event request = core::GroupFormed{std::move(group)};
  co_return co_await carry_out(std::move(request), std::move(what), uid);
}

/// One of the configuration would be there again after the next start.
asio::awaitable<Result<void>> Control::dissolve_group(core::GroupId group, std::uint32_t uid) {
  const auto known = state().groups.find(group);
  if (known != state().groups.end() && known->second.is_configured)
    co_return Error{Errc::guard_failed, "group " + group + " is in the configuration: take it out there"};
  std::string what = "group " + group + " dissolved";
  core::Event request = core::GroupDissolved{std::move(group)};
  co_return co_await carry_out(std::move(request), std::move(what), uid);
}

/// What a group has committed is always allowed again: nobody is asked who signed it.
asio::awaitable<Result<core::RolloutId>> Control::repair_group(core::GroupId group, std::uint32_t uid) {
  core::Event request = core::RepairRequested{std::move(group), uid};
  co_return co_await parts_.driver.ask(std::move(request));
}

asio::awaitable<Result<void>> Control::resolve_split(core::SplitResolved resolved) {
  const std::uint32_t uid = resolved.uid;
  std::string what = "split of group " + resolved.group + ", child " + resolved.child + ", resolved";
  core::Event request = std::move(resolved);
  co_return co_await carry_out(std::move(request), std::move(what), uid);
}

asio::awaitable<Result<void>> Control::declare_baseline(core::DeliverableId deliverable, std::uint32_t uid) {
  if (const Result<void> may = check_signers(deliverable); !may) co_return may.error();
  std::string what = "deliverable " + deliverable + " declared the baseline";
  core::Event request = core::BaselineDeclared{std::move(deliverable), uid};
  co_return co_await carry_out(std::move(request), std::move(what), uid);
}

asio::awaitable<Result<void>> Control::abort(core::Epoch epoch) {
  core::Event request = core::UpdateAborted{epoch};
  const Result<core::RolloutId> done = co_await parts_.driver.ask(std::move(request));
  if (!done) co_return done.error();
  co_return Result<void>{};
}

asio::awaitable<Result<std::string>> Control::import_envelope(Bytes envelope, std::uint32_t uid) {
  Result<std::string> url = co_await parts_.ingest.take_in_brought(std::move(envelope));
  if (url) parts_.journal.write(ports::Level::notice, {}, *url + " was brought by uid " + std::to_string(uid));
  co_return url;
}

asio::awaitable<Result<std::string>> Control::import_record(Bytes record, std::uint32_t uid) {
  Result<std::string> kind = co_await parts_.records.take(std::move(record));
  const std::string who = "imported by uid " + std::to_string(uid);
  if (kind)
    parts_.journal.write(ports::Level::notice, {}, *kind + " " + who + ": accepted");
  else
    parts_.journal.write(ports::Level::warning, {}, "trust record " + who + ": refused: " + kind.error().message);
  co_return kind;
}

asio::awaitable<Result<void>> Control::register_child(core::Registration registration, std::uint32_t uid) {
  registration.origin = core::Origin::command;
  registration.by = "uid " + std::to_string(uid);
  registration.at = parts_.clock.now();
  if (registration.targets.empty()) registration.targets = {{"app", 0}};
  const std::string what = "child " + registration.id + " enrolled by " + registration.by;
  const Result<void> enrolled = co_await parts_.roster.enroll(std::move(registration), {});
  if (enrolled) parts_.journal.write(ports::Level::notice, {}, what);
  co_return enrolled;
}

asio::awaitable<Result<void>> Control::unregister_child(core::ChildId child, std::uint32_t uid) {
  const std::string what = "child " + child + " forgotten by uid " + std::to_string(uid);
  const Result<void> forgotten = co_await parts_.roster.forget(std::move(child), uid);
  if (forgotten) parts_.journal.write(ports::Level::notice, {}, what);
  co_return forgotten;
}

asio::awaitable<Result<Digest>> Control::set_child_key(core::ChildId child, core::KeyUse use, std::string name,
                                                       Bytes material, std::uint32_t uid) {
  if (parts_.key_safe == nullptr) {
    wipe(material);
    co_return Error{Errc::unsupported,
                    "this gateway has no key of its own, so that it could use none of a child: set "
                    "keys.gateway_credential"};
  }
  Result<core::ChildKey> key = parts_.key_safe->take_child_key(child, use, std::move(name), material);
  wipe(material);
  if (!key) co_return key.error().within("key of child " + child);
  key->since = parts_.clock.now();
  key->set_by = uid;
  const Digest id = key->id;
  std::string what = "child " + child + ": key " + id.hex() + " to " + std::string(core::name_of(use)) + " set";
  core::Event request = core::ChildKeySet{std::move(child), std::move(*key)};
  const Result<void> done = co_await carry_out(std::move(request), std::move(what), uid);
  if (!done) co_return done.error();
  co_return id;
}

asio::awaitable<Result<void>> Control::revoke_child_key(core::ChildId child, core::KeyUse use, std::uint32_t uid) {
  std::string what = "child " + child + ": key to " + std::string(core::name_of(use)) + " revoked";
  core::Event request = core::ChildKeyRevoked{std::move(child), use, uid};
  co_return co_await carry_out(std::move(request), std::move(what), uid);
}

asio::awaitable<Result<void>> Control::replace_board(core::ChildId child, std::uint32_t uid) {
  std::string what = "child " + child + ": board replaced";
  core::Event request = core::BoardReplaced{std::move(child), uid};
  co_return co_await carry_out(std::move(request), std::move(what), uid);
}

}  // namespace hg::service
