// SPDX-License-Identifier: Apache-2.0
// Resources in TLV, SenML-CBOR and text. The vectors that are said to be a child's were seen (coap.md 1.4).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/cbor.hpp"
#include "coap/resource.hpp"
#include "coap/senml_cbor.hpp"
#include "coap/tlv.hpp"

namespace hg::coap {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Bytes hex(std::string_view digits) {
  std::string packed;
  for (const char c : digits) {
    if (c != ' ') packed += c;
  }
  return *from_hex(packed);
}

ResourcePath path(std::string_view text) {
  return resource_path_from(text).value();
}

Result<Resources> tlv(std::string_view digits, std::string_view read) {
  return resources_from(Format::tlv, hex(digits), path(read));
}
Result<Resources> senml(std::string_view digits) {
  return resources_from(Format::senml_cbor, hex(digits), path("5/0"));
}

std::vector<std::int64_t> integers(const InstanceView& view, std::uint16_t resource) {
  std::vector<std::int64_t> found;
  for (const Value* value : view.values(resource)) found.push_back(value->integer().value_or(-1));
  return found;
}

// -------------------------------------------------------------------------------------------------------------- paths

TEST(ResourcePath, IsReadAndWritten) {
  for (const char* text : {"5", "5/0", "5/0/3", "33629/1/16/0", "65534/65534"}) EXPECT_EQ(text_of(path(text)), text);
  EXPECT_EQ(path("/5/0/3"), (ResourcePath{5, 0, 3}));
  for (const char* text :
       {"", "/", "5/", "5//3", "/5/0/3/1/2", "65535", "5/65535", "a", "5/0/x", "-1", "5/0 ", "99999"})
    EXPECT_EQ(resource_path_from(text).error().code, Errc::invalid) << text;
}

// ---------------------------------------------------------------------------------------------------------------- TLV

TEST(Tlv, OfAnjay2) {
  const auto all = tlv("c0 01 c1 03 00 c1 05 00 86 08 41 00 00 41 01 01 c1 09 02", "5/0");
  ASSERT_TRUE(all) << all.error().message;
  const auto said = all->of(5, 0);
  EXPECT_EQ(said.text(1), "");
  EXPECT_EQ(said.integer(3), 0);
  EXPECT_THAT(integers(said, 8), ElementsAre(0, 1));
  EXPECT_EQ(all->at(path("5/0/8/1"))->integer(), 1);
  EXPECT_EQ(all->at(path("5/0/8")), nullptr);
  EXPECT_EQ(said.integer(9), 2);
}

TEST(Tlv, OfAnjay3) {
  const auto all = tlv("88 08 0c 41 00 00 41 01 01 41 02 04 41 03 05 c1 09 02", "5/0");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_THAT(integers(all->of(5, 0), 8), ElementsAre(0, 1, 4, 5));
}

TEST(Tlv, OfWakaama) {
  const auto all =
      tlv("c1 03 01 c1 05 00 c8 06 0b 6c776d326d636c69656e74 c3 07 312e30 86 08 41 00 00 41 01 01 c1 09 01", "5/0");
  ASSERT_TRUE(all) << all.error().message;
  const auto said = all->of(5, 0);
  EXPECT_EQ(said.integer(3), 1);
  EXPECT_EQ(said.text(6), "lwm2mclient");
  EXPECT_EQ(said.text(7), "1.0");
  EXPECT_EQ(said.integer(9), 1);
}

TEST(Tlv, OfAnAdvancedFirmwareUpdate) {
  const auto all = tlv("c10b01 c40c6b00f5ab c10d00 c80e0b 6170706c69636174696f6e c30f312e30 8010 8011", "33629/0");
  ASSERT_TRUE(all) << all.error().message;
  const auto said = all->of(33629, 0);
  EXPECT_EQ(said.integer(11), 1);
  EXPECT_EQ(said.integer(12), 0x6b00f5ab);
  EXPECT_EQ(said.text(14), "application");
  EXPECT_TRUE(said.values(16).empty());
}

TEST(Tlv, OfAnObjectHasInstances) {
  const auto all = tlv("03 00 c10302 26 0101 c10300 c10501 28 0102 03 c10303", "33629");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_THAT(all->instances(33629), ElementsAre(0, 257, 258));
  EXPECT_EQ(all->of(33629, 257).integer(5), 1);
  EXPECT_EQ(all->of(33629, 258).integer(3), 3);
  EXPECT_FALSE(all->of(33629, 1).is_there());
}

TEST(Tlv, IsRelativeToWhatWasRead) {
  EXPECT_EQ(tlv("c10302", "5")->of(5, 0).integer(3), 2) << "1.0: one instance may stand without its head";
  EXPECT_EQ(tlv("03 07 c10302", "5")->of(5, 7).integer(3), 2);
  EXPECT_EQ(tlv("03 00 c10302", "5/0")->of(5, 0).integer(3), 2);
  EXPECT_EQ(tlv("c10302", "5/0/3")->of(5, 0).integer(3), 2);
  EXPECT_THAT(integers(tlv("8608 410000 410101", "5/0/8")->of(5, 0), 8), ElementsAre(0, 1));
  EXPECT_THAT(integers(tlv("410000 410101", "5/0/8")->of(5, 0), 8), ElementsAre(0, 1)) << "without the head";
  EXPECT_EQ(tlv("410101", "5/0/8/1")->at(path("5/0/8/1"))->integer(), 1);
  EXPECT_EQ(tlv("", "5/0")->all().size(), 0U);
}

struct BadTlv {
  const char* name;
  const char* digits;
  const char* read;
  const char* says;
};
class WrongTlv : public testing::TestWithParam<BadTlv> {};

TEST_P(WrongTlv, IsRefusedWithItsPlace) {
  const auto all = tlv(GetParam().digits, GetParam().read);
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().code, Errc::invalid);
  EXPECT_THAT(all.error().message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongTlv,
    testing::Values(BadTlv{"no_id", "c1", "5/0", "offset 0: it ends early"},
                    BadTlv{"half_a_wide_id", "e101", "5/0", "offset 0: it ends early"},
                    BadTlv{"no_length", "c803", "5/0", "offset 0: it ends early"},
                    BadTlv{"no_content", "c103", "5/0", "offset 0"},
                    BadTlv{"short", "c10300 c40301", "5/0", "offset 3"},
                    BadTlv{"three_bytes_of_length", "d803ffffff00", "5/0", "offset 0: it ends early"},
                    BadTlv{"member_too_long", "8208 4200", "5/0", "offset 2"},
                    BadTlv{"resource_in_multiple", "8308 c10000", "5/0", "offset 2: no instance of a resource"},
                    BadTlv{"member_of_nothing", "410000", "5/0", "offset 0: no resource"},
                    BadTlv{"instance_in_instance", "0500 0300 c10302", "5", "offset 2: no resource"},
                    BadTlv{"other_instance", "0301 c10302", "5/0", "5/1/3 is no part of 5/0"},
                    BadTlv{"other_resource", "c10500", "5/0/3", "5/0/5 is no part of 5/0/3"},
                    BadTlv{"id_65535", "e1ffff00", "5/0", "65535"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Tlv, IsBounded) {
  Bytes body;
  for (std::size_t i = 0; i < kMaxResources; ++i) body.insert(body.end(), {0xC1, 0x03, 0x00});
  EXPECT_TRUE(resources_from_tlv(body, path("5/0")));
  body.insert(body.end(), {0xC1, 0x03, 0x00});
  EXPECT_EQ(resources_from_tlv(body, path("5/0")).error().code, Errc::too_large);
  EXPECT_EQ(resources_from(Format::tlv, Bytes(kMaxAnswer + 1), path("5/0")).error().code, Errc::too_large);
}

// ------------------------------------------------------------------------------------------------------------- values

TEST(Values, OfTlvAreWhatTheyAreAskedFor) {
  const auto untyped = [](std::string_view digits) { return Value{Untyped{hex(digits)}}; };
  EXPECT_EQ(untyped("ff").integer(), -1);
  EXPECT_EQ(untyped("8000").integer(), -32768);
  EXPECT_EQ(untyped("00008000").integer(), 32768);
  EXPECT_EQ(untyped("8000000000000000").integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(untyped("010203").integer(), std::nullopt);
  EXPECT_EQ(untyped("").integer(), std::nullopt);
  EXPECT_EQ(untyped("000000000000000001").integer(), std::nullopt);
  EXPECT_EQ(untyped("01").boolean(), true);
  EXPECT_EQ(untyped("02").boolean(), std::nullopt);
  EXPECT_EQ(untyped("835d0001").link(), (ObjectLink{33629, 1}));
  EXPECT_EQ(untyped("835d").link(), std::nullopt);
  EXPECT_EQ(untyped("ff").text(), std::nullopt);
  EXPECT_EQ(untyped("ff").opaque(), hex("ff"));
}

TEST(Values, OfTextAreWhatTheyAreAskedFor) {
  const auto plain = [](const char* text) { return Value{PlainText{text}}; };
  EXPECT_EQ(plain("3").integer(), 3);
  EXPECT_EQ(plain("-3").integer(), -3);
  for (const char* text : {"", " 3", "3 ", "3.0", "+3", "99999999999999999999"})
    EXPECT_EQ(plain(text).integer(), std::nullopt) << text;
  EXPECT_EQ(plain("1").boolean(), true);
  EXPECT_EQ(plain("true").boolean(), std::nullopt);
  EXPECT_EQ(plain("33629:1").link(), (ObjectLink{33629, 1}));
  EXPECT_EQ(plain("33629:").link(), std::nullopt);
  EXPECT_EQ(plain("AAAA").opaque(), std::nullopt);
}

TEST(Values, WithATypeAreOnlyThat) {
  EXPECT_EQ(Value{std::int64_t{1}}.boolean(), true);
  EXPECT_EQ(Value{true}.integer(), std::nullopt);
  EXPECT_EQ(Value{2.0}.integer(), 2);
  EXPECT_EQ(Value{2.5}.integer(), std::nullopt);
  EXPECT_EQ(Value{1e300}.integer(), std::nullopt);
  EXPECT_EQ(Value{std::string("3")}.integer(), std::nullopt);
  EXPECT_EQ(Value{hex("01")}.text(), std::nullopt);
}

// --------------------------------------------------------------------------------------------------------- SenML-CBOR

TEST(Senml, OfAnjay3) {
  const auto all = senml(
      "84 a3 21 66 2f352f302f38 00 62 2f30 02 00 a2 00 62 2f31 02 01"
      "a2 00 62 2f32 02 04 a2 00 62 2f33 02 05");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_THAT(integers(all->of(5, 0), 8), ElementsAre(0, 1, 4, 5));
}

TEST(Senml, HasAllKindsOfValues) {
  const auto all = senml(
      "89"
      "a3 21 65 2f352f302f 00 61 33 02 03"             // bn "/5/0/", n "3", v 3
      "a2 00 61 36 03 63 616263"                       // "6" vs "abc"
      "a2 00 62 3134 04 f5"                            // "14" vb true
      "a2 00 61 30 08 42 0102"                         // "0" vd
      "a2 00 64 31362f30 63 766c6f 67 33333632393a31"  // "16/0" vlo "33629:1"
      "a2 00 61 39 02 f9 4000"                         // "9" v 2.0
      "a2 02 fb 3ff8000000000000 00 62 3230"           // v 1.5 before n "20"
      "a4 00 61 35 06 01 01 61 73 02 20"               // with a time and a unit: -1
      "a1 00 61 32");                                  // no value
  ASSERT_TRUE(all) << all.error().message;
  const auto said = all->of(5, 0);
  EXPECT_EQ(said.integer(3), 3);
  EXPECT_EQ(said.text(6), "abc");
  EXPECT_EQ(said.boolean(14), true);
  EXPECT_EQ(said.find(0)->opaque(), hex("0102"));
  EXPECT_EQ(all->at(path("5/0/16/0"))->link(), (ObjectLink{33629, 1}));
  EXPECT_EQ(said.integer(9), 2);
  EXPECT_EQ(*said.find(20), Value{1.5});
  EXPECT_EQ(said.integer(5), -1);
  EXPECT_EQ(said.find(2), nullptr);
}

TEST(Senml, MayHaveIndefiniteLengths) {
  const auto all = senml("9f bf 21 7f 63 2f352f 61 30 ff 00 62 2f33 18 02 02 ff bf 00 62 2f35 02 18 00 ff ff");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->of(5, 0).integer(3), 2);
  EXPECT_EQ(all->of(5, 0).integer(5), 0);
}

struct BadSenml {
  const char* name;
  const char* digits;
  const char* says;
};
class WrongSenml : public testing::TestWithParam<BadSenml> {};

TEST_P(WrongSenml, IsRefused) {
  const auto all = senml(GetParam().digits);
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().code, Errc::invalid);
  EXPECT_THAT(all.error().message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(Table, WrongSenml,
                         testing::Values(BadSenml{"empty", "", "ends early"}, BadSenml{"no_array", "a0", "no array"},
                                         BadSenml{"no_record", "8101", "no map"},
                                         BadSenml{"short", "82a0", "ends early"},
                                         BadSenml{"left_over", "8000", "left over"},
                                         BadSenml{"no_path", "81a2 00 61 78 02 00", "is no path"},
                                         BadSenml{"no_name", "81a1 02 00", "is no path"},
                                         BadSenml{"an_instance", "81a2 00 64 2f352f30 02 00", "a value for 5/0"},
                                         BadSenml{"two_values", "81a3 00 66 2f352f302f33 02 00 04 f5", "two values"},
                                         BadSenml{"text_as_number", "81a2 00 66 2f352f302f33 02 61 31", "a value"},
                                         BadSenml{"number_as_boolean", "81a2 00 66 2f352f302f33 04 01", "boolean"},
                                         BadSenml{"not_finite", "81a2 00 66 2f352f302f33 02 f97c00", "finite"},
                                         BadSenml{"nan", "81a2 00 66 2f352f302f33 02 fa7fc00000", "finite"},
                                         BadSenml{"base_value", "81a3 24 01 00 66 2f352f302f33 02 00", "base values"},
                                         BadSenml{"must_understand", "81a1 62 785f 00", "must be understood"},
                                         BadSenml{"no_utf8", "81a2 00 66 2f352f302f33 03 61 ff", "UTF-8"},
                                         BadSenml{"bad_link", "81a2 00 66 2f352f302f33 63 766c6f 61 35", "object link"},
                                         BadSenml{"bomb", "9bffffffffffffffff", "ends early"}),
                         [](const auto& row) { return std::string(row.param.name); });

// --------------------------------------------------------------------------------------------------- text and choosing

TEST(Answers, OfOneResourceAreText) {
  const Bytes body{'2'};
  EXPECT_EQ(resources_from(Format::text, body, path("5/0/3"))->of(5, 0).integer(3), 2);
  EXPECT_EQ(resources_from(std::nullopt, body, path("5/0/3"))->of(5, 0).integer(3), 2);
  EXPECT_EQ(resources_from(Format::text, body, path("5/0")).error().code, Errc::unsupported);
  EXPECT_EQ(resources_from(Format::text, Bytes{0xFF}, path("5/0/3")).error().code, Errc::invalid);
  EXPECT_EQ(resources_from(Format::opaque, body, path("5/0/0"))->of(5, 0).find(0)->opaque(), body);
  EXPECT_EQ(resources_from(Format::senml_json, body, path("5/0/3")).error().code, Errc::unsupported);
}

// ------------------------------------------------------------------------------------------------------------- writing

struct Written {
  const char* name;
  Value value;
  const char* text;  ///< nullptr: does not travel so
  const char* tlv;
  const char* senml;
};
class Writing : public testing::TestWithParam<Written> {};

TEST_P(Writing, IsTheShortestForm) {
  const auto& row = GetParam();
  const auto text = body_of(Format::text, path("5/0/11"), row.value);
  ASSERT_EQ(static_cast<bool>(text), row.text != nullptr);
  if (text) {
    EXPECT_EQ(std::string(text->begin(), text->end()), row.text);
  }
  EXPECT_EQ(to_hex(body_of(Format::tlv, path("5/0/11"), row.value).value()), row.tlv);
  const std::string head = "81a200672f352f302f3131";  // [{0: "/5/0/11",
  EXPECT_EQ(to_hex(body_of(Format::senml_cbor, path("5/0/11"), row.value).value()), head + row.senml);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Writing,
    testing::Values(
        Written{"zero", std::int64_t{0}, "0", "c10b00", "0200"},
        Written{"minus_129", std::int64_t{-129}, "-129", "c20bff7f", "023880"},
        Written{"int32", std::int64_t{604800}, "604800", "c40b00093a80", "021a00093a80"},
        Written{"int64", std::int64_t{1} << 40, "1099511627776", "c80b080000010000000000", "021b0000010000000000"},
        Written{"yes", true, "1", "c10b01", "04f5"}, Written{"no", false, "0", "c10b00", "04f4"},
        Written{"text", std::string("coap://a"), "coap://a", "c80b08636f61703a2f2f61", "0368636f61703a2f2f61"},
        Written{"empty", std::string(), "", "c00b", "0360"}, Written{"bytes", Bytes{0}, nullptr, "c10b00", "084100"},
        Written{"link", ObjectLink{33629, 1}, "33629:1", "c40b835d0001", "63766c6f6733333632393a31"},
        Written{"real", 1.5, "1.5", "c80b083ff8000000000000", "02fb3ff8000000000000"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Writing, OfLongValuesAndIds) {
  EXPECT_EQ(to_hex(tlv_of(256, Value{true})), "e1010001");
  const Bytes long_one = tlv_of(1, Value{std::string(256, 'u')});
  EXPECT_EQ(to_hex(ByteView(long_one).first(4)), "d0010100");
  EXPECT_EQ(resources_from_tlv(long_one, path("5/0/1")).value().front().value.text(), std::string(256, 'u'));
  EXPECT_EQ(body_of(Format::text, path("5/0"), Value{true}).error().code, Errc::unsupported);
  EXPECT_EQ(body_of(Format::cbor, path("5/0/1"), Value{true}).error().code, Errc::unsupported);
}

TEST(Senml, NamesMayStandBelowAnAlternateRoot) {
  Bytes bytes;
  cbor::Writer out(bytes);
  out.array(2).map(3).integer(-2).text("/lwm2m/5/0/").integer(0).text("3").integer(2).integer(2);
  out.map(2).integer(0).text("5").integer(2).integer(1);
  const ResourcePath read{5, std::uint16_t{0}, {}, {}};
  EXPECT_FALSE(resources_from(Format::senml_cbor, bytes, read));
  EXPECT_FALSE(resources_from(Format::senml_cbor, bytes, read, "lwm"));
  const auto found = resources_from(Format::senml_cbor, bytes, read, "lwm2m");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->of(5, 0).integer(3), 2);
  EXPECT_EQ(found->of(5, 0).integer(5), 1);
}

}  // namespace
}  // namespace hg::coap
