// SPDX-License-Identifier: Apache-2.0
// The CoAP server towards a child that is asked: requests and what becomes of them, observations, pushes block by
// block, and children that do not answer as they should.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "coap/server_fixture.hpp"

namespace hg::coap {
namespace {

using AnswerOf = Result<Answer>;

class Peers : public CoapServerTest {
 protected:
  void SetUp() override {
    open();
    child_ = std::make_unique<BareChild>(loop_, settings_.port);
    peer_ = meet(*child_);
    peer_->set_ack_timeout(1s);
  }
  void TearDown() override {
    child_.reset();
    peer_.reset();
  }
  std::shared_ptr<std::optional<AnswerOf>> ask(const std::string& path, Milliseconds within = 5s) {
    return begin(peer_->ask({.path = path, .accept = Format::text}, in(within)));
  }

  std::unique_ptr<BareChild> child_;
  std::shared_ptr<Peer> peer_;
};

TEST_F(Peers, AnswerWhatTheyAreAsked) {
  const auto asked = begin(peer_->ask({Method::post, "5/0/2", {"a=1"}, Format::text, Format::cbor, {1, 2}}, in(5s)));
  const Datagram request = child_->hear();
  EXPECT_EQ(request.type, kCon);
  EXPECT_EQ(request.code, 2);
  EXPECT_EQ(request.path(), "5/0/2");
  EXPECT_EQ(request.value(kContentFormat), 60U);
  EXPECT_EQ(request.body, (Bytes{1, 2}));
  child_->answer(request, Code::not_allowed, {{kContentFormat, {}}}, text_bytes("no"));
  const auto answer = result(asked);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->code, Code::not_allowed);
  EXPECT_EQ(answer->format, Format::text);
  EXPECT_EQ(answer->body, text_bytes("no"));
}

TEST_F(Peers, MayAnswerByAMessageOfItsOwn) {
  const auto asked = ask("3/0/3");
  const Datagram request = child_->hear();
  child_->send({kAck, 0, request.mid});
  child_->send({kCon, 0x45, 9, request.token, {}, text_bytes("1.2")});
  EXPECT_EQ(result(asked)->body, text_bytes("1.2"));
  EXPECT_EQ(child_->hear().type, kAck);
}

TEST_F(Peers, AreAskedOneThingAtATime) {
  const auto first = ask("1"), second = ask("2");
  const Datagram request = child_->hear();
  EXPECT_EQ(request.path(), "1");
  loop_.settle();
  EXPECT_FALSE(child_->has_heard());
  child_->answer(request, Code::content);
  const Datagram next = child_->hear();
  EXPECT_EQ(next.path(), "2");
  EXPECT_NE(next.token, request.token);
  child_->answer(next, Code::content);
  EXPECT_TRUE(result(first));
  EXPECT_TRUE(result(second));
}

TEST_F(Peers, HearARequestAgainUntilTheyAnswer) {
  const auto asked = ask("1");
  const Datagram first = child_->hear(), again = child_->hear();
  EXPECT_EQ(first.mid, again.mid);
  EXPECT_EQ(first.token, again.token);
  child_->answer(again, Code::content);
  EXPECT_TRUE(result(asked));
}

TEST_F(Peers, ThatAreSilentHearARequestAtGrowingPausesUntilItsDeadline) {
  EXPECT_EQ(result(ask("1", 4900ms)).error().code, Errc::timed_out);
  int sent = 0;
  for (; child_->has_heard(); ++sent) child_->hear();
  EXPECT_EQ(sent, 3);  // at 0, after 1 to 1.5 s, after 2 to 3 s more
}

TEST_F(Peers, ThatAreGivenUpHearTheNextRequestAtOnce) {
  EXPECT_EQ(result(ask("1", 20ms)).error().code, Errc::timed_out);
  EXPECT_EQ(child_->hear().path(), "1");
  const auto begun = std::chrono::steady_clock::now();
  const auto asked = ask("2");
  const Datagram request = child_->hear();
  EXPECT_EQ(request.path(), "2");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 900ms);
  child_->answer(request, Code::content);
  EXPECT_TRUE(result(asked));
}

TEST_F(Peers, ThatResetAreUnavailableAtOnce) {
  const auto asked = ask("1", 60s);
  child_->reset(child_->hear());
  EXPECT_EQ(result(asked).error().code, Errc::unavailable);
}

