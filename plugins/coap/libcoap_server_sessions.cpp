// SPDX-License-Identifier: Apache-2.0
// Sessions: those that children open, those that we open, and their ends.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <cstring>
#include <utility>

#include "coap/libcoap_server.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr auto kResolveWithin = 10s;
constexpr std::uint16_t kPlainPort = 5683;
constexpr std::uint16_t kSecurePort = 5684;

ByteView view_of(const coap_bin_const_t* bytes) {
  return bytes == nullptr ? ByteView{} : ByteView{bytes->s, bytes->length};
}

}  // namespace

void wipe_key_of(const coap_session_t* session) {
  const coap_bin_const_t* key = coap_session_get_psk_key(session);
  if (key != nullptr) wipe({const_cast<std::uint8_t*>(key->s), key->length});
}

coap_address_t address_from(const asio::ip::udp::endpoint& endpoint) {
  coap_address_t address;
  coap_address_init(&address);
  std::memcpy(&address.addr, endpoint.data(), endpoint.size());
  address.size = static_cast<socklen_t>(endpoint.size());
  return address;
}

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
  if (made->proof().is_secured) {
    ++secured_;
    watch_for_restart(session);
  }
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
  tell_lost(conversation, why);
}

void LibcoapServer::tell_lost(const ConversationPtr& conversation, const std::string& why) {
  later([conversation, why](LibcoapServer& self) { self.inlet_->lost(conversation, why); });
}

void LibcoapServer::close(const ConversationPtr& conversation, const std::string& why) {
  coap_session_t* session = conversation->session();
  if (session == nullptr) return;
  const bool is_open = coap_session_get_state(session) != COAP_SESSION_STATE_NONE;
  if (is_open && conversation->proof().is_secured) {
    // Not while libcoap may be reading from it.
    closing_.push_back(coap_session_reference(session));
    later([](LibcoapServer& self) { self.end_closing(); });
  }
  forget(conversation, why);
}

/// Nothing of the session is used any more: libcoap may be about to free it, and aborts if it is referenced then.
void LibcoapServer::forget(const ConversationPtr& conversation, const std::string& why) {
  if (accepted_.erase(conversation->session()) != 0 && conversation->proof().is_secured) --secured_;
  conversation->lose(why);
}

void LibcoapServer::end_closing() {
  for (coap_session_t* session : std::exchange(closing_, {})) {
    coap_session_disconnected(session, COAP_NACK_NOT_DELIVERABLE);
    coap_session_release(session);
  }
}

void LibcoapServer::set_key(const std::string& child, plugin::LinkKey key) {
  // An identity that was another child's: a session under that one's key would now pass for this child.
  const plugin::LinkKey* const named = keys_.by_identity(key.identity);
  const std::string taken = named != nullptr && named != keys_.psk_of(child) ? key.identity : "";
  const auto before = keys_.set(child, std::move(key));
  if (!before && taken.empty()) return;
  std::vector<ConversationPtr> under;
  const auto look = [&](const ConversationPtr& one) {
    if (!one || one->is_lost() || !one->proof().is_secured) return;
    const Proof& proof = one->proof();
    const bool was_its = before && before->kind == plugin::LinkKeyKind::psk && proof.identity == before->identity;
    const bool was_anothers = !taken.empty() && proof.identity == taken;
    const bool is_certificate = before && !before->certificate.empty() && proof.certificate == before->certificate;
    if (was_its || was_anothers || is_certificate) under.push_back(one);
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
