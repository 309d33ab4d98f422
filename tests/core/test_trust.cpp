// SPDX-License-Identifier: Apache-2.0
// Roots, heads, permits and grants: each rule with something that breaks it alone (trust_rules.hpp,
// trust_judgements.hpp, with signatures that are only believed), and what our independent author writes, with real
// keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/authored_trust.hpp"
#include "core/trust_judgements.hpp"
#include "trust/prefix.hpp"

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

// ------------------------------------------------------------------------------------------ payloads

class RootRules : public testing::TestWithParam<Rule<Root>> {};

TEST_P(RootRules, Hold) {
  Root root = good_root();
  GetParam().spoil(root);
  const auto read = read_root(write_root(root));
  expect(read, GetParam().refusal);
  if (read) {
    EXPECT_EQ(*read, root);
  }
}
INSTANTIATE_TEST_SUITE_P(Trust, RootRules, testing::ValuesIn(kRootRules), name_of_row);

Bytes good_payload(RecordKind kind) {
  switch (kind) {
    case RecordKind::root:
      return write_root(good_root());
    case RecordKind::head:
      return write_head(good_head());
    case RecordKind::permit:
      return write_permit(good_permit());
    case RecordKind::grant:
      return write_grant(good_grant());
    case RecordKind::enrollment:
      return write_enrollment_list(good_list());
  }
  return {};
}

/// The payload written again after it was read, which is the same.
Result<Bytes> rewritten(RecordKind kind, ByteView payload) {
  const auto write = [](const auto& read, auto writer) -> Result<Bytes> {
    if (!read) return read.error();
    return writer(*read);
  };
  switch (kind) {
    case RecordKind::root:
      return write(read_root(payload), write_root);
    case RecordKind::head:
      return write(read_head(payload), write_head);
    case RecordKind::permit:
      return write(read_permit(payload), write_permit);
    case RecordKind::grant:
      return write(read_grant(payload), write_grant);
    case RecordKind::enrollment:
      return write(read_enrollment_list(payload), write_enrollment_list);
  }
  return Bytes{};
}

class FieldRules : public testing::TestWithParam<FieldRule> {};

TEST_P(FieldRules, Hold) {
  Fields fields = fields_of(good_payload(GetParam().kind));
  GetParam().spoil(fields);
  const auto again = rewritten(GetParam().kind, map(fields));
  expect(again, GetParam().refusal);
  if (again) {
    EXPECT_EQ(*again, map(fields));
  }
}
INSTANTIATE_TEST_SUITE_P(Trust, FieldRules, testing::ValuesIn(kFieldRules), name_of_row);

