// SPDX-License-Identifier: Apache-2.0
// One plugin that has said Hello and was let in: the requests that wait for its answers, the links of its children, and
// the strangers that it has in sight.
// Whatever it sends is checked against what was asked and bounded. It decides nothing about who may connect: the board
// does, which owns it and asks it.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "adapters/transport/allowance.hpp"
#include "ports/clock.hpp"
#include "ports/journal.hpp"
#include "ports/transport.hpp"
#include "wire/channel.hpp"

namespace hg::transport {

/// What the clock, the journal and the loop are for the whole adapter. All outlive it.
struct Surroundings {
  boost::asio::any_io_executor executor;
  ports::Clock* clock = nullptr;
  ports::Journal* journal = nullptr;
};

class PluginConnection : public std::enable_shared_from_this<PluginConnection> {
 public:
  /// `key_source` is asked only if Hello says that the plugin holds keys, and only for its own children.
  PluginConnection(Surroundings around, std::shared_ptr<wire::Channel> channel, wire::Hello hello,
                   ports::Transport::LinkKeySource key_source);

  [[nodiscard]] const std::string& transport() const { return hello_.transport; }

  /// Makes these the plugin's children: sends Enroll for new and changed ones, each with its key, and Forget for the
  /// others.
  void enroll(const std::map<core::ChildId, wire::Enroll>& children);

  /// Sends it, if the child is one of the plugin's.
  void link_key_changed(const core::ChildId& child);

  /// What the plugin said last of the radio of one of its children.
  [[nodiscard]] std::optional<ports::Radio> radio(const core::ChildId& child) const;

  /// Receives until the connection ends, and says why. Every request that waits then fails with Errc::unavailable, and
  /// its strangers vanish.
  boost::asio::awaitable<Error> serve(ports::Transport::LinkListener listener,
                                      ports::Transport::MeetingListener meeting_listener);

  /// Asks for one step and waits for the answer or the deadline.
  boost::asio::awaitable<ports::Transport::Outcome> ask(core::Enrollment child, core::Step step, core::Epoch epoch,
                                                        UniqueFd blob, ports::Transport::Progress progress);

  /// The halves of the mutual identification: see ports::Transport.
  boost::asio::awaitable<Result<Bytes>> identify(core::Enrollment child, Bytes nonce);
  boost::asio::awaitable<Result<void>> prove(core::Enrollment child, Bytes proof);

  void close() { channel_->close(); }

 private:
  struct Waiting;
  class Registration;

  Result<void> take(wire::Channel::Arrival arrival);
  void warn_of_backup(const wire::Enroll& child);
  void tell_key(const core::ChildId& child);
  Result<void> take_link(const wire::Link& link);
  Result<void> take_radio(const wire::Radio& radio);
  Result<void> take_meeting(const wire::Discovered& met);
  Result<void> take_meeting(const wire::Vanished& gone);
  /// Errc::too_large: the plugin says too much of strangers to be listened to.
  Result<void> bear_meetings();
  void tell(const wire::Discovered& met) const;
  void tell_later(const core::ChildId& name);
  void lose_strangers();
  Result<void> take_reply(wire::Channel::Arrival arrival);
  /// What an answer and the descriptor that came with it mean for the step.
  [[nodiscard]] ports::Transport::Outcome outcome_of(const core::Step& step, const wire::Channel::Arrival& arrival);
  void take_progress(Waiting& waiting, const wire::Progress& progress);
  /// Why nothing can be asked for this child, if so.
  [[nodiscard]] std::optional<Error> objection_to(const core::ChildId& child) const;
  /// Sends a request and waits for its answer. `limit`: by when it must be there; of a transfer the longest pause
  /// without progress.
  boost::asio::awaitable<Result<wire::Channel::Arrival>> exchange(wire::Frame request, UniqueFd blob, Duration limit,
                                                                  ports::Transport::Progress progress);
  /// The same for the mutual identification.
  boost::asio::awaitable<Result<wire::Frame>> exchange_for(core::Enrollment child, wire::Frame request);
  [[nodiscard]] wire::Task identification_task(const core::Enrollment& child);
  [[nodiscard]] wire::Task task_for(const core::Enrollment& child, core::Epoch epoch) {
    return {++last_request_, child.id, epoch, 0};
  }
  /// Drops a frame that makes no sense; too many of them end the connection.
  Result<void> stray(std::string_view child, const std::string& text);
  void give_up(std::uint64_t request);
  void fail_all(const Error& error);
  void say(ports::Level level, std::string_view child, std::string_view text) const;

  Surroundings around_;
  std::shared_ptr<wire::Channel> channel_;
  wire::Hello hello_;
  ports::Transport::LinkKeySource key_source_;
  std::map<core::ChildId, wire::Enroll> children_;
  std::map<core::ChildId, wire::Link> links_;    // what the plugin said last
  std::map<core::ChildId, wire::Radio> radios_;  // the same
  ports::Transport::LinkListener listener_;
  std::map<core::ChildId, wire::Discovered> strangers_;  // in sight
  ports::Transport::MeetingListener meeting_listener_;
  std::map<std::uint64_t, Waiting*> waiting_;  // by request; each stands in the frame of its ask()
  std::uint64_t last_request_ = 0;
  std::deque<std::uint64_t> given_up_;  // answers to these are late, not wrong
  unsigned strays_ = 0;
  Allowance link_events_;
  Allowance radio_news_;
  Allowance meetings_;       // those that are told
  Allowance meeting_noise_;  // those that are not
  bool lost_ = false;
  bool has_warned_of_backup_ = false;
  bool has_warned_of_strangers_ = false;
};

}  // namespace hg::transport