TEST_F(Peers, CanBeLeftByWhoeverAsks) {
  asio::cancellation_signal stop;
  std::optional<AnswerOf> got;
  asio::co_spawn(loop_.io, peer_->ask({.path = "1"}, in(60s)),
                 asio::bind_cancellation_slot(
                     stop.slot(), [&](const std::exception_ptr&, AnswerOf answer) { got = std::move(answer); }));
  const Datagram request = child_->hear();
  stop.emit(asio::cancellation_type::all);
  loop_.until([&] { return got.has_value(); });
  EXPECT_EQ(got->error().code, Errc::cancelled);
  child_->answer(request, Code::content);  // too late: nothing happens
  const auto next = ask("2");
  child_->answer(child_->hear(), Code::changed);
  EXPECT_EQ(result(next)->code, Code::changed);
}

TEST_F(Peers, GiveAnswersOfSeveralBlocks) {
  const Bytes whole = pattern(150);
  const auto asked = ask("5/0");
  for (std::uint32_t number = 0; number < 3; ++number) {
    const Datagram request = child_->hear();
    EXPECT_EQ(request.path(), "5/0");
    EXPECT_EQ(request.value(kBlock2), number == 0 ? std::nullopt : std::optional(block_value(number, false, 2)));
    const auto begin = whole.begin() + number * 64;
    child_->answer(request, Code::content, {{kBlock2, number_bytes(block_value(number, number < 2, 2))}},
                   Bytes(begin, number < 2 ? begin + 64 : whole.end()));
  }
  EXPECT_EQ(result(asked)->body, whole);
}

TEST_F(Peers, AreNotBelievedMoreThan16KiB) {
  const auto asked = ask("5/0");
  std::uint32_t number = 0;
  while (!asked->has_value()) {
    loop_.until([&] { return child_->has_heard() || asked->has_value(); });
    if (!child_->has_heard()) continue;
    child_->answer(child_->hear(), Code::content, {{kBlock2, number_bytes(block_value(number, true, 6))}}, Bytes(1024));
    ++number;
  }
  EXPECT_EQ((*asked)->error().code, Errc::too_large);
  EXPECT_EQ(number, 17U);
}

TEST_F(Peers, ThatAreDroppedAnswerNothing) {
  const auto asked = ask("1");
  child_->hear();
  server_->drop(peer_);
  EXPECT_EQ(result(asked).error().code, Errc::unavailable);
  EXPECT_TRUE(peer_->is_lost());
  EXPECT_TRUE(inlet_.losses.empty());
  EXPECT_EQ(result(ask("2")).error().code, Errc::unavailable);
  const auto again = meet(*child_);
  EXPECT_NE(again, peer_);
  EXPECT_FALSE(again->is_lost());
}

TEST_F(Peers, OutliveTheirServer) {
  const auto asked = ask("1");
  const auto held = server_->hold(peer_);
  child_->hear();
  server_.reset();
  EXPECT_EQ(result(asked).error().code, Errc::unavailable);
  EXPECT_TRUE(peer_->is_lost());
}

// -------------------------------------------------------------------------------------------------- observations

class Observations : public Peers {
 protected:
  void observe() {
    const auto asked = begin(peer_->observe({.path = "5/0/3", .accept = Format::text}, in(5s),
                                            [this](Answer answer) { told_.push_back(std::move(answer.body)); }));
    const Datagram request = child_->hear();
    EXPECT_EQ(request.option(kObserve)->size(), 0U);
    token_ = request.token;
    child_->answer(request, Code::content, {{kObserve, {10}}}, text_bytes("0"));
    EXPECT_EQ(result(asked)->body, text_bytes("0"));
  }
  /// Confirmable, so that it is known when it has arrived; the answer.
  Type notify(std::uint32_t number, const std::string& body) {
    child_->send({kCon, 0x45, ++mid_, token_, {{kObserve, number_bytes(number)}}, text_bytes(body)});
    const Type type = child_->hear().type;
    loop_.settle();
    return type;
  }
  Bytes token_;
  std::uint16_t mid_ = 500;
  std::vector<Bytes> told_;
};

TEST_F(Observations, AreToldInTheOrderOfTheirNumbers) {
  observe();
  EXPECT_EQ(notify(12, "2"), kAck);
  EXPECT_EQ(notify(11, "1"), kAck);  // older: not told
  EXPECT_EQ(notify(13, "3"), kAck);
  EXPECT_EQ(notify((1U << 23U) + 12U, "4"), kAck);
  EXPECT_EQ(notify(5, "5"), kAck);  // has gone round
  EXPECT_EQ(told_, (std::vector<Bytes>{text_bytes("2"), text_bytes("3"), text_bytes("4"), text_bytes("5")}));
}

