// SPDX-License-Identifier: Apache-2.0
// What an operator may ask of the daemon. adapters/dbus calls it after the caller was authorized; service/control
// does it. Reads are answered from `state()`, which is valid until the next suspension of the caller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "core/engine.hpp"
#include "ports/counters.hpp"
#include "ports/radio.hpp"

namespace hg::ports {

/// Bytes of a transfer under way, for the bus.
struct TransferProgress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};

/// What became of an announced deliverable.
enum class ArrivalState { waiting, fetching, sealed, accepted, known, refused };

struct Arrival {
  std::string url;
  ArrivalState state = ArrivalState::waiting;
  std::string text;  ///< the deliverable's id, the kind of the trust record, or why it was refused
  Instant since{};
  std::uint64_t done = 0;  ///< bytes of the image that comes in now
  std::uint64_t total = 0;
};

/// A key of the root in force.
struct TrustedKey {
  std::string name;
  std::vector<std::string> roles;
  std::vector<std::string> prefixes;  ///< of products or components; empty: all
  std::optional<Instant> not_before;
  std::optional<Instant> not_after;
  bool offline = false;
};

/// Bytes of an envelope, with integrated payloads: more is not taken in, from wherever it comes.
inline constexpr std::uint64_t kMaxEnvelope = 1024 * 1024;

/// Whom the gateway believes, and by what time it judges.
struct Trust {
  std::uint64_t root_version = 0;  ///< 0: no root file, only keys of authors
  std::vector<TrustedKey> keys;
  Instant now{};
  bool time_is_known = false;
};

class Control {
 public:
  virtual ~Control() = default;

  [[nodiscard]] virtual const core::State& state() const = 0;

  /// Zeros when nothing is known of that update's transfer.
  [[nodiscard]] virtual TransferProgress progress(core::Epoch epoch) const = 0;

  /// Errc::not_found (deliverable, child), Errc::busy (a child is in an update past ACTIVATE), Errc::mismatch (nobody
  /// fits), Errc::denied (a channel head says otherwise, and it is not approved), or what the root in force has against
  /// its signers. Returns when the rollout is durable.
  [[nodiscard]] virtual boost::asio::awaitable<Result<core::RolloutId>> start_rollout(
      core::RolloutRequested request) = 0;

  /// From now on no child goes below its deliverable without a permit. Errc::not_found.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> close_rollout(core::RolloutId rollout,
                                                                           std::uint32_t uid) = 0;

  /// Errc::not_found (layout, role, child), Errc::mismatch (class, count), Errc::exists (there is such a group, or a
  /// child is in another one).
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> form_group(core::Group group, std::uint32_t uid) = 0;

  /// Errc::not_found; Errc::busy (an update past ACTIVATE, or split); Errc::guard_failed (the configuration names it).
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> dissolve_group(core::GroupId group, std::uint32_t uid) = 0;

  /// Brings the members that are not on what the group has committed to it. Errc::not_found (group, or it has committed
  /// nothing), Errc::exists (all are on it), Errc::busy.
  [[nodiscard]] virtual boost::asio::awaitable<Result<core::RolloutId>> repair_group(core::GroupId group,
                                                                                     std::uint32_t uid) = 0;

  /// Errc::not_found (group, member, replacement), Errc::exists (nothing is to be resolved), or what stands against the
  /// replacement.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> resolve_split(core::SplitResolved resolved) = 0;

  /// Errc::not_found; Errc::mismatch when there is no child of which it could be recorded.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> declare_baseline(core::DeliverableId deliverable,
                                                                              std::uint32_t uid) = 0;

  /// Before ACTIVATE: withdrawn. After: BACK. Errc::not_found; Errc::busy after COMMIT.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> abort(core::Epoch epoch) = 0;

  /// Fetches what is announced at `url` as if the broker had said so. Errc::busy when too many wait already.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> import(std::string url) = 0;

  /// Looks at an envelope (or trust record) that an operator brought as at one that was fetched; its images may travel
  /// in it, or stand at https URLs. Returns what stands for its URL in arrivals(). It is not tried again by itself, nor
  /// after a restart. Errc::too_large; Errc::busy when too many wait already.
  [[nodiscard]] virtual boost::asio::awaitable<Result<std::string>> import_envelope(Bytes envelope,
                                                                                    std::uint32_t uid) = 0;

  /// Takes in a trust record and returns its kind when it is durable. Errors: those of its signatures and of what it
  /// says.
  [[nodiscard]] virtual boost::asio::awaitable<Result<std::string>> import_record(Bytes record, std::uint32_t uid) = 0;

  [[nodiscard]] virtual Trust trust() const = 0;

  // ---------------------------------------------------------------------------------------- children and their keys

  /// Makes a child known; `registration.targets` empty: one target "app", image 0. Errc::not_found (profile,
  /// transport), Errc::invalid, Errc::exists (its name or address is taken), Errc::busy.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> register_child(core::Registration registration,
                                                                            std::uint32_t uid) = 0;
  /// Errc::not_found; Errc::guard_failed (the configuration names it); Errc::busy.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> unregister_child(core::ChildId child,
                                                                              std::uint32_t uid) = 0;
  /// What `material` may be: ports::KeySafe::take_child_key(). It is wiped. Returns the key's id. Errc::not_found,
  /// Errc::invalid, Errc::unsupported, Errc::mismatch (not a key of the child's tier).
  [[nodiscard]] virtual boost::asio::awaitable<Result<Digest>> set_child_key(core::ChildId child, core::KeyUse use,
                                                                             std::string name, Bytes material,
                                                                             std::uint32_t uid) = 0;
  /// Errc::not_found.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> revoke_child_key(core::ChildId child, core::KeyUse use,
                                                                              std::uint32_t uid) = 0;
  /// Another board is in its place: keys, what it said and what it committed are forgotten. Errc::not_found,
  /// Errc::busy.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> replace_board(core::ChildId child, std::uint32_t uid) = 0;

  /// How its radio link is; nothing: it has none, or its plugin does not say.
  [[nodiscard]] virtual std::optional<Radio> radio(const core::ChildId& child) const = 0;

  /// How often the expensive things were done since the start.
  [[nodiscard]] virtual Counts counts() const = 0;

  /// "emergency", "major" or "minor".
  [[nodiscard]] virtual std::string urgency(const core::Deliverable& deliverable) const = 0;

  [[nodiscard]] virtual Result<std::vector<core::PutHistory>> history(const core::ChildId& child, unsigned count) = 0;

  /// The deliverables announced lately, newest first, at most 32.
  [[nodiscard]] virtual std::vector<Arrival> arrivals() const = 0;

  [[nodiscard]] virtual bool cloud_connected() const = 0;
  [[nodiscard]] virtual std::uint64_t cache_used() const = 0;
  [[nodiscard]] virtual std::uint64_t cache_limit() const = 0;
};

}  // namespace hg::ports