TEST(Trust, EveryCutPayloadIsRefused) {
  for (const RecordKind kind : {kRoot, kHead, kPermit, kGrant, kEnrollment}) {
    const Bytes good = good_payload(kind);
    for (std::size_t size = 0; size < good.size(); ++size) {
      EXPECT_FALSE(rewritten(kind, ByteView(good).first(size))) << name_of(kind) << ", " << size << " bytes";
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_THAT(rewritten(kind, longer).error().message, HasSubstr("1 bytes after the end"));
  }
}

TEST(Trust, RolesHaveNames) {
  for (std::size_t i = 0; i < kRoles; ++i) EXPECT_EQ(role_from(name_of(static_cast<Role>(i))), static_cast<Role>(i));
  EXPECT_EQ(role_from("king"), std::nullopt);
}

TEST(Trust, PrefixesEndWhereNamesAreDivided) {
  EXPECT_TRUE(fits("acme", "acme"));
  EXPECT_TRUE(fits("acme", "acme/boiler"));
  EXPECT_TRUE(fits("acme/", "acme/boiler/v2"));
  EXPECT_FALSE(fits("acme/", "acme"));
  EXPECT_FALSE(fits("acme/", "acme/"));
  EXPECT_FALSE(fits("acme", "acmeevil"));
  EXPECT_FALSE(fits("acme", "acme+evil"));
  EXPECT_FALSE(fits("acme/boiler", "acme"));
  EXPECT_FALSE(fits("", "acme"));
  EXPECT_THAT(names_in("app+0x00/radio"), ElementsAre("app", "0x00/radio"));
  EXPECT_THAT(names_in("app"), ElementsAre("app"));
  EXPECT_THAT(names_in("+"), ElementsAre("", ""));
}

// ------------------------------------------------------------------------------------------ judgements

class Releases : public testing::TestWithParam<Rule<Release>> {};

TEST_P(Releases, AreJudged) {
  Release release;
  GetParam().spoil(release);
  const auto authority = authority_of(release.root);
  ASSERT_TRUE(authority) << authority.error().message;
  expect((*authority)->may_release(release.signers, release.product, release.components, release.now),
         GetParam().refusal);
}
INSTANTIATE_TEST_SUITE_P(Trust, Releases, testing::ValuesIn(kReleaseRules), name_of_row);

/// Opens what the case says as `kind`, in a record that says to be a `case.said`, and checks that it is read whole.
Result<void> open_case(const Case& c, RecordKind kind, ByteView payload, const char* signer) {
  const auto authority = authority_of(c.root);
  EXPECT_TRUE(authority) << authority.error().message;
  const Bytes bytes = record(c.said, payload, c.signers.empty() ? Names{signer} : c.signers);
  const auto parsed = Record::parse(bytes).value();
  const auto same = [](const auto& opened, const auto& expected) -> Result<void> {
    if (!opened) return opened.error();
    EXPECT_EQ(*opened, expected);
    return {};
  };
  if (kind == kHead) return same((*authority)->open_head(parsed, c.now, c.last ? &*c.last : nullptr), c.head);
  if (kind == kPermit) return same((*authority)->open_permit(parsed, c.now), c.permit);
  return same((*authority)->open_grant(parsed, c.now, c.gateway), c.grant);
}

Case spoilt(RecordKind kind, const Rule<Case>& rule) {
  Case made;
  made.said = kind;
  rule.spoil(made);
  return made;
}

class Heads : public testing::TestWithParam<Rule<Case>> {};

TEST_P(Heads, AreJudged) {
  const Case made = spoilt(kHead, GetParam());
  expect(open_case(made, kHead, write_head(made.head), "hugo"), GetParam().refusal);
}
INSTANTIATE_TEST_SUITE_P(Trust, Heads, testing::ValuesIn(kHeadRules), name_of_row);

class Permits : public testing::TestWithParam<Rule<Case>> {};

TEST_P(Permits, AreJudged) {
  const Case made = spoilt(kPermit, GetParam());
  expect(open_case(made, kPermit, write_permit(made.permit), "anna"), GetParam().refusal);
}
INSTANTIATE_TEST_SUITE_P(Trust, Permits, testing::ValuesIn(kPermitRules), name_of_row);

class Grants : public testing::TestWithParam<Rule<Case>> {};

TEST_P(Grants, AreJudged) {
  const Case made = spoilt(kGrant, GetParam());
  expect(open_case(made, kGrant, write_grant(made.grant), "dora"), GetParam().refusal);
}
INSTANTIATE_TEST_SUITE_P(Trust, Grants, testing::ValuesIn(kGrantRules), name_of_row);

class Rotations : public testing::TestWithParam<Rule<Rotation>> {};

TEST_P(Rotations, AreJudged) {
  Rotation rotation;
  GetParam().spoil(rotation);
  const auto authority = authority_of(rotation.present);
  ASSERT_TRUE(authority) << authority.error().message;
  const Bytes bytes = record(kRoot, write_root(rotation.next), rotation.signers);
  const auto next = (*authority)->successor(bytes, FakeMaker{}, rotation.now);
  expect(next, GetParam().refusal);
  if (next) {
    EXPECT_EQ((*next)->root(), rotation.next);
  }
}
INSTANTIATE_TEST_SUITE_P(Trust, Rotations, testing::ValuesIn(kRotationRules), name_of_row);

TEST(Trust, FirstRootMustBeSignedByItsOwnThreshold) {
  const Bytes bytes = record(kRoot, write_root(good_root()), {"rita", "anna", "rita"});
  const auto refused = Authority::from_first_root(bytes, FakeMaker{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "root: 1 of 2 root keys: key anna is for author, not for root");
}

TEST(Trust, FirstRootMustBeARoot) {
  const Bytes bytes = record(kHead, write_root(good_root()), {"rita", "rolf"});
  EXPECT_EQ(Authority::from_first_root(bytes, FakeMaker{}).error().message, "a head where a root should be");
}

/// A maker of rings that must not be asked for one.
class NoMaker : public cose::RingMaker {
 public:
  [[nodiscard]] Result<std::unique_ptr<cose::KeyRing>> ring_of(std::span<const cose::NamedKey>) const override {
    return Error{Errc::internal, "asked for a ring"};
  }
};

TEST(Trust, ManyKeysOfAStrangerAreNotAsked) {
  Root strange = good_root();
  strange.version = 4;
  const auto refusal = [](const Root& root, const cose::RingMaker& maker) {
    const Bytes bytes = record(kRoot, write_root(root), Names(16, "stranger"));
    return authority_of(good_root()).value()->successor(bytes, maker, kToday).error().message;
  };
  EXPECT_THAT(refusal(strange, FakeMaker{}), HasSubstr("signed by neither threshold"));
  while (strange.keys.size() < 256) {
    strange.keys.push_back(key("key " + std::to_string(strange.keys.size()), {Role::root}));
  }
  EXPECT_EQ(refusal(strange, NoMaker{}), "root: present root: 0 of 2 root keys: a signature by no key of the root");
}

TEST(Trust, WithoutARootEveryKeyIsAnAuthorOfEverything) {
  const auto made = Authority::from_author_keys({key("hugo", {Role::head}, {"acme/"}), key("bert", {})}, FakeMaker{});
  ASSERT_TRUE(made) << made.error().message;
  const Authority& authority = **made;
  EXPECT_TRUE(authority.may_release(Names{"hugo"}, "other/pump", {}, kClockIn1970));
  const Bytes permit = record(kPermit, write_permit(good_permit()), {"bert"});
  EXPECT_TRUE(authority.open_permit(Record::parse(permit).value(), kToday));
  const Bytes head = record(kHead, write_head(good_head()), {"bert"});
  expect(authority.open_head(Record::parse(head).value(), kToday, nullptr), "0 of 1 head keys");
  const Bytes root = record(kRoot, write_root(good_root()), {"rita", "rolf", "hugo"});
  expect(authority.successor(root, FakeMaker{}, kToday), "signed by the new threshold only");
  expect(Authority::from_author_keys({key("a", {}), key("a", {})}, FakeMaker{}), "key a twice");
}

TEST(Trust, TimeIsTheLatestOfWhatIsKnown) {
  const auto time = [](Instant wall, int head, int built) { return TrustedTime::from(wall, day(head), day(built)); };
  EXPECT_EQ(time(day(5), 1, 2).at, day(5));
  EXPECT_TRUE(time(day(5), 1, 2).is_known);
  EXPECT_EQ(time(day(5), 6, 2).at, day(6));
  EXPECT_FALSE(time(day(5), 6, 2).is_known);
  EXPECT_EQ(time(Instant{}, 1, 2).at, day(2));
  EXPECT_FALSE(time(Instant{}, 1, 2).is_known);
  EXPECT_EQ(time(day(6) - kClockTolerance, 6, 2).at, day(6));
  EXPECT_TRUE(time(day(6) - kClockTolerance, 6, 2).is_known);
  EXPECT_FALSE(time(day(6) - kClockTolerance - Duration(1), 6, 2).is_known);
  EXPECT_FALSE(kClockIn1970.is_known);
}

/// What a caller can decide by, row by row of the tables.
template <class T, std::size_t kRows>
const Rule<T>& row(const Rule<T> (&rules)[kRows], std::string_view name) {
  return *std::ranges::find(rules, name, [](const Rule<T>& rule) { return std::string_view(rule.name); });
}

TEST(Trust, RefusedReleasesHaveCodes) {
  const auto code = [](const char* name) {
    Release release;
    row(kReleaseRules, name).spoil(release);
    const auto authority = authority_of(release.root).value();
    return authority->may_release(release.signers, release.product, release.components, release.now).error().code;
  };
  EXPECT_EQ(code("by_nobody"), Errc::unauthenticated);
  EXPECT_EQ(code("two_signatures_by_one_key"), Errc::unauthenticated);
  EXPECT_EQ(code("key_outside_its_role"), Errc::denied);
  EXPECT_EQ(code("key_outside_its_prefix"), Errc::denied);
  EXPECT_EQ(code("after_its_validity"), Errc::denied);
  EXPECT_EQ(code("clock_in_1970"), Errc::unavailable);
}

TEST(Trust, RefusedRecordsHaveCodes) {
  const auto head = [](const char* name) {
    const Case made = spoilt(kHead, row(kHeadRules, name));
    return open_case(made, kHead, write_head(made.head), "hugo").error().code;
  };
  const auto grant = [](const char* name) {
    const Case made = spoilt(kGrant, row(kGrantRules, name));
    return open_case(made, kGrant, write_grant(made.grant), "dora").error().code;
  };
  EXPECT_EQ(head("older_than_the_last_seen"), Errc::mismatch);
  EXPECT_EQ(head("by_a_stranger"), Errc::unauthenticated);
  EXPECT_EQ(head("permit_as_a_head"), Errc::invalid);
  EXPECT_EQ(grant("expired"), Errc::mismatch);
  EXPECT_EQ(grant("for_another_gateway"), Errc::mismatch);
  EXPECT_EQ(grant("clock_in_1970"), Errc::unavailable);
}

// ------------------------------------------------------------------------------------------ records

TEST(Trust, RecordsAreToldByTheirTag) {
  EXPECT_TRUE(looks_like_record(record(kHead, {}, {"hugo"})));
  EXPECT_FALSE(looks_like_record(from_hex("d86b").value()));
  EXPECT_FALSE(looks_like_record(from_hex("d8").value()));
  EXPECT_THAT(Record::parse(from_hex("d86b80").value()).error().message, HasSubstr("no trust record (tag 98)"));
  EXPECT_THAT(Record::parse({}).error().message, HasSubstr("no trust record"));
}

TEST(Trust, HugeRecordsAreNotRead) {
  const auto parsed = Record::parse(record(kHead, Bytes(kMaxRecordBytes), {"hugo"}));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Errc::too_large);
}

TEST(Trust, SignersAreNamedOnceAndSignaturesAllTold) {
  const Bytes bytes = record(kHead, write_head(good_head()), {"hugo", "emil", "anna", "hugo"});
  const auto parsed = Record::parse(bytes).value();
  const auto authority = authority_of(good_root()).value();
  EXPECT_THAT(parsed.signers(authority->ring()).value(), ElementsAre("hugo", "anna"));
  EXPECT_THAT(parsed.keys_of_signatures(authority->ring()).value(), ElementsAre("hugo", "", "anna", "hugo"));
}

// ------------------------------------------------------------------------------------------ what another program
// authored

TEST_F(AuthoredTrust, RootIsUnderstoodAsItWasMeant) {
  const auto made = authority();
  const Root& read = made->root();
  EXPECT_EQ(read.version, 3U);
  EXPECT_EQ(read.issued, Instant(std::chrono::seconds(1728000000)));
  EXPECT_THAT(read.thresholds, ElementsAre(2, 1, 1, 1, 1));
  EXPECT_THAT(read.products, ElementsAre(ProductRule{"acme/", 1, 1}));
  ASSERT_EQ(read.keys.size(), 5U);
  const Key& anna = read.keys[2];
  EXPECT_EQ(anna.name, "anna");
  EXPECT_THAT(anna.roles, ElementsAre(Role::author));
  EXPECT_THAT(anna.prefixes, ElementsAre("acme/"));
  EXPECT_EQ(anna.not_before, Instant(std::chrono::seconds(1)));
  EXPECT_EQ(anna.not_after, Instant(std::chrono::seconds(4102444800)));
  EXPECT_TRUE(anna.offline);
  EXPECT_FALSE(read.keys[4].offline);
  const Bytes bytes = root();
  EXPECT_EQ(write_root(read), Bytes(Record::parse(bytes)->payload.begin(), Record::parse(bytes)->payload.end()));
}

TEST_F(AuthoredTrust, DamagedRootsAreRefusedForTheirReason) {
  const std::pair<const char*, const char*> damages[] = {
      {"wrong-signature", "root: 1 of 2 root keys: a signature by no key of the root"},
      {"unsigned", "no signature"},
      {"another-kind", "a head where a root should be"},
      {"trailing", "1 bytes after the end"},
      {"trailing-inside", "root: offset"},
      {"unknown-field", "field 99 is unknown"},
      {"off-curve", "key rita: a point that is not on its curve"},
      {"detached", "a detached payload"},
  };
  for (const auto& [damage, refusal] : damages) {
    SCOPED_TRACE(damage);
    expect(Authority::from_first_root(root(R"("rita.pem", "rolf.pem")", damage), maker_), refusal);
  }
  expect(Authority::from_first_root(root(R"("rita.pem")", "signed-twice"), maker_),
         "root: 1 of 2 root keys: two signatures by one key (rita)");
}

TEST_F(AuthoredTrust, DamagedHeadsAreRefusedForTheirReason) {
  know_a_root();
  const std::pair<const char*, const char*> damages[] = {
      {"", nullptr},
      {"signed-twice", nullptr},
      {"wrong-signature", "no signature of any key of the root"},
      {"tampered", "no signature of any key of the root"},
      {"unsigned", "no signature"},
      {"another-kind", "a permit, not a head"},
      {"unknown-kind", "the content type is none of a trust record"},
      {"no-kind", "no content type in the protected header"},
      {"unprotected-kind", "no content type in the protected header"},
      {"detached", "a detached payload"},
      {"sign1", "no trust record (tag 98)"},
      {"trailing", "1 bytes after the end"},
      {"trailing-inside", "head: offset"},
      {"unknown-field", "field 99 is unknown"},
      {"format-2", "format version: offset 2: 2 is unknown"},
  };
  for (const auto& [damage, refusal] : damages) {
    SCOPED_TRACE(damage);
    expect(open_head(head(damage)), refusal);
  }
  expect(open_head(head("", "anna")), "key anna is for author, not for head");
  expect(open_head(head("", "gate")), "no signature of any key of the root");
}

TEST_F(AuthoredTrust, EveryFlippedByteOfASignedRecordIsNoticed) {
  know_a_root();
  const Bytes good = head();
  ASSERT_TRUE(open_head(good));
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 0x01;
    EXPECT_FALSE(open_head(bad)) << "byte " << i;
  }
}

