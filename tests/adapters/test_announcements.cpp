// SPDX-License-Identifier: Apache-2.0
// The announcements against a real mosquitto with TLS: absent, restarted, of the wrong name, and fed with nonsense.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "adapters/cloud/announcement_text.hpp"
#include "adapters/cloud/mqtt_announcements.hpp"
#include "adapters/servers/program.hpp"
#include "adapters/system/steady_clock.hpp"
#include "fakes/on_loop.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg {
namespace {

using servers::certificates;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr const char* kTopic = "headgate/announcements";

// ------------------------------------------------------------------------------------------------- the message itself

TEST(AnnouncementText, NamesAUrl) {
  EXPECT_EQ(cloud::read_announcement(R"({"url": "https://a.example/b?c=d"})")->url, "https://a.example/b?c=d");
  EXPECT_EQ(cloud::read_announcement(R"({"later": [1, {"x": null}], "url": "https://a/b"})")->url, "https://a/b");
}

struct Refused {
  std::string message;
  Errc code;
  const char* reason;
};

TEST(AnnouncementText, IsRefusedWithAReason) {
  const std::string deep(9, '[');
  const Refused cases[] = {
      {"", Errc::invalid, "not JSON"},
      {"https://a/b", Errc::invalid, "not JSON"},
      {R"({"url": "https://a/b"} x)", Errc::invalid, "not JSON"},
      {R"({"url": "https://a/b",})", Errc::invalid, "not JSON"},
      {"{\"url\": \"https://a/\xff\"}", Errc::invalid, "not JSON"},
      {R"({"x": )" + deep + std::string(9, ']') + R"(, "url": "https://a/b"})", Errc::invalid, "not JSON"},
      {R"(["https://a/b"])", Errc::invalid, "not a JSON object"},
      {R"({"URL": "https://a/b"})", Errc::invalid, "no member"},
      {R"({"url": 1})", Errc::invalid, "no member"},
      {R"({"url": null})", Errc::invalid, "no member"},
      {R"({"url": ""})", Errc::unsupported, "not https"},
      {R"({"url": "http://a/b"})", Errc::unsupported, "not https"},
      {R"({"url": "file:///etc/passwd"})", Errc::unsupported, "not https"},
      {R"({"url": "https://a/b\r\nHost: x"})", Errc::invalid, "characters"},
      {R"({"url": "https://a/b\u0000"})", Errc::invalid, "characters"},
      {R"({"url": "https://a/ü"})", Errc::invalid, "characters"},
      {R"({"url": "https://)" + std::string(5000, 'a') + "\"}", Errc::too_large, "4096"},
  };
  for (const Refused& refused : cases) {
    const auto read = cloud::read_announcement(refused.message);
    ASSERT_FALSE(read) << refused.message;
    EXPECT_EQ(read.error().code, refused.code) << refused.message;
    EXPECT_THAT(read.error().message, HasSubstr(refused.reason)) << refused.message;
  }
}

// -------------------------------------------------------------------------------------------------------- the broker

/// mosquitto with TLS on one port; may be stopped and started again.
class Broker {
 public:
  explicit Broker(std::string certificate = "server", std::string more = "allow_anonymous true\n")
      : certificate_(std::move(certificate)), more_(std::move(more)), port_(servers::free_port()) {}

  void start() {
    const auto file = directory_.path() / "mosquitto.conf";
    std::ofstream conf(file);
    conf << "listener " << port_ << " 127.0.0.1\ncafile " << (certificates() / "ca.pem").string() << "\ncertfile "
         << (certificates() / certificate_).string() << ".pem\nkeyfile " << (certificates() / certificate_).string()
         << ".key\nuser root\npersistence false\nlog_dest stderr\n"
         << more_;
    conf.close();
    program_ = std::make_unique<servers::Program>(std::vector<std::string>{"/usr/sbin/mosquitto", "-c", file});
    program_->wait_for(" running");
  }
  void stop() { program_.reset(); }

  [[nodiscard]] int port() const { return port_; }

  void publish(const std::string& message, const std::string& more = "") const {
    const auto file = directory_.path() / "message";
    std::ofstream(file, std::ios::binary) << message;
    const std::string command = "/usr/bin/mosquitto_pub -q 1 -h localhost -p " + std::to_string(port_) + " --cafile " +
                                (certificates() / "ca.pem").string() + " -t " + kTopic + " -f " + file.string() + " " +
                                more;
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }

 private:
  fakes::TemporaryDirectory directory_;
  std::string certificate_;
  std::string more_;
  int port_;
  std::unique_ptr<servers::Program> program_;
};

class Announcements : public ::testing::Test {
 protected:
  ~Announcements() override { close(); }

  cloud::Broker settings_for(int port) {
    cloud::Broker settings;
    settings.url = "mqtts://localhost:" + std::to_string(port);
    settings.topic = kTopic;
    settings.client_id = "headgate-test";
    settings.identity.ca_file = certificates() / "ca.pem";
    settings.first_pause = Duration{20};
    settings.longest_pause = Duration{200};
    settings.connect_timeout = std::chrono::seconds{30};
    return settings;
  }
  void open(const cloud::Broker& settings) {
    announcements_ = cloud::MqttAnnouncements::open(settings, loop_.get_executor(), clock_, journal_).value();
    auto keep = [this](std::exception_ptr thrown, const Result<void>& result) {
      if (thrown) std::rethrow_exception(thrown);
      ended_ = result.error().code;
    };
    ended_.reset();
    boost::asio::co_spawn(loop_, announcements_->keep_connected(),
                          boost::asio::bind_cancellation_slot(stop_.slot(), keep));
  }
  void open(const Broker& broker) { open(settings_for(broker.port())); }

  void close() {
    if (!announcements_) return;
    stop_.emit(boost::asio::cancellation_type::terminal);
    EXPECT_TRUE(until([this] { return ended_.has_value(); }));
    EXPECT_EQ(ended_, Errc::cancelled);
    announcements_.reset();
  }

  bool until(const std::function<bool()>& reached) { return fakes::run_until(loop_, reached); }
  bool until_connected() {
    return until([this] { return announcements_->connected(); });
  }
  std::string next() {
    const auto announcement = fakes::on_loop(loop_, announcements_->next());
    return announcement ? announcement->url : announcement.error().message;
  }

  boost::asio::io_context loop_;
  system::SteadyClock clock_{Instant{}};
  fakes::RecordingJournal journal_;
  std::unique_ptr<cloud::MqttAnnouncements> announcements_;
  boost::asio::cancellation_signal stop_;
  std::optional<Errc> ended_;
};

TEST_F(Announcements, AreHeard) {
  Broker broker;
  broker.start();
  open(broker);
  EXPECT_FALSE(announcements_->connected());
  ASSERT_TRUE(until_connected());
  broker.publish(R"({"url": "https://images.example/one"})");
  EXPECT_EQ(next(), "https://images.example/one");
  EXPECT_EQ(journal_.count("connected"), 1U);
  EXPECT_EQ(journal_.lines().size(), 1U);
}

TEST_F(Announcements, ABrokerThatComesLaterIsFound) {
  Broker broker;
  open(broker);
  const auto tried_often = [&, since = clock_.now()] { return clock_.now() - since > Duration{500}; };
  ASSERT_TRUE(until(tried_often));
  EXPECT_FALSE(announcements_->connected());
  EXPECT_EQ(journal_.count("trying again"), 1U) << "one line, not one for each try";
  broker.start();
  ASSERT_TRUE(until_connected());
  broker.publish(R"({"url": "https://images.example/two"})");
  EXPECT_EQ(next(), "https://images.example/two");
}

TEST_F(Announcements, ABrokerThatRestartsIsFoundAgain) {
  Broker broker;
  broker.start();
  open(broker);
  for (unsigned round = 1; round <= 3; ++round) {
    ASSERT_TRUE(until_connected());
    EXPECT_EQ(journal_.count("connected"), round);
    broker.stop();
    ASSERT_TRUE(until([this] { return !announcements_->connected(); }));
    EXPECT_GE(journal_.count("trying again"), round);
    broker.start();
  }
  ASSERT_TRUE(until_connected());
  broker.publish(R"({"url": "https://images.example/three"})");
  EXPECT_EQ(next(), "https://images.example/three");
}

TEST_F(Announcements, OfAnUnprovedBrokerAreNotHeard) {
  for (const char* const certificate : {"elsewhere", "stranger"}) {
    Broker broker(certificate);
    broker.start();
    const std::size_t before = journal_.lines().size();
    open(broker);
    ASSERT_TRUE(until([&] { return journal_.lines().size() > before; }));
    EXPECT_FALSE(announcements_->connected()) << certificate;
    const std::string line = journal_.lines().back().text;
    EXPECT_THAT(line, AnyOf(HasSubstr("as somebody else"), HasSubstr("certificate verify failed")));
    close();
  }
}

TEST_F(Announcements, AreHeardOverTls13AndNeverOverTls11) {
  const int port = servers::free_port();
  servers::Program old({"/usr/bin/openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-tls1_1",
                        "-cipher", "ALL:@SECLEVEL=0", "-cert", certificates() / "server.pem", "-key",
                        certificates() / "server.key"});
  old.wait_for("ACCEPT");
  open(settings_for(port));
  ASSERT_TRUE(until([&] { return !journal_.lines().empty(); }));
  EXPECT_THAT(journal_.lines().back().text, AnyOf(HasSubstr("handshake failure"), HasSubstr("protocol version")));
  close();
  Broker recent("server", "allow_anonymous true\ntls_version tlsv1.3\n");  // at least
  recent.start();
  open(recent);
  EXPECT_TRUE(until_connected());
}

TEST_F(Announcements, ThatAreNonsenseAreToldAndDropped) {
  Broker broker;
  broker.start();
  open(broker);
  ASSERT_TRUE(until_connected());
  broker.publish("not json");
  broker.publish(R"({"url": "http://images.example/plain"})");
  broker.publish(R"({"url": ")" + std::string(100'000, 'a') + "\"}");
  broker.publish(R"({"url": "https://images.example/good"})");
  EXPECT_EQ(next(), "https://images.example/good");
  // A machine that is short of time may lose the broker in between and hear a message again: what counts is that each
  // of the three was told, and nothing else was dropped.
  std::set<std::string> told;
  for (const auto& line : journal_.lines()) {
    if (!line.text.starts_with("announcement on ")) continue;
    EXPECT_EQ(line.level, ports::Level::warning) << line.text;
    told.insert(line.text);
  }
  const std::string dropped = "announcement on headgate/announcements dropped: ";
  EXPECT_THAT(told,
              ::testing::UnorderedElementsAre(::testing::StartsWith(dropped + "not JSON: "),
                                              dropped + "\"url\" is not https", dropped + "longer than 4096 bytes"));
}

TEST_F(Announcements, ThatWereRetainedOrMissedAreHeard) {
  Broker broker;
  broker.start();
  broker.publish(R"({"url": "https://images.example/retained"})", "-r");
  open(broker);
  EXPECT_EQ(next(), "https://images.example/retained");
  ASSERT_TRUE(until_connected());
  close();
  broker.publish(R"({"url": "https://images.example/missed"})");
  open(broker);
  std::vector<std::string> heard = {next(), next()};  // the retained one comes again with the new subscription
  EXPECT_THAT(heard,
              ::testing::UnorderedElementsAre("https://images.example/missed", "https://images.example/retained"));
}

TEST_F(Announcements, ThatAreTooManyAreDroppedOldestFirst) {
  const auto inbox = std::make_shared<cloud::Inbox>(loop_.get_executor());
  for (int n = 0; n < 100; ++n) inbox->put(std::to_string(n));
  EXPECT_EQ(inbox->take_dropped(), 36U);
  EXPECT_EQ(inbox->take_dropped(), 0U);
  for (int n = 36; n < 100; ++n) EXPECT_EQ(inbox->take(), std::to_string(n));
  EXPECT_EQ(inbox->take(), std::nullopt);
  EXPECT_EQ(loop_.poll(), 1U) << "a burst is one entry in the loop's queue";
}

TEST_F(Announcements, NeedTheRightPassword) {
  const fakes::TemporaryDirectory directory;
  const auto passwords = directory.path() / "passwords";
  ASSERT_EQ(std::system(("mosquitto_passwd -b -c " + passwords.string() + " gateway secret-word").c_str()), 0);
  Broker broker("server", "allow_anonymous false\npassword_file " + passwords.string() + "\n");
  broker.start();
  cloud::Broker settings = settings_for(broker.port());
  settings.username = "gateway";
  settings.password = cloud::Secret("wrong-word");
  open(settings);
  ASSERT_TRUE(until([&] { return journal_.count("cannot connect") == 1; }));
  close();
  settings.password = cloud::Secret("secret-word");
  open(settings);
  EXPECT_TRUE(until_connected());
  EXPECT_EQ(journal_.count("-word"), 0U);
}

TEST_F(Announcements, MayNeedAClientCertificate) {
  Broker broker("server", "require_certificate true\nuse_identity_as_username true\n");
  broker.start();
  cloud::Broker settings = settings_for(broker.port());
  settings.identity.certificate_file = certificates() / "client.pem";
  settings.identity.private_key_file = certificates() / "client.key";
  open(settings);
  EXPECT_TRUE(until_connected());
}

TEST_F(Announcements, CanBeGivenUpWhileNobodyAnswers) {
  // A listener that takes connections and never says a word.
  boost::asio::ip::tcp::acceptor silent(loop_, {boost::asio::ip::address_v4::loopback(), 0});
  open(settings_for(silent.local_endpoint().port()));
  boost::asio::ip::tcp::socket taken(loop_);
  bool is_taken = false;
  auto mark = [&](const boost::system::error_code&) { is_taken = true; };
  silent.async_accept(taken, mark);
  ASSERT_TRUE(until([&] { return is_taken; }));
  const auto before = std::chrono::steady_clock::now();
  close();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{3});
}

TEST_F(Announcements, SettingsThatCannotBeMeantAreRefused) {
  const auto code_with = [this](const std::string& url, const std::string& topic) {
    cloud::Broker settings = settings_for(1);
    settings.url = url;
    settings.topic = topic;
    return cloud::MqttAnnouncements::open(settings, loop_.get_executor(), clock_, journal_).error().code;
  };
  EXPECT_EQ(code_with("mqtt://broker.example", "t"), Errc::unsupported);
  EXPECT_EQ(code_with("", "t"), Errc::unsupported);
  EXPECT_EQ(code_with("mqtts://", "t"), Errc::invalid);
  EXPECT_EQ(code_with("mqtts://user:secret@broker.example", "t"), Errc::invalid);
  EXPECT_EQ(code_with("mqtts://broker.example/path", "t"), Errc::invalid);
  EXPECT_EQ(code_with("mqtts://broker.example", ""), Errc::invalid);
}

}  // namespace
}  // namespace hg
