// SPDX-License-Identifier: Apache-2.0
// The way in: what a broken, lying or hostile server can do, and what the gateway says of it.
#include <gtest/gtest.h>

#include "service/uri.hpp"
#include "service/virtual_gateway.hpp"

namespace hg::service::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

/// Announces, lets it end, and gives the line that an operator sees of it.
ports::Arrival arrive(World&, Session& session, const std::string& url = kUrl) {
  session.announcements.announce(url);
  const auto is_over = [&] {
    const auto arrivals = session.gateway.control().arrivals();
    return !arrivals.empty() && arrivals.front().url == url && arrivals.front().state != ports::ArrivalState::waiting &&
           arrivals.front().state != ports::ArrivalState::fetching;
  };
  EXPECT_TRUE(session.run_until(is_over, hours{24})) << "nothing waits for ever";
  const auto arrivals = session.gateway.control().arrivals();
  return arrivals.empty() ? ports::Arrival{} : arrivals.front();
}

struct Bad {
  const char* name;
  void (*spoil)(World&);
  const char* says;
};

class BadArrival : public testing::TestWithParam<Bad> {};

TEST_P(BadArrival, IsRefusedWithOneLineAndNothingIsKept) {
  World world;
  GetParam().spoil(world);
  Session session(world);
  const ports::Arrival arrival = arrive(world, session);
  EXPECT_EQ(arrival.state, ports::ArrivalState::refused);
  EXPECT_NE(arrival.text.find(GetParam().says), std::string::npos) << arrival.text;
  EXPECT_EQ(world.journal.count("refused"), 1U);
  EXPECT_GE(world.journal.count(kUrl), 1U) << "the line says for whom";
  EXPECT_TRUE(session.state().deliverables.empty());
}

