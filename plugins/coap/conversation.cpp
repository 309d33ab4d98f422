// SPDX-License-Identifier: Apache-2.0
#include "coap/conversation.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "coap/block_push.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr unsigned kRepetitions = 1;            // libcoap sends each twice: four times, after 1, 3 and 7 ACK_TIMEOUTs
constexpr unsigned kRepetitionsOfBlock = 1000;  // its patience ends it
constexpr Milliseconds kShortestSilence = 1s;   // libcoap ignores a shorter ACK_TIMEOUT
constexpr Milliseconds kLongestSilence = 60s;   // before a datagram is repeated
constexpr Milliseconds kLate = 20ms;            // then libcoap's timer is overdue
constexpr std::size_t kMostAnswer = 16 * 1024;  // bytes
constexpr std::uint16_t kAbandoned = 64;        // requests given up whose time in libcoap is not over yet
constexpr Milliseconds kReadWholeWithin = 30s;  // of what a notification began
constexpr auto kFreshAnyway = 128s;             // RFC 7641 section 3.4
constexpr std::uint32_t kHalfOfNumbers = 1U << 23U;

bool is_newer(std::uint32_t number, SteadyTime now, std::uint32_t last, SteadyTime at) {
  return (last < number && number - last < kHalfOfNumbers) || (last > number && last - number > kHalfOfNumbers) ||
         now > at + kFreshAnyway;
}

Error why_refused(coap_nack_reason_t reason) {
  switch (reason) {
    case COAP_NACK_RST:
      return {Errc::unavailable, "the child resets the request"};
    case COAP_NACK_ICMP_ISSUE:
      return {Errc::unavailable, "the network says that nobody listens there"};
    case COAP_NACK_TLS_FAILED:
      return {Errc::unavailable, "DTLS with the child failed"};
    default:
      return {Errc::unavailable, "the request cannot be delivered"};
  }
}

asio::awaitable<bool> was_cancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

std::uint16_t port_of(const coap_address_t& address) {
  return coap_address_get_port(&address);
}

}  // namespace

std::string host_of(const coap_address_t& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const in6_addr& v6 = address.addr.sin6.sin6_addr;
  if (address.addr.sa.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &address.addr.sin.sin_addr, text.data(), text.size());
  } else if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    ::inet_ntop(AF_INET, &v6.s6_addr[12], text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, &v6, text.data(), text.size());
  }
  return text.data();
}

std::string text_of(const coap_address_t& address) {
  const std::string host = host_of(address);
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port_of(address));
}

// ------------------------------------------------------------------------------------------------------- session

Conversation::Conversation(asio::any_io_executor executor, coap_session_t* session, Kind kind, Proof proof)
    : executor_(executor),
      session_(session),
      kind_(kind),
      proof_(std::move(proof)),
      address_(coap::text_of(*coap_session_get_addr_remote(session))),
      host_(host_of(*coap_session_get_addr_remote(session))),
      turns_(executor) {
  coap_session_set_app_data(session, this);
  // Repetitions are exchange()'s: what is given up must not go on being sent for a minute. libcoap cannot be kept from
  // one: it ignores a MAX_RETRANSMIT of 0.
  coap_session_set_max_retransmit(session, 1);
  coap_session_set_nstart(session, kAbandoned);
}

Conversation::~Conversation() {
  release();
}

void Conversation::release() {
  if (session_ == nullptr) return;
  coap_session_t* session = std::exchange(session_, nullptr);
  coap_session_set_app_data(session, nullptr);
  if (holds_ > 0) coap_session_release(session);
  if (kind_ == Kind::reached) coap_session_release(session);
}

void Conversation::lose(const std::string& why) {
  if (session_ == nullptr) return;
  why_lost_ = why;
  release();
  observations_.clear();
  body.reset();
  last_request.reset();
  if (waiting_ == nullptr) return;
  waiting_->failure = lost_error();
  waiting_->timer.cancel();
}

std::shared_ptr<void> Conversation::hold() {
  if (session_ != nullptr && holds_ == 0) coap_session_reference(session_);
  ++holds_;
  return {this, [self = shared_from_this()](void*) {
            --self->holds_;
            if (self->session_ != nullptr && self->holds_ == 0) coap_session_release(self->session_);
          }};
}

