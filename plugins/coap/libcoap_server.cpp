// SPDX-License-Identifier: Apache-2.0
#include "coap/libcoap_server.hpp"

#include <openssl/evp.h>
#include <sys/epoll.h>
#include <syslog.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <cstring>
#include <utility>

#include "coap/image_answer.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr int kEventsAtOnce = 16;
constexpr int kRoundsInTurn = 64;  // before other work of the loop has its turn
constexpr auto kLookAfter = 1s;    // at sessions that libcoap may have ended without a word
constexpr std::size_t kMostShown = 4096;
constexpr std::array kMethods{COAP_REQUEST_GET,   COAP_REQUEST_POST,  COAP_REQUEST_DELETE,
                              COAP_REQUEST_FETCH, COAP_REQUEST_PATCH, COAP_REQUEST_IPATCH};

Digest digest_of(ByteView bytes) {
  std::array<std::uint8_t, 32> hash{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr);
  return *Digest::from_bytes(hash);
}

}  // namespace

// ------------------------------------------------------------------------------------------------------- starting

Result<std::unique_ptr<Server>> Server::open(asio::any_io_executor executor, const ServerSettings& settings,
                                             Inlet& inlet, plugin::Log log) {
  auto server = std::make_unique<LibcoapServer>(std::move(executor), settings, inlet, std::move(log));
  if (auto started = server->start(); !started) return started.error();
  return std::unique_ptr<Server>(std::move(server));
}

LibcoapServer::LibcoapServer(asio::any_io_executor executor, const ServerSettings& settings, Inlet& inlet,
                             plugin::Log log)
    : executor_(executor),
      settings_(settings),
      inlet_(&inlet),
      log_(std::move(log)),
      events_(executor),
      secured_timer_(executor),
      shelf_([this](const std::string& path) { answer_held(path); }),
      own_rates_(settings.limits.own_requests_per_second, settings.limits.own_burst),
      rates_(settings.limits.requests_per_second, settings.limits.burst) {}

LibcoapServer::~LibcoapServer() {
  alive_.reset();
  if (events_.is_open()) events_.release();  // libcoap closes it
  if (context_ == nullptr) return;
  coap_register_event_handler(context_, nullptr);
  coap_register_nack_handler(context_, nullptr);
  coap_register_response_handler(context_, nullptr);
  for (const auto& one : reached_) {
    if (const auto conversation = one.lock()) conversation->lose("the server is closed");
  }
  for (const auto& [session, conversation] : accepted_) conversation->lose("the server is closed");
  end_closing();
  coap_free_context(context_);
}

Result<void> LibcoapServer::start() {
  // Its texts tell nothing that we do not tell, and a child could fill the journal with them.
  coap_set_log_level(static_cast<coap_log_t>(LOG_EMERG));
  coap_dtls_set_log_level(LOG_EMERG);
  context_ = coap_new_context(nullptr);
  if (context_ == nullptr) return Error{Errc::internal, "libcoap makes no context"};
  coap_set_app_data(context_, this);
  coap_context_set_block_mode(context_, 0);
  coap_context_set_max_handshake_sessions(context_, settings_.limits.handshakes);
  coap_context_set_max_idle_sessions(context_, settings_.limits.idle_sessions);
  const auto idle = std::chrono::ceil<std::chrono::seconds>(settings_.limits.idle);
  coap_context_set_session_timeout(context_, static_cast<unsigned>(idle.count()));
  take_requests();
  if (settings_.port != 0) {
    auto bound = listen(settings_.port, COAP_PROTO_UDP);
    if (!bound) return bound.error();
    port_ = *bound;
  }
  if (settings_.secure_port != 0) {
    if (auto ready = set_up_dtls(); !ready) return ready;
    auto bound = listen(settings_.secure_port, COAP_PROTO_DTLS);
    if (!bound) return bound.error();
    secure_port_ = *bound;
  }
  coap_io_process(context_, COAP_IO_NO_WAIT);  // arms libcoap's timer
  events_.assign(coap_context_get_coap_fd(context_));
  wait();
  return {};
}

void LibcoapServer::take_requests() {
  coap_resource_t* all = coap_resource_unknown_init2(&on_request, 0);  // PUT
  for (const coap_request_t method : kMethods) coap_register_request_handler(all, method, &on_request);
  coap_add_resource(context_, all);
  coap_register_response_handler(context_, &on_response);
  coap_register_nack_handler(context_, &on_refusal);
  coap_register_ping_handler(context_, &on_ping);
  coap_register_event_handler(context_, &on_event);
}

