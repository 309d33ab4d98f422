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
constexpr int kRoundsInTurn = 64;      // before other work of the loop has its turn
constexpr auto kLookAfter = 1s;        // at sessions that libcoap may have ended without a word
constexpr auto kRepeatableFor = 247s;  // EXCHANGE_LIFETIME, RFC 7252 section 4.8.2
constexpr auto kHeldFor = 93s;         // MAX_TRANSMIT_WAIT: longer nobody waits
constexpr std::size_t kMostHeld = 256;
constexpr std::size_t kMostShown = 4096;
constexpr auto kResolveWithin = 10s;
constexpr std::uint16_t kPlainPort = 5683;
constexpr std::uint16_t kSecurePort = 5684;
constexpr std::array kMethods{COAP_REQUEST_GET,   COAP_REQUEST_POST,  COAP_REQUEST_DELETE,
                              COAP_REQUEST_FETCH, COAP_REQUEST_PATCH, COAP_REQUEST_IPATCH};

coap_address_t address_from(const asio::ip::udp::endpoint& endpoint) {
  coap_address_t address;
  coap_address_init(&address);
  std::memcpy(&address.addr, endpoint.data(), endpoint.size());
  address.size = static_cast<socklen_t>(endpoint.size());
  return address;
}

/// As our endpoint sees it: a dual-stack socket knows IPv4 by mapped addresses, and so does this.
HostAddress host_address_of(const coap_address_t& address) {
  HostAddress host{};
  if (address.addr.sa.sa_family == AF_INET) {
    host[10] = host[11] = 0xFF;
    std::memcpy(&host[12], &address.addr.sin.sin_addr, 4);
  } else {
    std::memcpy(host.data(), &address.addr.sin6.sin6_addr, host.size());
  }
  return host;
}

/// No answer and no acknowledgement either: libcoap drops an empty one that is not an ACK.
void stay_silent(coap_pdu_t* response) {
  coap_pdu_set_type(response, COAP_MESSAGE_NON);
}

ByteView view_of(const coap_bin_const_t* bytes) {
  return bytes == nullptr ? ByteView{} : ByteView{bytes->s, bytes->length};
}

/// libcoap's copy of a key is of no use after the handshake.
void wipe_key_of(const coap_session_t* session) {
  const coap_bin_const_t* key = coap_session_get_psk_key(session);
  if (key != nullptr) wipe({const_cast<std::uint8_t*>(key->s), key->length});
}

Digest digest_of(ByteView bytes) {
  std::array<std::uint8_t, 32> hash{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr);
  return *Digest::from_bytes(hash);
}

void write_answer(const Outgoing& answer, const Message& request, coap_pdu_t* response) {
  set_code(response, answer.code);
  for (const std::string& segment : answer.location) add_text(response, COAP_OPTION_LOCATION_PATH, segment);
  if (answer.format) add_number(response, COAP_OPTION_CONTENT_FORMAT, static_cast<std::uint64_t>(*answer.format));
  if (request.block1) add_number(response, COAP_OPTION_BLOCK1, request.block1->value());
  if (!answer.body.empty()) coap_add_data(response, answer.body.size(), answer.body.data());
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

template <class Work>
void LibcoapServer::later(Work work) {
  asio::post(executor_, [weak = std::weak_ptr(alive_), work = std::move(work)]() mutable {
    if (const auto alive = weak.lock()) work(**alive);
  });
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

/// Nothing is thrown through C.
template <class Work>
void LibcoapServer::guarded(const Work& work) noexcept {
  try {
    work();
  } catch (const std::exception& failure) {
    log_(std::string("a datagram was dropped: ") + failure.what());
  }
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
    self->inlet_->heard(*from);
    verdict = from->answered(*received);
  });
  return verdict;
}

void LibcoapServer::on_refusal(coap_session_t* session, const coap_pdu_t*, coap_nack_reason_t reason, coap_mid_t mid) {
  LibcoapServer* self = of(session);
  self->guarded([&] {
    auto* conversation = static_cast<Conversation*>(coap_session_get_app_data(session));
    if (conversation == nullptr) return;
    if (reason == COAP_NACK_RST) self->inlet_->heard(*conversation);
    conversation->refused(mid, reason);
  });
}

