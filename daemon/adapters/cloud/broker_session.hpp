// SPDX-License-Identifier: Apache-2.0
// One MQTT client of the paho library: connects and subscribes when told to and puts what comes into an Inbox. It
// decides nothing about when to try again. Owned by MqttAnnouncements; its callbacks run on paho's threads.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "adapters/cloud/inbox.hpp"
#include "adapters/cloud/settings.hpp"

namespace hg::cloud {

class BrokerSession {
 public:
  /// Errc::invalid: no URL, no topic, no client id; Errc::unsupported: a scheme other than mqtts.
  static Result<std::unique_ptr<BrokerSession>> open(const Broker& settings, std::shared_ptr<Inbox> inbox);
  BrokerSession(const BrokerSession&) = delete;
  BrokerSession& operator=(const BrokerSession&) = delete;
  /// Says goodbye to the broker and waits for paho's threads; no callback after that. Half a second at most, unless a
  /// name is being looked up.
  ~BrokerSession();

  /// Begins to connect and to subscribe. The inbox's link becomes `subscribed`, or `down` with a reason. An error is
  /// the same as `down`.
  [[nodiscard]] Result<void> start();
  /// Breaks off whatever is there.
  void stop();

 private:
  struct Callbacks;
  BrokerSession(const Broker& settings, std::shared_ptr<Inbox> inbox);
  void subscribe();
  void fail(std::string reason);
  /// The text for paho's code, with what OpenSSL said of the attempt.
  std::string reason_of(int code, const char* message);

  const Broker& settings_;
  std::shared_ptr<Inbox> inbox_;
  void* client_ = nullptr;
  std::mutex mutex_;
  std::string tls_error_;  // under mutex_
};

}  // namespace hg::cloud