void Conversation::ping() {
  coap_session_set_ack_timeout(session_, {1, 0});
  coap_session_send_ping(session_);
}

const std::string& Conversation::local_address() const {
  if (session_ != nullptr) local_ = coap::text_of(*coap_session_get_addr_local(session_));
  return local_;
}

// ------------------------------------------------------------------------------------------------------- requests

asio::awaitable<Result<Answer>> Conversation::ask(Request request, SteadyTime deadline) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  const auto turn = co_await turns_.take(deadline);
  if (!turn) co_return turn.error();
  co_return co_await converse(&request, new_token(), false, deadline);
}

asio::awaitable<Result<Answer>> Conversation::observe(Request request, SteadyTime deadline,
                                                      std::function<void(Answer)> notify) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  const auto turn = co_await turns_.take(deadline);
  if (!turn) co_return turn.error();
  std::erase_if(observations_, [&](const auto& one) { return one.second->request.path == request.path; });
  const Token token = new_token();
  // Before it is sent: a notification may follow its answer at once.
  const auto observation = std::make_shared<Observation>(Observation{request, std::move(notify), {}, {}, false});
  if (!is_lost()) observations_.emplace(token, observation);
  auto answer = co_await converse(&request, token, true, deadline);
  if (!answer || !is_success(answer->code)) end(observation);
  co_return answer;
}

asio::awaitable<Result<Answer>> Conversation::converse(const Request* request, Token token, bool observes,
                                                       SteadyTime deadline) {
  Outbound out{request->method, request->path, &request->query, request->accept, request->format};
  out.body = request->body;
  if (observes) out.observe = 0;
  auto first = co_await exchange(out, token, deadline, kRepetitions);
  if (!first) co_return first.error();
  if (observes && !first->is_observed) observations_.erase(token);
  if (first->block2 && first->block2->more) co_return co_await read_rest(request, std::move(*first), deadline);
  co_return Answer{first->code, first->format, std::move(first->body)};
}

asio::awaitable<Result<Answer>> Conversation::read_rest(const Request* request, Reply first, SteadyTime deadline) {
  Answer answer{first.code, first.format, std::move(first.body)};
  Block block = *first.block2;
  while (block.more) {
    if (answer.body.size() > kMostAnswer) co_return Error{Errc::too_large, "the answer has more than 16 KiB"};
    if (answer.body.size() % block.size() != 0) co_return Error{Errc::invalid, "a block of the answer has an odd size"};
    block.number = static_cast<std::uint32_t>(answer.body.size() / block.size());
    Outbound out{request->method, request->path, &request->query, request->accept, request->format};
    out.block2 = Block{block.number, false, block.szx};
    auto next = co_await exchange(out, new_token(), deadline, kRepetitions);
    if (!next) co_return next.error();
    if (!is_success(next->code)) co_return Answer{next->code, next->format, std::move(next->body)};
    if (!next->block2 || next->block2->offset() != answer.body.size()) {
      co_return Error{Errc::invalid, "the child answers with another block than it was asked for"};
    }
    if (next->etag != first.etag) co_return Error{Errc::unavailable, "the answer changed while it was read"};
    answer.body.insert(answer.body.end(), next->body.begin(), next->body.end());
    block = *next->block2;
  }
  if (answer.body.size() > kMostAnswer) co_return Error{Errc::too_large, "the answer has more than 16 KiB"};
  co_return answer;
}

asio::awaitable<Result<Conversation::Reply>> Conversation::exchange(Outbound request, Token token, SteadyTime deadline,
                                                                    unsigned repetitions) {
  if (is_lost()) co_return lost_error();
  Waiting waiting(executor_, token, coap_new_message_id(session_));
  if (request.block1) waiting.block = request.block1->number;
  waiting_ = &waiting;
  const std::shared_ptr<void> no_longer(this, [](Conversation* self) { self->waiting_ = nullptr; });
  for (unsigned sent = 0; sent <= repetitions; ++sent) {
    waiting.is_silent = false;
    if (auto gone = transmit(request, waiting, sent); !gone) co_return gone.error();
    const bool is_cancelled = co_await wait_for(&waiting, deadline, silence_before(sent));
    // First: it is told once, perhaps together with an answer, and a push goes on after one.
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
    if (waiting.reply) co_return std::move(*waiting.reply);
    if (waiting.failure) co_return *waiting.failure;
    if (!waiting.is_silent) break;
  }
  co_return Error{Errc::timed_out, "no answer"};
}

