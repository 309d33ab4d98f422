// SPDX-License-Identifier: Apache-2.0
// The steps of an update as the daemon asks for them, for one child with an SMP server and MCUboot (reference smp.md,
// section 4.7; docs/plugin-protocol.md). The child's image list is the only proof: every order reads it before and
// after. How each thing is done is told in restart, marking, delivery, recovery, child_kit and configuration_copy;
// whether an update should happen is the daemon's. smp_driver owns one for each child and calls one step at a time.
#pragma once

#include "smp/child_kit.hpp"
#include "smp/configuration_copy.hpp"
#include "smp/delivery.hpp"
#include "smp/marking.hpp"
#include "smp/recovery.hpp"
#include "smp/restart.hpp"

namespace hg::smp {

class Updater {
 public:
  using Remember = std::function<void(const Learned&)>;

  /// `learned` of this child earlier; `remember` is told after each delivery that went through, and may be empty.
  Updater(Link& link, Clock& clock, Profile profile, const Learned& learned = {}, Remember remember = {});
  Updater(const Updater&) = delete;
  Updater& operator=(const Updater&) = delete;

  boost::asio::awaitable<Result<wire::Seen>> inspect(plugin::Job job);
  boost::asio::awaitable<Result<plugin::Willingness>> offer(plugin::Job job, wire::Offer request);
  boost::asio::awaitable<Result<plugin::Saved>> backup(plugin::Job job);
  boost::asio::awaitable<Result<plugin::Outcome>> deliver(plugin::Job job, wire::Deliver request,
                                                          plugin::ImageView image);
  boost::asio::awaitable<Result<plugin::Outcome>> activate(plugin::Job job, wire::Activate request);
  boost::asio::awaitable<Result<plugin::Outcome>> confirm(plugin::Job job, wire::Confirm request);
  boost::asio::awaitable<Result<plugin::Outcome>> revert(plugin::Job job, wire::Revert request);
  boost::asio::awaitable<Result<void>> restore(plugin::Job job, int saved);
  boost::asio::awaitable<Result<Bytes>> identify(plugin::Job job, Bytes nonce);
  boost::asio::awaitable<Result<void>> prove(plugin::Job job, Bytes proof);

 private:
  /// A settled child, and what the kit says of it.
  struct Found {
    Sight sight;
    std::optional<KitStatus> kit;
  };
  boost::asio::awaitable<Result<Found>> find(SteadyTime deadline);
  /// The same child with what it shows now.
  boost::asio::awaitable<Result<Found>> found_again(Sight sight, SteadyTime deadline);
  [[nodiscard]] Character character(const Sight& sight) const;
  [[nodiscard]] wire::Seen seen(const Found& found) const;
  [[nodiscard]] plugin::Outcome outcome(bool guard_held, const Found& found) const { return {guard_held, seen(found)}; }

  boost::asio::awaitable<Result<Sight>> start_goals(std::vector<wire::Move> moves, Sight sight, SteadyTime deadline);
  boost::asio::awaitable<Result<Sight>> step_back(std::vector<wire::Move> moves, Sight sight, SteadyTime deadline);

  Profile profile_;
  Session session_;
  Pace pace_;
  Remember remember_;
  Inquiry inquiry_;
  Restart restart_;
  ChildKit kit_;
  Marking marking_;
  Brought brought_;
  Delivery delivery_;
  Recovery recovery_;
  ConfigurationCopy configuration_;
};

}  // namespace hg::smp