TEST_F(Observations, ThatAreForgottenAreReset) {
  observe();
  peer_->forget_observations();
  EXPECT_EQ(notify(12, "2"), kRst);
  EXPECT_TRUE(told_.empty());
}

TEST_F(Observations, EndWithAnAnswerThatIsNoSuccess) {
  observe();
  child_->send({kCon, 0x84, ++mid_, token_, {}, {}});
  EXPECT_EQ(child_->hear().type, kAck);
  loop_.until([&] { return told_.size() == 1; });
  EXPECT_EQ(notify(14, "4"), kRst);
}

TEST_F(Observations, AreReadWholeWhenOneNotificationDoesNotHoldThem) {
  observe();
  child_->send({kNon,
                0x45,
                ++mid_,
                token_,
                {{kObserve, {11}}, {kBlock2, number_bytes(block_value(0, true, 0))}},
                Bytes(16, 'x')});
  const Datagram request = child_->hear();
  EXPECT_EQ(request.path(), "5/0/3");
  EXPECT_EQ(request.option(kObserve), nullptr);
  child_->answer(request, Code::content, {}, Bytes(20, 'x'));
  loop_.until([&] { return told_.size() == 1; });
  EXPECT_EQ(told_[0], Bytes(20, 'x'));
}

// ------------------------------------------------------------------------------------------------------- pushes

class Pushes : public Peers {
 protected:
  std::shared_ptr<std::optional<AnswerOf>> push(std::uint16_t block, Milliseconds patience = 10s) {
    Push push{.path = "5/0/0", .image = image_of(image_), .size = image_.size(), .block = block, .patience = patience};
    return begin(peer_->push(std::move(push), [this](std::uint64_t done) { progress_.push_back(done); }));
  }
  /// Takes blocks and says 2.31 until the last, which it leaves to the test.
  Datagram take(unsigned szx, std::uint32_t from = 0) {
    for (std::uint32_t number = from;; ++number) {
      Datagram block = child_->hear();
      const std::uint32_t value = *block.value(kBlock1);
      EXPECT_EQ(value & ~8U, block_value(number, false, szx));
      tokens_.insert(block.token);
      got_.resize(number << (4U + szx));
      got_.insert(got_.end(), block.body.begin(), block.body.end());
      if ((value & 8U) == 0) return block;
      child_->answer(block, Code::go_on, {{kBlock1, number_bytes(value)}});
    }
  }
  void accept(const Datagram& last) {
    child_->answer(last, Code::changed, {{kBlock1, number_bytes(*last.value(kBlock1))}});
  }

  Bytes image_ = pattern(1000);
  Bytes got_;
  std::set<Bytes> tokens_;
  std::vector<std::uint64_t> progress_;
};

TEST_F(Pushes, HaveOneTokenAndTheirSizeOnce) {
  const auto pushed = push(256);
  Datagram first = child_->hear();
  EXPECT_EQ(first.type, kCon);
  EXPECT_EQ(first.code, 3);
  EXPECT_EQ(first.path(), "5/0/0");
  EXPECT_EQ(first.value(kContentFormat), 42U);
  EXPECT_EQ(first.value(kSize1), 1000U);
  tokens_.insert(first.token);
  got_ = first.body;
  child_->answer(first, Code::go_on, {{kBlock1, number_bytes(*first.value(kBlock1))}});
  const Datagram last = take(4, 1);
  EXPECT_EQ(last.option(kSize1), nullptr);
  EXPECT_EQ(last.option(kRequestTag), nullptr);
  accept(last);
  EXPECT_EQ(result(pushed)->code, Code::changed);
  EXPECT_EQ(got_, image_);
  EXPECT_EQ(tokens_.size(), 1U);
  EXPECT_EQ(progress_, (std::vector<std::uint64_t>{256, 512, 768, 1000}));
}

TEST_F(Pushes, BecomeSmallerWhenTheChildSaysSo) {
  const auto pushed = push(256);
  const Datagram first = child_->hear();
  got_ = first.body;
  child_->answer(first, Code::go_on, {{kBlock1, number_bytes(block_value(0, true, 2))}});
  accept(take(2, 4));
  EXPECT_EQ(result(pushed)->code, Code::changed);
  EXPECT_EQ(got_, image_);
}

TEST_F(Pushes, BeginAgainOnceWhenABlockWasLost) {
  const auto pushed = push(512);
  const Datagram first = child_->hear();
  child_->answer(first, Code::incomplete);
  const Datagram last = take(5);
  EXPECT_EQ(got_, image_);
  child_->answer(last, Code::incomplete);
  EXPECT_EQ(result(pushed)->code, Code::incomplete);
  EXPECT_EQ(tokens_, std::set<Bytes>{first.token});
}

