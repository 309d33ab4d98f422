// SPDX-License-Identifier: Apache-2.0
// One MQTT client of paho-mqtt-cpp: connects and subscribes when told to and puts what comes into an Inbox. It decides
// nothing about when to try again. Owned by MqttAnnouncements; its callbacks run on paho's threads.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "adapters/cloud/inbox.hpp"
#include "adapters/cloud/settings.hpp"

namespace mqtt {
class async_client;
class connect_options;
class iasync_client;
class token;
}  // namespace mqtt

namespace hg::cloud {

class BrokerSession {
 public:
  /// Errc::invalid: no URL, no topic, no client id, no CA file; Errc::unsupported: a scheme other than mqtts.
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
  enum class Attempt { called, awaited, over };  // over: paho has answered, or there is no client to answer

  BrokerSession(const Broker& settings, std::string address, std::shared_ptr<Inbox> inbox);
  Result<void> make_client();
  mqtt::connect_options connect_options();
  /// One connect(), on a thread of its own.
  void attempt() noexcept;
  /// Waits until the attempt is over. `called`: what connect() returned; nothing but the call matters.
  void await_answer(const std::shared_ptr<mqtt::token>& called);
  void set_over();  ///< the attempt
  /// Joins attempt()'s thread. The client goes if paho has not answered.
  void end_attempt();
  /// `client`: ours, which may be on its way out.
  void subscribe(mqtt::iasync_client& client);
  void fail(std::string reason);
  /// The text for paho's code, with what OpenSSL said of the attempt.
  std::string reason_of(int code, std::string message);

  const Broker& settings_;
  const std::string address_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<Callbacks> callbacks_;
  std::unique_ptr<mqtt::async_client> client_;  // not there: start() makes it
  std::thread attempting_;
  std::mutex mutex_;  // of the next three
  std::condition_variable attempt_changed_;
  Attempt attempt_ = Attempt::over;
  std::string tls_error_;
};

}  // namespace hg::cloud
