// SPDX-License-Identifier: Apache-2.0
#include "adapters/cloud/broker_session.hpp"

#include <mqtt/async_client.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include "adapters/cloud/announcement_text.hpp"

namespace hg::cloud {
namespace {

constexpr int kQos = 1;
constexpr int kGoodbyeMs = 300;
constexpr std::string_view kScheme = "mqtts://";
// Suites of TLS 1.2 only. paho 1.3.12 passes over MQTTAsync_SSLOptions.sslVersion where OpenSSL is 1.1 or newer, so
// this is what keeps TLS 1.1 out; those of TLS 1.3 are not touched by it. To go when paho sets the least version.
constexpr const char* kSuites = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM";

int seconds_of(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

/// "certificate verify failed" of "C0E6…:error:0A000086:SSL routines:tls_process…:certificate verify failed:file:line:"
/// (ERR_print_errors_cb(3)).
std::string openssl_reason(std::string_view line) {
  constexpr int kFieldsBefore = 5;
  std::string_view rest = line;
  for (int field = 0; field < kFieldsBefore; ++field) {
    const auto colon = rest.find(':');
    if (colon == std::string_view::npos) return std::string(line);
    rest.remove_prefix(colon + 1);
  }
  return std::string(rest.substr(0, rest.find(':')));
}

/// paho's "ssl://host:port"; the port must be there.
Result<std::string> address_of(const std::string& url) {
  if (!url.starts_with(kScheme)) return Error{Errc::unsupported, "the broker's URL must begin with mqtts://"};
  const std::string host = url.substr(kScheme.size());
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7f' && c != '@' && c != '/' && c != '?' && c != '#'; };
  if (host.empty() || !std::ranges::all_of(host, is_plain)) {
    return Error{Errc::invalid, "the broker's URL must be mqtts://host[:port]"};
  }
  const auto bracket = host.rfind(']');  // of an IPv6 address
  const bool has_port = host.find(':', bracket == std::string::npos ? 0 : bracket) != std::string::npos;
  return "ssl://" + host + (has_port ? "" : ":8883");
}

}  // namespace

/// What paho calls, on its threads; the session outlives them. Nothing may be thrown through paho's C.
struct BrokerSession::Callbacks final : mqtt::iaction_listener {
  explicit Callbacks(BrokerSession& its_session) : session(its_session) {}

  void on_success(const mqtt::token& token) noexcept override {
    if (token.get_type() == mqtt::token::Type::CONNECT) {
      session.set_over();
      session.inbox_->set_link({Inbox::Link::connected, {}});
      session.subscribe(*token.get_client());
    } else {
      session.inbox_->set_link({Inbox::Link::subscribed, {}});
    }
  }
  void on_failure(const mqtt::token& token) noexcept override {
    const bool is_connect = token.get_type() == mqtt::token::Type::CONNECT;
    if (is_connect) session.set_over();  // before the loop hears of it, or it would give up the client
    std::string message;
    try {  // the only way to the text that came with the code
      if (is_connect) (void)token.get_connect_response();
      if (!is_connect) (void)token.get_subscribe_response();
    } catch (const mqtt::exception& thrown) {
      message = thrown.get_message();
    }
    const std::string reason = session.reason_of(token.get_return_code(), std::move(message));
    session.fail((is_connect ? "cannot connect: " : "the subscription was refused: ") + reason);
  }
  void lost(const std::string& cause) noexcept { session.fail(cause.empty() ? "the connection broke" : cause); }
  void arrived(const mqtt::const_message_ptr& message) noexcept {
    // One byte too many is enough for the reader to refuse it.
    session.inbox_->put(message->get_payload().substr(0, kLongestAnnouncementBytes + 1));
  }
  void tls_error(std::string_view line) noexcept {
    const std::scoped_lock lock(session.mutex_);
    if (session.tls_error_.empty()) session.tls_error_ = openssl_reason(line);
  }

