// SPDX-License-Identifier: Apache-2.0
// Enrollment lists: what one may say (each rule with what breaks it alone), who may say it and when, and what our
// independent author writes. Malformed payloads are cut and spoilt in test_trust.cpp, too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/crypto/keys.hpp"
#include "core/authored_trust.hpp"
#include "core/trust_rules.hpp"

namespace hg::trust {
namespace {

using namespace draft;  // NOLINT(google-build-using-namespace): its words are the test's
using testing::ElementsAre;
using testing::HasSubstr;

template <class T>
void expect(const Result<T>& result, const char* refusal) {
  if (refusal == nullptr) {
    EXPECT_TRUE(result) << result.error().message;
  } else {
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, HasSubstr(refusal));
  }
}

const auto name_of_row = [](const auto& row) { return std::string(row.param.name); };

// ------------------------------------------------------------------------------------------ what a list may say

constexpr const char* kNoName = "a name has 1 to 64 of A-Z a-z 0-9 . _ -";

constexpr Rule<EnrollmentList> kListRules[] = {
    {"untouched", [](EnrollmentList&) {}, nullptr},
    {"for_all_gateways_and_ever",
     [](EnrollmentList& l) {
       l.gateway.reset();
       l.not_after.reset();
       l.children[0].keys.pop_back();
     },
     nullptr},
    {"takes_away_only", [](EnrollmentList& l) { l.children.clear(); }, nullptr},
    {"adds_only", [](EnrollmentList& l) { l.forgets.clear(); }, nullptr},
    {"says_nothing",
     [](EnrollmentList& l) {
       l.children.clear();
       l.forgets.clear();
     },
     "enrollment: it names no child"},
    {"child_twice", [](EnrollmentList& l) { l.children[1].id = "boiler-1"; }, "child boiler-1 twice"},
    {"two_in_one_place",
     [](EnrollmentList& l) {
       l.children[1].transport = "serial";
       l.children[1].address = "/dev/ttyACM0";
     },
     "child pump-1 stands where another does"},
    {"one_address_of_two_transports", [](EnrollmentList& l) { l.children[1].address = "/dev/ttyACM0"; }, nullptr},
    {"known_and_forgotten", [](EnrollmentList& l) { l.forgets = {"pump-1"}; },
     "child pump-1 is forgotten, and named before"},
    {"forgotten_twice",
     [](EnrollmentList& l) {
       l.forgets = {"x", "x"};
     },
     "child x is forgotten, and named before"},
    {"no_name", [](EnrollmentList& l) { l.name.clear(); }, "enrollment: name: offset"},
    {"child_with_a_slash", [](EnrollmentList& l) { l.children[0].id = "../x"; }, kNoName},
    {"long_child", [](EnrollmentList& l) { l.children[0].id = std::string(65, 'a'); }, kNoName},
    {"forgets_no_name", [](EnrollmentList& l) { l.forgets = {"a b"}; }, kNoName},
    {"transport_with_a_slash", [](EnrollmentList& l) { l.children[0].transport = "a/b"; }, kNoName},
    {"profile_with_a_slash", [](EnrollmentList& l) { l.children[0].profile = "../../etc/x"; }, kNoName},
    {"group_with_a_space", [](EnrollmentList& l) { l.children[0].membership->group = "a b"; }, kNoName},
    {"long_address", [](EnrollmentList& l) { l.children[0].address = std::string(257, 'a'); }, "a text of 257 bytes"},
    {"image_16", [](EnrollmentList& l) { l.children[0].targets[1].image_number = 16; }, "16, at most 15"},
    {"component_twice", [](EnrollmentList& l) { l.children[0].targets[1].component = "app"; },
     "child boiler-1: target app: another has its name or image number"},
    {"image_twice", [](EnrollmentList& l) { l.children[0].targets[1].image_number = 0; },
     "child boiler-1: target radio: another has its name or image number"},
    {"long_component", [](EnrollmentList& l) { l.children[0].targets[1].component = std::string(65, 'a'); },
     "at most 64 characters"},
    {"too_many_targets",
     [](EnrollmentList& l) {
       for (std::uint8_t i = 2; i < 17; ++i) l.children[0].targets.push_back({"t" + std::to_string(i), i});
     },
     "17 items, at most 16"},
    {"two_keys_for_one_use", [](EnrollmentList& l) { l.children[0].keys[1].use = ListedUse::wrap; },
     "child boiler-1: two keys for one use"},
    {"huge_key", [](EnrollmentList& l) { l.children[0].keys[0].public_half = Bytes(4097); }, "4097 bytes"},
    {"empty_key", [](EnrollmentList& l) { l.children[0].keys[0].public_half.clear(); }, "public half: offset"},
    {"secret_for_whom", [](EnrollmentList& l) { l.gateway.reset(); },
     "child boiler-1 has a wrapped secret, and no gateway is named"},
    {"secret_for_two", [](EnrollmentList& l) { l.children[0].keys[1].wrapped_secret = encrypted_key(2); },
     "2 recipients, not the one gateway"},
    {"group_of_two_layouts", [](EnrollmentList& l) { l.children[1].membership->layout = "cooler"; },
     "group left is of two layouts"},
};

class ListRules : public testing::TestWithParam<Rule<EnrollmentList>> {};

TEST_P(ListRules, Hold) {
  EnrollmentList list = good_list();
  GetParam().spoil(list);
  const auto read = read_enrollment_list(write_enrollment_list(list));
  expect(read, GetParam().refusal);
  if (read) {
    EXPECT_EQ(*read, list);
  }
}
INSTANTIATE_TEST_SUITE_P(Trust, ListRules, testing::ValuesIn(kListRules), name_of_row);

Bytes spoilt_child(std::uint64_t field, const Bytes& value) {
  EnrollmentList list = good_list();
  list.children.resize(1);
  const Fields fields = fields_of(write_enrollment_list(list));
  cbor::Reader reader(fields.at(6));
  (void)reader.enter_array();
  Fields child = fields_of(reader.read_item().value());
  child[field] = value;
  return array({map(child)});
}
Bytes one_key(const Fields& fields) {
  return spoilt_child(8, array({map(fields)}));
}

constexpr FieldRule kListFieldRules[] = {
    {"format_2", kEnrollment, [](Fields& f) { f[1] = number(2); }, "enrollment: format version: offset 2: 2 is"},
    {"unknown_field", kEnrollment, [](Fields& f) { f[8] = number(1); }, "field 8 is unknown"},
    {"no_name", kEnrollment, [](Fields& f) { f.erase(2); }, "no name"},
    {"no_version", kEnrollment, [](Fields& f) { f.erase(3); }, "no version"},
    {"short_gateway", kEnrollment, [](Fields& f) { f[4] = string(Bytes(31)); }, "31 bytes, not 32"},
    {"too_late", kEnrollment, [](Fields& f) { f[5] = too_late(); }, "a time beyond the year 9999"},
    {"no_children", kEnrollment, [](Fields& f) { f[6] = array({}); }, "an empty list"},
    {"too_many_children", kEnrollment, [](Fields& f) { f[6] = array(std::vector<Bytes>(1025, number(0))); },
     "1025 items, at most 1024"},
    {"too_many_forgotten", kEnrollment, [](Fields& f) { f[7] = array(std::vector<Bytes>(1025, text("a"))); },
     "1025 items, at most 1024"},
    {"unknown_field_of_a_child", kEnrollment, [](Fields& f) { f[6] = spoilt_child(10, number(1)); }, "field 10 is"},
    {"half_a_vendor", kEnrollment, [](Fields& f) { f[6] = spoilt_child(5, string(Bytes(8))); }, "vendor: offset"},
    {"half_a_class", kEnrollment, [](Fields& f) { f[6] = spoilt_child(6, string(Bytes(8))); }, "class: offset"},
    {"no_targets", kEnrollment, [](Fields& f) { f[6] = spoilt_child(7, array({})); }, "an empty list"},
    {"target_of_one", kEnrollment, [](Fields& f) { f[6] = spoilt_child(7, array({array({text("a")})})); },
     "not a component and its image number"},
    {"no_keys", kEnrollment, [](Fields& f) { f[6] = spoilt_child(8, array({})); }, "an empty list"},
    {"four_keys", kEnrollment, [](Fields& f) { f[6] = spoilt_child(8, array(std::vector<Bytes>(4, number(0)))); },
     "4 items, at most 3"},
    {"use_3", kEnrollment,
     [](Fields& f) {
       f[6] = one_key({{1, number(3)}, {3, string(Bytes(9))}});
     },
     "3, at most 2"},
    {"key_of_neither", kEnrollment,
     [](Fields& f) {
       f[6] = one_key({{1, number(0)}});
     },
     "not exactly one of"},
    {"key_of_both", kEnrollment,
     [](Fields& f) {
       f[6] = one_key({{1, number(0)}, {3, string(Bytes(9))}, {4, string(encrypted_key())}});
     },
     "not exactly one of a public half and a wrapped secret"},
    {"secret_in_the_open", kEnrollment,
     [](Fields& f) {
       f[6] = one_key({{1, number(0)}, {4, string(Bytes(16))}});
     },
     "wrapped secret: "},
    {"group_without_a_role", kEnrollment,
     [](Fields& f) {
       f[6] = spoilt_child(9, map({{1, text("left")}, {2, text("heater")}}));
     },
     "no role"},
};

class ListFieldRules : public testing::TestWithParam<FieldRule> {};

TEST_P(ListFieldRules, Hold) {
  Fields fields = fields_of(write_enrollment_list(good_list()));
  GetParam().spoil(fields);
  expect(read_enrollment_list(map(fields)), GetParam().refusal);
}
INSTANTIATE_TEST_SUITE_P(Trust, ListFieldRules, testing::ValuesIn(kListFieldRules), name_of_row);

TEST(EnrollmentLists, OfAThousandChildrenFitARecord) {
  EnrollmentList list{"all", 1, {}, {}, {}, {}};
  for (int i = 0; i < 900; ++i) {
    const std::string number = std::to_string(i);
    list.children.push_back({"c" + number, "udp", "h" + number, "m", {1}, {2}, {}, {}, {}});
  }
  const Bytes bytes = record(kEnrollment, write_enrollment_list(list), {"dora"});
  EXPECT_LT(bytes.size(), kMaxRecordBytes);
  EXPECT_EQ(read_enrollment_list(Record::parse(bytes).value().payload).value(), list);
}

// ------------------------------------------------------------------------------------------ who may say it

/// Dora, a director, makes children known to this gateway today; version 4 of the list was taken.
struct Handed {
  Root root = good_root();
  Names signers = {"dora"};
  EnrollmentList list = good_list();
  std::optional<Digest> gateway = kGateway;
  ListVersions taken = {{"site-7", 4}};
  TrustedTime now = kToday;
  RecordKind said = kEnrollment;
};

constexpr Rule<Handed> kHandedRules[] = {
    {"by_a_director", [](Handed&) {}, nullptr},
    {"first_of_its_name",
     [](Handed& h) {
       h.taken = {{"site-8", 9}};
     },
     nullptr},
    {"by_an_author", [](Handed& h) { h.signers = {"anna"}; },
     "enrollment: 0 of 1 director keys: key anna is for author, not for director"},
    {"by_a_stranger", [](Handed& h) { h.signers = {"emil"}; }, "no signature of any key of the root"},
    {"by_one_director_of_two",
     [](Handed& h) {
       h.root.keys.push_back(key("dirk", {Role::director}));
       h.root.thresholds[2] = 2;
     },
     "enrollment: 1 of 2 director keys"},
    {"by_one_director_twice",
     [](Handed& h) {
       h.root.keys.push_back(key("dirk", {Role::director}));
       h.root.thresholds[2] = 2;
       h.signers = {"dora", "dora"};
     },
     "two signatures by one key (dora)"},
    {"for_another_gateway", [](Handed& h) { h.gateway = kImage; },
     "enrollment: it is for the gateway with the key 2222"},
    {"for_another_gateway_than_one_without_a_key", [](Handed& h) { h.gateway.reset(); }, "it is for the gateway with"},
    {"for_all_and_a_gateway_without_a_key",
     [](Handed& h) {
       h.gateway.reset();
       h.list.gateway.reset();
       h.list.children[0].keys.clear();
     },
     nullptr},
    {"same_version", [](Handed& h) { h.taken["site-7"] = 5; },
     "enrollment: list site-7: version 5 is not after 5, which was taken"},
    {"older_version", [](Handed& h) { h.taken["site-7"] = 6; }, "list site-7: version 5 is not after 6"},
    {"last_moment", [](Handed& h) { h.list.not_after = day(10); }, nullptr},
    {"expired", [](Handed& h) { h.list.not_after = day(9); }, "enrollment: it was valid until 2024-10-13T00:00:00Z"},
    {"clock_in_1970", [](Handed& h) { h.now = kClockIn1970; }, "enrollment: the time is not known"},
    {"clock_in_1970_and_no_end",
     [](Handed& h) {
       h.now = kClockIn1970;
       h.list.not_after.reset();
     },
     nullptr},
    {"grant_as_a_list", [](Handed& h) { h.said = kGrant; }, "a grant, not an enrollment"},
};

Result<EnrollmentList> opened(const char* name) {
  const auto* const rule =
      std::ranges::find(kHandedRules, name, [](const auto& row) { return std::string_view(row.name); });
  Handed handed;
  rule->spoil(handed);
  const auto authority = authority_of(handed.root).value();
  const Bytes bytes = record(handed.said, write_enrollment_list(handed.list), handed.signers);
  const auto list = authority->open_enrollment(Record::parse(bytes).value(), handed.now,
                                               handed.gateway ? &*handed.gateway : nullptr, handed.taken);
  if (list) {
    EXPECT_EQ(*list, handed.list);
  }
  return list;
}

class HandedLists : public testing::TestWithParam<Rule<Handed>> {};

TEST_P(HandedLists, AreJudged) {
  expect(opened(GetParam().name), GetParam().refusal);
}
INSTANTIATE_TEST_SUITE_P(Trust, HandedLists, testing::ValuesIn(kHandedRules), name_of_row);

TEST(EnrollmentLists, RefusedHaveCodes) {
  EXPECT_EQ(opened("by_an_author").error().code, Errc::denied);
  EXPECT_EQ(opened("by_a_stranger").error().code, Errc::unauthenticated);
  EXPECT_EQ(opened("for_another_gateway").error().code, Errc::mismatch);
  EXPECT_EQ(opened("older_version").error().code, Errc::mismatch);
  EXPECT_EQ(opened("same_version").error().code, Errc::exists);
  EXPECT_EQ(opened("expired").error().code, Errc::mismatch);
  EXPECT_EQ(opened("clock_in_1970").error().code, Errc::unavailable);
}

TEST(EnrollmentLists, NeedARoot) {
  const auto authority = Authority::from_author_keys({key("dora", {})}, FakeMaker{}).value();
  const Bytes bytes = record(kEnrollment, write_enrollment_list(good_list()), {"dora"});
  expect(authority->open_enrollment(Record::parse(bytes).value(), kToday, &kGateway, {}), "0 of 1 director keys");
}

// ------------------------------------------------------------------------------------------ what another program wrote

class AuthoredList : public AuthoredTrust {
 protected:
  [[nodiscard]] Bytes list(const std::string& damage = "", const std::string& signer = "dora") const {
    const std::string vendor(32, '1');
    const std::string device_class(32, '2');
    return author("enrollment",
                  R"("name": "site-7", "version": 5, "gateway": "gate.pem", "not_after": 1728086400,
        "forgets": ["old-1", "old-2"], "children": [{"id": "boiler-1", "transport": "serial", "address": "/dev/ttyACM0",
        "profile": "mcuboot-swap", "vendor": ")" +
                      vendor + R"(", "device_class": ")" + device_class + R"(",
        "targets": [["app", 0], ["radio", 1]], "group": "left", "layout": "heater", "role": "burner",
        "keys": [{"use": "wrap", "pem": "anna.pem"},
                 {"use": "link", "kid": "boiler-1", "secret": "000102030405060708090a0b0c0d0e0f",
                  "gateway": "gate.pem"}]}], "sign": [")" +
                      signer + R"(.pem"])",
                  damage);
  }
  [[nodiscard]] Result<EnrollmentList> open(ByteView bytes) const {
    const auto parsed = Record::parse(bytes);
    if (!parsed) return parsed.error();
    const auto named = read_enrollment_list(parsed->payload);
    const Digest gateway = named && named->gateway ? *named->gateway : Digest{};
    return authority_->open_enrollment(*parsed, kNow, &gateway, {});
  }
};

