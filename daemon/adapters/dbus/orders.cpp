// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/orders.hpp"

namespace hg::bus {
namespace asio = boost::asio;
namespace {

constexpr Duration kFileIsRead = std::chrono::seconds{10};  // a file that a caller lends
constexpr std::size_t kMaxKey = std::size_t{16} * 1024;

Result<Reply> nothing(const Result<void>& done) {
  if (done.has_error()) return done.error();
  return Reply{};
}

Result<Reply> number_of(const Result<core::RolloutId>& rollout) {
  if (rollout.has_error()) return rollout.error();
  return Reply{rollout_path(rollout.value())};
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, StartRollout start, uid_t uid) {
  core::RolloutRequested wanted{std::move(start.deliverable),
                                std::move(start.children),
                                uid,
                                start.approved,
                                std::move(start.groups),
                                start.forced};
  co_return number_of(co_await control.start_rollout(std::move(wanted)));
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, CloseRollout close, uid_t uid) {
  co_return nothing(co_await control.close_rollout(close.rollout, uid));
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, ImportRecord import, uid_t uid) {
  auto kind = co_await control.import_record(std::move(import.record), uid);
  if (kind.has_error()) co_return kind.error();
  co_return Reply{std::move(kind).value()};
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, Fetch fetch, uid_t /*uid*/) {
  co_return nothing(co_await control.import(std::move(fetch.url)));
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, Import import, uid_t uid) {
  auto envelope = co_await read_lent(std::move(import.envelope), ports::kMaxEnvelope, kFileIsRead);
  if (envelope.has_error()) co_return envelope.error().within("the file to be imported");
  auto url = co_await control.import_envelope(std::move(envelope).value(), uid);
  if (url.has_error()) co_return url.error();
  co_return Reply{std::move(url).value()};
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, CancelJob cancel, uid_t /*uid*/) {
  co_return nothing(co_await control.abort(cancel.epoch));
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, CreateGroup create, uid_t uid) {
  Reply created{group_path(create.group.id)};
  const auto formed = co_await control.form_group(std::move(create.group), uid);
  if (formed.has_error()) co_return formed.error();
  co_return created;
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, DissolveGroup dissolve, uid_t uid) {
  co_return nothing(co_await control.dissolve_group(std::move(dissolve.group), uid));
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, RepairGroup repair, uid_t uid) {
  co_return number_of(co_await control.repair_group(std::move(repair.group), uid));
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, ResolveSplit resolve, uid_t uid) {
  resolve.resolved.uid = uid;
  co_return nothing(co_await control.resolve_split(std::move(resolve.resolved)));
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, DeclareBaseline declare, uid_t uid) {
  co_return nothing(co_await control.declare_baseline(std::move(declare.deliverable), uid));
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, EnrollChild enroll, uid_t uid) {
  Reply enrolled{child_path(enroll.registration.id)};
  const auto done = co_await control.register_child(std::move(enroll.registration), uid);
  if (done.has_error()) co_return done.error();
  co_return enrolled;
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, ForgetChild forget, uid_t uid) {
  co_return nothing(co_await control.unregister_child(std::move(forget.child), uid));
}

/// The key is in no place of ours when this returns: `material` is the control's to wipe, and it was moved there.
asio::awaitable<Result<Reply>> ask(ports::Control& control, SetKey set, uid_t uid) {
  auto material = co_await read_lent(std::move(set.file), kMaxKey, kFileIsRead);
  if (material.has_error()) co_return material.error().within("the file with the key");
  const auto id = co_await control.set_child_key(std::move(set.child), set.use, std::move(set.name),
                                                 std::move(material).value(), uid);
  if (id.has_error()) co_return id.error();
  co_return Reply{id.value().hex()};
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, RevokeKey revoke, uid_t uid) {
  co_return nothing(co_await control.revoke_child_key(std::move(revoke.child), revoke.use, uid));
}

asio::awaitable<Result<Reply>> ask(ports::Control& control, ReplaceBoard replace, uid_t uid) {
  co_return nothing(co_await control.replace_board(std::move(replace.child), uid));
}

}  // namespace

LentFile* lent_with(Request& request) {
  if (auto* const import = std::get_if<Import>(&request)) return &import->envelope;
  if (auto* const set = std::get_if<SetKey>(&request)) return &set->file;
  return nullptr;
}

asio::awaitable<Result<Reply>> carry_out(ports::Control& control, Request request, uid_t uid) {
  const auto asked = [&control, uid](auto& one) { return ask(control, std::move(one), uid); };
  auto work = std::visit(asked, request);
  co_return co_await std::move(work);
}

int append(sd_bus_message* message, const Reply& reply) {
  if (const auto* path = std::get_if<ObjectPath>(&reply)) return append(message, *path);
  if (const auto* text = std::get_if<std::string>(&reply)) return append(message, *text);
  return 0;
}

}  // namespace hg::bus
