// SPDX-License-Identifier: Apache-2.0
// What protects an image on its way to a child, row by row, and what less than the profile asks for comes to.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/table_keys.hpp"

namespace hg::core::table {
namespace {

struct Row {
  std::string name;
  bool encrypted = false;
  Wrap wrap = Wrap::ec256;
  bool held = false;
  std::vector<ChildKey> keys{};
  LinkSecurity link = LinkSecurity::none;
  LinkProtection declared = LinkProtection::none;
  ProtectionPolicy policy{};
  Protected expected{};
  Reason reason = Reason::none;
};

ProtectionPolicy strict(Protection least = Protection::internal, bool takes_claims = true, std::uint8_t tier = 0) {
  return {least, takes_claims, false, tier};
}

const ChildKey kP256 = child_key();
const ChildKey kX25519 = child_key(KeyUse::wrap, KeyKind::x25519);
const ChildKey kAes = child_key(KeyUse::wrap, KeyKind::aes);
const ProtectionPolicy kVendor{};

const std::vector<Row> kRows{
    {"plain image, open link",
     false,
     {},
     false,
     {},
     LinkSecurity::none,
     LinkProtection::none,
     strict(),
     {},
     Reason::no_protection},
    {"plain image, key of the child",
     false,
     {},
     false,
     {kP256},
     LinkSecurity::none,
     LinkProtection::none,
     strict(),
     {},
     Reason::no_protection},
    {"no policy is too low to be protected at all",
     false,
     {},
     false,
     {},
     LinkSecurity::none,
     LinkProtection::none,
     strict(Protection::none),
     {},
     Reason::no_protection},
    {"plain image, internal link",
     false,
     {},
     false,
     {},
     LinkSecurity::none,
     LinkProtection::internal,
     strict(),
     {Protection::internal, false}},
    {"internal link, and the profile asks for a link",
     false,
     {},
     false,
     {},
     LinkSecurity::none,
     LinkProtection::internal,
     strict(Protection::link),
     {Protection::internal, false},
     Reason::no_protection},
    {"plain image, DTLS",
     false,
     {},
     false,
     {},
     LinkSecurity::proven,
     LinkProtection::none,
     strict(Protection::link),
     {Protection::link, false}},
    {"plain image, link that is claimed",
     false,
     {},
     false,
     {},
     LinkSecurity::claimed,
     LinkProtection::none,
     strict(Protection::link),
     {Protection::link, true}},
    {"a claim that is not taken",
     false,
     {},
     false,
     {},
     LinkSecurity::claimed,
     LinkProtection::none,
     strict(Protection::internal, false),
     {Protection::link, true},
     Reason::no_protection},
    {"a claim that is not taken, and what is declared",
     false,
     {},
     false,
     {},
     LinkSecurity::claimed,
     LinkProtection::internal,
     strict(Protection::internal, false),
     {Protection::internal, false}},
    {"DTLS, and the profile asks for a wrap",
     false,
     {},
     false,
     {},
     LinkSecurity::proven,
     LinkProtection::none,
     strict(Protection::rewrapped),
     {Protection::link, false},
     Reason::no_protection},
    {"EC256 for a P-256 key",
     true,
     Wrap::ec256,
     true,
     {kP256},
     {},
     {},
     strict(Protection::rewrapped, false),
     {Protection::rewrapped, false}},
    {"X25519", true, Wrap::x25519, true, {kX25519}, {}, {}, strict(), {Protection::rewrapped, false}},
    {"X25519 with SHA-512",
     true,
     Wrap::x25519_sha512,
     true,
     {kX25519},
     {},
     {},
     strict(),
     {Protection::rewrapped, false}},
    {"AES-KW", true, Wrap::aes_kw, true, {kAes}, {}, {}, strict(), {Protection::rewrapped, false}},
    {"COSE for P-256", true, Wrap::cose, true, {kP256}, {}, {}, strict(), {Protection::rewrapped, false}},
    {"COSE for X25519", true, Wrap::cose, true, {kX25519}, {}, {}, strict(), {Protection::rewrapped, false}},
    {"COSE for AES", true, Wrap::cose, true, {kAes}, {}, {}, strict(), {Protection::rewrapped, false}},
    {"EC256 for an X25519 key", true, Wrap::ec256, true, {kX25519}, {}, {}, strict(), {}, Reason::no_child_key},
    {"AES-KW for a P-256 key", true, Wrap::aes_kw, true, {kP256}, {}, {}, strict(), {}, Reason::no_child_key},
    {"RSA is not wrapped anew", true, Wrap::rsa2048, true, {kP256}, {}, {}, strict(), {}, Reason::no_child_key},
    {"held, and the child has no key", true, Wrap::ec256, true, {}, {}, {}, strict(), {}, Reason::no_child_key},
    {"a shared key of a child of tier 2",
     true,
     Wrap::aes_kw,
     true,
     {kAes},
     {},
     {},
     strict(Protection::internal, true, 2),
     {},
     Reason::no_child_key},
    {"a key for another use",
     true,
     Wrap::ec256,
     true,
     {child_key(KeyUse::identify)},
     {},
     {},
     strict(),
     {},
     Reason::no_child_key},
    {"ENC TLV for an unknown key",
     true,
     Wrap::ec256,
     false,
     {kP256},
     LinkSecurity::proven,
     LinkProtection::internal,
     strict(),
     {},
     Reason::content_key_unknown},
    {"sealed by its vendor", true, Wrap::ec256, false, {}, {}, {}, kVendor, {Protection::sealed, true}},
    {"sealed by its vendor, and the profile takes no claims",
     true,
     Wrap::ec256,
     false,
     {},
     {},
     {},
     {Protection::internal, false, true, 0},
     {Protection::sealed, true},
     Reason::no_protection},
    {"sealed by its vendor, with a key that does not fit",
     true,
     Wrap::ec256,
     true,
     {kX25519},
     {},
     {},
     kVendor,
     {Protection::sealed, true}},
    {"wrapped anew where that can be done",
     true,
     Wrap::ec256,
     true,
     {kP256},
     {},
     {},
     kVendor,
     {Protection::rewrapped, false}},
    {"re-wrapped, and the profile asks for the vendor's own",
     true,
     Wrap::ec256,
     true,
     {kP256},
     {},
     {},
     strict(Protection::sealed),
     {Protection::rewrapped, false},
     Reason::no_protection},
};

TEST(Protection, IsWhatKeysAndLinkGive) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    State state;
    Child child;
    child.enrollment = enrollment();
    child.enrollment.link = row.declared;
    child.enrollment.protection = row.policy;
    child.link_security = row.link;
    for (const ChildKey& key : row.keys) child.keys[key.use] = key;
    Image image = deliverable().images.front();
    image.encrypted = row.encrypted;
    if (row.encrypted) image.sealing = sealing(row.wrap);
    if (row.held) state.content_keys[image.digest] = content_key();
    const ProtectionJudgement judged = protected_by(state, child, image);
    EXPECT_EQ(judged.by, row.expected) << name_of(judged.by.kind);
    EXPECT_EQ(judged.cause.reason, row.reason) << judged.cause.text;
    EXPECT_EQ(judged.cause.text.empty(), row.reason == Reason::none);
  }
}

