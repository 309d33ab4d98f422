// SPDX-License-Identifier: Apache-2.0
#include "adapters/cloud/mqtt_announcements.hpp"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "adapters/cloud/announcement_text.hpp"

namespace hg::cloud {

MqttAnnouncements::MqttAnnouncements(Broker settings, boost::asio::any_io_executor executor, ports::Clock& clock,
                                     ports::Journal& journal)
    : settings_(std::move(settings)),
      clock_(clock),
      journal_(journal),
      inbox_(std::make_shared<Inbox>(std::move(executor))) {}

MqttAnnouncements::~MqttAnnouncements() = default;

Result<std::unique_ptr<MqttAnnouncements>> MqttAnnouncements::open(Broker settings,
                                                                   boost::asio::any_io_executor executor,
                                                                   ports::Clock& clock, ports::Journal& journal) {
  std::unique_ptr<MqttAnnouncements> announcements(
      new MqttAnnouncements(std::move(settings), std::move(executor), clock, journal));
  auto session = BrokerSession::open(announcements->settings_, announcements->inbox_);
  if (!session) return session.error().within("broker");
  announcements->session_ = std::move(*session);
  return announcements;
}

boost::asio::awaitable<Result<void>> MqttAnnouncements::link_change(Duration at_most) {
  using boost::asio::experimental::awaitable_operators::operator||;
  const auto first = co_await (inbox_->link_bell().wait() || clock_.sleep_for(at_most));
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) co_return Error{Errc::cancelled, "wait cancelled"};
  const Result<void>& ended = first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
  if (!ended) co_return ended.error();
  if (first.index() == 1) co_return Error{Errc::timed_out, "no answer in time"};
  co_return Result<void>{};
}

boost::asio::awaitable<Result<void>> MqttAnnouncements::connect() {
  inbox_->set_link({Inbox::Link::down, {}});
  if (auto started = session_->start(); !started) co_return started.error();
  // paho keeps the deadline; this one is for the case that it does not.
  const Duration longest = settings_.connect_timeout + std::chrono::seconds{10};
  for (;;) {
    const Inbox::State state = inbox_->link();
    if (state.link == Inbox::Link::subscribed) co_return Result<void>{};
    if (state.link == Inbox::Link::down && !state.reason.empty()) co_return Error{Errc::unavailable, state.reason};
    const auto changed = co_await link_change(longest);
    if (!changed) co_return changed.error();
  }
}

boost::asio::awaitable<Error> MqttAnnouncements::stay(Duration* pause) {
  for (;;) {
    const Inbox::State state = inbox_->link();
    if (state.link == Inbox::Link::down) co_return Error{Errc::unavailable, state.reason};
    // A broker that takes us and drops us at once is not asked more often than one that does not take us.
    const auto changed = co_await link_change(settings_.longest_pause);
    if (!changed && changed.error().code == Errc::timed_out) *pause = settings_.first_pause;
    if (!changed && changed.error().code == Errc::cancelled) co_return changed.error();
  }
}

boost::asio::awaitable<Result<void>> MqttAnnouncements::keep_connected() {
  Duration pause = settings_.first_pause;
  for (;;) {
    const auto connected = co_await connect();
    Error error = connected ? Error{} : connected.error();
    if (connected) {
      is_connected_ = true;
      told_.clear();
      journal_.write(ports::Level::notice, {}, "broker " + settings_.url + ": connected");
      error = co_await stay(&pause);
      is_connected_ = false;
    }
    if (error.code == Errc::cancelled) co_return error;
    tell(error);
    session_->stop();
    const auto slept = co_await clock_.sleep_for(pause);
    if (!slept) co_return slept.error();
    pause = std::min(pause * 2, settings_.longest_pause);
  }
}

void MqttAnnouncements::tell(const Error& error) {
  if (told_.size() >= kMostReasons || !told_.insert(error.message).second) return;
  journal_.write(ports::Level::warning, {}, "broker " + settings_.url + ": " + error.message + "; trying again");
}

boost::asio::awaitable<Result<ports::Announcement>> MqttAnnouncements::next() {
  for (;;) {
    if (const std::size_t dropped = inbox_->take_dropped(); dropped > 0) {
      journal_.write(ports::Level::warning, {},
                     std::to_string(dropped) + " announcements on " + settings_.topic + " dropped: more than " +
                         std::to_string(Inbox::kMostMessages) + " waited");
    }
    while (const auto message = inbox_->take()) {
      auto announcement = read_announcement(*message);
      if (announcement) co_return announcement;
      journal_.write(ports::Level::warning, {},
                     "announcement on " + settings_.topic + " dropped: " + announcement.error().message);
    }
    const auto rung = co_await inbox_->message_bell().wait();
    if (!rung) co_return rung.error();
  }
}

}  // namespace hg::cloud