void LibcoapServer::on_ping(coap_session_t* session, const coap_pdu_t*, coap_mid_t) {
  LibcoapServer* self = of(session);
  self->guarded([&] {
    if (const auto from = self->conversation_of(session)) self->inlet_->heard(*from);
  });
}

int LibcoapServer::on_event(coap_session_t* session, coap_event_t event) {
  LibcoapServer* self = of(session);
  self->guarded([&] {
    if (event != COAP_EVENT_SERVER_SESSION_DEL) return;
    self->shown_.erase(session);
    const auto known = self->accepted_.find(session);
    if (known == self->accepted_.end()) return;
    const ConversationPtr conversation = known->second;
    self->gone(conversation, "the session was idle, or was closed");
  });
  return 0;
}

const coap_bin_const_t* LibcoapServer::on_identity(coap_bin_const_t* identity, coap_session_t*, void* argument) {
  auto* self = static_cast<LibcoapServer*>(argument);
  const coap_bin_const_t* found = nullptr;
  self->guarded([&] {
    const plugin::LinkKey* key = self->keys_.by_identity(
        std::string_view(reinterpret_cast<const char*>(identity->s), identity->length));  // NOLINT
    if (key == nullptr) return;
    self->key_ = {key->secret.size(), key->secret.view().data()};
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

// ------------------------------------------------------------------------------------------------------- requests

void LibcoapServer::take_request(coap_session_t* session, const coap_pdu_t& request, coap_pdu_t* response) {
  const Message message(request);
  const ConversationPtr from = conversation_of(session);
  if (!from) return stay_silent(response);
  inlet_->heard(*from);
  if (!message.has_plain_path) return set_code(response, Code::not_found);
  if (message.code == static_cast<std::uint8_t>(Method::get) && serve(from, message, response)) return;
  hand_over(from, message, response);
}

bool LibcoapServer::serve(const ConversationPtr& from, const Message& message, coap_pdu_t* response) {
  const auto [found, served] = shelf_.find(message.path(), {from->proof(), from->host()});
  switch (found) {
    case Shelf::Found::nothing:
      return false;
    case Shelf::Found::expected:
      hold_request(from, message, response);
      return true;
    case Shelf::Found::not_for_them:
      set_code(response, Code::not_found);
      return true;
    case Shelf::Found::image:
      break;
  }
  const auto size = answer_block(*served, {message.block2, message.has_bad_block}, response);
  if (!size) {
    log_("serve " + std::string(message.path()) + ": " + size.error().message);
    set_code(response, Code::internal_error);
    return true;
  }
  sent(*served, message.block2, *size);
  return true;
}

void LibcoapServer::sent(const Served& served, const std::optional<Block>& block, std::uint32_t size) {
  if (size != 0 && served.sent) served.sent(block ? block->offset() : 0, size);
}

/// Not a word: it will ask again, and is answered at once if the image comes before that.
void LibcoapServer::hold_request(const ConversationPtr& from, const Message& message, coap_pdu_t* response) {
  stay_silent(response);
  if (message.has_bad_block) return;
  const auto now = std::chrono::steady_clock::now();
  while (!held_.empty() && (held_.size() >= kMostHeld || held_.front().at + kHeldFor < now)) held_.pop_front();
  std::erase_if(held_, [&](const Held& one) { return one.from.lock() == from && one.mid == message.mid; });
  held_.push_back({from, std::string(message.path()), Bytes(message.token.begin(), message.token.end()), message.mid,
                   message.is_confirmable(), message.block2, now});
}

void LibcoapServer::answer_held(const std::string& path) {
  later([path](LibcoapServer& self) {
    const auto now = std::chrono::steady_clock::now();
    const auto waits_for_it = [&](const Held& one) { return one.path == path; };
    std::vector<Held> mine;
    std::ranges::copy_if(self.held_, std::back_inserter(mine), waits_for_it);
    for (const Held& one : mine) {
      const auto from = one.from.lock();
      if (!from || from->is_lost() || one.at + kHeldFor < now) continue;
      const auto [found, served] = self.shelf_.find(path, {from->proof(), from->host()});
      if (found != Shelf::Found::image) continue;
      std::erase_if(self.held_, [&](const Held& held) { return held.mid == one.mid && held.from.lock() == from; });
      const auto type = one.is_confirmable ? COAP_MESSAGE_ACK : COAP_MESSAGE_NON;
      coap_session_t* session = from->session();
      const coap_mid_t mid = one.is_confirmable ? one.mid : coap_new_message_id(session);
      coap_pdu_t* answer = coap_pdu_init(type, COAP_EMPTY_CODE, mid, coap_session_max_pdu_size(session));
      if (answer == nullptr) continue;
      coap_add_token(answer, one.token.size(), one.token.data());
      const auto size = answer_block(*served, {one.block, false}, answer);
      if (size) {
        coap_send(session, answer);
        self.sent(*served, one.block, *size);
      } else {
        coap_delete_pdu(answer);
      }
    }
  });
}

void LibcoapServer::hand_over(const ConversationPtr& from, const Message& message, coap_pdu_t* response) {
  const auto now = std::chrono::steady_clock::now();
  if (const auto& last = from->last_request; last && last->mid == message.mid && now < last->at + kRepeatableFor) {
    const bool is_same = std::ranges::equal(message.token, ByteView(last->token).first(last->token_size));
    if (is_same) return write_answer(last->answer, message, response);
  }
  const auto verdict = rates_.ask(host_address_of(*coap_session_get_addr_remote(from->session())), now);
  if (verdict == RequestRates::Verdict::ignored) return stay_silent(response);
  if (verdict == RequestRates::Verdict::refused) return set_code(response, Code::too_many);
  if (message.has_bad_block) return set_code(response, Code::bad_option);
  bool is_whole = true;
  const ByteView body = whole_body(from, message, response, is_whole);
  if (!is_whole) return;
  const Incoming incoming{static_cast<Method>(message.code), message.path(), message.query, message.format, body};
  Outgoing answer = inlet_->receive(from, incoming);
  from->body.reset();
  write_answer(answer, message, response);
  if (from->is_lost() || !message.is_confirmable() || message.token.size() > Token{}.size()) return;
  if (!from->last_request) from->last_request = std::make_unique<Conversation::Repeatable>();
  Conversation::Repeatable& last = *from->last_request;
  last.mid = message.mid;
  last.token_size = message.token.size();
  std::ranges::copy(message.token, last.token.begin());
  last.at = now;
  last.answer = std::move(answer);
}

ByteView LibcoapServer::whole_body(const ConversationPtr& from, const Message& message, coap_pdu_t* response,
                                   bool& is_whole) {
  const bool is_one_block = !message.block1 || (message.block1->number == 0 && !message.block1->more);
  if (is_one_block) return message.body;
  if (!from->body) from->body = std::make_unique<RequestBody>();
  const auto method = static_cast<Method>(message.code);
  const Code code = from->body->take(method, message.path(), *message.block1, message.body);
  is_whole = code == Code::none;
  if (is_whole) return from->body->bytes();
  set_code(response, code);
  if (code == Code::go_on) {
    add_number(response, COAP_OPTION_BLOCK1, message.block1->value());
  } else {
    from->body.reset();
    if (code == Code::too_large) add_number(response, COAP_OPTION_SIZE1, RequestBody::kMost);
  }
  return {};
}

// ------------------------------------------------------------------------------------------------------- sessions

LibcoapServer::ConversationPtr LibcoapServer::conversation_of(coap_session_t* session) {
  if (auto* known = static_cast<Conversation*>(coap_session_get_app_data(session))) return known->shared_from_this();
  return accept(session);
}

/// Null: its key is no longer the child's.
LibcoapServer::ConversationPtr LibcoapServer::accept(coap_session_t* session) {
  if (coap_session_get_type(session) != COAP_SESSION_TYPE_SERVER) return nullptr;  // one of ours that was dropped
  Proof proof = proof_of(session);
  const bool is_current = has_current_key(session, proof);
  if (proof.is_secured) wipe_key_of(session);
  const auto made = std::make_shared<Conversation>(executor_, session, Conversation::Kind::accepted, std::move(proof));
  accepted_[session] = made;
  if (made->proof().is_secured) ++secured_;
  if (is_current) return made;
  later([weak = std::weak_ptr(made)](LibcoapServer& self) {
    if (const auto stale = weak.lock()) self.close(stale, "its key is no longer the child's");
  });
  return nullptr;
}

Proof LibcoapServer::proof_of(coap_session_t* session) {
  Proof proof;
  proof.is_secured = coap_session_get_proto(session) == COAP_PROTO_DTLS;
  if (!proof.is_secured) return proof;
  const ByteView identity = view_of(coap_session_get_psk_identity(session));
  proof.identity.assign(identity.begin(), identity.end());
  if (const auto shown = shown_.find(session); shown != shown_.end()) {
    proof.certificate = shown->second;
    shown_.erase(shown);
  }
  return proof;
}

bool LibcoapServer::has_current_key(const coap_session_t* session, const Proof& proof) const {
  if (!proof.is_secured || !proof.certificate.empty()) return true;
  const plugin::LinkKey* key = keys_.by_identity(proof.identity);
  return key != nullptr && equal_in_constant_time(view_of(coap_session_get_psk_key(session)), key->secret.view());
}

/// It has ended, or will: tells the Inlet.
void LibcoapServer::gone(const ConversationPtr& conversation, const std::string& why) {
  close(conversation, why);
  later([conversation, why](LibcoapServer& self) { self.inlet_->lost(conversation, why); });
}

void LibcoapServer::close(const ConversationPtr& conversation, const std::string& why) {
  coap_session_t* session = conversation->session();
  if (session == nullptr) return;
  if (accepted_.erase(session) != 0 && conversation->proof().is_secured) --secured_;
  const bool is_ended = coap_session_get_state(session) == COAP_SESSION_STATE_NONE;
  coap_session_reference(session);
  conversation->lose(why);
  if (!is_ended && conversation->proof().is_secured) {
    // Not while libcoap may be reading from it.
    later([session](LibcoapServer&) {
      coap_session_disconnected(session, COAP_NACK_NOT_DELIVERABLE);
      coap_session_release(session);
    });
    return;
  }
  coap_session_release(session);
}

void LibcoapServer::set_key(const std::string& child, plugin::LinkKey key) {
  const auto before = keys_.set(child, std::move(key));
  if (!before) return;
  std::vector<ConversationPtr> under;
  const auto look = [&](const ConversationPtr& one) {
    if (!one || one->is_lost() || !one->proof().is_secured) return;
    const bool is_psk = before->kind == plugin::LinkKeyKind::psk && one->proof().identity == before->identity;
    const bool is_certificate = !before->certificate.empty() && one->proof().certificate == before->certificate;
    if (is_psk || is_certificate) under.push_back(one);
  };
  for (const auto& [session, conversation] : accepted_) look(conversation);
  for (const auto& one : reached_) look(one.lock());
  for (const ConversationPtr& one : under) gone(one, "the child's key was changed");
}

std::shared_ptr<void> LibcoapServer::hold(const std::shared_ptr<Peer>& peer) {
  return std::static_pointer_cast<Conversation>(peer)->hold();
}

void LibcoapServer::drop(const std::shared_ptr<Peer>& peer) {
  close(std::static_pointer_cast<Conversation>(peer), "another session took its place");
}

// ------------------------------------------------------------------------------------------------------- reaching

asio::awaitable<Result<std::shared_ptr<Peer>>> LibcoapServer::reach(std::string host_and_port,
                                                                    std::optional<std::string> key_of_child) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const std::weak_ptr<LibcoapServer*> weak = alive_;
  auto address = co_await resolve(host_and_port, key_of_child ? kSecurePort : kPlainPort);
  if (!address) co_return address.error().within("reach " + host_and_port);
  const auto alive = weak.lock();
  if (!alive) co_return Error{Errc::cancelled, "the server is closed"};
  const plugin::LinkKey* key = key_of_child ? keys_.psk_of(*key_of_child) : nullptr;
  if (key_of_child && key == nullptr) co_return Error{Errc::not_found, "there is no key for " + *key_of_child};
  if (auto there = known(text_of(*address), key == nullptr ? "" : key->identity))
    co_return std::shared_ptr<Peer>(there);
  auto made = key == nullptr ? connect(*address) : connect_secured(*address, *key);
  if (!made) co_return made.error().within("reach " + host_and_port);
  co_return std::shared_ptr<Peer>(std::move(*made));
}

asio::awaitable<Result<coap_address_t>> LibcoapServer::resolve(std::string host_and_port, std::uint16_t usual_port) {
  using Udp = asio::ip::udp;
  const bool is_bracketed = host_and_port.starts_with('[');
  const std::size_t end = is_bracketed ? host_and_port.find(']') : host_and_port.rfind(':');
  std::string host = is_bracketed ? host_and_port.substr(1, end - 1) : host_and_port.substr(0, end);
  const std::size_t colon = is_bracketed && end != std::string::npos ? end + 1 : end;
  std::uint16_t port = usual_port;
  if (colon < host_and_port.size()) {
    const char* first = host_and_port.data() + colon + 1;
    const char* last = host_and_port.data() + host_and_port.size();
    const auto [stop, failure] = std::from_chars(first, last, port);
    if (failure != std::errc{} || stop != last || port == 0) co_return Error{Errc::invalid, "it has no port"};
  }
  boost::system::error_code none;
  if (const auto literal = asio::ip::make_address(host, none); !none) co_return address_from({literal, port});
  const auto resolver = std::make_shared<Udp::resolver>(executor_);
  const auto timer = std::make_shared<asio::steady_timer>(executor_, kResolveWithin);
  timer->async_wait([resolver, timer](boost::system::error_code cancelled) {
    if (!cancelled) resolver->cancel();
  });
  const std::string service = std::to_string(port);
  const auto [trouble, found] = co_await resolver->async_resolve(host, service, asio::as_tuple(asio::use_awaitable));
  timer->cancel();
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return Error{Errc::cancelled, "cancelled"};
  if (trouble || found.empty()) co_return Error{Errc::unavailable, "find its address: " + trouble.message()};
  co_return address_from(found.begin()->endpoint());
}

LibcoapServer::ConversationPtr LibcoapServer::known(const std::string& address, const std::string& identity) const {
  const auto is_it = [&](const ConversationPtr& one) {
    return one && !one->is_lost() && one->address() == address && one->proof().identity == identity &&
           one->proof().is_secured == !identity.empty();
  };
  for (const auto& one : reached_) {
    if (auto conversation = one.lock(); is_it(conversation)) return conversation;
  }
  for (const auto& [session, conversation] : accepted_) {
    if (is_it(conversation)) return conversation;
  }
  return nullptr;
}

/// From our own port if that can be: the child then knows by whom it is asked.
Result<LibcoapServer::ConversationPtr> LibcoapServer::connect(const coap_address_t& address) {
  coap_session_t* session = nullptr;
  if (port_ != 0) {
    const bool is_v6 = address.addr.sa.sa_family == AF_INET6;
    boost::system::error_code ignored;
    asio::ip::address own = asio::ip::make_address(settings_.listen, ignored);
    if (own.is_unspecified() || own.is_v6() != is_v6) {
      own = is_v6 ? asio::ip::address(asio::ip::address_v6::any()) : asio::ip::address(asio::ip::address_v4::any());
    }
    const coap_address_t local = address_from({own, port_});
    session = coap_new_client_session(context_, &local, &address, COAP_PROTO_UDP);
  }
  if (session == nullptr) session = coap_new_client_session(context_, nullptr, &address, COAP_PROTO_UDP);
  if (session == nullptr) return Error{Errc::unavailable, "there is no way there"};
  return adopt(session, {});
}

Result<LibcoapServer::ConversationPtr> LibcoapServer::connect_secured(const coap_address_t& address,
                                                                      const plugin::LinkKey& key) {
  coap_dtls_cpsk_t setup{};
  setup.version = COAP_DTLS_CPSK_SETUP_VERSION;
  const ByteView identity = as_bytes(key.identity);
  setup.psk_info.identity = {identity.size(), identity.data()};
  setup.psk_info.key = {key.secret.size(), key.secret.view().data()};
  coap_session_t* session = coap_new_client_session_psk2(context_, nullptr, &address, COAP_PROTO_DTLS, &setup);
  if (session == nullptr) return Error{Errc::unavailable, "there is no way there"};
  ++secured_;
  return adopt(session, {true, key.identity, {}});
}

LibcoapServer::ConversationPtr LibcoapServer::adopt(coap_session_t* session, Proof proof) {
  auto made = std::make_shared<Conversation>(executor_, session, Conversation::Kind::reached, std::move(proof));
  std::erase_if(reached_, [](const auto& one) { return one.expired(); });
  reached_.push_back(made);
  return made;
}

}  // namespace hg::coap
