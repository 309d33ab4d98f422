// SPDX-License-Identifier: Apache-2.0
#include "adapters/cloud/broker_session.hpp"

#include <MQTTAsync.h>

#include <algorithm>
#include <string_view>
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

/// What paho calls, on its threads; `context` is the session, which outlives them.
struct BrokerSession::Callbacks {
  static BrokerSession& self(void* context) { return *static_cast<BrokerSession*>(context); }

  static void connected(void* context, MQTTAsync_successData*) {
    self(context).inbox_->set_link({Inbox::Link::connected, {}});
    self(context).subscribe();
  }
  static void not_connected(void* context, MQTTAsync_failureData* data) { failed(context, "cannot connect", data); }
  static void subscribed(void* context, MQTTAsync_successData*) {
    self(context).inbox_->set_link({Inbox::Link::subscribed, {}});
  }
  static void not_subscribed(void* context, MQTTAsync_failureData* data) {
    failed(context, "the subscription was refused", data);
  }
  static void lost(void* context, char* cause) {
    self(context).fail(cause != nullptr ? cause : "the connection broke");
  }
  static int arrived(void* context, char* topic, int, MQTTAsync_message* message) {
    const std::size_t size = static_cast<std::size_t>(std::max(message->payloadlen, 0));
    // One byte too many is enough for the reader to refuse it.
    const std::size_t kept = std::min(size, kLongestAnnouncementBytes + 1);
    self(context).inbox_->put(std::string(static_cast<const char*>(message->payload), kept));
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
  }
  static int tls_error(const char* text, std::size_t size, void* context) {
    const std::scoped_lock lock(self(context).mutex_);
    if (self(context).tls_error_.empty()) self(context).tls_error_ = openssl_reason({text, size});
    return 1;
  }

 private:
  static void failed(void* context, const char* what, const MQTTAsync_failureData* data) {
    const int code = data != nullptr ? data->code : MQTTASYNC_FAILURE;
    const std::string reason = self(context).reason_of(code, data != nullptr ? data->message : nullptr);
    self(context).fail(std::string(what) + ": " + reason);
  }
};

BrokerSession::BrokerSession(const Broker& settings, std::shared_ptr<Inbox> inbox)
    : settings_(settings), inbox_(std::move(inbox)) {}

Result<std::unique_ptr<BrokerSession>> BrokerSession::open(const Broker& settings, std::shared_ptr<Inbox> inbox) {
  const auto address = address_of(settings.url);
  if (!address) return address.error();
  if (settings.topic.empty()) return Error{Errc::invalid, "no topic to listen to"};
  if (settings.client_id.empty()) return Error{Errc::invalid, "no MQTT client id"};
  std::unique_ptr<BrokerSession> session(new BrokerSession(settings, std::move(inbox)));
  MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
  options.MQTTVersion = MQTTVERSION_3_1_1;
  MQTTAsync client = nullptr;
  const int code = MQTTAsync_createWithOptions(&client, address->c_str(), settings.client_id.c_str(),
                                               MQTTCLIENT_PERSISTENCE_NONE, nullptr, &options);
  if (code != MQTTASYNC_SUCCESS) return Error{Errc::invalid, std::string("MQTT client: ") + MQTTAsync_strerror(code)};
  session->client_ = client;
  MQTTAsync_setCallbacks(client, session.get(), &Callbacks::lost, &Callbacks::arrived, nullptr);
  return session;
}

BrokerSession::~BrokerSession() {
  if (client_ == nullptr) return;
  stop();
  MQTTAsync_destroy(&client_);
}

void BrokerSession::stop() {
  MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
  options.timeout = kGoodbyeMs;
  (void)MQTTAsync_disconnect(client_, &options);  // not being connected is no failure
}

Result<void> BrokerSession::start() {
  {
    const std::scoped_lock lock(mutex_);
    tls_error_.clear();
  }
  const Identity& identity = settings_.identity;
  const auto or_null = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
  tls.trustStore = or_null(identity.ca_file);
  tls.keyStore = or_null(identity.certificate_file);
  tls.privateKey = or_null(identity.private_key_file);
  tls.enableServerCertAuth = 1;
  tls.verify = 1;  // the certificate's name, too
  tls.disableDefaultTrustStore = 1;
  tls.enabledCipherSuites = kSuites;
  tls.sslVersion = MQTT_SSL_VERSION_TLS_1_2;
  tls.ssl_error_cb = &Callbacks::tls_error;
  tls.ssl_error_context = this;

  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
  options.MQTTVersion = MQTTVERSION_3_1_1;  // and no second attempt with 3.1
  options.cleansession = 0;
  options.keepAliveInterval = seconds_of(settings_.keep_alive);
  options.connectTimeout = seconds_of(settings_.connect_timeout);
  options.ssl = &tls;
  options.username = or_null(settings_.username);
  // paho copies the password and does not overwrite its copy: that is out of our hands.
  const std::string& password = settings_.password.reveal();
  if (!password.empty()) options.binarypwd = {static_cast<int>(password.size()), password.data()};
  options.context = this;
  options.onSuccess = &Callbacks::connected;
  options.onFailure = &Callbacks::not_connected;
  const int code = MQTTAsync_connect(client_, &options);
  if (code != MQTTASYNC_SUCCESS) return Error{Errc::unavailable, "cannot connect: " + reason_of(code, nullptr)};
  return {};
}

void BrokerSession::subscribe() {
  MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
  options.context = this;
  options.onSuccess = &Callbacks::subscribed;
  options.onFailure = &Callbacks::not_subscribed;
  const int code = MQTTAsync_subscribe(client_, settings_.topic.c_str(), kQos, &options);
  if (code != MQTTASYNC_SUCCESS) fail("cannot subscribe: " + reason_of(code, nullptr));
}

void BrokerSession::fail(std::string reason) { inbox_->set_link({Inbox::Link::down, std::move(reason)}); }

std::string BrokerSession::reason_of(int code, const char* message) {
  std::string text;
  const char* const known = MQTTAsync_strerror(code);
  if (message != nullptr) {
    text = message;
  } else {
    text = known != nullptr ? known : "code " + std::to_string(code);
  }
  const std::scoped_lock lock(mutex_);
  // paho gives one text for nobody there and for a certificate of another name, and OpenSSL none for either.
  if (code == MQTTASYNC_FAILURE && tls_error_.empty()) text.append(": nobody listens, or as somebody else");
  if (!tls_error_.empty()) text.append(" (").append(tls_error_).append(")");
  return text;
}

}  // namespace hg::cloud
