// SPDX-License-Identifier: Apache-2.0
// The Peer of a libcoap session: requests with tokens and retransmissions of our own, answers put together,
// observations, pushes. libcoap sends and waits for the acknowledgement of one datagram at a time; all that spans
// several is here, because libcoap 4.3.1 changes the tokens of blocks, cannot be told to give a request up, and would
// go on sending it. libcoap_server makes one for each session that has spoken, and tells it what libcoap tells.
#pragma once

#include <coap3/coap.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>

#include "coap/message.hpp"
#include "coap/request_body.hpp"
#include "coap/server.hpp"
#include "coap/turns.hpp"

namespace hg::coap {

class Conversation final : public Peer, public std::enable_shared_from_this<Conversation> {
 public:
  enum class Kind : std::uint8_t {
    accepted,  ///< libcoap ends the session when nobody holds it
    reached,   ///< ours: one reference is this object's
  };
  Conversation(boost::asio::any_io_executor executor, coap_session_t* session, Kind kind, Proof proof);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation() override;

  boost::asio::awaitable<Result<Answer>> ask(Request request, SteadyTime deadline) override;
  boost::asio::awaitable<Result<Answer>> push(Push push, std::function<void(std::uint64_t)> progress) override;
  boost::asio::awaitable<Result<Answer>> observe(Request request, SteadyTime deadline,
                                                 std::function<void(Answer)> notify) override;
  void forget_observations() override { observations_.clear(); }
  [[nodiscard]] bool is_lost() const override { return session_ == nullptr; }
  [[nodiscard]] const Proof& proof() const override { return proof_; }
  [[nodiscard]] const std::string& address() const override { return address_; }
  [[nodiscard]] const std::string& local_address() const override;
  void set_ack_timeout(Milliseconds timeout) override { ack_timeout_ = timeout; }

  /// The address without port.
  [[nodiscard]] const std::string& host() const { return host_; }
  /// Null: lost.
  [[nodiscard]] coap_session_t* session() const { return session_; }
  /// See Server::hold.
  std::shared_ptr<void> hold();
  [[nodiscard]] bool is_held() const { return holds_ > 0; }
  /// Whoever has the session answers by a reset (RFC 7252 section 4.3). It must not be lost.
  void ping();

  // What libcoap tells. An answer that nobody waits for is reset (FAIL).
  coap_response_t answered(const coap_pdu_t& received);
  void refused(coap_mid_t mid, coap_nack_reason_t reason);
  /// The session goes, or is nothing to us any more: lets go of it, and whoever waits hears why.
  void lose(const std::string& why);

  /// See libcoap_server_restarts: asked whether it still has the session, and nothing came over it since.
  bool is_doubted = false;
  std::optional<SteadyTime> doubted_at;

  /// The last request that went to the Inlet, so that its repetition is not one more.
  struct Repeatable {
    coap_mid_t mid = COAP_INVALID_MID;
    Token token{};
    std::size_t token_size = 0;
    SteadyTime at{};
    Outgoing answer;
  };
  std::unique_ptr<Repeatable> last_request;
  std::unique_ptr<RequestBody> body;  ///< of a request that comes in blocks; null: none

 private:
  /// An answer as it came: perhaps one block of it.
  struct Reply {
    Code code = Code::none;
    std::optional<Format> format;
    std::optional<Block> block1;
    std::optional<Block> block2;
    std::optional<std::uint32_t> size1;
    bool is_observed = false;
    Bytes etag;
    Bytes body;
  };
  /// A request on its way; in the frame of its coroutine.
  struct Waiting {
    Waiting(const boost::asio::any_io_executor& executor, const Token& its, coap_mid_t first)
        : token(its), mid(first), timer(executor) {}
    [[nodiscard]] bool is_over() const { return reply.has_value() || failure.has_value(); }

    Token token;
    coap_mid_t mid;
    std::uint32_t block = 0;  // of a push: 2.31 for another one is an old answer
    bool is_silent = false;   // the time of this sending is over
    std::optional<Reply> reply;
    std::optional<Error> failure;
    boost::asio::steady_timer timer;
  };
  struct Observation {
    Request request;
    std::function<void(Answer)> notify;
    std::optional<std::uint32_t> number;  // of the last notification
    SteadyTime at{};
    bool is_being_read = false;
  };
  using Observations = std::map<Token, std::shared_ptr<Observation>>;

  static Reply reply_from(const Message& message);
  boost::asio::awaitable<Result<Answer>> converse(const Request* request, Token token, bool observes,
                                                  SteadyTime deadline);
  boost::asio::awaitable<Result<Answer>> read_rest(const Request* request, Reply first, SteadyTime deadline);
  boost::asio::awaitable<Result<Reply>> exchange(Outbound request, Token token, SteadyTime deadline,
                                                 unsigned repetitions);
  boost::asio::awaitable<Result<Answer>> push_blocks(const Push* push,
                                                     const std::function<void(std::uint64_t)>* progress);
  boost::asio::awaitable<bool> wait_for(Waiting* waiting, SteadyTime deadline, Milliseconds silence);
  void look_after_timers();
  [[nodiscard]] Milliseconds silence_before(unsigned repetition) const;
  Result<void> transmit(const Outbound& request, const Waiting& waiting, unsigned repetition);
  void notified(const std::shared_ptr<Observation>& observation, const Message& message);
  void hand_on(const std::shared_ptr<Observation>& observation, Answer answer);
  void read_whole(const std::shared_ptr<Observation>& observation);
  void end(const std::shared_ptr<Observation>& observation);
  [[nodiscard]] bool is_kept(const std::shared_ptr<Observation>& observation) const;
  Token new_token();
  void release();
  [[nodiscard]] Error lost_error() const { return {Errc::unavailable, "the session is gone: " + why_lost_}; }

  boost::asio::any_io_executor executor_;
  coap_session_t* session_;
  Kind kind_;
  Proof proof_;
  std::string address_;
  std::string host_;
  mutable std::string local_;
  std::string why_lost_;
  Milliseconds ack_timeout_{2000};
  std::size_t holds_ = 0;
  Turns turns_;
  Waiting* waiting_ = nullptr;
  Observations observations_;
};

/// "192.0.2.7:5683", "[2001:db8::7]:5684"; a mapped IPv4 address as IPv4.
std::string text_of(const coap_address_t& address);
/// The same without the port and brackets.
std::string host_of(const coap_address_t& address);

}  // namespace hg::coap
