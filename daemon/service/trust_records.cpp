// SPDX-License-Identifier: Apache-2.0
#include "service/trust_records.hpp"

#include "service/translation.hpp"

namespace hg::service {

namespace asio = boost::asio;

namespace {

/// The channel that a head speaks of, before anybody vouches for it: only to find what it must follow.
const core::Head* last_of(const core::State& state, const trust::Record& record) {
  const auto unjudged = trust::read_head(record.payload);
  if (!unjudged) return nullptr;
  const auto found = state.heads.find(unjudged->channel);
  return found == state.heads.end() ? nullptr : &found->second;
}

}  // namespace

asio::awaitable<Result<std::string>> TrustRecords::take(Bytes bytes) {
  const auto record = trust::Record::parse(bytes);
  if (!record) co_return record.error().within("trust record");
  const std::string kind(trust::name_of(record->kind));
  if (record->kind == trust::RecordKind::root) {
    const Result<void> taken = co_await roots_.succeed(std::move(bytes));
    if (!taken) co_return taken.error();
    co_return kind;
  }
  if (record->kind == trust::RecordKind::enrollment) {
    const Result<void> taken = co_await take_enrollment(*record);
    if (!taken) co_return taken.error().within(kind);
    co_return kind;
  }
  Result<core::Event> event = co_await open(*record, bytes);
  if (!event) co_return event.error();
  const Result<core::RolloutId> durable = co_await driver_.ask(std::move(*event));
  if (!durable) co_return durable.error().within(kind);
  co_return kind;
}

asio::awaitable<Result<core::Event>> TrustRecords::open(trust::Record record, ByteView bytes) {
  switch (record.kind) {
    case trust::RecordKind::head:
      co_return open_head(record);
    case trust::RecordKind::permit:
      co_return open_permit(record);
    case trust::RecordKind::grant:
      co_return co_await open_grant(std::move(record), bytes);
    case trust::RecordKind::root:
    case trust::RecordKind::enrollment:
      break;
  }
  co_return Error{Errc::internal, "roots and enrollment lists are no events of their own"};
}

Result<core::Event> TrustRecords::open_head(const trust::Record& record) const {
  std::optional<trust::Head> last;
  if (const core::Head* seen = last_of(driver_.state(), record)) last = to_trust(*seen);
  auto head = roots_.authority().open_head(record, roots_.time(), last ? &*last : nullptr);
  if (!head) return head.error();
  return core::Event{core::HeadAccepted{to_core(*head)}};
}

Result<core::Event> TrustRecords::open_permit(const trust::Record& record) const {
  auto permit = roots_.authority().open_permit(record, roots_.time());
  if (!permit) return permit.error();
  const auto signers = record.signers(roots_.authority().ring());
  if (!signers) return signers.error();
  return core::Event{core::PermitAccepted{to_core(*permit, joined(*signers))}};
}

asio::awaitable<Result<void>> TrustRecords::take_enrollment(trust::Record record) {
  const bool has_key = keys_.has_gateway_key();
  const Digest gateway = has_key ? keys_.gateway() : Digest{};
  auto list = roots_.authority().open_enrollment(record, roots_.time(), has_key ? &gateway : nullptr,
                                                 driver_.state().enrollment_lists);
  if (!list) co_return list.error();
  const auto signers = record.signers(roots_.authority().ring());
  if (!signers) co_return signers.error();
  co_return co_await lists_.take(std::move(*list), joined(*signers));
}

asio::awaitable<Result<core::Event>> TrustRecords::open_grant(trust::Record record, ByteView bytes) {
  if (!keys_.has_gateway_key())
    co_return Error{Errc::unsupported, "grant: this gateway has no key: set keys.gateway_credential"};
  auto grant = roots_.authority().open_grant(record, roots_.time(), keys_.gateway());
  if (!grant) co_return grant.error();
  Result<core::ContentKey> key = co_await keys_.take_grant(grant->encrypted_key, grant->image);
  if (!key) co_return key.error().within("grant");
  key->not_after = grant->not_after;
  core::Grant accepted{grant->image, grant->not_after, {bytes.begin(), bytes.end()}};
  co_return core::Event{core::GrantAccepted{std::move(accepted), std::move(*key)}};
}

}  // namespace hg::service