Result<void> LibcoapServer::set_up_dtls() {
  if (coap_prng(nobodys_.data(), nobodys_.size()) == 0) return Error{Errc::internal, "there are no random numbers"};
  coap_dtls_spsk_t setup{};
  setup.version = COAP_DTLS_SPSK_SETUP_VERSION;
  setup.validate_id_call_back = &on_identity;
  setup.id_call_back_arg = this;
  static constexpr std::uint8_t kNoHint[] = {0};
  setup.psk_info.hint = {0, kNoHint};
  setup.psk_info.key = {0, kNoHint};
  if (coap_context_set_psk2(context_, &setup) == 0) return Error{Errc::internal, "libcoap takes no PSKs"};
  return settings_.certificate.empty() ? Result<void>{} : set_up_certificates();
}

Result<void> LibcoapServer::set_up_certificates() {
  coap_dtls_pki_t setup{};
  setup.version = COAP_DTLS_PKI_SETUP_VERSION;
  setup.verify_peer_cert = 1;
  setup.check_common_ca = 1;  // else libcoap does not read the authorities
  setup.cert_chain_validation = 1;
  setup.cert_chain_verify_depth = 3;
  setup.allow_no_crl = 1;
  setup.check_cert_revocation = 0;
  setup.validate_cn_call_back = &on_certificate;
  setup.cn_call_back_arg = this;
  setup.pki_key.key_type = COAP_PKI_KEY_PEM;
  setup.pki_key.key.pem = {settings_.authorities.c_str(), settings_.certificate.c_str(), settings_.key.c_str()};
  if (coap_context_set_pki(context_, &setup) != 0) return {};
  return Error{Errc::invalid, "the certificate " + settings_.certificate.string() + ", its key or " +
                                  settings_.authorities.string() + " cannot be used"};
}

Result<std::uint16_t> LibcoapServer::listen(std::uint16_t port, coap_proto_t proto) {
  boost::system::error_code failure;
  const auto own = asio::ip::make_address(settings_.listen, failure);
  if (failure) return Error{Errc::invalid, "'" + settings_.listen + "' is no address to listen at"};
  const std::string doing = "listen at " + settings_.listen + " port " + std::to_string(port);
  const coap_address_t address = address_from({own, port});
  // libcoap would share the port with whoever has it, and lose datagrams to it: SO_REUSEADDR.
  asio::ip::udp::socket probe(executor_);
  probe.open(asio::ip::udp::endpoint(own, port).protocol(), failure);
  if (!failure) probe.bind({own, port}, failure);
  if (failure) return Error{Errc::unavailable, doing + ": " + failure.message()};
  probe.close(failure);
  coap_endpoint_t* endpoint = coap_new_endpoint(context_, &address, proto);
  if (endpoint == nullptr) return Error{Errc::unavailable, doing + ": libcoap does not"};
  return port;
}

// ------------------------------------------------------------------------------------------------------- the loop

void LibcoapServer::wait() {
  events_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [weak = std::weak_ptr(alive_)](boost::system::error_code failure) {
                       const auto alive = weak.lock();
                       if (failure || !alive) return;
                       (*alive)->turn();
                       (*alive)->wait();
                     });
}

/// More than kRoundsInTurn: waiting again finds the descriptor readable at once.
void LibcoapServer::turn() {
  std::array<epoll_event, kEventsAtOnce> events;
  for (int round = 0; round < kRoundsInTurn; ++round) {
    const int count = ::epoll_wait(events_.native_handle(), events.data(), kEventsAtOnce, 0);
    if (count <= 0) break;
    coap_io_do_epoll(context_, events.data(), static_cast<std::size_t>(count));
  }
  look_at_secured_soon();
}

/// A DTLS session that its peer closes, or that breaks, ends in libcoap without an event while somebody holds it.
void LibcoapServer::look_at_secured_soon() {
  if (secured_ == 0 || looks_soon_) return;
  looks_soon_ = true;
  secured_timer_.expires_after(kLookAfter);
  secured_timer_.async_wait([weak = std::weak_ptr(alive_)](boost::system::error_code failure) {
    const auto alive = weak.lock();
    if (failure || !alive) return;
    (*alive)->looks_soon_ = false;
    (*alive)->look_at_secured();
  });
}