TEST(Protection, AnImageThatNobodyKnowsHowIsOnlyPassedOn) {
  Bench bench;
  Image image = deliverable().images.front();
  image.encrypted = true;
  bench.child().keys[KeyUse::wrap] = kP256;
  bench.state.content_keys[image.digest] = content_key();
  EXPECT_EQ(protected_by(bench.state, bench.child(), image).by, (Protected{Protection::sealed, true}));
  bench.child().enrollment.protection.sealed_by_vendor = false;
  EXPECT_EQ(protected_by(bench.state, bench.child(), image).cause.reason, Reason::no_child_key);
}

TEST(Protection, ARefusalSaysWhatItWouldBeAndWhatIsAsked) {
  Bench bench;
  Enrollment e = enrollment();
  e.protection.least = Protection::link;
  bench.post(ChildEnrolled{e});
  bench.go_to(Phase::offered);
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.update().cause.text,
            "it would be protected by internal-link, and the profile asks for link at least");
}

TEST(Protection, ALinkThatComesBackOpenCarriesNothingMore) {
  Bench bench;
  Enrollment e = enrollment();
  e.link = LinkProtection::none;
  bench.post(ChildEnrolled{e});
  bench.post(LinkChanged{kBoiler, true, "", LinkSecurity::proven});
  bench.start();
  bench.go_on_to(Phase::transferring);
  ASSERT_EQ(bench.step(), "deliver");
  bench.link(false);
  bench.post(LinkChanged{kBoiler, true, "", LinkSecurity::proven});
  ASSERT_EQ(bench.step(), "deliver");
  bench.link(false);
  bench.link(true);
  EXPECT_EQ(bench.step(), "inspect");
  bench.says(normal());
  EXPECT_EQ(bench.phase(), "refused");
  EXPECT_EQ(bench.update().cause.reason, Reason::no_protection);
}

