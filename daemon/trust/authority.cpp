// SPDX-License-Identifier: Apache-2.0
#include "trust/authority.hpp"

#include <algorithm>
#include <set>

#include "trust/quorum.hpp"

namespace hg::trust {
namespace {

/// Of a root that the present one did not sign, so many keys are asked at most, only to tell the reason: a stranger's
/// record of 64 KiB could have hundreds of keys and sixteen signatures that each of them would have to judge.
constexpr std::size_t kMaxKeysForReason = 16;

Result<std::unique_ptr<cose::KeyRing>> ring_of(const std::vector<Key>& keys, const cose::RingMaker& maker) {
  std::vector<cose::NamedKey> named;
  named.reserve(keys.size());
  for (const Key& key : keys) named.push_back({key.name, key.cose_key});
  return maker.ring_of(named);
}

std::string with_article(RecordKind kind) {
  return (kind == RecordKind::enrollment ? "an " : "a ") + std::string(name_of(kind));
}

Result<Record> parse(ByteView bytes, RecordKind kind) {
  auto record = Record::parse(bytes);
  if (record && record->kind != kind) {
    return Error{Errc::invalid, with_article(record->kind) + " where " + with_article(kind) + " should be"};
  }
  return record;
}

Result<void> check_expiry(Instant not_after, const TrustedTime& now) {
  if (!now.is_known) return Error{Errc::unavailable, std::string(kTimeUnknown) + ": expiry cannot be judged"};
  if (now.at <= not_after) return {};
  return Error{Errc::mismatch, "it was valid until " + to_text(not_after)};
}

/// Both thresholds of a rotation, told apart.
Result<void> check_both(const Result<void>& present, const Result<void>& next) {
  if (present && next) return {};
  if (next) return present.error().within("signed by the new threshold only: present root");
  if (present) return next.error().within("signed by the present threshold only: new root");
  return present.error().within("signed by neither threshold: present root");
}

/// A name stays with its key: what a key released is known by its name (service/control asks again before a rollout).
Result<void> check_names(const Root& present, const Root& next) {
  for (const Key& key : next.keys) {
    const auto before = std::ranges::find(present.keys, key.name, &Key::name);
    if (before == present.keys.end() || before->cose_key == key.cose_key) continue;
    return Error{Errc::denied, "the name " + key.name + " is another key's in the present root; give it a new one"};
  }
  return {};
}

Result<void> check_newer(const Head& head, const Head& last) {
  const std::string name = "channel " + head.channel + ": ";
  if (head.version < last.version) {
    return Error{Errc::mismatch, name + "version " + std::to_string(head.version) + " is older than " +
                                     std::to_string(last.version) + ", which was seen"};
  }
  if (head.version == last.version && head != last) {
    return Error{Errc::mismatch, name + "another version " + std::to_string(head.version) + " was seen"};
  }
  if (head.issued < last.issued) {
    return Error{Errc::mismatch, name + "issued " + to_text(head.issued) + ", before the one that was seen"};
  }
  return {};
}

Result<void> check_newer(const EnrollmentList& list, const ListVersions& taken) {
  const auto last = taken.find(list.name);
  if (last == taken.end() || list.version > last->second) return {};
  return Error{list.version == last->second ? Errc::exists : Errc::mismatch,
               "list " + list.name + ": version " + std::to_string(list.version) + " is not after " +
                   std::to_string(last->second) + ", which was taken"};
}

void add_products(const Head& head, std::vector<Scope>& scopes) {
  for (const HeadEntry& entry : head.entries) scopes.push_back({entry.product, {}});
}

}  // namespace

struct Authority::Parts {
  Root root;
  std::unique_ptr<cose::KeyRing> ring;

  /// A root that its own ring can judge; who signed it was not looked at.
  static Result<Parts> from(Result<Root> root, const cose::RingMaker& maker) {
    if (!root) return root.error();
    auto ring = ring_of(root->keys, maker);
    if (!ring) return ring.error().within("root");
    return Parts{std::move(*root), std::move(*ring)};
  }

  /// Whether enough root keys signed; validity is asked only if there is a known `now`.
  [[nodiscard]] Result<void> is_root_signed(const Record& record, const TrustedTime& now) const {
    const auto signers = record.keys_of_signatures(*ring);
    if (!signers) return signers.error();
    Demand demand{Role::root, root.threshold(Role::root)};
    if (now.is_known) demand.now = now;
    return check_quorum(root, *signers, demand);
  }