  BrokerSession& session;
};

BrokerSession::BrokerSession(const Broker& settings, std::string address, std::shared_ptr<Inbox> inbox)
    : settings_(settings),
      address_(std::move(address)),
      inbox_(std::move(inbox)),
      callbacks_(std::make_unique<Callbacks>(*this)) {}

Result<std::unique_ptr<BrokerSession>> BrokerSession::open(const Broker& settings, std::shared_ptr<Inbox> inbox) {
  auto address = address_of(settings.url);
  if (!address) return address.error();
  if (settings.topic.empty()) return Error{Errc::invalid, "no topic to listen to"};
  if (settings.client_id.empty()) return Error{Errc::invalid, "no MQTT client id"};
  // paho would believe the system's CAs then, and paho-mqtt-cpp 1.2.0 has no disableDefaultTrustStore.
  if (settings.identity.ca_file.empty()) return Error{Errc::invalid, "no CA file to prove the broker by"};
  std::unique_ptr<BrokerSession> session(new BrokerSession(settings, std::move(*address), std::move(inbox)));
  if (auto made = session->make_client(); !made) return made.error();
  return session;
}

Result<void> BrokerSession::make_client() {
  try {
    const mqtt::create_options options(MQTTVERSION_3_1_1);
    client_ = std::make_unique<mqtt::async_client>(address_, settings_.client_id, options, nullptr);
    // Not set_callback(): with it, on_success() is called twice for a connect().
    client_->set_connection_lost_handler([this](const std::string& cause) { callbacks_->lost(cause); });
    client_->set_message_callback([this](const mqtt::const_message_ptr& message) { callbacks_->arrived(message); });
    return {};
  } catch (const mqtt::exception& thrown) {
    client_.reset();
    return Error{Errc::invalid, "MQTT client: " + thrown.get_message()};
  }
}

BrokerSession::~BrokerSession() {
  stop();
  client_.reset();  // its callbacks use the other members
}

void BrokerSession::stop() {
  try {
    if (client_) client_->disconnect(kGoodbyeMs);
  } catch (const mqtt::exception&) {  // not being connected is no failure
  }
  end_attempt();
}

void BrokerSession::end_attempt() {
  if (!attempting_.joinable()) return;
  bool is_over = false;
  {
    std::unique_lock lock(mutex_);
    attempt_changed_.wait(lock, [this] { return attempt_ != Attempt::called; });
    is_over = attempt_ == Attempt::over;
  }
  if (!is_over) client_.reset();  // nothing less makes paho forget the address of the options
  set_over();
  attempting_.join();
}

Result<void> BrokerSession::start() {
  end_attempt();
  if (!client_) {
    if (auto made = make_client(); !made) return made.error();
  }
  {
    const std::scoped_lock lock(mutex_);
    tls_error_.clear();
    attempt_ = Attempt::called;
  }
  try {
    attempting_ = std::thread(&BrokerSession::attempt, this);
  } catch (const std::system_error& thrown) {
    return Error{Errc::unavailable, std::string("cannot connect: no thread: ") + thrown.what()};
  }
  return {};
}

// connect() takes its options by value, and paho-mqtt-cpp 1.2.0 gives paho the address of the ssl_options in them, as
// the one to call with the errors of TLS. paho does that until it has connected, on its own threads, long after the
// call: no copy that we keep helps. The argument lives to the end of the full expression, though (the C++ ABI of g++
// and clang++ has it so), and this one does not end before paho has answered. A plain call will do when paho-mqtt-cpp
// keeps the options with the client.
void BrokerSession::attempt() noexcept {
  try {
    await_answer(client_->connect(connect_options(), nullptr, *callbacks_));
  } catch (const mqtt::exception& thrown) {
    set_over();
    fail("cannot connect: " + reason_of(thrown.get_return_code(), {}));
  }
}

void BrokerSession::await_answer(const std::shared_ptr<mqtt::token>&) {
  std::unique_lock lock(mutex_);
  if (attempt_ == Attempt::called) attempt_ = Attempt::awaited;
  attempt_changed_.notify_all();
  attempt_changed_.wait(lock, [this] { return attempt_ == Attempt::over; });
}

void BrokerSession::set_over() {
  const std::scoped_lock lock(mutex_);
  attempt_ = Attempt::over;
  attempt_changed_.notify_all();
}

mqtt::connect_options BrokerSession::connect_options() {
  const Identity& identity = settings_.identity;
  mqtt::ssl_options tls;
  tls.set_trust_store(identity.ca_file);
  tls.set_key_store(identity.certificate_file);
  tls.set_private_key(identity.private_key_file);
  tls.set_enable_server_cert_auth(true);
  tls.set_verify(true);  // the certificate's name, too
  tls.set_enabled_cipher_suites(kSuites);
  tls.set_ssl_version(MQTT_SSL_VERSION_TLS_1_2);
  tls.set_error_handler([this](const std::string& line) { callbacks_->tls_error(line); });

  mqtt::connect_options options;
  options.set_mqtt_version(MQTTVERSION_3_1_1);  // and no second attempt with 3.1
  options.set_clean_session(false);
  options.set_keep_alive_interval(seconds_of(settings_.keep_alive));
  options.set_connect_timeout(seconds_of(settings_.connect_timeout));
  options.set_ssl(std::move(tls));
  options.set_user_name(settings_.username);
  // Lent, not copied. paho copies it and does not overwrite its copy: that is out of our hands.
  options.set_password(mqtt::binary_ref::pointer_type(std::shared_ptr<void>(), &settings_.password.reveal()));
  return options;
}

void BrokerSession::subscribe(mqtt::iasync_client& client) {
  try {
    client.subscribe(settings_.topic, kQos, nullptr, *callbacks_);
  } catch (const mqtt::exception& thrown) {
    fail("cannot subscribe: " + reason_of(thrown.get_return_code(), {}));
  }
}

void BrokerSession::fail(std::string reason) {
  inbox_->set_link({Inbox::Link::down, std::move(reason)});
}

std::string BrokerSession::reason_of(int code, std::string message) {
  std::string text = message.empty() ? mqtt::exception::error_str(code) : std::move(message);
  if (text.empty()) text = "code " + std::to_string(code);
  const std::scoped_lock lock(mutex_);
  // paho gives one text for nobody there and for a certificate of another name, and OpenSSL none for either.
  if (code == MQTTASYNC_FAILURE && tls_error_.empty()) text.append(": nobody listens, or as somebody else");
  if (!tls_error_.empty()) text.append(" (").append(tls_error_).append(")");
  return text;
}

}  // namespace hg::cloud