/// libcoap says when the time of a datagram is over, or is silent if it was acknowledged. At times it forgets its timer
/// (4.3.1 disarms it when less than a millisecond is left), so it is looked after.
asio::awaitable<bool> Conversation::wait_for(Waiting* waiting, SteadyTime deadline, Milliseconds silence) {
  const auto overdue = silence * 3 / 2 + kLate;
  SteadyTime look = std::chrono::steady_clock::now() + overdue;
  while (!waiting->is_over() && !waiting->is_silent && std::chrono::steady_clock::now() < deadline) {
    waiting->timer.expires_at(std::min(look, deadline));
    co_await waiting->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return true;
    if (std::chrono::steady_clock::now() < look) continue;
    look += overdue;
    look_after_timers();
  }
  co_return false;
}

void Conversation::look_after_timers() {
  if (is_lost()) return;
  coap_tick_t now = 0;
  coap_ticks(&now);
  coap_io_prepare_epoll(coap_session_get_context(session_), now);
}

/// Doubles with each datagram (RFC 7252 section 4.2), of which a sending has two; libcoap makes it up to half longer,
/// at random.
Milliseconds Conversation::silence_before(unsigned repetition) const {
  return std::clamp(ack_timeout_ * (1U << std::min(2 * repetition, 10U)), kShortestSilence, kLongestSilence);
}

Result<void> Conversation::transmit(const Outbound& request, const Waiting& waiting, unsigned repetition) {
  if (is_lost()) return lost_error();
  // libcoap would begin a handshake as a client over a session that its child has closed.
  if (coap_session_get_state(session_) == COAP_SESSION_STATE_NONE) {
    return Error{Errc::unavailable, "the child closed DTLS, or it broke"};
  }
  const Milliseconds wait = silence_before(repetition);
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(wait);
  coap_session_set_ack_timeout(
      session_, {static_cast<std::uint16_t>(whole.count()), static_cast<std::uint16_t>((wait - whole).count())});
  coap_pdu_t* pdu = compose(request, waiting.mid, waiting.token, coap_session_max_pdu_size(session_));
  if (pdu == nullptr) return Error{Errc::too_large, "the request does not fit into a datagram"};
  if (coap_send(session_, pdu) == COAP_INVALID_MID) return Error{Errc::unavailable, "the network takes no datagram"};
  return {};
}

// ------------------------------------------------------------------------------------------------------- push

asio::awaitable<Result<Answer>> Conversation::push(Push push, std::function<void(std::uint64_t)> progress) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto self = shared_from_this();
  const auto turn = co_await turns_.take(std::chrono::steady_clock::now() + push.patience);
  if (!turn) co_return turn.error();
  co_return co_await push_blocks(&push, &progress);
}

asio::awaitable<Result<Answer>> Conversation::push_blocks(const Push* push,
                                                          const std::function<void(std::uint64_t)>* progress) {
  BlockPush blocks(push->size, push->block);
  const Token token = new_token();
  Bytes bytes;
  if (!blocks.can_be_numbered()) co_return Error{Errc::too_large, "the image has more blocks than can be numbered"};
  for (;;) {
    const Block block = blocks.block();
    bytes.resize(blocks.length());
    if (auto read = push->image.read(block.offset(), bytes); !read) co_return read.error();
    Outbound out{Method::put, push->path};
    out.format = Format::opaque;
    out.block1 = block;
    if (block.number == 0) out.size1 = push->size;
    out.body = bytes;
    const auto until = std::chrono::steady_clock::now() + push->patience;
    auto reply = co_await exchange(out, token, until, kRepetitionsOfBlock);
    if (!reply) co_return reply.error();
    const bool goes_on = blocks.go_on(reply->code, reply->block1, reply->size1);
    if (*progress) (*progress)(blocks.accepted());
    if (!goes_on) co_return Answer{reply->code, reply->format, std::move(reply->body)};
  }
}

// ------------------------------------------------------------------------------------------------------- answers