TEST(Protection, ADaemonThatStartsAgainDoesNotTakeASilentLinkForAnOpenOne) {
  Bench bench;
  Enrollment e = enrollment();
  e.link = LinkProtection::none;
  bench.post(ChildEnrolled{e});
  bench.post(LinkChanged{kBoiler, true, "", LinkSecurity::proven});
  bench.start();
  bench.go_on_to(Phase::transferring);
  resume(bench.state, bench.now);
  bench.child().enrolled = false;
  bench.post(ChildEnrolled{e});
  EXPECT_EQ(bench.phase(), "transferring");
  bench.post(LinkChanged{kBoiler, true, "", LinkSecurity::proven});
  EXPECT_EQ(bench.step(), "deliver");
}

TEST(Protection, IsShownOfWhatIsBroughtOrElseOfWhatCouldBe) {
  KeyBench bench;
  EXPECT_EQ(protection_of(bench.state, bench.child()), (Protected{Protection::rewrapped, false}));
  bench.go_to_prepare();
  EXPECT_EQ(protection_of(bench.state, bench.child()), (Protected{Protection::rewrapped, false}));
  Bench plain;
  plain.post(LinkChanged{kBoiler, true, "", LinkSecurity::claimed});
  EXPECT_EQ(protection_of(plain.state, plain.child()), (Protected{Protection::link, true}));
  plain.start();
  plain.go_on_to(Phase::transferring);
  EXPECT_EQ(protection_of(plain.state, plain.child()), (Protected{Protection::link, true}));
}

TEST(Regress, ARestoredGatewayDoesNotTakeAChildBack) {
  struct {
    const char* name;
    Digest runs;
    const char* version;
    bool approved;
    const char* phase;
  } const rows[] = {
      {"newer than what is brought, and unknown", kOther, "2.0.1", false, "refused"},
      {"a later build of the same", kOther, "2.0.0.7", false, "refused"},
      {"the same, approved by name", kOther, "2.0.1", true, "offered"},
      {"older, and unknown", kOther, "1.9.9", false, "offered"},
      {"a version that cannot be read", kOther, "trunk", false, "offered"},
      {"newer, of a deliverable that is here", kOld, "3.0.0", false, "offered"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Bench bench;
    Deliverable known = deliverable();
    known.id = "d6";
    known.images.front().running_digest = kOld;
    bench.post(DeliverableSealed{known});
    bench.link(true);
    bench.post(RolloutRequested{kDeliverable, {kBoiler}, 1000, row.approved});
    Slot active = slot(0, row.runs, "ac");
    active.version = row.version;
    bench.says(with({active}));
    EXPECT_EQ(bench.phase(), row.phase) << bench.update().cause.text;
    if (bench.phase() == "refused") {
      EXPECT_EQ(bench.update().cause.reason, Reason::not_newer);
    }
  }
}

}  // namespace
}  // namespace hg::core::table