TEST_F(Pushes, AreHalvedWhileTooLarge) {
  const auto pushed = push(1024);
  child_->answer(child_->hear(), Code::too_large);
  child_->answer(child_->hear(), Code::too_large, {{kBlock1, number_bytes(block_value(0, true, 3))}});
  accept(take(3));
  EXPECT_EQ(result(pushed)->code, Code::changed);
  EXPECT_EQ(got_, image_);
}

TEST_F(Pushes, EndWhenTheWholeIsTooLarge) {
  const auto pushed = push(64);
  child_->answer(child_->hear(), Code::too_large, {{kSize1, number_bytes(500)}});
  EXPECT_EQ(result(pushed)->code, Code::too_large);
}

TEST_F(Pushes, EndWithTheAnswerThatRefusesThem) {
  const auto pushed = push(64);
  child_->answer(child_->hear(), Code::unsupported_format);
  EXPECT_EQ(result(pushed)->code, Code::unsupported_format);
}

TEST_F(Pushes, RepeatABlockThatIsNotAnsweredAndLoseNone) {
  const auto pushed = push(512);
  const Datagram first = child_->hear(), again = child_->hear();
  EXPECT_EQ(first.mid, again.mid);
  EXPECT_EQ(first.body, again.body);
  got_ = first.body;
  const Bytes value = number_bytes(*first.value(kBlock1));
  child_->answer(first, Code::go_on, {{kBlock1, value}});
  child_->answer(first, Code::go_on, {{kBlock1, value}});
  accept(take(5, 1));
  EXPECT_EQ(result(pushed)->code, Code::changed);
  EXPECT_EQ(got_, image_);
}

TEST_F(Pushes, RunOutOfPatience) {
  const auto pushed = push(512, 300ms);
  EXPECT_EQ(result(pushed).error().code, Errc::timed_out);
  EXPECT_TRUE(progress_.empty());
}

TEST_F(Pushes, EndAtOnceWhenTheChildResets) {
  const auto pushed = push(512, 60s);
  child_->reset(child_->hear());
  EXPECT_EQ(result(pushed).error().code, Errc::unavailable);
}

// ------------------------------------------------------------------------------------------------------- reaching

class Reaching : public CoapServerTest {
 protected:
  AnswerOf ask(const std::shared_ptr<Peer>& peer) { return result(begin(peer->ask({.path = "1"}, in(10s)))); }
};

TEST_F(Reaching, AChildThatHasNotSpokenHearsUsFromOurPort) {
  open();
  udp::socket socket(loop_.io, udp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  const std::string address = "127.0.0.1:" + std::to_string(socket.local_endpoint().port());
  auto peer = loop_.wait(server_->reach(address, std::nullopt));
  ASSERT_TRUE(peer) << peer.error().message;
  EXPECT_EQ((*peer)->address(), address);
  const auto asked = begin((*peer)->ask({.path = "suit/version"}, in(5s)));
  Bytes bytes(1000);
  udp::endpoint from;
  std::size_t size = 0;
  socket.async_receive_from(asio::buffer(bytes), from, [&](boost::system::error_code, std::size_t got) { size = got; });
  loop_.until([&] { return size != 0; });
  EXPECT_EQ(from.port(), settings_.port);
  bytes.resize(size);
  const Datagram request = read(bytes);
  EXPECT_EQ(request.path(), "suit/version");
  socket.send_to(asio::buffer(written({kAck, 0x45, request.mid, request.token, {}, text_bytes("7")})), from);
  EXPECT_EQ(result(asked)->body, text_bytes("7"));
  const auto again = loop_.wait(server_->reach(address, std::nullopt));
  EXPECT_EQ(*again, *peer);
}

TEST_F(Reaching, APortWhereNobodyListensIsUnavailableAtOnce) {
  open();
  const auto peer = loop_.wait(server_->reach("127.0.0.1:" + std::to_string(free_port(loop_.io)), std::nullopt));
  ASSERT_TRUE(peer);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(ask(*peer).error().code, Errc::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
}

TEST_F(Reaching, AnAddressThatIsNoneIsAnError) {
  open();
  EXPECT_EQ(loop_.wait(server_->reach("127.0.0.1:x", std::nullopt)).error().code, Errc::invalid);
  EXPECT_EQ(loop_.wait(server_->reach("127.0.0.1", "nobody")).error().code, Errc::not_found);
}

}  // namespace
}  // namespace hg::coap
