// SPDX-License-Identifier: Apache-2.0
// The CoAP server behind DTLS, with libcoap's own client: keys that are right, wrong, unknown, changed and taken away,
// certificates, and handshakes that nobody finishes.
#include <openssl/sha.h>

#include "coap/server_fixture.hpp"

namespace hg::coap {
namespace {

plugin::LinkKey psk(const std::string& identity, const std::string& secret) {
  return {plugin::LinkKeyKind::psk, identity, Secret(as_bytes(secret)), {}};
}

class Secured : public CoapServerTest {
 protected:
  void SetUp() override {
    open();
    server_->set_key("boiler", psk("id-boiler", "0123456789abcdef"));
  }
  std::unique_ptr<CoapClient> client(const std::string& path, std::vector<std::string> key, int seconds = 20) {
    key.insert(key.end(), {"-B", std::to_string(seconds), "-b", "64",
                           "coaps://127.0.0.1:" + std::to_string(settings_.secure_port) + "/" + path});
    return std::make_unique<CoapClient>(loop_, directory_, std::move(key));
  }
  std::unique_ptr<CoapClient> boiler(const std::string& path, int seconds = 20) {
    return client(path, {"-u", "id-boiler", "-k", "0123456789abcdef"}, seconds);
  }
};

TEST_F(Secured, AChildWithItsKeyGetsWhatIsForIt) {
  const Bytes image = pattern(5000);
  Served place = served(image);
  place.identity = "id-boiler";
  const auto kept = server_->shelf().put("fw/a", place);
  EXPECT_EQ(boiler("fw/a")->body(), image);
  Served other = served(image);
  other.identity = "id-pump";
  const auto also = server_->shelf().put("fw/b", other);
  EXPECT_EQ(boiler("fw/b")->body(), Bytes{});
  EXPECT_TRUE(inlet_.paths.empty());
}

TEST_F(Secured, TheInletKnowsWhoAsks) {
  inlet_.answer = {Code::content, {}, Format::text, text_bytes("hello")};
  EXPECT_EQ(boiler("rd")->body(), text_bytes("hello"));
  EXPECT_TRUE(inlet_.last->proof().is_secured);
  EXPECT_EQ(inlet_.last->proof().identity, "id-boiler");
  EXPECT_TRUE(inlet_.last->proof().certificate.empty());
}

TEST_F(Secured, AWrongKeyAndAnUnknownIdentityGetNothing) {
  inlet_.answer = {Code::content, {}, Format::text, text_bytes("hello")};
  EXPECT_EQ(client("rd", {"-u", "id-boiler", "-k", "0123456789abcdeX"}, 2)->body(), Bytes{});
  EXPECT_EQ(client("rd", {"-u", "nobody", "-k", "0123456789abcdef"}, 2)->body(), Bytes{});
  server_->set_key("boiler", {});
  EXPECT_EQ(boiler("rd", 2)->body(), Bytes{});
  EXPECT_TRUE(inlet_.paths.empty());
}

TEST_F(Secured, AChangedKeyEndsTheSessionInTheMiddleOfAPull) {
  std::size_t blocks = 0;
  Served place = served(pattern(4'000'000));
  place.identity = "id-boiler";
  place.sent = [&](std::uint64_t, std::uint32_t) { ++blocks; };
  const auto kept = server_->shelf().put("fw/a", place);
  inlet_.answer = {Code::content, {}, Format::text, text_bytes("hello")};
  const auto pulling = boiler("fw/a", 3);
  loop_.until([&] { return blocks > 100; });
  server_->set_key("boiler", psk("id-boiler", "fedcba9876543210"));
  loop_.until([&] { return !inlet_.losses.empty(); });
  const std::size_t then = blocks;
  EXPECT_TRUE(inlet_.losses[0].first->is_lost());
  EXPECT_THAT(inlet_.losses[0].second, testing::HasSubstr("key"));
  EXPECT_LT(pulling->body().size(), 4'000'000U);
  EXPECT_EQ(blocks, then);
  EXPECT_EQ(client("rd", {"-u", "id-boiler", "-k", "fedcba9876543210"})->body(), text_bytes("hello"));
}

TEST_F(Secured, ASessionDoesNotPassForAnotherChildThatIsGivenItsIdentity) {
  inlet_.answer = {};  // acknowledged: it waits for the answer
  const auto asking = boiler("rd");
  loop_.until([&] { return !inlet_.paths.empty(); });
  server_->set_key("pump", psk("id-boiler", "fedcba9876543210"));
  EXPECT_TRUE(inlet_.last->is_lost());
}

TEST_F(Secured, TheSameKeyAgainEndsNothing) {
  inlet_.answer = {Code::content, {}, Format::text, text_bytes("hello")};
  inlet_.on_request = [this](const std::shared_ptr<Peer>&) {
    server_->set_key("boiler", psk("id-boiler", "0123456789abcdef"));
  };
  EXPECT_EQ(boiler("rd")->body(), text_bytes("hello"));
  loop_.settle();
  for (const auto& [peer, why] : inlet_.losses) EXPECT_THAT(why, testing::Not(testing::HasSubstr("key")));
}

TEST_F(Secured, AHeldSessionThatTheChildClosesIsLost) {
  std::shared_ptr<void> held;
  inlet_.on_request = [&](const std::shared_ptr<Peer>& from) { held = server_->hold(from); };
  const auto asking = boiler("rd");
  asking->body();
  loop_.until([&] { return !inlet_.losses.empty(); });
  EXPECT_EQ(inlet_.losses[0].first, inlet_.last);
  EXPECT_TRUE(inlet_.last->is_lost());
}

TEST_F(Secured, AnIdleSessionEndsThoughTheChildStillHasIt) {
  settings_.limits.idle = 1s;
  open();
  server_->set_key("boiler", psk("id-boiler", "0123456789abcdef"));
  server_->shelf().expect_until(in(60s));
  const auto waiting = boiler("fw/a");
  loop_.until([&] { return !inlet_.losses.empty(); });
  EXPECT_THAT(inlet_.losses[0].second, testing::HasSubstr("idle"));
  EXPECT_EQ(boiler("rd")->body(), Bytes{});
  EXPECT_EQ(inlet_.paths, std::vector<std::string>{"rd"});
}

TEST_F(Secured, AChildThatLostItsSessionComesBackFromTheSamePort) {
  std::shared_ptr<void> held;
  inlet_.on_request = [&](const std::shared_ptr<Peer>& from) { held = server_->hold(from); };
  inlet_.answer = {};  // acknowledged: it waits for the answer
  const std::vector<std::string> key{
      "-u", "id-boiler", "-k", "0123456789abcdef", "-p", std::to_string(free_port(loop_.io))};
  const auto first = client("rd", key);
  loop_.until([&] { return !inlet_.paths.empty(); });
  const auto before = inlet_.last;
  first->kill();
  first->body();
  inlet_.answer = {Code::content, {}, Format::text, text_bytes("hello")};
  EXPECT_EQ(client("rd", key)->body(), text_bytes("hello"));
  EXPECT_TRUE(before->is_lost());
  EXPECT_NE(inlet_.last, before);
  ASSERT_FALSE(inlet_.losses.empty());
  EXPECT_EQ(inlet_.losses[0].first, before);
  EXPECT_THAT(inlet_.losses[0].second, testing::HasSubstr("anew"));
}

TEST_F(Secured, AForgedClientHelloEndsNothingAsLongAsTheChildAnswers) {
  const std::uint16_t port = free_port(loop_.io);
  std::shared_ptr<void> held;
  inlet_.on_request = [&](const std::shared_ptr<Peer>& from) { held = server_->hold(from); };
  inlet_.answer = {};  // acknowledged: it waits for the answer
  const auto child = client("rd", {"-u", "id-boiler", "-k", "0123456789abcdef", "-p", std::to_string(port)});
  loop_.until([&] { return !inlet_.paths.empty(); });
  const int before = inlet_.datagrams;
  {
    udp::socket forger(loop_.io, udp::v4());
    forger.set_option(udp::socket::reuse_address(true));
    forger.bind({asio::ip::make_address("127.0.0.1"), port});
    const Bytes hello{22, 0xFE, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1};
    const udp::endpoint server(asio::ip::make_address("127.0.0.1"), settings_.secure_port);
    ASSERT_EQ(forger.send_to(asio::buffer(hello), server), hello.size());
  }
  loop_.until([&] { return inlet_.datagrams > before; });  // the answer to the ping
  bool is_over = false;
  asio::steady_timer time_of_a_pong(loop_.io, 4s);
  time_of_a_pong.async_wait([&](boost::system::error_code) { is_over = true; });
  loop_.until([&] { return is_over; });
  EXPECT_TRUE(inlet_.losses.empty());
  EXPECT_FALSE(inlet_.last->is_lost());
}

TEST_F(Secured, AChildCanBeReachedByDtls) {
  ServerSettings there{.listen = "127.0.0.1", .port = 0, .secure_port = free_port(loop_.io)};
  RememberingInlet its;
  its.answer = {Code::content, {}, Format::text, text_bytes("7")};
  auto child = Server::open(loop_.io.get_executor(), there, its, [](auto) {});
  ASSERT_TRUE(child) << child.error().message;
  (*child)->set_key("us", psk("id-boiler", "0123456789abcdef"));
  const std::string address = "127.0.0.1:" + std::to_string(there.secure_port);
  const auto peer = loop_.wait(server_->reach(address, "boiler"));
  ASSERT_TRUE(peer) << peer.error().message;
  const auto answer = loop_.wait((*peer)->ask({.path = "suit/version"}, in(10s)));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, text_bytes("7"));
  EXPECT_EQ(its.last->proof().identity, "id-boiler");
  (*child)->set_key("us", psk("id-boiler", "another key of us"));
  loop_.until([&] { return (*peer)->is_lost(); });
}

TEST_F(Secured, HandshakesThatNobodyFinishesAreFewAndHarmNobody) {
  settings_.limits.handshakes = 10;
  open();
  server_->set_key("boiler", psk("id-boiler", "0123456789abcdef"));
  inlet_.answer = {Code::content, {}, Format::text, text_bytes("hello")};
  const auto begun = boiler("rd");
  EXPECT_EQ(begun->body(), text_bytes("hello"));
  const Bytes hello{22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1};  // a ClientHello, and no more of it
  std::vector<udp::socket> strangers;
  const udp::endpoint server(asio::ip::make_address("127.0.0.1"), settings_.secure_port);
  for (int i = 0; i < 200; ++i) {
    strangers.emplace_back(loop_.io, udp::endpoint(udp::v4(), 0)).send_to(asio::buffer(hello), server);
    loop_.settle();
  }
  BareChild plain(loop_, settings_.port);
  EXPECT_EQ(plain.exchange(plain.request(2, "rd")).code, 0x45);
}

TEST(Certificates, AreTakenFromTheCaAndKnownByTheirDigest) {
  struct Bench : CoapServerTest {
    void TestBody() override {
      const std::string d = directory_.path.string();
      const std::string make =
          "cd " + d +
          " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj "
          "/CN=ca "
          "2>/dev/null && for n in us child; do openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "
          "$n.key -out $n.csr -subj /CN=$n 2>/dev/null && openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key "
          "-CAcreateserial -out $n.pem -days 9 2>/dev/null; done && openssl x509 -in child.pem -outform DER -out "
          "child.der";
      ASSERT_EQ(std::system(make.c_str()), 0);  // NOLINT: a test
      settings_.certificate = d + "/us.pem";
      settings_.key = d + "/us.key";
      settings_.authorities = d + "/ca.pem";
      open();
      inlet_.answer = {Code::content, {}, Format::text, text_bytes("hello")};
      const std::string uri = "coaps://127.0.0.1:" + std::to_string(settings_.secure_port) + "/rd";
      CoapClient with(loop_, directory_,
                      {"-c", d + "/child.pem", "-j", d + "/child.key", "-C", d + "/ca.pem", "-B", "20", uri});
      EXPECT_EQ(with.body(), text_bytes("hello"));
      ASSERT_TRUE(inlet_.last);
      std::ifstream der(directory_.path / "child.der", std::ios::binary);
      const Bytes bytes{std::istreambuf_iterator<char>(der), {}};
      EXPECT_EQ(inlet_.last->proof().certificate, digest(bytes));
      inlet_.paths.clear();
      settings_.authorities = d + "/us.pem";  // that did not sign the child's
      open();
      CoapClient without(loop_, directory_,
                         {"-c", d + "/child.pem", "-j", d + "/child.key", "-C", d + "/ca.pem", "-B", "2", uri});
      without.body();
      EXPECT_TRUE(inlet_.paths.empty());
      settings_.key = d + "/nothing";
      const auto broken = Server::open(loop_.io.get_executor(), settings_, inlet_, [](auto) {});
      EXPECT_FALSE(broken);
    }
    static Digest digest(const Bytes& bytes) {
      std::array<std::uint8_t, 32> hash{};
      SHA256(bytes.data(), bytes.size(), hash.data());
      return *Digest::from_bytes(hash);
    }
  };
  Bench().TestBody();
}

}  // namespace
}  // namespace hg::coap
