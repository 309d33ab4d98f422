// SPDX-License-Identifier: Apache-2.0
// One child as it can be asked: what it is registered as, the peer that it has now, whether it is awake. lwm2m_server
// tells it who came and went; the steps ask through it, and wait here for a child that is away or asleep, with the
// next peer where the one before was lost.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "coap/clock.hpp"
#include "coap/profile.hpp"
#include "coap/registration_store.hpp"

namespace hg::coap {

class Contact {
 public:
  Contact(std::shared_ptr<Clock> clock, const Profile& profile);

  // ---- lwm2m_server's side; never asks anything
  /// With the values of a new enrollment.
  void use(const Profile& profile);
  /// It has registered: what was asked of it before may have been lost with its memory.
  void registered(Registration registration);
  /// It is remembered of an earlier process, or has said something new of itself.
  void set_registration(Registration registration) { registration_ = std::move(registration); }
  /// It is to be asked here from now on.
  void arrive(std::shared_ptr<Peer> peer, std::shared_ptr<void> hold);
  /// It is not to be asked any more, until it arrives again. `why`: for people.
  void leave(std::string why);
  /// leave(), and its registration is gone.
  void forget(std::string why);
  /// It has spoken. Whether it was asleep before.
  bool heard();

  // ---- what is known
  [[nodiscard]] const std::optional<Registration>& registration() const { return registration_; }
  [[nodiscard]] const std::shared_ptr<Peer>& current() const { return peer_; }
  /// How often it has registered while this process ran.
  [[nodiscard]] unsigned times_registered() const { return times_registered_; }
  [[nodiscard]] SteadyTime last_heard() const { return heard_; }
  [[nodiscard]] bool is_awake() const;
  [[nodiscard]] SteadyTime awake_until() const { return heard_ + awake_; }
  /// Why it cannot be asked now, for people; empty: it can.
  [[nodiscard]] std::string obstacle() const;
  /// "5/0/3" below the child's root.
  [[nodiscard]] std::string path(const std::string& below) const;

  // ---- the steps' side
  [[nodiscard]] Clock& clock() const { return *clock_; }
  [[nodiscard]] const std::shared_ptr<Bell>& bell() const { return bell_; }

  /// Its peer, when it is registered and awake. Errc::unavailable with the obstacle at the deadline; Errc::cancelled.
  boost::asio::awaitable<Result<std::shared_ptr<Peer>>> peer(SteadyTime deadline);
  /// For what may be sent again: waits for a child that is away or silent, and asks anew until the deadline.
  boost::asio::awaitable<Result<Answer>> ask(Request request, SteadyTime deadline);
  /// Waits for the child, and asks once. Errors of Peer::ask(): it may have come to the child all the same.
  boost::asio::awaitable<Result<Answer>> ask_once(Request request, SteadyTime deadline);
  /// Until something happens (it comes, goes, wakes, tells of a change) or the time has passed. Errc::cancelled.
  boost::asio::awaitable<Result<void>> wait_until(SteadyTime time);
  /// The same, and until it says anything at all: not for who waits while it pulls block after block.
  boost::asio::awaitable<Result<void>> wait_for_word(SteadyTime time);

 private:
  std::shared_ptr<Clock> clock_;
  std::shared_ptr<Bell> bell_;
  std::optional<Registration> registration_;
  std::shared_ptr<Peer> peer_;
  std::shared_ptr<void> hold_;
  std::string why_;
  SteadyTime heard_{};
  Milliseconds awake_;
  Milliseconds answer_;
  Milliseconds ack_timeout_;
  unsigned times_registered_ = 0;
  bool listens_ = false;  // somebody waits for a word
};

}  // namespace hg::coap
