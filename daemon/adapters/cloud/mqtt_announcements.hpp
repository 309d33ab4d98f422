// SPDX-License-Identifier: Apache-2.0
// Hears of deliverables on an MQTT topic over TLS. A broker that is not there is no reason not to be ready: it is tried
// again for ever, with pauses that grow. What is announced is ingest's business. Made by app, which also runs
// keep_connected() and ends it before this goes.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "adapters/cloud/broker_session.hpp"
#include "adapters/cloud/inbox.hpp"
#include "adapters/cloud/settings.hpp"
#include "ports/announcements.hpp"
#include "ports/clock.hpp"
#include "ports/journal.hpp"

namespace hg::cloud {

class MqttAnnouncements final : public ports::Announcements {
 public:
  /// `executor`: the loop on which next(), keep_connected() and connected() are called. Clock and journal outlive this.
  /// Does not connect yet. Errc::invalid, Errc::unsupported: what the settings say cannot be meant.
  static Result<std::unique_ptr<MqttAnnouncements>> open(Broker settings, boost::asio::any_io_executor executor,
                                                         ports::Clock& clock, ports::Journal& journal);
  /// Says goodbye to the broker; blocks for less than a second. keep_connected() and next() must have returned.
  ~MqttAnnouncements() override;

  /// Connects, subscribes and connects again until it is cancelled (Errc::cancelled). Once at a time. The journal gets
  /// a line when the broker is there, when it is lost, and for each new reason for which it cannot be reached.
  [[nodiscard]] boost::asio::awaitable<Result<void>> keep_connected();

  [[nodiscard]] boost::asio::awaitable<Result<ports::Announcement>> next() override;
  [[nodiscard]] bool connected() const override { return is_connected_; }

 private:
  static constexpr std::size_t kMostReasons = 8;

  MqttAnnouncements(Broker settings, boost::asio::any_io_executor executor, ports::Clock& clock,
                    ports::Journal& journal);
  /// Until the link is subscribed, or an error.
  boost::asio::awaitable<Result<void>> connect();
  /// Until the link is no longer as it is, for at most `at_most`: Errc::timed_out.
  boost::asio::awaitable<Result<void>> link_change(Duration at_most);
  /// Until the link is down; the error says why. `pause` is reset once it was up for long enough.
  boost::asio::awaitable<Error> stay(Duration* pause);
  void tell(const Error& error);

  Broker settings_;
  ports::Clock& clock_;
  ports::Journal& journal_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<BrokerSession> session_;
  bool is_connected_ = false;
  std::set<std::string> told_;  // reasons written since the broker was there last
};

}  // namespace hg::cloud