  /// The keys behind the signatures of a record of that kind, one of which is ours: before that nothing of it is read.
  [[nodiscard]] Result<std::vector<std::string>> signers(const Record& record, RecordKind kind) const {
    if (record.kind != kind) {
      return Error{Errc::invalid, with_article(record.kind) + ", not " + with_article(kind)};
    }
    auto names = record.keys_of_signatures(*ring);
    const auto is_known = [](const std::string& name) { return !name.empty(); };
    if (names && std::ranges::none_of(*names, is_known)) {
      return Error{Errc::unauthenticated, "no signature of any key of the root"};
    }
    return names;
  }
};

TrustedTime TrustedTime::from(Instant wall_clock, Instant last_head_issued, Instant built_at) {
  const Instant past = std::max(last_head_issued, built_at);
  return {std::max(wall_clock, past), wall_clock >= past - kClockTolerance};
}

Authority::Authority(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Authority::~Authority() = default;

Result<std::unique_ptr<Authority>> Authority::from_first_root(ByteView bytes, const cose::RingMaker& maker) {
  const auto record = parse(bytes, RecordKind::root);
  if (!record) return record.error();
  auto parts = Parts::from(read_root(record->payload), maker);
  if (!parts) return parts.error();
  if (auto met = parts->is_root_signed(*record, {}); !met) return met.error().within("root");
  return std::unique_ptr<Authority>(new Authority(std::make_unique<Parts>(std::move(*parts))));
}

Result<std::unique_ptr<Authority>> Authority::from_author_keys(std::vector<Key> keys, const cose::RingMaker& maker) {
  Root root;
  root.version = 0;
  std::set<std::string> names;
  for (Key& key : keys) {
    if (!names.insert(key.name).second) return Error{Errc::exists, "key " + key.name + " twice"};
    Key author;
    author.name = std::move(key.name);
    author.cose_key = std::move(key.cose_key);
    author.roles = {Role::author};
    root.keys.push_back(std::move(author));
  }
  auto ring = ring_of(root.keys, maker);
  if (!ring) return ring.error();
  return std::unique_ptr<Authority>(new Authority(std::make_unique<Parts>(Parts{std::move(root), std::move(*ring)})));
}

Result<std::unique_ptr<Authority>> Authority::successor(ByteView bytes, const cose::RingMaker& maker,
                                                        const TrustedTime& now) const {
  const auto record = parse(bytes, RecordKind::root);
  if (!record) return record.error();
  auto read = read_root(record->payload);
  if (!read) return read.error();
  const std::string version = "version " + std::to_string(read->version);
  if (*read == root()) return Error{Errc::exists, "root: " + version + " is in force"};
  if (read->version <= root().version) {
    return Error{Errc::mismatch, "root: " + version + " is not after " + std::to_string(root().version)};
  }
  const auto by_present = parts_->is_root_signed(*record, now);
  if (!by_present && read->keys.size() > kMaxKeysForReason) return by_present.error().within("root: present root");
  auto next = Parts::from(std::move(read), maker);
  if (!next) return next.error();
  const auto both = check_both(by_present, next->is_root_signed(*record, now));
  if (!both) return both.error().within("root");
  if (auto kept = check_names(root(), next->root); !kept) return kept.error().within("root");
  return std::unique_ptr<Authority>(new Authority(std::make_unique<Parts>(std::move(*next))));
}

const Root& Authority::root() const {
  return parts_->root;
}

const cose::KeyRing& Authority::ring() const {
  return *parts_->ring;
}

Result<void> Authority::may_release(std::span<const std::string> signers, std::string_view product,
                                    std::span<const std::string> components, const TrustedTime& now) const {
  Demand demand = authors_of(root(), product);
  demand.scopes = {{product, components}};
  demand.now = now;
  return check_quorum(root(), signers, demand);
}

Result<Head> Authority::open_head(const Record& record, const TrustedTime& now, const Head* last) const {
  const auto signers = parts_->signers(record, RecordKind::head);
  if (!signers) return signers.error();
  auto head = read_head(record.payload);
  if (!head) return head;
  if (last != nullptr && last->channel != head->channel) last = nullptr;
  Demand demand{Role::head, root().threshold(Role::head), 0, {}, now};
  add_products(*head, demand.scopes);
  if (last != nullptr) add_products(*last, demand.scopes);
  if (auto met = check_quorum(root(), *signers, demand); !met) return met.error().within("head");
  if (last == nullptr) return head;
  if (auto newer = check_newer(*head, *last); !newer) return newer.error().within("head");
  return head;
}

Result<Permit> Authority::open_permit(const Record& record, const TrustedTime& now) const {
  const auto signers = parts_->signers(record, RecordKind::permit);
  if (!signers) return signers.error();
  auto permit = read_permit(record.payload);
  if (!permit) return permit;
  if (auto may = may_release(*signers, permit->product, {}, now); !may) return may.error().within("permit");
  if (auto valid = check_expiry(permit->not_after, now); !valid) return valid.error().within("permit");
  return permit;
}

Result<Grant> Authority::open_grant(const Record& record, const TrustedTime& now, const Digest& gateway) const {
  const auto signers = parts_->signers(record, RecordKind::grant);
  if (!signers) return signers.error();
  auto grant = read_grant(record.payload);
  if (!grant) return grant;
  const Demand demand{Role::director, root().threshold(Role::director), 0, {}, now};
  if (auto met = check_quorum(root(), *signers, demand); !met) return met.error().within("grant");
  if (grant->gateway != gateway) {
    return Error{Errc::mismatch, "grant: it is for the gateway with the key " + grant->gateway.hex()};
  }
  if (auto valid = check_expiry(grant->not_after, now); !valid) return valid.error().within("grant");
  return grant;
}

Result<EnrollmentList> Authority::open_enrollment(const Record& record, const TrustedTime& now, const Digest* gateway,
                                                  const ListVersions& taken) const {
  const auto signers = parts_->signers(record, RecordKind::enrollment);
  if (!signers) return signers.error();
  auto list = read_enrollment_list(record.payload);
  if (!list) return list;
  const Demand demand{Role::director, root().threshold(Role::director), 0, {}, now};
  if (auto met = check_quorum(root(), *signers, demand); !met) return met.error().within("enrollment");
  if (list->gateway && (gateway == nullptr || *list->gateway != *gateway)) {
    return Error{Errc::mismatch, "enrollment: it is for the gateway with the key " + list->gateway->hex()};
  }
  if (auto newer = check_newer(*list, taken); !newer) return newer.error().within("enrollment");
  if (!list->not_after) return list;
  if (auto valid = check_expiry(*list->not_after, now); !valid) return valid.error().within("enrollment");
  return list;
}

}  // namespace hg::trust