Conversation::Reply Conversation::reply_from(const Message& message) {
  return {static_cast<Code>(message.code),
          message.format,
          message.block1,
          message.block2,
          message.size1,
          message.observe.has_value(),
          Bytes(message.etag.begin(), message.etag.end()),
          Bytes(message.body.begin(), message.body.end())};
}

coap_response_t Conversation::answered(const coap_pdu_t& received) {
  const Message message(received);
  const bool is_acknowledgement = message.type == COAP_MESSAGE_ACK;
  const auto unwanted = is_acknowledgement ? COAP_RESPONSE_OK : COAP_RESPONSE_FAIL;
  Token token{};
  if (message.token.size() != token.size()) return unwanted;
  std::ranges::copy(message.token, token.begin());
  const auto observed = observations_.find(token);
  if (waiting_ != nullptr && waiting_->token == token) {
    const bool is_old_block = message.code == static_cast<std::uint8_t>(Code::go_on) && message.block1 &&
                              message.block1->number != waiting_->block;
    const bool is_old = (is_acknowledgement && message.mid != waiting_->mid) || is_old_block;
    if (is_old || waiting_->is_over()) return COAP_RESPONSE_OK;
    if (observed != observations_.end() && message.observe) {
      observed->second->number = *message.observe;
      observed->second->at = std::chrono::steady_clock::now();
    }
    waiting_->reply = reply_from(message);
    waiting_->timer.cancel();
    return COAP_RESPONSE_OK;
  }
  if (observed == observations_.end()) return unwanted;
  const auto observation = observed->second;  // may be ended by this
  notified(observation, message);
  return COAP_RESPONSE_OK;
}

void Conversation::refused(coap_mid_t mid, coap_nack_reason_t reason) {
  if (waiting_ == nullptr || waiting_->mid != mid || waiting_->is_over()) return;
  if (reason == COAP_NACK_TOO_MANY_RETRIES) {
    waiting_->is_silent = true;
  } else {
    waiting_->failure = why_refused(reason);
  }
  waiting_->timer.cancel();
}

// -------------------------------------------------------------------------------------------------- notifications

void Conversation::notified(const std::shared_ptr<Observation>& observation, const Message& message) {
  const auto now = std::chrono::steady_clock::now();
  if (message.observe) {
    if (observation->number && !is_newer(*message.observe, now, *observation->number, observation->at)) return;
    observation->number = *message.observe;
    observation->at = now;
  }
  if (message.block2 && message.block2->more) {
    read_whole(observation);
  } else {
    const Reply reply = reply_from(message);
    hand_on(observation, {reply.code, reply.format, reply.body});
  }
}

bool Conversation::is_kept(const std::shared_ptr<Observation>& observation) const {
  return std::ranges::any_of(observations_, [&](const auto& one) { return one.second == observation; });
}

void Conversation::end(const std::shared_ptr<Observation>& observation) {
  std::erase_if(observations_, [&](const auto& one) { return one.second == observation; });
}

/// On the next turn of the loop: whoever hears it may ask at once. One that is no success ends the observation.
void Conversation::hand_on(const std::shared_ptr<Observation>& observation, Answer answer) {
  asio::post(executor_, [self = shared_from_this(), observation, answer = std::move(answer)]() mutable {
    if (!self->is_kept(observation)) return;
    if (!is_success(answer.code)) self->end(observation);
    observation->notify(std::move(answer));
  });
}

/// What does not fit into one notification is asked for again.
void Conversation::read_whole(const std::shared_ptr<Observation>& observation) {
  if (observation->is_being_read) return;
  observation->is_being_read = true;
  const auto read = [](std::shared_ptr<Conversation> self,
                       std::shared_ptr<Observation> which) -> asio::awaitable<void> {
    const auto deadline = std::chrono::steady_clock::now() + kReadWholeWithin;
    auto answer = co_await self->ask(which->request, deadline);
    which->is_being_read = false;
    if (answer) self->hand_on(which, std::move(*answer));
  };
  asio::co_spawn(executor_, read(shared_from_this(), observation), asio::detached);
}

Token Conversation::new_token() {
  Token token{};
  coap_prng(token.data(), token.size());
  return token;
}

}  // namespace hg::coap
