// SPDX-License-Identifier: Apache-2.0
// Children that lost their DTLS session without a word (a power cut) and come back from the same address and port.
// libcoap 4.3.1 gives their ClientHellos to the session that it has there, and OpenSSL drops them: the child would be
// deaf for as long as the session is held. So each record's header is looked at before OpenSSL drops it. A ClientHello
// alone ends nothing, for anybody can forge one (RFC 6347 section 4.2.8): the child is pinged over the session that it
// has, and if nothing comes over that one it ends, and the next ClientHello begins another. One that sleeps when such a
// datagram is forged loses its session and must begin DTLS anew: no more can be told apart without Connection IDs.
// A GnuTLS build of libcoap shows no records: there such a child waits until its session is dropped.
#include <openssl/ssl.h>

#include <utility>

#include "coap/libcoap_server.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr auto kPongWithin = 3s;         // the ping is sent twice in it
constexpr auto kDoubtEvery = 10s;        // at most, so that forged datagrams do not drain a child's battery
constexpr std::uint8_t kHandshake = 22;  // content type of a record (RFC 5246 section 6.2.1)

/// Of the first handshake of a session: within one, records are encrypted and have an epoch (RFC 6347 section 4.1).
bool is_of_new_handshake(ByteView header) {
  return header.size() == DTLS1_RT_HEADER_LENGTH && header[0] == kHandshake && header[3] == 0 && header[4] == 0;
}

}  // namespace

void LibcoapServer::watch_for_restart(coap_session_t* session) {
  coap_tls_library_t library = COAP_TLS_LIBRARY_NOTLS;
  void* tls = coap_session_get_tls(session, &library);
  if (tls == nullptr || library != COAP_TLS_LIBRARY_OPENSSL) return;
  auto* ssl = static_cast<SSL*>(tls);
  SSL_set_msg_callback(ssl, &on_record);
  SSL_set_msg_callback_arg(ssl, session);
}

/// Within OpenSSL, which is within libcoap: the session is left alone until the next turn of the loop.
void LibcoapServer::on_record(int is_sent, int, int type, const void* bytes, std::size_t size, SSL*, void* of_session) {
  auto* session = static_cast<coap_session_t*>(of_session);
  if (is_sent != 0 || type != SSL3_RT_HEADER) return;
  if (!is_of_new_handshake({static_cast<const std::uint8_t*>(bytes), size})) return;
  auto* known = static_cast<Conversation*>(coap_session_get_app_data(session));
  if (known == nullptr) return;
  LibcoapServer* self = of(session);
  self->guarded([&] { self->doubt(known->shared_from_this()); });
}

void LibcoapServer::doubt(const ConversationPtr& conversation) {
  const auto now = std::chrono::steady_clock::now();
  if (conversation->doubted_at && now < *conversation->doubted_at + kDoubtEvery) return;
  conversation->doubted_at = now;
  conversation->is_doubted = true;
  const std::weak_ptr<Conversation> weak = conversation;
  later([weak](LibcoapServer&) {
    const auto doubted = weak.lock();
    if (doubted && !doubted->is_lost()) doubted->ping();
  });
  const auto timer = std::make_shared<asio::steady_timer>(executor_, kPongWithin);
  timer->async_wait([timer, weak, still = std::weak_ptr(alive_)](boost::system::error_code) {
    const auto alive = still.lock();
    const auto doubted = weak.lock();
    if (!alive || !doubted || doubted->is_lost() || !doubted->is_doubted) return;
    (*alive)->gone(doubted, "the child begins DTLS anew, and does not answer over the session that it had");
  });
}

/// Whatever came over its session was the child's.
void LibcoapServer::heard(const ConversationPtr& from) {
  from->is_doubted = false;
  inlet_->heard(from);
}

}  // namespace hg::coap
