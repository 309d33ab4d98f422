// SPDX-License-Identifier: Apache-2.0
// The CoAP server towards those who ask: images block by block, whoever asks for them in what order, and the requests
// that go to the Inlet, with their limits.
#include <algorithm>
#include <random>

#include "coap/server_fixture.hpp"

namespace hg::coap {
namespace {

class Pulls : public CoapServerTest, public testing::WithParamInterface<int> {};

TEST_P(Pulls, GiveTheWholeImageToLibcoapsClient) {
  open();
  const Bytes image = pattern(20'001);
  std::uint64_t sent = 0;
  Served place = served(image);
  place.sent = [&](std::uint64_t, std::uint32_t size) { sent += size; };
  const auto kept = server_->shelf().put("fw/a", place);
  CoapClient client(loop_, directory_, {"-b", std::to_string(GetParam()), uri("fw/a")});
  EXPECT_EQ(client.body(), image);
  EXPECT_EQ(sent, image.size());
}

INSTANTIATE_TEST_SUITE_P(OfEveryBlockSize, Pulls, testing::Values(16, 32, 64, 128, 256, 512, 1024));

class Images : public CoapServerTest {};

TEST_F(Images, ComeInAnyOrderWithTheSameETag) {
  open();
  const Bytes image = pattern(5000);
  const auto kept = server_->shelf().put("fw/a", served(image));
  BareChild child(loop_, settings_.port);
  std::vector<std::uint32_t> numbers(79);
  std::iota(numbers.begin(), numbers.end(), 0U);
  std::ranges::shuffle(numbers, std::mt19937{7});
  Bytes got(image.size());
  for (const std::uint32_t number : numbers) {
    const Datagram block = child.get("fw/a", block_value(number, false, 2));
    ASSERT_EQ(block.code, 0x45);
    EXPECT_EQ(*block.option(kETag), (Bytes{1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(block.value(kContentFormat), 42U);
    EXPECT_EQ(block.value(kBlock2), block_value(number, number != 78, 2));
    EXPECT_EQ(block.value(kSize2), number == 0 ? std::optional(5000U) : std::nullopt);
    std::ranges::copy(block.body, got.begin() + number * 64);
  }
  EXPECT_EQ(got, image);
}

TEST_F(Images, HaveTheSizeOfTheirPlaceForWhoNamesNone) {
  open();
  const auto kept = server_->shelf().put("fw/a", served(pattern(500), 64));
  BareChild child(loop_, settings_.port);
  EXPECT_EQ(child.get("fw/a").value(kBlock2), block_value(0, true, 2));
  EXPECT_EQ(child.get("fw/a", block_value(0, false, 6)).value(kBlock2), block_value(0, true, 2));
  EXPECT_EQ(child.get("fw/a", block_value(0, false, 0)).body.size(), 16U);
}

TEST_F(Images, HavePatchesLaidOver) {
  open();
  Bytes image = pattern(3000);
  Served place = served(image);
  place.image = image_of(image, {{1020, Bytes(10, 0xEE)}});
  std::fill_n(image.begin() + 1020, 10, std::uint8_t{0xEE});
  const auto kept = server_->shelf().put("fw/a", place);
  CoapClient client(loop_, directory_, {uri("fw/a")});
  EXPECT_EQ(client.body(), image);
}

TEST_F(Images, AreRefusedBeyondTheirEndAndInBlocksThatAreNone) {
  open();
  const auto kept = server_->shelf().put("fw/a", served(pattern(1024)));
  BareChild child(loop_, settings_.port);
  EXPECT_EQ(child.get("fw/a", block_value(1, false, 6)).code, 0x80);
  EXPECT_EQ(child.get("fw/a", block_value(0xFFFFF, false, 6)).code, 0x80);
  EXPECT_EQ(child.get("fw/a", block_value(0, false, 7)).code, 0x82);
  EXPECT_EQ(child.get("fw/a", block_value(0, false, 6)).code, 0x45);
}

TEST_F(Images, GoWhenTheirPlaceIsGivenUp) {
  open();
  inlet_.answer.code = Code::not_found;
  auto kept = server_->shelf().put("fw/a", served(pattern(10)));
  BareChild child(loop_, settings_.port);
  EXPECT_EQ(child.get("fw/a").code, 0x45);
  kept.reset();
  EXPECT_EQ(child.get("fw/a").code, 0x84);
  EXPECT_EQ(inlet_.paths, std::vector<std::string>{"fw/a"});
}

TEST_F(Images, AreForTheirAddressOnlyAndNeverPlainForAnIdentity) {
  open();
  Served mine = served(pattern(10));
  mine.address = "127.0.0.1";
  Served other = served(pattern(20));
  other.address = "127.0.0.2";
  Served secret = served(pattern(30));
  secret.identity = "boiler";
  const auto kept = {server_->shelf().put("fw/a", mine), server_->shelf().put("fw/a", other),
                     server_->shelf().put("fw/b", secret)};
  BareChild one(loop_, settings_.port), two(loop_, settings_.port, "127.0.0.2"),
      three(loop_, settings_.port, "127.0.0.3");
  EXPECT_EQ(one.get("fw/a").body.size(), 10U);
  EXPECT_EQ(two.get("fw/a").body.size(), 20U);
  EXPECT_EQ(three.get("fw/a").code, 0x84);
  EXPECT_EQ(one.get("fw/b").code, 0x84);
  EXPECT_TRUE(inlet_.paths.empty());
}

TEST_F(Images, GoOnFromANewServerInTheMiddle) {
  open();
  const Bytes image = pattern(300'000);
  std::size_t blocks = 0;
  Served place = served(image, 64);
  place.sent = [&](std::uint64_t, std::uint32_t) { ++blocks; };
  auto kept = server_->shelf().put("fw/a", place);
  CoapClient client(loop_, directory_, {"-b", "64", uri("fw/a")});
  loop_.until([&] { return blocks > 500; });
  kept.reset();
  open();
  const auto again = server_->shelf().put("fw/a", place);
  EXPECT_EQ(client.body(), image);
  EXPECT_LE(blocks, 300'000 / 64 + 3U);
}

TEST_F(Images, ThatMayStillComeAreWaitedForWithoutAWord) {
  open();
  server_->shelf().expect_until(in(60s));
  BareChild child(loop_, settings_.port);
  child.send(child.request(1, "fw/a", block_value(3, false, 2)));
  EXPECT_EQ(child.get("elsewhere").code, 0x44);  // what came after it is answered before it
  const Bytes image = pattern(1000);
  const auto kept = server_->shelf().put("fw/a", served(image));
  const Datagram block = child.hear();
  EXPECT_EQ(block.type, kAck);
  EXPECT_EQ(block.code, 0x45);
  EXPECT_EQ(block.value(kBlock2), block_value(3, true, 2));
  EXPECT_EQ(block.body, Bytes(image.begin() + 192, image.begin() + 256));
  server_->shelf().expect_until(in(-1s));
  inlet_.answer.code = Code::not_found;
  EXPECT_EQ(child.get("fw/b").code, 0x84);
}

// ------------------------------------------------------------------------------------------------------- requests

class Requests : public CoapServerTest {};

TEST_F(Requests, ReachTheInletWithAllThatTheySay) {
  open();
  inlet_.answer = {Code::created, {"rd", "7"}, Format::text, text_bytes("ok")};
  BareChild child(loop_, settings_.port);
  Datagram request = child.request(2, "rd");
  request.options.emplace_back(kContentFormat, number_bytes(40));
  request.body = text_bytes("</5/0>");
  const Datagram answer = child.exchange(request);
  EXPECT_EQ(answer.code, 0x41);
  EXPECT_EQ(answer.token, request.token);
  EXPECT_EQ(*answer.option(kLocationPath), text_bytes("rd"));
  EXPECT_EQ(answer.body, text_bytes("ok"));
  EXPECT_EQ(inlet_.bodies, std::vector<Bytes>{text_bytes("</5/0>")});
  EXPECT_EQ(inlet_.last->address(), child.address());
  EXPECT_EQ(inlet_.last->local_address(), "127.0.0.1:" + std::to_string(settings_.port));
  EXPECT_FALSE(inlet_.last->proof().is_secured);
  EXPECT_EQ(inlet_.datagrams, 1);
}

TEST_F(Requests, ThatAreRepeatedAreAnsweredAgainAndNotMadeAgain) {
  open();
  BareChild child(loop_, settings_.port);
  const Datagram request = child.request(2, "rd");
  const Datagram first = child.exchange(request);
  inlet_.answer.code = Code::bad_request;
  EXPECT_EQ(child.exchange(request).code, first.code);
  EXPECT_EQ(inlet_.paths.size(), 1U);
}

TEST_F(Requests, OfEveryMethodReachTheInlet) {
  open();
  BareChild child(loop_, settings_.port);
  for (const int method : {1, 2, 3, 4, 5, 7}) {
    EXPECT_EQ(child.exchange(child.request(static_cast<std::uint8_t>(method), "a/b")).code, 0x44) << method;
  }
  EXPECT_EQ(inlet_.paths, std::vector<std::string>(6, "a/b"));
}

TEST_F(Requests, HaveBodiesInBlocksUpTo4KiB) {
  open();
  BareChild child(loop_, settings_.port);
  const auto send = [&](std::uint32_t number, bool more) {
    Datagram request = child.request(2, "rd");
    request.options.emplace_back(kBlock1, number_bytes(block_value(number, more, 6)));
    request.body = Bytes(1024, static_cast<std::uint8_t>(number));
    return child.exchange(request);
  };
  for (std::uint32_t number = 0; number < 3; ++number) EXPECT_EQ(send(number, true).code, 0x5F);
  const Datagram last = send(3, false);
  EXPECT_EQ(last.code, 0x44);
  EXPECT_EQ(last.value(kBlock1), block_value(3, false, 6));
  ASSERT_EQ(inlet_.bodies.size(), 1U);
  EXPECT_EQ(inlet_.bodies[0].size(), 4096U);
  for (std::uint32_t number = 0; number < 4; ++number) EXPECT_EQ(send(number, true).code, 0x5F);
  EXPECT_EQ(send(4, true).code, 0x8D);
  EXPECT_EQ(send(2, true).code, 0x88);
}

TEST_F(Requests, InAFloodGetOne429AndThenSilenceWhileOthersAreServed) {
  settings_.limits.requests_per_second = 1;
  settings_.limits.burst = 5;
  open();
  const auto kept = server_->shelf().put("fw/a", served(pattern(10)));
  BareChild flood(loop_, settings_.port), other(loop_, settings_.port, "127.0.0.2");
  for (int i = 0; i < 50; ++i) flood.send(flood.request(2, "rd"));
  EXPECT_EQ(other.exchange(other.request(2, "rd")).code, 0x44);
  std::map<std::uint8_t, int> codes;
  for (int i = 0; i < 6; ++i) ++codes[flood.hear().code];
  EXPECT_EQ(other.get("fw/a").code, 0x45);  // behind all of the flood
  loop_.settle();
  EXPECT_FALSE(flood.has_heard());
  EXPECT_EQ(codes[0x44], 5);
  EXPECT_EQ(codes[0x9D], 1);
  EXPECT_EQ(codes.size(), 2U);
  EXPECT_EQ(flood.get("fw/a").code, 0x45);  // images are not counted
}

TEST_F(Requests, OfOneThatFloodsSpendNothingOfWhoSharesItsAddress) {
  settings_.limits.own_requests_per_second = 1;
  settings_.limits.own_burst = 5;
  settings_.limits.requests_per_second = 1;
  settings_.limits.burst = 10;
  open();
  BareChild flood(loop_, settings_.port), neighbour(loop_, settings_.port);
  for (int i = 0; i < 50; ++i) flood.send(flood.request(2, "rd"));
  EXPECT_EQ(neighbour.exchange(neighbour.request(2, "rd")).code, 0x44);
}

TEST_F(Requests, ThatAreNoneAreSurvived) {
  settings_.limits.burst = 10'000;
  settings_.limits.own_burst = 10'000;
  open();
  BareChild child(loop_, settings_.port);
  std::mt19937 random{3};
  const Bytes whole = written(child.request(1, "fw/a", 6));
  udp::socket socket(loop_.io, udp::endpoint(udp::v4(), 0));
  const udp::endpoint server(asio::ip::make_address("127.0.0.1"), settings_.port);
  for (int i = 0; i < 2000; ++i) {
    Bytes broken = whole;
    for (int flips = 0; flips < 3; ++flips) broken[random() % broken.size()] = static_cast<std::uint8_t>(random());
    broken.resize(1 + random() % broken.size());
    socket.send_to(asio::buffer(broken), server);
    if (i % 20 == 0) loop_.settle();
  }
  EXPECT_NE(child.get("still/there").code, 0);
}

TEST_F(Requests, FindNoServerWhereThePortIsTaken) {
  open();
  const auto second = Server::open(loop_.io.get_executor(), settings_, inlet_, [](auto) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::unavailable);
  EXPECT_THAT(second.error().message, testing::HasSubstr(std::to_string(settings_.port)));
}

}  // namespace
}  // namespace hg::coap
