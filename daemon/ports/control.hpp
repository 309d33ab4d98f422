// SPDX-License-Identifier: Apache-2.0
// What an operator may ask of the daemon. adapters/dbus calls it after the caller was authorized; service/control
// does it. Reads are answered from `state()`, which is valid until the next suspension of the caller.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "core/engine.hpp"

namespace hg::ports {

/// Bytes of a transfer under way, for the bus.
struct TransferProgress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};

/// What became of an announced deliverable.
enum class ArrivalState { waiting, fetching, sealed, known, refused };

struct Arrival {
  std::string url;
  ArrivalState state = ArrivalState::waiting;
  std::string text;  ///< the deliverable's id, or why it was refused
  Instant since{};
  std::uint64_t done = 0;  ///< bytes of the image that comes in now
  std::uint64_t total = 0;
};

class Control {
 public:
  virtual ~Control() = default;

  [[nodiscard]] virtual const core::State& state() const = 0;

  /// Zeros when nothing is known of that update's transfer.
  [[nodiscard]] virtual TransferProgress progress(core::Epoch epoch) const = 0;

  /// Errc::not_found (deliverable, child), Errc::busy (a child is in an update past ACTIVATE), Errc::mismatch (nobody
  /// fits). Returns when the rollout is durable.
  [[nodiscard]] virtual boost::asio::awaitable<Result<core::RolloutId>> start_rollout(
      core::DeliverableId deliverable, std::vector<core::ChildId> children, std::uint32_t uid) = 0;

  /// Before ACTIVATE: withdrawn. After: BACK. Errc::not_found; Errc::busy after COMMIT.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> abort(core::Epoch epoch) = 0;

  /// Fetches what is announced at `url` as if the broker had said so. Errc::busy when too many wait already.
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> import(std::string url) = 0;

  [[nodiscard]] virtual Result<std::vector<core::PutHistory>> history(const core::ChildId& child, unsigned count) = 0;

  /// The deliverables announced lately, newest first, at most 32.
  [[nodiscard]] virtual std::vector<Arrival> arrivals() const = 0;

  [[nodiscard]] virtual bool cloud_connected() const = 0;
  [[nodiscard]] virtual std::uint64_t cache_used() const = 0;
  [[nodiscard]] virtual std::uint64_t cache_limit() const = 0;
};

}  // namespace hg::ports
