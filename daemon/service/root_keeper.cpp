// SPDX-License-Identifier: Apache-2.0
#include "service/root_keeper.hpp"

#include <algorithm>

namespace hg::service {

namespace asio = boost::asio;

namespace {

std::string version_of(const trust::Authority& authority) {
  return "version " + std::to_string(authority.root().version);
}

Error being_succeeded() {
  return {Errc::busy, "root: another one is being written down; try again"};
}

ports::TrustedKey to_shown(const trust::Key& key) {
  ports::TrustedKey shown{key.name, {}, key.prefixes, key.not_before, key.not_after, key.offline};
  for (const trust::Role role : key.roles) shown.roles.emplace_back(trust::name_of(role));
  return shown;
}

}  // namespace

RootKeeper::RootKeeper(Driver& driver, const cose::RingMaker& rings, ports::Clock& clock, ports::Journal& journal)
    : driver_(driver), rings_(rings), clock_(clock), journal_(journal) {}

Result<void> RootKeeper::choose(const TrustSource& source) {
  if (succeeding_) return being_succeeded();
  if (source.root_name.empty()) return choose_author_keys(source);
  const core::TrustRoot& stored = driver_.state().root;
  if (stored.version == 0) return choose_first(source);
  const bool is_in_force = authority_ != nullptr && authority_->root().version >= stored.version;
  if (!is_in_force) {
    auto known = trust::Authority::from_first_root(stored.record, rings_);
    if (!known) return known.error().within("the root in the catalogue, version " + std::to_string(stored.version));
    put_in_force(std::move(*known));
    say_in_force("from the catalogue");
  }
  consider(source);
  return {};
}

Result<void> RootKeeper::choose_author_keys(const TrustSource& source) {
  auto authority = trust::Authority::from_author_keys(source.author_keys, rings_);
  if (!authority) return authority.error().within("trust.anchors");
  put_in_force(std::move(*authority));
  if (const std::uint64_t version = driver_.state().root.version; version > 0)
    journal_.write(ports::Level::warning, {},
                   "root version " + std::to_string(version) +
                       " is in the catalogue, but not used: trust.root is not set, and each key in trust.anchors may "
                       "release everything");
  return {};
}

/// The administrator's first root is taken on his word, and written down: whatever comes later must succeed it.
Result<void> RootKeeper::choose_first(const TrustSource& source) {
  const std::string doing = "root file " + source.root_name;
  if (!source.root) return source.root.error().within(doing);
  auto first = trust::Authority::from_first_root(*source.root, rings_);
  if (!first) return first.error().within(doing);
  put_in_force(std::move(*first));
  driver_.post(core::RootAccepted{core::TrustRoot{authority_->root().version, *source.root}});
  say_in_force("from " + source.root_name);
  return {};
}

/// The root file beside a root that is in force already.
void RootKeeper::consider(const TrustSource& source) {
  auto newer = newer_than_ours(source);
  if (newer && *newer == nullptr) return;
  if (!newer) {
    journal_.write(ports::Level::error, {},
                   "root file " + source.root_name + ": refused, root " + version_of(*authority_) +
                       " stays in force: " + newer.error().message);
    return;
  }
  put_in_force(std::move(*newer));
  driver_.post(core::RootAccepted{core::TrustRoot{authority_->root().version, *source.root}});
  say_in_force("from " + source.root_name);
}

/// Nothing: the file has what is in force, or what went before it.
Result<std::unique_ptr<trust::Authority>> RootKeeper::newer_than_ours(const TrustSource& source) const {
  if (!source.root) return source.root.error();
  const auto in_file = trust::Authority::from_first_root(*source.root, rings_);
  if (!in_file) return in_file.error();
  const trust::Root& root = (*in_file)->root();
  if (root.version < authority_->root().version || root == authority_->root())
    return std::unique_ptr<trust::Authority>();
  if (root.version == authority_->root().version)
    return Error{Errc::mismatch, "it says something else under the same version; give it a higher one"};
  auto next = authority_->successor(*source.root, rings_, time());
  if (!next)
    return Error{next.error().code,
                 next.error().message + "; have the root keys of " + version_of(*authority_) + " sign it, too"};
  return next;
}

void RootKeeper::put_in_force(std::unique_ptr<trust::Authority> authority) {
  authority_ = std::move(authority);
  ++reign_;
}

void RootKeeper::say_in_force(const std::string& where) const {
  journal_.write(ports::Level::notice, {},
                 "root " + version_of(*authority_) + " is in force, " + where + ": " +
                     std::to_string(authority_->root().keys.size()) + " keys");
}

trust::TrustedTime RootKeeper::time() const {
  Instant issued = authority_ == nullptr ? Instant{} : authority_->root().issued;
  for (const auto& [channel, head] : driver_.state().heads) issued = std::max(issued, head.issued);
  return trust::TrustedTime::from(clock_.wall_clock(), issued, clock_.built_at());
}

asio::awaitable<Result<void>> RootKeeper::succeed(Bytes record) {
  if (succeeding_) co_return being_succeeded();
  auto next = authority_->successor(record, rings_, time());
  if (!next) co_return next.error();
  const core::Event accepted = core::RootAccepted{core::TrustRoot{(*next)->root().version, std::move(record)}};
  succeeding_ = true;
  const Result<core::RolloutId> durable = co_await driver_.ask(accepted);
  succeeding_ = false;
  if (!durable) co_return durable.error();
  put_in_force(std::move(*next));
  say_in_force("which came in");
  co_return Result<void>{};
}

ports::Trust RootKeeper::show() const {
  const trust::TrustedTime now = time();
  ports::Trust shown{0, {}, now.at, now.is_known};
  if (authority_ == nullptr) return shown;
  shown.root_version = authority_->root().version;
  for (const trust::Key& key : authority_->root().keys) shown.keys.push_back(to_shown(key));
  return shown;
}

}  // namespace hg::service