TEST_F(AuthoredTrust, EveryCutRecordIsRefused) {
  know_a_root();
  const Bytes good = head();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(open_head(ByteView(good).first(size))) << size << " bytes";
  }
}

TEST_F(AuthoredTrust, RootIsRotated) {
  know_a_root();
  const auto next = [&](const std::string& signers) {
    return author("root", keys_of("ruth") + R"(, "version": 4, "thresholds": {"root": 2}, "sign": [)" + signers + "]",
                  "");
  };
  const auto rotated = authority_->successor(next(R"("rita.pem", "rolf.pem", "ruth.pem")"), maker_, kNow);
  ASSERT_TRUE(rotated) << rotated.error().message;
  EXPECT_EQ((*rotated)->root().version, 4U);
  EXPECT_TRUE((*rotated)->ring().sha256({}) == authority_->ring().sha256({}));
  expect(authority_->successor(next(R"("rita.pem", "ruth.pem")"), maker_, kNow), "signed by the new threshold only");
  expect(authority_->successor(next(R"("rita.pem", "rolf.pem")"), maker_, kNow),
         "signed by the present threshold only");
}

TEST_F(AuthoredTrust, OneKeyInTwoEncodingsIsRefused) {
  const Bytes bytes = author("root", R"("keys": [{"name": "a", "pem": "rita.pem", "roles": ["root"]},
    {"name": "b", "pem": "rita.pem", "roles": ["root"], "more": {"3": -9}}], "sign": ["rita.pem"])",
                             "");
  expect(Authority::from_first_root(bytes, maker_), "root: key b is the same key as a");
}

