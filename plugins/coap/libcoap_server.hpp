// SPDX-License-Identifier: Apache-2.0
// The Server on Debian's libcoap 4.3.1: its context on the loop, its endpoints, and what libcoap calls back. One
// thread. What a request of a child says is message's, what is asked of a child conversation's, what an image answers
// image_answer's.
//
// libcoap's one epoll descriptor stands in the loop. A wake-up hands events to coap_io_do_epoll() until there are none,
// without the timer bookkeeping that coap_io_process() does twice for each datagram. Blocks are never left to libcoap
// (block mode 0): it would change tokens, add Request-Tags and forget large bodies after 93 s (coap.md 0.2, 0.3).
#pragma once

#include <coap3/coap.h>
#include <openssl/types.h>

#include <array>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <unordered_map>

#include "coap/conversation.hpp"
#include "coap/link_keys.hpp"
#include "coap/request_rates.hpp"
#include "coap/server.hpp"
#include "coap/shelf.hpp"

namespace hg::coap {

class LibcoapServer final : public Server {
 public:
  LibcoapServer(boost::asio::any_io_executor executor, const ServerSettings& settings, Inlet& inlet, plugin::Log log);
  LibcoapServer(const LibcoapServer&) = delete;
  LibcoapServer& operator=(const LibcoapServer&) = delete;
  ~LibcoapServer() override;

  /// Once, before all else.
  Result<void> start();

  ImageShelf& shelf() override { return shelf_; }
  void set_key(const std::string& child, plugin::LinkKey key) override;
  std::shared_ptr<void> hold(const std::shared_ptr<Peer>& peer) override;
  boost::asio::awaitable<Result<std::shared_ptr<Peer>>> reach(std::string host_and_port,
                                                              std::optional<std::string> key_of_child) override;
  void drop(const std::shared_ptr<Peer>& peer) override;
  [[nodiscard]] std::uint16_t port() const override { return port_; }
  [[nodiscard]] std::uint16_t secure_port() const override { return secure_port_; }

 private:
  using ConversationPtr = std::shared_ptr<Conversation>;
  /// A GET of an image that is not there yet, to be answered when it comes.
  struct Held {
    std::weak_ptr<Conversation> from;
    std::string path;
    Bytes token;
    coap_mid_t mid;
    bool is_confirmable;
    std::optional<Block> block;
    SteadyTime at;
  };

  // starting
  Result<void> set_up_dtls();
  Result<void> set_up_certificates();
  Result<std::uint16_t> listen(std::uint16_t port, coap_proto_t proto);
  void take_requests();

  // the loop
  void wait();
  void turn();
  void look_at_secured_soon();
  void look_at_secured();
  template <class Work>
  void later(Work work);

  // what libcoap calls
  static LibcoapServer* of(const coap_session_t* session);
  static void on_request(coap_resource_t*, coap_session_t*, const coap_pdu_t*, const coap_string_t*, coap_pdu_t*);
  static coap_response_t on_response(coap_session_t*, const coap_pdu_t*, const coap_pdu_t*, coap_mid_t);
  static void on_refusal(coap_session_t*, const coap_pdu_t*, coap_nack_reason_t, coap_mid_t);
  static void on_ping(coap_session_t*, const coap_pdu_t*, coap_mid_t);
  static int on_event(coap_session_t*, coap_event_t);
  static const coap_bin_const_t* on_identity(coap_bin_const_t*, coap_session_t*, void*);
  static int on_certificate(const char*, const std::uint8_t*, std::size_t, coap_session_t*, unsigned, int, void*);
  template <class Work>
  void guarded(const Work& work) noexcept;

  // requests
  void take_request(coap_session_t* session, const coap_pdu_t& request, coap_pdu_t* response);
  bool serve(const ConversationPtr& from, const Message& message, coap_pdu_t* response);
  void hold_request(const ConversationPtr& from, const Message& message, coap_pdu_t* response);
  void answer_held(const std::string& path);
  void hand_over(const ConversationPtr& from, const Message& message, coap_pdu_t* response);
  ByteView whole_body(const ConversationPtr& from, const Message& message, coap_pdu_t* response, bool& is_whole);
  void sent(const Served& served, const std::optional<Block>& block, std::uint32_t size);

  // sessions
  ConversationPtr conversation_of(coap_session_t* session);
  ConversationPtr accept(coap_session_t* session);
  Proof proof_of(coap_session_t* session);
  [[nodiscard]] bool has_current_key(const coap_session_t* session, const Proof& proof) const;
  void gone(const ConversationPtr& conversation, const std::string& why);
  void tell_lost(const ConversationPtr& conversation, const std::string& why);
  void close(const ConversationPtr& conversation, const std::string& why);
  void forget(const ConversationPtr& conversation, const std::string& why);
  void end_closing();
  boost::asio::awaitable<Result<coap_address_t>> resolve(std::string host_and_port, std::uint16_t usual_port);
  Result<ConversationPtr> connect(const coap_address_t& address);
  Result<ConversationPtr> connect_secured(const coap_address_t& address, const plugin::LinkKey& key);
  ConversationPtr known(const std::string& address, const std::string& identity) const;
  ConversationPtr adopt(coap_session_t* session, Proof proof);

  // children that restarted
  void watch_for_restart(coap_session_t* session);
  static void on_record(int is_sent, int version, int type, const void* bytes, std::size_t size, SSL* ssl,
                        void* of_session);
  void doubt(const ConversationPtr& conversation);
  void heard(const ConversationPtr& from);

  boost::asio::any_io_executor executor_;
  ServerSettings settings_;
  Inlet* inlet_;
  plugin::Log log_;
  coap_context_t* context_ = nullptr;
  boost::asio::posix::stream_descriptor events_;
  boost::asio::steady_timer secured_timer_;
  Shelf shelf_;
  LinkKeys keys_;
  RequestRates own_rates_;  // of each address and port
  RequestRates rates_;      // of an address, for all on it that are not registered
  std::unordered_map<coap_session_t*, ConversationPtr> accepted_;
  std::vector<std::weak_ptr<Conversation>> reached_;
  std::unordered_map<const coap_session_t*, Digest> shown_;  // by handshakes, until the session speaks
  std::deque<Held> held_;
  std::vector<coap_session_t*> closing_;    // each referenced, until end_closing()
  coap_bin_const_t key_{};                  // for libcoap, which copies it
  std::array<std::uint8_t, 32> nobodys_{};  // the key of unknown identities: random
  std::size_t secured_ = 0;
  bool looks_soon_ = false;
  std::uint16_t port_ = 0;
  std::uint16_t secure_port_ = 0;
  std::shared_ptr<LibcoapServer*> alive_ = std::make_shared<LibcoapServer*>(this);  // what is posted looks at it
};

template <class Work>
void LibcoapServer::later(Work work) {
  boost::asio::post(executor_, [weak = std::weak_ptr(alive_), work = std::move(work)]() mutable {
    if (const auto alive = weak.lock()) work(**alive);
  });
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

/// libcoap's copy of a key is of no use after the handshake.
void wipe_key_of(const coap_session_t* session);

/// As libcoap holds it.
coap_address_t address_from(const boost::asio::ip::udp::endpoint& endpoint);

}  // namespace hg::coap
