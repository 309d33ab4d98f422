// SPDX-License-Identifier: Apache-2.0
// The URIs of a manifest, and what a child's profile and address say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/cbor.hpp"
#include "coap/manifest_uris.hpp"
#include "coap/profile.hpp"

namespace hg::coap {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Texts = std::vector<std::string>;

Bytes array_of(const Texts& texts) {
  Bytes bytes;
  cbor::Writer out(bytes);
  out.array(texts.size());
  for (const std::string& text : texts) out.text(text);
  return bytes;
}
Bytes wrapped(const Bytes& item) {
  Bytes bytes;
  cbor::Writer(bytes).bytes(item);
  return bytes;
}

// --------------------------------------------------------------------------------------------------------------- URIs

TEST(ManifestUris, StandAtAnyDepthOfTagsMapsAndByteStrings) {
  Bytes bytes;
  cbor::Writer out(bytes);
  // As an envelope: 107({2: bstr [authentication], 3: bstr {1: 1, 3: bstr {4: bstr [20, {21: URI}]}}}).
  Bytes parameters;
  cbor::Writer(parameters)
      .array(2)
      .uint(20)
      .map(2)
      .uint(3)
      .bytes(Bytes(32, 0xA5))
      .uint(21)
      .text("coap://[2001:db8::1]/fw/a.bin");
  Bytes common;
  cbor::Writer(common).map(1).uint(4).bytes(parameters);
  Bytes manifest;
  cbor::Writer(manifest).map(3).uint(1).uint(1).uint(3).bytes(common).uint(17).bytes(
      array_of({"https://a/b", "coaps://gw/x", "coap://[2001:db8::1]/fw/a.bin", "COAP://gw/y", "see coap://gw/z"}));
  out.tag(107).map(3).uint(2).bytes(Bytes{0xFF, 0x00}).uint(3).bytes(manifest).text("coap://key/too").null();
  EXPECT_THAT(coap_uris_in(bytes).value(),
              ElementsAre("coap://[2001:db8::1]/fw/a.bin", "coaps://gw/x", "COAP://gw/y", "coap://key/too"));
}

TEST(ManifestUris, AreNotSeenInWhatIsNoCbor) {
  Bytes bytes;
  Bytes two_items = array_of({"coap://gw/a"});
  two_items.push_back(0x00);
  cbor::Writer(bytes).array(3).bytes(as_bytes("coap://gw/a")).bytes(Bytes{}).bytes(two_items);
  EXPECT_THAT(coap_uris_in(bytes).value(), IsEmpty());
}

TEST(ManifestUris, AreBounded) {
  Texts many;
  for (int i = 0; i < 16; ++i) many.push_back("coap://gw/" + std::to_string(i));
  EXPECT_EQ(coap_uris_in(array_of(many)).value(), many);
  many.push_back("coap://gw/0");
  EXPECT_EQ(coap_uris_in(array_of(many)).value().size(), 16U) << "one of them is there already";
  many.push_back("coap://gw/16");
  EXPECT_EQ(coap_uris_in(array_of(many)).error().code, Errc::too_large);
  EXPECT_EQ(coap_uris_in(array_of({"coap://gw/" + std::string(246, 'x')})).error().code, Errc::too_large);
  EXPECT_EQ(coap_uris_in(Bytes(kMaxManifest + 1)).error().code, Errc::too_large);
  EXPECT_EQ(coap_uris_in(Bytes{}).error().code, Errc::invalid);
  EXPECT_EQ(coap_uris_in(Bytes{0x00, 0x00}).error().code, Errc::invalid);
  EXPECT_EQ(coap_uris_in(Bytes{0x9F, 0xFF}).error().code, Errc::invalid);

  Bytes deep = array_of({"coap://gw/deep"});
  for (int i = 0; i < 12; ++i) deep = wrapped(deep);
  EXPECT_THAT(coap_uris_in(deep).value(), ElementsAre("coap://gw/deep"));
  EXPECT_THAT(coap_uris_in(wrapped(deep)).value(), IsEmpty());
}

TEST(UriPath, IsUnescaped) {
  EXPECT_EQ(path_of("coap://gw/fw/app.bin").value(), "fw/app.bin");
  EXPECT_EQ(path_of("coaps://[fe80::1%25eth0]:5684/a").value(), "a");
  EXPECT_EQ(path_of("CoAP://gw/a%20b/%C3%A9%7e").value(), "a b/\xC3\xA9~");
}

struct BadUri {
  const char* name;
  const char* uri;
  Errc code;
};
class WrongUri : public testing::TestWithParam<BadUri> {};

TEST_P(WrongUri, IsRefused) {
  const auto path = path_of(GetParam().uri);
  ASSERT_FALSE(path) << *path;
  EXPECT_EQ(path.error().code, GetParam().code) << path.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongUri,
    testing::Values(
        BadUri{"http", "http://gw/a", Errc::invalid}, BadUri{"nothing", "", Errc::invalid},
        BadUri{"no_host", "coap:///a", Errc::invalid}, BadUri{"bare", "coap://", Errc::invalid},
        BadUri{"no_path", "coap://gw", Errc::unsupported}, BadUri{"root", "coap://gw/", Errc::unsupported},
        BadUri{"query", "coap://gw/a?b=c", Errc::unsupported}, BadUri{"fragment", "coap://gw/a#b", Errc::unsupported},
        BadUri{"empty_segment", "coap://gw/a//b", Errc::unsupported},
        BadUri{"trailing_slash", "coap://gw/a/", Errc::unsupported},
        BadUri{"dots", "coap://gw/a/../b", Errc::unsupported},
        BadUri{"escaped_dots", "coap://gw/%2e%2E/b", Errc::unsupported},
        BadUri{"escaped_slash", "coap://gw/a%2Fb", Errc::unsupported},
        BadUri{"nul", "coap://gw/a%00", Errc::unsupported}, BadUri{"half_escape", "coap://gw/a%2", Errc::invalid},
        BadUri{"bad_escape", "coap://gw/a%2x", Errc::invalid}, BadUri{"no_utf8", "coap://gw/%ff", Errc::invalid}),
    [](const auto& row) { return std::string(row.param.name); });

// ------------------------------------------------------------------------------------------------------------- profile

TEST(CoapProfile, HasItsDefaults) {
  EXPECT_EQ(profile_from({}).value(), Profile{});
}

TEST(CoapProfile, TakesEachKey) {
  const auto profile = profile_from({{"evidence", std::string("result")},
                                     {"way", std::string("push")},
                                     {"object", std::int64_t{33629}},
                                     {"block", std::int64_t{64}},
                                     {"ack_timeout_ms", std::int64_t{5000}},
                                     {"answer_ms", std::int64_t{60000}},
                                     {"awake_ms", std::int64_t{1500}},
                                     {"grace_ms", std::int64_t{0}},
                                     {"defer_s", std::int64_t{3600}},
                                     {"poll_ms", std::int64_t{1000}},
                                     {"takes_older", true},
                                     {"installs_at_once", true},
                                     {"trigger", std::string("t")},
                                     {"version", std::string("v")},
                                     {"manifest", std::string("fw/m")},
                                     {"verdict_ms", std::int64_t{1}},
                                     {"refusal_ms", std::int64_t{2}},
                                     {"payloads", std::int64_t{3}}});
  ASSERT_TRUE(profile) << profile.error().message;
  Profile expected;
  expected.evidence = Proves::result;
  expected.way = Way::push;
  expected.object = 33629;
  expected.block = 64;
  expected.ack_timeout = Milliseconds{5000};
  expected.answer = Milliseconds{60000};
  expected.awake = Milliseconds{1500};
  expected.grace = Milliseconds{0};
  expected.defer_s = 3600;
  expected.poll = Milliseconds{1000};
  expected.takes_older = true;
  expected.installs_at_once = true;
  expected.trigger = "t";
  expected.version = "v";
  expected.manifest = "fw/m";
  expected.verdict = Milliseconds{1};
  expected.refusal = Milliseconds{2};
  expected.payloads = 3;
  EXPECT_EQ(*profile, expected);
}

TEST(CoapProfile, NamesWhatIsWrong) {
  const auto says = [](const char* key, wire::ProfileValue value) {
    const auto profile = profile_from({{key, std::move(value)}});
    return profile ? "nothing" : profile.error().message;
  };
  EXPECT_THAT(says("object", std::int64_t{7}), HasSubstr("object must be 0, 5 or 33629"));
  EXPECT_THAT(says("block", std::int64_t{100}), HasSubstr("block must be 16, 32"));
  EXPECT_THAT(says("trigger", std::string("/suit/trigger")), HasSubstr("trigger must be a path"));
  EXPECT_THAT(says("manifest", std::string()), HasSubstr("manifest must be a text of 1 to 128"));
  EXPECT_THAT(says("evidence", std::string("hope")), HasSubstr("evidence must be \"version\""));
}

// ------------------------------------------------------------------------------------------------------------- address

TEST(CoapAddress, NamesAnEndpointOrAHost) {
  const auto lwm2m = address_from("lwm2m:urn:dev:os:1").value();
  EXPECT_EQ(lwm2m.kind, Address::Kind::lwm2m);
  EXPECT_EQ(lwm2m.name, "urn:dev:os:1");
  const auto plain = address_from("coap://192.0.2.7").value();
  EXPECT_EQ(plain.kind, Address::Kind::suit);
  EXPECT_EQ(plain.name, "192.0.2.7:5683");
  EXPECT_FALSE(plain.is_secured);
  const auto secured = address_from("coaps://[2001:db8::7]").value();
  EXPECT_EQ(secured.name, "[2001:db8::7]:5684");
  EXPECT_TRUE(secured.is_secured);
  EXPECT_EQ(address_from("coap://node.local:61616").value().name, "node.local:61616");
}

TEST(CoapAddress, IsRefusedWhenItIsNone) {
  for (const char* text : {"", "lwm2m:", "lwm2m:a\tb", "node", "udp://a", "coap://", "coap://:5683",
                           "coap://a:", "coap://a:0", "coap://a:65536", "coap://a/b", "coap://a?b", "coap://u@a",
                           "coap://2001:db8::7", "coap://[::1", "coap://[]:1", "coap://[::1]x"})
    EXPECT_EQ(address_from(text).error().code, Errc::invalid) << text;
}

}  // namespace
}  // namespace hg::coap