TEST_F(AuthoredTrust, PermitIsUnderstoodAsItWasMeant) {
  know_a_root();
  const Bytes bytes = author("permit", R"("product": "acme/boiler", "from_": 9, "to": 7, "child": "boiler-1",
    "not_after": 1728086400, "id": "44444444444444444444444444444444", "sign": ["anna.pem"])",
                             "");
  const auto permit = authority_->open_permit(Record::parse(bytes).value(), kNow);
  ASSERT_TRUE(permit) << permit.error().message;
  const Permit expected{Bytes(16, 0x44), "acme/boiler", 9, 7, "boiler-1", Instant(std::chrono::seconds(1728086400))};
  EXPECT_EQ(*permit, expected);
}

TEST_F(AuthoredTrust, GrantIsUnderstoodAsItWasMeant) {
  know_a_root();
  const Bytes bytes = author("grant", R"("image": ")" + std::string(64, '1') + R"(", "gateway": "gate.pem",
    "content_key": "00112233445566778899aabbccddeeff", "not_after": 1728086400, "sign": ["dora.pem"])",
                             "");
  const auto parsed = Record::parse(bytes).value();
  const Digest gateway = read_grant(parsed.payload)->gateway;
  const auto grant = authority_->open_grant(parsed, kNow, gateway);
  ASSERT_TRUE(grant) << grant.error().message;
  EXPECT_EQ(grant->image, Digest::from_bytes(Bytes(32, 0x11)));
  EXPECT_EQ(grant->not_after, Instant(std::chrono::seconds(1728086400)));
  expect(authority_->open_grant(parsed, kNow, kGateway), "grant: it is for the gateway with the key");
}

}  // namespace
}  // namespace hg::trust
