// SPDX-License-Identifier: Apache-2.0
// Requests of children: images from the shelf, the rest to the Inlet.
#include <cstring>

#include "coap/image_answer.hpp"
#include "coap/libcoap_server.hpp"

namespace hg::coap {
namespace {

using namespace std::chrono_literals;

constexpr auto kRepeatableFor = 247s;  // EXCHANGE_LIFETIME, RFC 7252 section 4.8.2
constexpr auto kHeldFor = 93s;         // MAX_TRANSMIT_WAIT: longer nobody waits
constexpr std::size_t kMostHeld = 256;

/// As our endpoint sees it: a dual-stack socket knows IPv4 by mapped addresses, and so does this.
RequestOrigin origin_of(const coap_address_t& address, bool has_port) {
  RequestOrigin host{};
  if (address.addr.sa.sa_family == AF_INET) {
    host[10] = host[11] = 0xFF;
    std::memcpy(&host[12], &address.addr.sin.sin_addr, 4);
  } else {
    std::memcpy(host.data(), &address.addr.sin6.sin6_addr, sizeof(in6_addr));
  }
  const bool is_v4 = address.addr.sa.sa_family == AF_INET;
  const in_port_t port = is_v4 ? address.addr.sin.sin_port : address.addr.sin6.sin6_port;
  if (has_port) std::memcpy(&host[16], &port, sizeof port);
  return host;
}

/// No answer and no acknowledgement either: libcoap drops an empty one that is not an ACK.
void stay_silent(coap_pdu_t* response) {
  coap_pdu_set_type(response, COAP_MESSAGE_NON);
}

void write_answer(const Outgoing& answer, const Message& request, coap_pdu_t* response) {
  set_code(response, answer.code);
  for (const std::string& segment : answer.location) add_text(response, COAP_OPTION_LOCATION_PATH, segment);
  if (answer.format) add_number(response, COAP_OPTION_CONTENT_FORMAT, static_cast<std::uint64_t>(*answer.format));
  if (request.block1) add_number(response, COAP_OPTION_BLOCK1, request.block1->value());
  if (!answer.body.empty()) coap_add_data(response, answer.body.size(), answer.body.data());
}

}  // namespace

void LibcoapServer::take_request(coap_session_t* session, const coap_pdu_t& request, coap_pdu_t* response) {
  const Message message(request);
  const ConversationPtr from = conversation_of(session);
  if (!from) return stay_silent(response);
  heard(from);
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
  const coap_address_t& remote = *coap_session_get_addr_remote(from->session());
  auto verdict = own_rates_.ask(origin_of(remote, true), now);
  if (verdict == RequestRates::Verdict::welcome && !from->is_held())
    verdict = rates_.ask(origin_of(remote, false), now);
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

}  // namespace hg::coap