void put_vector(World& world, const char* name) {
  world.web.put(kUrl, read_file(vector_path(name)));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadArrival,
    testing::Values(Bad{"not_there", [](World& w) { w.web.remove(kUrl); }, "404"},
                    Bad{"image_not_there", [](World& w) { w.web.remove(kImageUrl); }, "img1"},
                    Bad{"too_large", [](World& w) { w.web.put(kUrl, Bytes(std::size_t{64} << 20)); }, "limit"},
                    Bad{"not_an_envelope",
                        [](World& w) {
                          w.web.put(kUrl, Bytes{1, 2, 3});
                        },
                        "envelope"},
                    Bad{"empty", [](World& w) { w.web.put(kUrl, {}); }, "envelope"},
                    Bad{"unsigned", [](World& w) { put_vector(w, "derived/bad_unsigned.suit"); }, "verify"},
                    Bad{"wrong_signature", [](World& w) { put_vector(w, "derived/bad_sig_63.suit"); }, "verify"},
                    Bad{"wrong_digest", [](World& w) { put_vector(w, "derived/bad_auth_digest.suit"); }, "verify"},
                    Bad{"unknown_key", [](World& w) { put_vector(w, "derived/ok_ed25519.suit"); }, "verify"},
                    Bad{"image_tampered",
                        [](World& w) {
                          Bytes image = read_file(vector_path("derived/img1.bin"));
                          image.front() ^= 1;
                          w.web.put(kImageUrl, image);
                        },
                        "digest"},
                    Bad{"image_short",
                        [](World& w) {
                          Bytes image = read_file(vector_path("derived/img1.bin"));
                          image.pop_back();
                          w.web.put(kImageUrl, image);
                        },
                        "image"},
                    Bad{"image_long",
                        [](World& w) {
                          Bytes image = read_file(vector_path("derived/img1.bin"));
                          image.push_back(0);
                          w.web.put(kImageUrl, image);
                        },
                        "limit"},
                    Bad{"server_away_for_a_day",
                        [](World& w) {
                          for (int i = 0; i < 1000; ++i) w.web.fail_next({});
                        },
                        "reset"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Arrival, ABrokenImageIsResumedAndSealed) {
  World world;
  world.web.fail_next({1U << 20, {Errc::unavailable, "none"}});  // the envelope: not reached
  world.web.fail_next({100, {Errc::unavailable, "reset in the middle"}});
  Session session(world);
  const ports::Arrival arrival = arrive(world, session);
  EXPECT_EQ(arrival.state, ports::ArrivalState::sealed) << arrival.text;
  const std::size_t image = read_file(vector_path("derived/img1.bin")).size();
  const std::size_t envelope = read_file(vector_path("derived/ok_base.suit")).size();
  EXPECT_EQ(world.web.bytes_sent(), envelope + image) << "no byte travelled twice";
}

TEST(Arrival, AnImageThatChangedBetweenTwoPartsIsBegunAnew) {
  World world;
  world.web.fail_next({1U << 20, {Errc::unavailable, "none"}});
  world.web.fail_next({100, {Errc::unavailable, "reset in the middle"}});
  world.web.fail_next({0, {Errc::mismatch, "changed"}});
  Session session(world);
  EXPECT_EQ(arrive(world, session).state, ports::ArrivalState::sealed);
}

TEST(Arrival, AServerThatIsAwayIsTriedABoundedNumberOfTimes) {
  World world;
  for (int i = 0; i < 2000; ++i) world.web.fail_next({});
  Session session(world);
  arrive(world, session);
  const IngestLimits limits;
  EXPECT_LE(world.web.fetches(), limits.admission.persistence.attempts * (limits.give_up / limits.again + 1));
}

TEST(Arrival, AServerThatComesBackWithinTheDayIsAskedAgain) {
  World world;
  for (unsigned i = 0; i < 3 * IngestLimits{}.admission.persistence.attempts; ++i) world.web.fail_next({});
  Session session(world);
  session.announcements.announce(kUrl);
  ASSERT_TRUE(session.run_until([&] { return !session.state().deliverables.empty(); }, hours{2}));
  EXPECT_EQ(world.journal.count("tried again at"), 3U);
}

TEST(Arrival, WhatWasHeardOfSurvivesAPowerCut) {
  World world;
  {
    Session session(world);
    session.announcements.announce(kUrl);
    ASSERT_TRUE(session.run_until([&] { return world.catalogue.durable().announced.contains(kUrl); }));
  }
  world.catalogue.cut_power();
  Session again(world);  // nobody announces it again
  EXPECT_TRUE(again.run_until([&] { return !again.state().deliverables.empty(); }));
  EXPECT_TRUE(again.run_until([&] { return world.catalogue.durable().announced.empty(); }));
}

TEST(Arrival, AFullStoreIsAnAnswer) {
  World world;
  world.blobs = fakes::MemoryBlobs(400);  // each image fits, both do not
  Session session(world);
  const ports::Arrival arrival = arrive(world, session);
  EXPECT_EQ(arrival.state, ports::ArrivalState::refused) << "after a day of trying";
  EXPECT_NE(arrival.text.find("full"), std::string::npos) << arrival.text;
}

TEST(Arrival, AnImageLargerThanTheWholeStoreIsRefusedAtOnce) {
  World world;
  world.blobs = fakes::MemoryBlobs(100);
  Session session(world);
  const ports::Arrival arrival = arrive(world, session);
  EXPECT_EQ(arrival.state, ports::ArrivalState::refused);
  EXPECT_EQ(world.journal.count("tried again"), 0U);
}

TEST(Arrival, ASecondTimeItIsKnown) {
  World world;
  Session session(world);
  EXPECT_EQ(arrive(world, session).state, ports::ArrivalState::sealed);
  world.web.put("https://mirror.example/same.suit", read_file(vector_path("derived/ok_base.suit")));
  EXPECT_EQ(arrive(world, session, "https://mirror.example/same.suit").state, ports::ArrivalState::known);
  EXPECT_EQ(session.state().deliverables.size(), 1U);
}

// ----------------------------------------------------------------------------------- what an operator brings in a file

asio::awaitable<void> keep(asio::awaitable<Result<std::string>> asked, std::optional<Result<std::string>>& into) {
  into = co_await std::move(asked);
}

Result<std::string> bring(Session& session, Bytes envelope) {
  std::optional<Result<std::string>> answer;
  auto asked = session.gateway.control().import_envelope(std::move(envelope), 1000);
  asio::co_spawn(session.loop, keep(std::move(asked), answer), asio::detached);
  EXPECT_TRUE(session.run_until([&] { return answer.has_value(); }));
  return *std::move(answer);
}

ports::Arrival arrival_of(Session& session, const std::string& url) {
  ports::Arrival found;
  const auto is_over = [&] {
    for (const ports::Arrival& arrival : session.gateway.control().arrivals())
      if (arrival.url == url) found = arrival;
    return !found.url.empty() && found.state != ports::ArrivalState::waiting &&
           found.state != ports::ArrivalState::fetching;
  };
  EXPECT_TRUE(session.run_until(is_over, hours{24}));
  return found;
}

Bytes good_envelope() {
  return read_file(vector_path("derived/ok_base.suit"));
}

TEST(Import, IsSealedWithImagesFromTheirServer) {
  World world;
  world.web.remove(kUrl);
  Session session(world);
  const Result<std::string> url = bring(session, good_envelope());
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(*url, "import:" + fakes::sha256_of(good_envelope()).hex());
  EXPECT_EQ(arrival_of(session, *url).state, ports::ArrivalState::sealed);
  ASSERT_EQ(session.state().deliverables.size(), 1U);
  EXPECT_EQ(session.state().deliverables.begin()->second.source, *url);
  EXPECT_EQ(world.journal.count(*url + " was brought by uid 1000"), 1U);
  EXPECT_TRUE(session.run_until([&] { return world.catalogue.durable().announced.empty(); }));
}

TEST(Import, OfWhatIsHereIsKnown) {
  World world;
  Session session(world);
  EXPECT_EQ(arrive(world, session).state, ports::ArrivalState::sealed);
  EXPECT_EQ(arrival_of(session, *bring(session, good_envelope())).state, ports::ArrivalState::known);
  EXPECT_EQ(session.state().deliverables.size(), 1U);
}

TEST(Import, IsCheckedAsWhatWasFetchedAndNotTriedAgain) {
  World world;
  world.web.remove(kImageUrl);
  Session session(world);
  Bytes spoilt = good_envelope();
  spoilt.back() ^= 1;
  for (const Bytes& envelope : {Bytes{1, 2, 3}, spoilt, good_envelope()}) {
    const std::string url = *bring(session, envelope);
    const ports::Arrival arrival = arrival_of(session, url);
    EXPECT_EQ(arrival.state, ports::ArrivalState::refused);
    EXPECT_FALSE(arrival.text.empty());
    EXPECT_EQ(world.journal.count(url + ": refused"), 1U);
  }
  world.web.away_while([] { return true; });
  const Result<std::string> url = bring(session, good_envelope());
  EXPECT_EQ(arrival_of(session, *url).state, ports::ArrivalState::refused);
  EXPECT_EQ(world.journal.count("tried again"), 0U);
  EXPECT_TRUE(session.state().deliverables.empty());
}

TEST(Import, IsBounded) {
  World world;
  Session session(world);
  const Result<std::string> large = bring(session, Bytes(ports::kMaxEnvelope + 1));
  ASSERT_TRUE(large.has_error());
  EXPECT_EQ(large.error().code, Errc::too_large);
  bool away = true;
  world.web.away_while([&] { return away; });
  session.announcements.announce("https://busy.example/1");
  session.announcements.announce("https://busy.example/2");  // both workers
  ASSERT_TRUE(session.run_until([&] { return session.gateway.control().arrivals().size() == 2; }));
  for (std::uint8_t number = 0; number < 8; ++number) EXPECT_TRUE(bring(session, Bytes{number}));
  EXPECT_TRUE(bring(session, Bytes{7})) << "it waits already";
  const Result<std::string> ninth = bring(session, Bytes{8});
  ASSERT_TRUE(ninth.has_error());
  EXPECT_EQ(ninth.error().code, Errc::busy);
}

TEST(Import, OfTheSameTwiceIsLookedAtTwice) {
  World world;
  Session session(world);
  bool away = true;
  bool full = false;
  world.web.away_while([&] { return away; });
  world.catalogue.full_while([&] { return full; });
  session.announcements.announce("https://busy.example/1");
  session.announcements.announce("https://busy.example/2");  // both workers
  ASSERT_TRUE(session.run_until([&] { return session.gateway.control().arrivals().size() == 2; }));
  const std::string url = *bring(session, good_envelope());
  full = true;
  session.announcements.announce("https://busy.example/3");  // nothing is durable until there is room
  std::optional<Result<std::string>> second;
  const auto pass = [&] { session.run_until([] { return false; }, std::chrono::minutes{2}); };
  pass();
  auto asked = session.gateway.control().import_envelope(good_envelope(), 1001);
  asio::co_spawn(session.loop, keep(std::move(asked), second), asio::detached);
  pass();
  away = false;  // the first is looked at, while nobody knows yet whether the second is taken
  pass();
  ASSERT_FALSE(second.has_value());
  full = false;
  ASSERT_TRUE(session.run_until([&] { return second.has_value(); }));
  ASSERT_TRUE(session.run_until([&] { return world.catalogue.durable().announced.empty(); }));
  EXPECT_EQ(arrival_of(session, url).state, ports::ArrivalState::sealed);
  EXPECT_EQ(world.journal.count(url + ": refused"), 0U) << arrival_of(session, url).text;
}

TEST(Import, IsForgottenByAPowerCutWhichIsSaid) {
  World world;
  std::string url;
  {
    Session session(world);
    bool away = true;
    world.web.away_while([&] { return away; });
    session.announcements.announce("https://busy.example/1");
    session.announcements.announce("https://busy.example/2");
    ASSERT_TRUE(session.run_until([&] { return session.gateway.control().arrivals().size() == 2; }));
    url = *bring(session, good_envelope());
    ASSERT_TRUE(session.run_until([&] { return world.catalogue.durable().announced.contains(url); }));
  }
  world.catalogue.cut_power();
  world.web.away_while({});
  Session again(world);
  const ports::Arrival arrival = arrival_of(again, url);
  EXPECT_EQ(arrival.state, ports::ArrivalState::refused);
  EXPECT_NE(arrival.text.find("import it again"), std::string::npos) << arrival.text;
  EXPECT_EQ(arrival_of(again, *bring(again, good_envelope())).state, ports::ArrivalState::sealed);
}

TEST(Arrival, ForgetsTheOldest) {
  World world;
  Session session(world);
  for (int i = 0; i < 100; ++i) session.announcements.announce("https://cloud.example/" + std::to_string(i));
  session.run_until([] { return false; }, hours{1});
  EXPECT_EQ(session.gateway.control().arrivals().size(), Arrivals::kMax);
}

struct Uri {
  const char* reference;
  bool same_host_only;
  const char* expected;  // or the name of the error
};

class Resolve : public testing::TestWithParam<Uri> {};

TEST_P(Resolve, GivesAnHttpsUrlOrAName) {
  const Uri& row = GetParam();
  const Result<std::string> url =
      resolve_uri("https://a.example:8443/fw/boiler/2.suit", row.reference, row.same_host_only);
  EXPECT_EQ(url ? *url : std::string(name_of(url.error().code)), row.expected) << row.reference;
}

INSTANTIATE_TEST_SUITE_P(Table, Resolve,
                         testing::Values(Uri{"app.bin", false, "https://a.example:8443/fw/boiler/app.bin"},
                                         Uri{"../app.bin", false, "https://a.example:8443/fw/app.bin"},
                                         Uri{"/app.bin?x=1", false, "https://a.example:8443/app.bin?x=1"},
                                         Uri{"//b.example/app.bin", false, "https://b.example/app.bin"},
                                         Uri{"https://b.example/app.bin", false, "https://b.example/app.bin"},
                                         Uri{"https://b.example/app.bin", true, "denied"},
                                         Uri{"https://a.example:8443/x", true, "https://a.example:8443/x"},
                                         Uri{"http://b.example/app.bin", false, "unsupported"},
                                         Uri{"file:///etc/shadow", false, "unsupported"},
                                         Uri{"https://user:secret@b.example/", false, "invalid"},
                                         Uri{"https:///app.bin", false, "invalid"},
                                         Uri{"https://b.example/a b", false, "invalid"},
                                         Uri{"", false, "https://a.example:8443/fw/boiler/2.suit"}));

TEST(ResolveOfAnImport, HasNoServerOfItsOwn) {
  const std::string brought = "import:" + std::string(64, 'd');
  EXPECT_EQ(resolve_uri(brought, "https://b.example/app.bin", false).value(), "https://b.example/app.bin");
  EXPECT_EQ(resolve_uri(brought, "https://b.example/app.bin", true).error().code, Errc::denied);
  for (const char* relative : {"app.bin", "/app.bin", "//b.example/app.bin", ""})
    EXPECT_FALSE(resolve_uri(brought, relative, false)) << relative;
}

}  // namespace
}  // namespace hg::service::test
