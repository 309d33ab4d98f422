// SPDX-License-Identifier: Apache-2.0
// The way to a child that takes SUIT manifests: it registers nowhere, so it is asked for its version from time to time,
// and its link is up as long as it answers or pulls. suit_child asks through it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "coap/clock.hpp"
#include "coap/profile.hpp"
#include "coap/server.hpp"

namespace hg::coap {

class SuitLink : public std::enable_shared_from_this<SuitLink> {
 public:
  struct Parts {
    boost::asio::any_io_executor executor;
    std::shared_ptr<Clock> clock;
    Server& server;  ///< outlives it
    plugin::LinkReport report;
  };
  SuitLink(Parts parts, std::string child, Address address, const Profile& profile);

  /// Begins to look for the child; once.
  void start();
  /// Nothing is asked or reported any more.
  void close();
  /// It has another key, or another name for it, or none: the link begins anew with that.
  void use_key(std::string identity);
  /// It has asked for something: it is there.
  void heard() { heard_ = parts_.clock->now(); }

  /// Errc::unavailable while the link is down; else as Peer::ask().
  boost::asio::awaitable<Result<Answer>> ask(Request request, SteadyTime deadline);
  /// Null while the link is down.
  [[nodiscard]] const std::shared_ptr<Peer>& peer() const { return peer_; }
  [[nodiscard]] const std::string& identity() const { return identity_; }
  [[nodiscard]] bool is_secured() const { return address_.is_secured; }

 private:
  static boost::asio::awaitable<void> run(std::shared_ptr<SuitLink> self);
  boost::asio::awaitable<Result<void>> look();
  [[nodiscard]] bool is_speaking() const;
  void say(bool is_up, std::string why);

  Parts parts_;
  std::string child_;
  Address address_;
  Profile profile_;
  std::shared_ptr<Bell> bell_;
  std::shared_ptr<Peer> peer_;
  std::string identity_;
  SteadyTime heard_{};
  unsigned unanswered_ = 0;  // in a row
  unsigned keys_ = 0;        // that it has had
  std::optional<wire::Link> said_;
  bool is_closed_ = false;
};

}  // namespace hg::coap