void LibcoapServer::look_at_secured() {
  std::vector<ConversationPtr> ended;
  const auto look = [&](const ConversationPtr& one) {
    const bool is_open = one && !one->is_lost() && one->proof().is_secured;
    if (is_open && coap_session_get_state(one->session()) == COAP_SESSION_STATE_NONE) ended.push_back(one);
  };
  for (const auto& [session, conversation] : accepted_) look(conversation);
  for (const auto& one : reached_) look(one.lock());
  for (const ConversationPtr& one : ended) gone(one, "the child closed DTLS, or it broke");
}

// ----------------------------------------------------------------------------------------------- libcoap calls

LibcoapServer* LibcoapServer::of(const coap_session_t* session) {
  return static_cast<LibcoapServer*>(coap_get_app_data(coap_session_get_context(session)));
}

void LibcoapServer::on_request(coap_resource_t*, coap_session_t* session, const coap_pdu_t* request,
                               const coap_string_t*, coap_pdu_t* response) {
  LibcoapServer* self = of(session);
  self->guarded([&] { self->take_request(session, *request, response); });
}

coap_response_t LibcoapServer::on_response(coap_session_t* session, const coap_pdu_t*, const coap_pdu_t* received,
                                           coap_mid_t) {
  LibcoapServer* self = of(session);
  coap_response_t verdict = COAP_RESPONSE_FAIL;
  self->guarded([&] {
    const auto from = self->conversation_of(session);
    if (!from) return;
    self->heard(from);
    verdict = from->answered(*received);
  });
  return verdict;
}

void LibcoapServer::on_refusal(coap_session_t* session, const coap_pdu_t*, coap_nack_reason_t reason, coap_mid_t mid) {
  LibcoapServer* self = of(session);
  self->guarded([&] {
    if (coap_session_get_app_data(session) == nullptr) return;  // it asked for nothing
    const auto conversation = self->conversation_of(session);
    if (reason == COAP_NACK_RST) self->heard(conversation);
    conversation->refused(mid, reason);
  });
}

void LibcoapServer::on_ping(coap_session_t* session, const coap_pdu_t*, coap_mid_t) {
  LibcoapServer* self = of(session);
  self->guarded([&] {
    if (const auto from = self->conversation_of(session)) self->heard(from);
  });
}

int LibcoapServer::on_event(coap_session_t* session, coap_event_t event) {
  LibcoapServer* self = of(session);
  self->guarded([&] {
    if (event != COAP_EVENT_SERVER_SESSION_DEL) return;
    self->shown_.erase(session);
    wipe_key_of(session);  // one whose handshake failed still has it
    const auto known = self->accepted_.find(session);
    if (known == self->accepted_.end()) return;
    const ConversationPtr conversation = known->second;
    const std::string why = "the session was idle, or was closed";
    self->forget(conversation, why);
    self->tell_lost(conversation, why);
  });
  return 0;
}

/// Who has no key fails as one with a wrong key does, and learns of nobody's identity (RFC 4279 section 2).
const coap_bin_const_t* LibcoapServer::on_identity(coap_bin_const_t* identity, coap_session_t*, void* argument) {
  auto* self = static_cast<LibcoapServer*>(argument);
  const coap_bin_const_t* found = nullptr;
  self->guarded([&] {
    const plugin::LinkKey* key = self->keys_.by_identity(
        std::string_view(reinterpret_cast<const char*>(identity->s), identity->length));  // NOLINT
    const ByteView secret = key == nullptr ? ByteView(self->nobodys_) : key->secret.view();
    self->key_ = {secret.size(), secret.data()};
    found = &self->key_;
  });
  return found;
}

/// CAs have been checked; which child may show which certificate is the Inlet's to say.
int LibcoapServer::on_certificate(const char*, const std::uint8_t* der, std::size_t size, coap_session_t* session,
                                  unsigned depth, int is_valid, void* argument) {
  auto* self = static_cast<LibcoapServer*>(argument);
  int verdict = is_valid;
  if (depth != 0 || is_valid == 0) return verdict;
  verdict = 0;
  self->guarded([&] {
    if (self->shown_.size() >= kMostShown) return;
    self->shown_[session] = digest_of({der, size});
    verdict = 1;
  });
  return verdict;
}

}  // namespace hg::coap
