// SPDX-License-Identifier: Apache-2.0
// What a child says when it registers: its object list and its queries. Lists that real children sent are from the
// reference (coap.md 1.1).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coap/link_format.hpp"
#include "coap/registration_query.hpp"

namespace hg::coap {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ------------------------------------------------------------------------------------------------------- object lists

TEST(ObjectList, OfAnjay2) {
  const auto list = object_list_from(R"(</1/1>,</2>,</3/0>,</5/0>,</10>;ver="1.1",</10/0>,</33629>;ver="1.0")").value();
  EXPECT_THAT(list.instances(kServerObject), ElementsAre(1));
  EXPECT_THAT(list.instances(kFirmwareObject), ElementsAre(0));
  EXPECT_EQ(list.version_of(kFirmwareObject), std::nullopt);
  EXPECT_FALSE(list.has(10)) << "that object does not matter to an update";
  EXPECT_TRUE(list.has(kAdvancedFirmwareObject));
  EXPECT_THAT(list.instances(kAdvancedFirmwareObject), IsEmpty()) << "it is there without instances";
  EXPECT_EQ(list.version_of(kAdvancedFirmwareObject), (ObjectVersion{1, 0}));
  EXPECT_EQ(list.path_of("5/0/3"), "5/0/3");
}

TEST(ObjectList, OfWakaama) {
  const auto list =
      object_list_from(R"(</>;rt="oma.lwm2m";ct=110,</1>;ver=1.1,</1/0>,</3/0>,</5>;ver=1.2,</5/0>)").value();
  EXPECT_EQ(list.root, "");
  EXPECT_THAT(list.formats, ElementsAre(110));
  EXPECT_EQ(list.version_of(kServerObject), (ObjectVersion{1, 1}));
  EXPECT_EQ(list.version_of(kFirmwareObject), (ObjectVersion{1, 2}));
  EXPECT_LT(list.version_of(kServerObject), (ObjectVersion{1, 2}));
}

TEST(ObjectList, WithAnAlternateRoot) {
  for (const char* text :
       {R"(</lwm2m>;rt="oma.lwm2m";ct="110 112 11542",</lwm2m/5/0>,</lwm2m/33629/2>,</5/7>,</lwm2mx/5/8>)",
        R"(</lwm2m/5/0>,</lwm2m/33629/2>,</3/7>,</lwm2m>;ct="110 112 11542";rt=oma.lwm2m)"}) {
    const auto list = object_list_from(text).value();
    EXPECT_EQ(list.root, "lwm2m");
    EXPECT_THAT(list.formats, ElementsAre(110, 112, 11542));
    EXPECT_THAT(list.instances(kFirmwareObject), ElementsAre(0)) << "what is beside the root is no object";
    EXPECT_FALSE(list.has(kDeviceObject));
    EXPECT_EQ(list.path_of("5/0/3"), "lwm2m/5/0/3");
  }
}

TEST(ObjectList, LeavesAloneWhatItDoesNotKnow) {
  const auto list =
      object_list_from(R"(</5/2>;title="a \"b\", </3/0>";obs;pmin=10, </5/1>,</5/1>;ver=1.1,</sensors/temp>,</5/0/3>)");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_THAT(list->instances(kFirmwareObject), ElementsAre(1, 2));
  EXPECT_EQ(list->entries.size(), 2U);
  EXPECT_FALSE(object_list_from("</5>;ver=\"one\"").value().version_of(kFirmwareObject));
  EXPECT_FALSE(object_list_from("</5>;ver=1.256").value().version_of(kFirmwareObject));
}

TEST(ObjectList, MayBeEmpty) {
  EXPECT_EQ(object_list_from("").value(), ObjectList{});
}

struct BadList {
  const char* name;
  const char* text;
  const char* says;
};
class WrongList : public testing::TestWithParam<BadList> {};

TEST_P(WrongList, IsRefusedWithItsPlace) {
  const auto list = object_list_from(GetParam().text);
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Errc::invalid);
  EXPECT_THAT(list.error().message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongList,
    testing::Values(BadList{"no_bracket", "/3/0", "offset 0: no '<'"}, BadList{"no_slash", "<3/0>", "offset 1: a path"},
                    BadList{"open_path", "</3/0", "offset 5: no '>'"}, BadList{"space_in_path", "</3 0>", "offset 3"},
                    BadList{"trailing_comma", "</3/0>,", "offset 7: no '<'"},
                    BadList{"two_commas", "</3/0>,,</5/0>", "offset 7"}, BadList{"only_comma", ",", "offset 0"},
                    BadList{"behind_path", "</3/0>x", "offset 6: neither"},
                    BadList{"no_attribute", "</3/0>;", "offset 7: an attribute has no name"},
                    BadList{"no_value", "</3/0>;ver=", "offset 11: an attribute has no value"},
                    BadList{"open_quote", "</3/0>;ver=\"1.1", "no end"},
                    BadList{"escaped_end", "</3/0>;ver=\"1.1\\", "no end"},
                    BadList{"leading_zero", "</05>", "offset 0: no object id"},
                    BadList{"object_65535", "</65535>", "offset 0: no object id"},
                    BadList{"object_beyond", "</3/0>,</99999999999/0>", "offset 7: no object id"},
                    BadList{"instance_65535", "</5/65535>", "offset 0: no instance id"},
                    BadList{"escaped_root", "</a%20b>;rt=oma.lwm2m", "offset 0: the root has escapes"},
                    BadList{"empty_segment", "</a//b>;rt=oma.lwm2m", "empty segment"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ObjectList, IsBounded) {
  const std::string link = "</3/0>;x=";
  EXPECT_TRUE(object_list_from(link + std::string(kMaxObjectList - link.size(), 'x')));
  EXPECT_EQ(object_list_from(link + std::string(kMaxObjectList - link.size() + 1, 'x')).error().code, Errc::too_large);

  const auto list_of = [](unsigned object, unsigned count) {
    std::string text;
    for (unsigned i = 0; i < count; ++i)
      text += (i == 0 ? "</" : ",</") + std::to_string(object) + "/" + std::to_string(i) + ">";
    return text;
  };
  EXPECT_EQ(object_list_from(list_of(5, 64)).value().entries.size(), kMaxObjectEntries);
  EXPECT_EQ(object_list_from(list_of(5, 65)).error().code, Errc::too_large);
  EXPECT_EQ(object_list_from(list_of(6, 200)).value().entries.size(), 0U) << "others are checked and not kept";
}

TEST(ObjectList, IsSmallInMemory) {
  const auto list =
      object_list_from(R"(</>;rt="oma.lwm2m";ct=112,</1>;ver=1.1,</1/0>,</3/0>,</5/0>,</33629/0>,</33629/1>)").value();
  const std::size_t bytes = sizeof(list) + list.entries.capacity() * sizeof(ObjectList::Entry) +
                            list.formats.capacity() * sizeof(std::uint16_t);
  EXPECT_LE(bytes, 200U);
}

TEST(ObjectList, IsReadAgainAsItWasWritten) {
  for (const char* text : {"", "</5>", R"(</lwm2m>;rt="oma.lwm2m";ct="110 112",</lwm2m/5>;ver=1.2,</lwm2m/5/0>)",
                           R"(</>;ct=112,</1/1>,</3/0>;ver="1.1")"}) {
    const auto list = object_list_from(text).value();
    EXPECT_EQ(object_list_from(text_of(list)).value(), list) << text_of(list);
  }
  EXPECT_EQ(text_of(object_list_from(R"(</a>;rt="oma.lwm2m";ct=112,</a/5>;ver="1.1",</a/9>)").value()),
            R"(</a>;rt="oma.lwm2m";ct="112",</a/5>;ver=1.1)");
}

// ------------------------------------------------------------------------------------------------------------ queries

using Query = std::vector<std::string>;

struct GoodQuery {
  const char* name;
  Query query;
  RegistrationQuery expected;
};
class Registration : public testing::TestWithParam<GoodQuery> {};

TEST_P(Registration, IsRead) {
  const auto found = registration_query_from(GetParam().query);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Registration,
    testing::Values(
        GoodQuery{"anjay2", {"lwm2m=1.0", "ep=urn:dev:1", "lt=60"}, {"urn:dev:1", 60, Lwm2mVersion::v1_0, false}},
        GoodQuery{"anjay3_queue", {"lwm2m=1.1", "ep=a", "lt=12", "Q"}, {"a", 12, Lwm2mVersion::v1_1, true}},
        GoodQuery{"wakaama", {"lwm2m=1.1", "ep=wk1", "b=U", "lt=300"}, {"wk1", 300, Lwm2mVersion::v1_1, false}},
        GoodQuery{"queue_of_1_0", {"b=UQ", "ep=a", "lwm2m=1.0"}, {"a", 86400, Lwm2mVersion::v1_0, true}},
        GoodQuery{"sms_and_unknown",
                  {"ep=a", "sms=+4912", "pid=1", "", "=x", "lwm2m=1.2"},
                  {"a", 86400, Lwm2mVersion::v1_2, false}},
        GoodQuery{"coap_node", {"ep=a", "lt=60", "lwm2m=1.0.0", "mac=02"}, {"a", 60, Lwm2mVersion::v1_0, false}},
        GoodQuery{"no_version", {"ep=a"}, {"a", 86400, Lwm2mVersion::v1_0, false}},
        GoodQuery{"no_endpoint", {"lwm2m=1.1"}, {"", 86400, Lwm2mVersion::v1_1, false}},
        GoodQuery{"equals_in_name", {"ep=a=b", "lt=1"}, {"a=b", 1, Lwm2mVersion::v1_0, false}},
        GoodQuery{"longest_lifetime",
                  {"ep=\xC3\xA9", "lt=2147483648"},
                  {"\xC3\xA9", 2147483648U, Lwm2mVersion::v1_0, false}}),
    [](const auto& row) { return std::string(row.param.name); });

struct BadQuery {
  const char* name;
  Query query;
  Errc code;
};
class WrongRegistration : public testing::TestWithParam<BadQuery> {};

TEST_P(WrongRegistration, IsRefused) {
  const auto found = registration_query_from(GetParam().query);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, GetParam().code) << found.error().message;
}

INSTANTIATE_TEST_SUITE_P(Table, WrongRegistration,
                         testing::Values(BadQuery{"version_1_3", {"ep=a", "lwm2m=1.3"}, Errc::unsupported},
                                         BadQuery{"version_2", {"ep=a", "lwm2m=2.0"}, Errc::unsupported},
                                         BadQuery{"version_1_10", {"ep=a", "lwm2m=1.10"}, Errc::unsupported},
                                         BadQuery{"edition_empty", {"ep=a", "lwm2m=1.1."}, Errc::unsupported},
                                         BadQuery{"version_empty", {"ep=a", "lwm2m"}, Errc::unsupported},
                                         BadQuery{"no_endpoint_in_1_0", {"lwm2m=1.0"}, Errc::invalid},
                                         BadQuery{"empty_endpoint", {"ep=", "lwm2m=1.1"}, Errc::invalid},
                                         BadQuery{"long_endpoint", {"ep=" + std::string(201, 'a')}, Errc::invalid},
                                         BadQuery{"control", {"ep=a\nb"}, Errc::invalid},
                                         BadQuery{"c1", {"ep=a\xC2\x85"}, Errc::invalid},
                                         BadQuery{"no_utf8", {"ep=\xFF"}, Errc::invalid},
                                         BadQuery{"lifetime_0", {"ep=a", "lt=0"}, Errc::invalid},
                                         BadQuery{"lifetime_beyond", {"ep=a", "lt=2147483649"}, Errc::invalid},
                                         BadQuery{"lifetime_negative", {"ep=a", "lt=-1"}, Errc::invalid},
                                         BadQuery{"lifetime_text", {"ep=a", "lt=60s"}, Errc::invalid},
                                         BadQuery{"twice", {"ep=a", "ep=b"}, Errc::invalid},
                                         BadQuery{"binding", {"ep=a", "b=u"}, Errc::invalid},
                                         BadQuery{"no_binding", {"ep=a", "b="}, Errc::invalid},
                                         BadQuery{"long_parameter", {"ep=a", std::string(256, 'x')}, Errc::invalid},
                                         BadQuery{"many", Query(33, "x"), Errc::invalid}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Endpoint, HasUpTo200Bytes) {
  EXPECT_TRUE(is_endpoint(std::string(200, 'a')));
  EXPECT_FALSE(is_endpoint(std::string(201, 'a')));
  EXPECT_TRUE(is_endpoint("\xC2\xA0")) << "beyond the C1 controls";
}

TEST(Update, SaysOnlyWhatChanges) {
  EXPECT_EQ(update_query_from({}).value(), UpdateQuery{});
  EXPECT_EQ(update_query_from({"lt=30", "b=U"}).value(), (UpdateQuery{30, false}));
  EXPECT_EQ(update_query_from({"b=UQ"}).value(), (UpdateQuery{std::nullopt, true}));
  EXPECT_EQ(update_query_from({"Q", "ep=", "lwm2m=9"}).value(), (UpdateQuery{std::nullopt, true}));
  EXPECT_EQ(update_query_from({"lt=x"}).error().code, Errc::invalid);
}

}  // namespace
}  // namespace hg::coap