TEST_F(AuthoredList, IsUnderstoodAsItWasMeant) {
  know_a_root();
  const auto read = open(list());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, "site-7");
  EXPECT_EQ(read->version, 5U);
  EXPECT_EQ(read->not_after, Instant(std::chrono::seconds(1728086400)));
  EXPECT_THAT(read->forgets, ElementsAre("old-1", "old-2"));
  ASSERT_EQ(read->children.size(), 1U);
  const ListedChild& boiler = read->children.front();
  EXPECT_EQ(boiler.id, "boiler-1");
  EXPECT_EQ(boiler.transport, "serial");
  EXPECT_EQ(boiler.address, "/dev/ttyACM0");
  EXPECT_EQ(boiler.profile, "mcuboot-swap");
  EXPECT_EQ(to_hex(boiler.vendor), std::string(32, '1'));
  EXPECT_EQ(to_hex(boiler.device_class), std::string(32, '2'));
  EXPECT_THAT(boiler.targets, ElementsAre(ListedTarget{"app", 0}, ListedTarget{"radio", 1}));
  EXPECT_EQ(boiler.membership, (ListedMembership{"left", "heater", "burner"}));
  ASSERT_EQ(boiler.keys.size(), 2U);
  EXPECT_EQ(boiler.keys[0].use, ListedUse::wrap);
  EXPECT_EQ(boiler.keys[0].public_half.size(), 91U);  // SubjectPublicKeyInfo of P-256
  EXPECT_EQ(boiler.keys[1].use, ListedUse::link);
  EXPECT_EQ(boiler.keys[1].name, "boiler-1");
  EXPECT_FALSE(boiler.keys[1].wrapped_secret.empty());
}

TEST_F(AuthoredList, IsRefusedWhenItIsSpoilt) {
  know_a_root();
  expect(open(list("", "anna")), "key anna is for author, not for director");
  expect(open(list("wrong-signature")), "no signature of any key");
  expect(open(list("tampered")), "no signature of any key");
  expect(open(list("another-kind")), "a root, not an enrollment");
  expect(open(list("unknown-field")), "field 99 is unknown");
  expect(open(list("format-2")), "2 is unknown");
  expect(open(list("trailing-inside")), "after the end");
}

}  // namespace
}  // namespace hg::trust
