// SPDX-License-Identifier: Apache-2.0
// What the author of a plugin writes: a Driver that can inspect children, bring images to them and carry out orders.
// The rest (the socket, versions, queues, deadlines, reconnecting) is in plugin.hpp and program.hpp, which call it.
// What each step must do is the contract in docs/plugin-protocol.md.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "sdk/image_view.hpp"
#include "sdk/link_key.hpp"
#include "wire/frames.hpp"

namespace hg::plugin {

using SteadyTime = std::chrono::steady_clock::time_point;

/// One line for people, to stderr; no secrets.
using Log = std::function<void(std::string_view)>;

/// Tells that a child's link came or went (`text`: why), or is protected otherwise than before. Called on the loop,
/// whenever it changes; remembered, and said again to a daemon that connects later.
using LinkReport = std::function<void(const wire::Link& link)>;

/// Tells that somebody was met who may not be enrolled, or is no longer in sight. Called on the loop; at most
/// wire::kMaxStrangers are remembered until they vanish, and said again to a daemon that connects later; more, one
/// without a name and one whose address is too long are not said.
using Meeting = std::variant<wire::Discovered, wire::Vanished>;
using MeetingReport = std::function<void(Meeting meeting)>;

/// Tells how the radio link of a child of its own is. Called on the loop, as often as the driver likes: at most one a
/// second of each child goes to the daemon, the last; said again to a daemon that connects later.
using RadioReport = std::function<void(const wire::Radio& radio)>;

/// What every step knows.
struct Job {
  std::string child;
  std::uint64_t epoch = 0;
  SteadyTime deadline;  ///< the step is cancelled then; not for deliver, which lasts as long as it moves
  /// For deliver: bytes that the child has, of how many. Cheap: it may be called for each packet.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// What came of an order: whether its guard held, and what the child says (after the order, or instead of it). Of a
/// deliver: whether the child stages as the request expects, and, only if it does not, what it says.
struct Outcome {
  bool guard_held = true;
  wire::Seen seen;
};

/// What a child says to an offer.
struct Willingness {
  wire::Willing willing = wire::Willing::yes;
  std::chrono::milliseconds wait{0};
  std::string text;
};

/// What was read out of a child before an update.
struct Saved {
  UniqueFd file;     ///< a sealed memfd of at most wire::kMaxBackup bytes; none: there is nothing to save
  std::string text;  ///< how much was saved and what was not
};

/// Steps of one child come one after the other, of different children at the same time. A step may be cancelled at any
/// co_await (Errc::cancelled is then what it returns); nothing throws on cancellation.
class Driver {
 public:
  virtual ~Driver() = default;

  /// A child to serve from now on; again for the same child: with these values instead.
  virtual void enroll(const wire::Enroll& child) = 0;
  virtual void forget(const std::string& child) = 0;
  /// Told some seconds after each connection to the daemon: whom it has enrolled by now is all that it has. For what a
  /// driver keeps of children beyond its own end.
  virtual void all_are_enrolled() {}

  /// Only told when the Hello says so (kCanHoldKeys): the key that the links of this child are ended by from now on,
  /// after each enroll() of it and whenever it changes; not told: it has none. forget() ends it. It is the driver's to
  /// hold, in memory only: a link that was ended by another key is closed now.
  virtual void set_link_key(const std::string& child, LinkKey key);

  /// Only when nothing that was sent earlier can still take effect.
  virtual boost::asio::awaitable<Result<wire::Seen>> inspect(Job job) = 0;
  /// Stages and commits nothing; may be repeated. `image` has the patches laid over it already. If it would go
  /// elsewhere than `request.staging` says, nothing is written, and the guard did not hold.
  virtual boost::asio::awaitable<Result<Outcome>> deliver(Job job, wire::Deliver request, ImageView image) = 0;
  virtual boost::asio::awaitable<Result<Outcome>> activate(Job job, wire::Activate request) = 0;
  virtual boost::asio::awaitable<Result<Outcome>> confirm(Job job, wire::Confirm request) = 0;
  virtual boost::asio::awaitable<Result<Outcome>> revert(Job job, wire::Revert request) = 0;

  /// Only asked when the Hello says so (kCanOffer, kCanBackup, kCanRestore, kCanIdentify).
  virtual boost::asio::awaitable<Result<Willingness>> offer(Job job, wire::Offer request);
  virtual boost::asio::awaitable<Result<Saved>> backup(Job job);
  virtual boost::asio::awaitable<Result<void>> restore(Job job, UniqueFd saved);
  /// What the child answers, as it comes, at most wire::kMaxProof bytes. Errc::unsupported: it has no child kit.
  virtual boost::asio::awaitable<Result<Bytes>> identify(Job job, Bytes nonce);
  virtual boost::asio::awaitable<Result<void>> prove(Job job, Bytes proof);
};

}  // namespace hg::plugin
