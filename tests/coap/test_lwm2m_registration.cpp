// SPDX-License-Identifier: Apache-2.0
// Who may register, as whom, and what becomes of a link: coap.md 1.1, 1.8.
#include "coap/lwm2m_fixture.hpp"
#include "coap/lwm2m_strangers.hpp"

namespace hg::test {
namespace {

using coap::Code;
using coap::Method;
using plugin::LinkKeyKind;
using testing::HasSubstr;

class Registration : public Lwm2mTest {
 protected:
  void use_key(const std::string& identity = "id-7") { made_->expect("pump", LinkKeyKind::psk, identity, {}); }
  static coap::Proof psk(const std::string& identity) { return {true, identity, {}}; }
};

TEST_F(Registration, LinkIsDownUntilItRegistersAndUpAtOnceAfterwards) {
  EXPECT_FALSE(link().up);
  EXPECT_THAT(link().text, HasSubstr("not registered"));
  come();
  EXPECT_TRUE(link().up);
  EXPECT_EQ(link().security, wire::LinkSecurity::none);
  EXPECT_EQ(child_.location.size(), std::string("rd/0123456789abcdef").size());
  EXPECT_EQ(server_.held["192.0.2.7:5683"], 1) << "its session must not end by idleness";
}

TEST_F(Registration, NothingIsAskedNorReportedWithinTheHandler) {
  const std::size_t reported = links_.size();
  ASSERT_EQ(child_.registers().code, Code::created);
  EXPECT_EQ(links_.size(), reported);
  EXPECT_TRUE(child_.log.empty());
  time_->settle();
  EXPECT_EQ(links_.size(), reported + 1);
}

TEST_F(Registration, UpdateAndDeregister) {
  come();
  EXPECT_EQ(child_.updates(), Code::changed);
  EXPECT_EQ(child_.says(Method::post, "rd/0000000000000000").code, Code::not_found);
  EXPECT_EQ(child_.says(Method::get, child_.location).code, Code::not_allowed);
  EXPECT_EQ(child_.says(Method::del, child_.location).code, Code::deleted);
  time_->settle();
  EXPECT_FALSE(link().up);
  EXPECT_EQ(server_.held["192.0.2.7:5683"], 0);
  EXPECT_EQ(child_.updates(), Code::not_found);
}

TEST_F(Registration, MalformedOnes) {
  struct Row {
    std::vector<std::string> query;
    std::string body;
    Code code;
  };
  const std::vector<Row> rows{{{"lwm2m=1.1", "ep=pump-7", "lt=x"}, "", Code::bad_request},
                              {{"lwm2m=2.0", "ep=pump-7"}, "", Code::precondition_failed},
                              {{"lwm2m=1.1"}, "", Code::bad_request},
                              {{"lwm2m=1.1", "ep=pump-7"}, "<<<", Code::bad_request}};
  for (const Row& row : rows) {
    EXPECT_EQ(child_.says(Method::post, "rd", row.query, row.body).code, row.code) << row.body;
  }
}

TEST_F(Registration, ExpiresAfterItsLifetimeAndGrace) {
  come();
  time_->pass(300s + profile_.grace - 1s);
  EXPECT_TRUE(link().up);
  time_->pass(2s);
  EXPECT_FALSE(link().up);
  EXPECT_THAT(link().text, HasSubstr("expired"));
  EXPECT_EQ(child_.updates(), Code::not_found);
}

TEST_F(Registration, AnUpdatePutsExpiryOff) {
  come();
  for (unsigned times = 0; times < 5; ++times) {
    time_->pass(290s);
    ASSERT_EQ(child_.updates(), Code::changed);
  }
  EXPECT_TRUE(link().up);
}

TEST_F(Registration, ANewOneReplacesTheOld) {
  come();
  const std::string before = child_.location;
  const auto peer = child_.peer;
  come();
  EXPECT_NE(child_.location, before);
  EXPECT_EQ(peer->forgotten, 1U) << "observations do not survive";
  child_.address = "192.0.2.8:5683";
  come();
  EXPECT_THAT(server_.dropped, testing::ElementsAre("192.0.2.7:5683"));
  EXPECT_EQ(server_.held["192.0.2.7:5683"], 0);
  EXPECT_EQ(server_.held["192.0.2.8:5683"], 1);
  EXPECT_TRUE(link().up);
}

TEST_F(Registration, BehindANatAnUpdateMovesIt) {
  come();
  const std::string location = child_.location;
  child_.address = "192.0.2.7:61001";
  EXPECT_EQ(child_.updates(), Code::changed);
  EXPECT_EQ(child_.location, location);
  EXPECT_EQ(server_.held["192.0.2.7:61001"], 1);
  EXPECT_EQ(server_.held["192.0.2.7:5683"], 0);
  EXPECT_TRUE(inspect()) << "it is asked there now";
}

TEST_F(Registration, AChildWithAKeyRegistersWithItOrNotAtAll) {
  use_key();
  EXPECT_EQ(child_.registers().code, Code::forbidden);
  time_->settle();
  EXPECT_THAT(link().text, HasSubstr("without its key"));
  child_.address = "192.0.2.7:5684";
  child_.proof = psk("somebody");
  EXPECT_EQ(child_.registers().code, Code::forbidden);
  child_.address = "192.0.2.7:5685";
  child_.proof = psk("id-7");
  come();
  EXPECT_TRUE(link().up);
  EXPECT_EQ(link().security, wire::LinkSecurity::proven);
  child_.address = "192.0.2.7:5686";
  child_.proof = {};
  EXPECT_EQ(child_.updates(), Code::forbidden) << "its location is no proof";
  EXPECT_EQ(child_.says(Method::del, child_.location).code, Code::forbidden);
  child_.address = "192.0.2.7:5687";
  child_.proof = psk("id-7");
  EXPECT_EQ(child_.updates(), Code::changed) << "a new session of the same child";
}

TEST_F(Registration, ACertificateIsAKeyToo) {
  const Digest certificate = view_of(1);
  made_->expect("pump", LinkKeyKind::certificate, "", certificate);
  child_.proof = {true, "", view_of(2)};
  EXPECT_EQ(child_.registers().code, Code::forbidden);
  child_.address = "192.0.2.7:5685";
  child_.proof = {true, "", certificate};
  come();
  EXPECT_EQ(link().security, wire::LinkSecurity::proven);
}

TEST_F(Registration, AnotherChildsKeyIsNotThisChild) {
  made_->expect("other", LinkKeyKind::psk, "id-8", {});
  child_.proof = psk("id-8");
  EXPECT_EQ(child_.registers().code, Code::forbidden);
}

TEST_F(Registration, WithoutAnEndpointItIsWhoeverTheKeyBelongsTo) {
  use_key();
  child_.proof = psk("id-7");
  child_.endpoint.clear();
  come();
  EXPECT_TRUE(link().up);
}

TEST_F(Registration, ANewKeyEndsWhatWasRegisteredWithTheOld) {
  use_key();
  child_.proof = psk("id-7");
  come();
  use_key("id-9");
  EXPECT_FALSE(link().up);
  EXPECT_THAT(link().text, HasSubstr("key has changed"));
  EXPECT_EQ(child_.updates(), Code::not_found);
}

TEST_F(Registration, StrangersAreMetOnceAndVanish) {
  child_.endpoint = "urn:dev:7";
  EXPECT_EQ(child_.registers().code, Code::forbidden);
  EXPECT_EQ(child_.registers().code, Code::forbidden);
  ASSERT_EQ(meetings_.size(), 1U);
  const auto met = std::get<wire::Discovered>(meetings_[0]);
  EXPECT_TRUE(wire::is_name(met.name)) << met.name;
  EXPECT_EQ(met.address, "lwm2m:urn:dev:7");
  EXPECT_THAT(met.text, HasSubstr("LwM2M 1.1"));
  time_->pass(301s);
  ASSERT_EQ(meetings_.size(), 2U);
  EXPECT_EQ(std::get<wire::Vanished>(meetings_[1]).name, met.name);
}

TEST_F(Registration, NamesOfStrangers) {
  EXPECT_EQ(coap::name_of_endpoint("pump-7"), "pump-7");
  EXPECT_NE(coap::name_of_endpoint("a:b"), coap::name_of_endpoint("a/b"));
  EXPECT_TRUE(wire::is_name(coap::name_of_endpoint(std::string(200, ':'))));
}

TEST_F(Registration, TwoThatRegisterAsOneAreNamedAndDoNotFlap) {
  ScriptedChild twin(*time_, server_, *this);
  twin.address = "192.0.2.9:5683";
  come();
  links_.clear();
  for (unsigned times = 0; times < 20; ++times) {
    ASSERT_EQ(twin.registers().code, Code::created);
    time_->pass(500ms);
    ASSERT_EQ(child_.registers().code, Code::created);
    time_->pass(500ms);
  }
  ASSERT_FALSE(links_.empty());
  EXPECT_LE(links_.size(), 2U);
  EXPECT_FALSE(link().up);
  EXPECT_THAT(link().text, HasSubstr("192.0.2.7:5683"));
  EXPECT_THAT(link().text, HasSubstr("192.0.2.9:5683"));
  time_->pass(11s);
  EXPECT_TRUE(link().up) << "one of them has given up";
}

TEST_F(Registration, ASecondChildCannotHaveTheSameEndpoint) {
  made_->enroll("again", "pump-7", profile_);
  EXPECT_EQ(link().child, "again");
  EXPECT_THAT(link().text, HasSubstr("enrolled as pump"));
  come();
  EXPECT_EQ(link().child, "pump");
}

TEST_F(Registration, ALostSessionWaitsForAWord) {
  come();
  child_.lose("reset by the child");
  time_->settle();
  EXPECT_FALSE(link().up);
  EXPECT_THAT(link().text, HasSubstr("reset by the child"));
  EXPECT_EQ(child_.updates(), Code::changed);
  time_->settle();
  EXPECT_TRUE(link().up);
}

// --------------------------------------------------------------------------------------------------------- queue mode

class QueueMode : public Registration, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Spellings, QueueMode, testing::Values("&lt=300&b=UQ", "&lt=300&b=U&Q"));

TEST_P(QueueMode, TheLinkIsUpWhileItIsAwake) {
  profile_.awake = 10s;
  enroll();
  child_.query = GetParam();
  child_.lwm2m = std::string(GetParam()).find("&Q") == std::string::npos ? "1.0" : "1.1";
  come();
  EXPECT_TRUE(link().up);
  time_->pass(9s);
  made_->heard(child_.peer);
  time_->pass(9s);
  EXPECT_TRUE(link().up) << "every datagram pushes it on";
  time_->pass(2s);
  EXPECT_FALSE(link().up);
  EXPECT_THAT(link().text, HasSubstr("asleep"));
  EXPECT_EQ(child_.updates(), Code::changed);
  time_->settle();
  EXPECT_TRUE(link().up);
}

TEST_P(QueueMode, AStepWaitsForTheNextUpdate) {
  profile_.awake = 10s;
  enroll();
  child_.query = GetParam();
  child_.lwm2m = std::string(GetParam()).find("&Q") == std::string::npos ? "1.0" : "1.1";
  come();
  time_->pass(15s);
  child_.log.clear();
  time_->after(20s, [this] {
    EXPECT_TRUE(child_.log.empty()) << "nothing is sent into its sleep";
    child_.updates();
  });
  EXPECT_TRUE(inspect());
  const auto asleep = [&] {
    time_->pass(15s);
    return inspect(5s);
  }();
  ASSERT_FALSE(asleep);
  EXPECT_EQ(asleep.error().code, Errc::unavailable);
  EXPECT_THAT(asleep.error().message, HasSubstr("asleep"));
}

// ---------------------------------------------------------------------------------------------- over a restart of ours

TEST_F(Registration, AfterARestartItGoesOnWithItsOldLocation) {
  come();
  restart_plugin();
  EXPECT_FALSE(link().up);
  EXPECT_THAT(link().text, HasSubstr("waits for its next message since the plugin was started"));
  EXPECT_EQ(child_.updates(), Code::changed);
  time_->settle();
  EXPECT_TRUE(link().up);
  EXPECT_TRUE(inspect());
}

TEST_F(Registration, AfterARestartAnyWordFromItsAddressIsItsOwn) {
  come();
  restart_plugin();
  child_.connect();
  made_->heard(child_.peer);
  time_->settle();
  EXPECT_TRUE(link().up);
  restart_plugin();
  child_.address = "192.0.2.66:5683";
  child_.connect();
  made_->heard(child_.peer);
  time_->settle();
  EXPECT_FALSE(link().up) << "that is not where it was";
}

TEST_F(Registration, AStrangerIsGoneAfterAnHourWhateverLifetimeItSays) {
  child_.endpoint = "stranger";
  child_.query = "&lt=2000000000";
  EXPECT_EQ(child_.registers().code, Code::forbidden);
  ASSERT_EQ(meetings_.size(), 1U);
  time_->pass(61min);
  ASSERT_EQ(meetings_.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<wire::Vanished>(meetings_.back()));
}

TEST_F(Registration, AfterARestartAChildIsAskedToSayAWordWhereItWas) {
  come();
  const auto before = child_.peer;
  child_.connect();
  server_.reachable = std::exchange(child_.peer, before);
  restart_plugin();
  EXPECT_THAT(server_.reached, testing::ElementsAre(child_.address));
  time_->pass(60s);
  EXPECT_EQ(child_.count("POST 1/0/8"), 1) << "once: it may be gone for good";
}

TEST_F(Registration, AfterARestartASecuredChildIsKnownByItsKey) {
  use_key();
  child_.proof = psk("id-7");
  come();
  restart_plugin();
  use_key();
  ScriptedChild liar(*time_, server_, *this);
  liar.location = child_.location;
  EXPECT_EQ(liar.updates(), Code::forbidden);
  time_->settle();
  EXPECT_FALSE(link().up);
  child_.address = "192.0.2.7:40000";
  EXPECT_EQ(child_.updates(), Code::changed);
  time_->settle();
  EXPECT_TRUE(link().up);
  EXPECT_EQ(link().security, wire::LinkSecurity::proven);
}

TEST_F(Registration, ADownloadFromAnotherPortIsNotWhereItIsAsked) {
  use_key();
  child_.proof = psk("id-7");
  come();
  restart_plugin();
  use_key();
  const std::string own = child_.address;
  child_.address = "192.0.2.7:40001";
  child_.connect();
  made_->heard(child_.peer);
  time_->settle();
  EXPECT_FALSE(link().up);
  child_.address = own;
  child_.connect();
  made_->heard(child_.peer);
  time_->settle();
  EXPECT_TRUE(link().up);
}

TEST_F(Registration, ARememberedOneExpiresToo) {
  come();
  restart_plugin();
  time_->pass(300s + profile_.grace + 1s);
  EXPECT_THAT(link().text, HasSubstr("expired"));
  restart_plugin();
  EXPECT_THAT(link().text, HasSubstr("not registered"));
}

TEST_F(Registration, WritesOnlyWhatMatters) {
  come();
  const auto file = directory_.path / "pump.registration";
  ASSERT_TRUE(std::filesystem::exists(file));
  std::filesystem::remove(file);
  ASSERT_EQ(child_.updates(), Code::changed);
  EXPECT_FALSE(std::filesystem::exists(file)) << "an Update that changes nothing";
  ASSERT_EQ(child_.says(Method::post, child_.location, {"lt=500"}).code, Code::changed);
  EXPECT_TRUE(std::filesystem::exists(file));
  made_->forget("pump");
  EXPECT_FALSE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace hg::test
