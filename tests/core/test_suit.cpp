// SPDX-License-Identifier: Apache-2.0
// SUIT envelopes: each rule of profile v1 with an envelope that breaks it alone, and what our independent author
// writes. What others published is in test_suit_vectors.cpp, branches and costs are in test_suit_branches.cpp.
#include "suit/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "adapters/crypto/hashes.hpp"
#include "base/cbor.hpp"
#include "core/suit_command_rules.hpp"
#include "core/suit_examples.hpp"
#include "core/suit_rules.hpp"
#include "cose/encrypted.hpp"

namespace hg::suit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// -------------------------------------------------------------------------- one rule broken at a time

using namespace draft;  // NOLINT(google-build-using-namespace): its words are the test's

Result<Manifest> open_draft(const Draft& made) {
  return open_deliverable(made.bytes(), CredulousAnchors{});
}

void expect(const Draft& made, const char* refusal) {
  const auto manifest = open_draft(made);
  if (refusal == nullptr) {
    EXPECT_TRUE(manifest) << manifest.error().message;
  } else {
    ASSERT_FALSE(manifest);
    EXPECT_THAT(manifest.error().message, HasSubstr(refusal));
  }
}

const auto kNameOfRow = [](const auto& row) { return std::string(row.param.name); };

class Rules : public testing::TestWithParam<Rule> {};

TEST_P(Rules, Hold) {
  Draft made;
  GetParam().spoil(made);
  expect(made, GetParam().refusal);
}
INSTANTIATE_TEST_SUITE_P(Envelope, Rules, testing::ValuesIn(kEnvelopeRules), kNameOfRow);
INSTANTIATE_TEST_SUITE_P(Authentication, Rules, testing::ValuesIn(kAuthenticationRules), kNameOfRow);
INSTANTIATE_TEST_SUITE_P(Manifest, Rules, testing::ValuesIn(kManifestRules), kNameOfRow);
INSTANTIATE_TEST_SUITE_P(Deliverable, Rules, testing::ValuesIn(kDeliverableRules), kNameOfRow);

class CommandRules : public testing::TestWithParam<CommandRule> {};

TEST_P(CommandRules, Hold) {
  expect(GetParam().draft(), GetParam().refusal);
}
INSTANTIATE_TEST_SUITE_P(Suit, CommandRules, testing::ValuesIn(kCommandRules), kNameOfRow);

class ParameterRules : public testing::TestWithParam<ParameterRule> {};

TEST_P(ParameterRules, Hold) {
  Draft made;
  made.parameters[GetParam().key] = GetParam().value();
  if (GetParam().key == 21) made.install = {number(21), kPolicy};
  expect(made, GetParam().refusal);
}
INSTANTIATE_TEST_SUITE_P(Suit, ParameterRules, testing::ValuesIn(kParameterRules), kNameOfRow);

TEST(Suit, AnEmptyParameterMapIsRefused) {
  Draft made;
  append(made.install, {number(20), map({})});
  expect(made, "install: directive-override-parameters (20): offset 197: an empty parameter map");
}

// ------------------------------------------------------------------------------------- several components

/// Two components, each for its own class, all in the shared sequence but the URIs.
Draft two_components() {
  Draft made;
  made.components = {array({string(as_bytes("app"))}), array({string(Bytes{0}), string(as_bytes("radio"))})};
  made.common[4] =
      commands({number(12), yes(), number(20), map(made.parameters), number(1), kPolicy, number(2), kPolicy});
  made.install = {number(12), number(0), number(20), map({{21, text("app.bin")}}),   number(21), kPolicy,
                  number(12), number(1), number(20), map({{21, text("radio.bin")}}), number(21), kPolicy};
  return made;
}

TEST(Suit, TwoComponentsWithNamesAndVersions) {
  Draft made = two_components();
  made.manifest[5] = array({string(as_bytes("acme")), string(as_bytes("boiler"))});
  made.manifest[6] = string(array({number(2), number(1), number(-1), number(3)}));
  const Bytes versions = item([&](cbor::Writer& w) {
    w.map(1).text("en").map(3).integer(1).text("Two").encoded(made.components[0]).map(1).integer(6).text("1.5");
    w.encoded(made.components[1]).map(1).integer(6).text("bad\nline");
  });
  made.manifest[23] = string(versions);
  const auto manifest = open_draft(made);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->product, "acme/boiler");
  EXPECT_EQ(manifest->version, "2.1-rc.3");
  ASSERT_EQ(manifest->images.size(), 2U);
  EXPECT_EQ(manifest->images[0].component.text(), "app");
  EXPECT_EQ(manifest->images[0].version, "1.5");
  EXPECT_EQ(manifest->images[1].component.text(), "0x00/radio");
  EXPECT_EQ(manifest->images[1].uri, "radio.bin");
  EXPECT_EQ(manifest->images[1].version, "");  // not fit to be shown
}

TEST(Suit, EverySequenceSelectsForItself) {
  Draft made = two_components();
  made.install.erase(made.install.begin(), made.install.begin() + 2);
  EXPECT_THAT(open_draft(made).error().message, HasSubstr("before directive-set-component-index"));
}

TEST(Suit, ARunSequenceRunsForEachSelectedComponentAndGivesTheSelectionBack) {
  Draft made = two_components();
  const Bytes fetch_here = commands({number(12), number(0), number(21), kPolicy});
  made.install = {number(12), yes(),      number(20), map({{21, text("both.bin")}}),
                  number(32), fetch_here, number(21), kPolicy};
  const auto manifest = open_draft(made);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->images.size(), 2U);
}

TEST(Suit, SignersAreNamedOnceEach) {
  Draft made;
  const auto by = [](std::string_view name) { return Draft::block("ok", {{4, string(as_bytes(name))}}); };
  made.blocks = {by("anna"), by("bert"), by("anna"), Draft::block("ko", {})};
  EXPECT_THAT(open_draft(made)->signers, ElementsAre("anna", "bert"));
}

TEST(Suit, ComponentTextsAreUnambiguous) {
  const auto text_of = [](std::string_view part) { return ComponentId{{Bytes(part.begin(), part.end())}}.text(); };
  EXPECT_EQ(text_of("main_app-1.2"), "main_app-1.2");
  EXPECT_EQ(text_of("0x00"), "0x30783030");
  EXPECT_EQ(text_of(std::string_view("\0", 1)), "0x00");
  EXPECT_EQ(text_of("a b"), "0x612062");
}

// ---------------------------------------------------------------------------- what another program authored

/// Runs tests/author/suit_author.py, which shares no code with us, in a directory of its own.
class Authored : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "headgate-author-XXXXXX";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void run(const std::string& arguments) const {
    const std::string command =
        "cd " + directory_ + " && /usr/bin/python3 -B " HEADGATE_SOURCE_DIR "/tests/author/suit_author.py " + arguments;
    ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(concurrency-mt-unsafe): one thread
  }

  /// A release of two images by a new key; `options` are the author's.
  [[nodiscard]] Result<Manifest> open_release(const std::string& algorithm, const std::string& options) const {
    run("make_key --alg " + algorithm + " --private private.pem --public vendor.pem");
    run("--key private.pem --alg " + algorithm +
        " --sequence 1763700000 --product acme/boiler --set-version 2.1-rc.3 --vendor-domain vendor.example"
        " --class-name boiler-v1 --image component=app,uri=app.bin,version=2.1.0,file=" +
        image("app-1.1.0") + " --image component=radio,class=radio-v2,integrated=yes,file=" + image("radio-1.0.0") +
        " " + options + " -o out.suit");
    crypto::Keys anchors;
    EXPECT_TRUE(anchors.add_file(directory_ + "/vendor.pem"));
    return open_deliverable(read_file(directory_ + "/out.suit"), anchors);
  }

  /// What the author is told of every release.
  static std::string release(const std::string& product) {
    return "--key private.pem --sequence 7 --product " + product +
           " --set-version 2.0 --vendor-domain vendor.example --class-name boiler-v1 ";
  }

  /// Makes private.pem, and a ring that believes it.
  void make_key(crypto::Keys& ring) const {
    run("make_key --private private.pem --public vendor.pem");
    EXPECT_TRUE(ring.add_file(directory_ + "/vendor.pem"));
  }

  static std::string image(const std::string& name) {
    return HEADGATE_SOURCE_DIR "/tests/vectors/mcuboot/" + name + ".bin";
  }

  std::string directory_;
};

TEST_P(Authored, IsUnderstoodAsItWasMeant) {
  const auto manifest = open_release(GetParam(), "--kid vendor --severed --description 'The second one'");
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->sequence, 1763700000U);
  EXPECT_EQ(manifest->product, "acme/boiler");
  EXPECT_EQ(manifest->version, "2.1-rc.3");
  EXPECT_THAT(manifest->signers, ElementsAre("vendor"));
  ASSERT_EQ(manifest->images.size(), 2U);
  const Image& app = manifest->images[0];
  const Image& radio = manifest->images[1];
  EXPECT_EQ(app.component.text(), "app");
  EXPECT_EQ(app.uri, "app.bin");
  EXPECT_EQ(app.version, "2.1.0");
  EXPECT_EQ(app.size, 25239U);
  EXPECT_EQ(app.digest, crypto::Sha256::of(read_file(image("app-1.1.0"))));
  EXPECT_EQ(radio.uri, "#radio");
  EXPECT_EQ(radio.integrated->size, 17048U);
  EXPECT_EQ(radio.vendor_id, app.vendor_id);
  EXPECT_NE(radio.class_id, app.class_id);
  // uuid5(NAMESPACE_DNS, "vendor.example"), and of "boiler-v1" in that, by Python's uuid
  EXPECT_EQ(to_hex(*app.vendor_id),
            "bcc169656f3a5338"
            "9d83d8b565c63bc7");
  EXPECT_EQ(to_hex(*app.class_id),
            "7e9610a77c9c55fa"
            "ad2ff6d324c83fb7");
}
INSTANTIATE_TEST_SUITE_P(Algorithms, Authored,
                         testing::Values("ES256", "ESP256", "ES384", "ESP384", "EdDSA", "Ed25519"),
                         [](const auto& row) { return row.param; });

TEST_F(Authored, SlotsAndConditionsAreUnderstood) {
  crypto::Keys ring;
  make_key(ring);
  run(release("acme/boiler") + "--image component=app,slot=0,uri=a.bin,file=" + image("app-1.1.0") +
      " --image component=app,slot=1,uri=b.bin,file=" + image("app-2.0.0") +
      " --use-before 2000000000 --battery 250 --priority -2 --authorize --at-version '>=1.0' --at-version '<2-rc'"
      " --not-before 1900000000 --after 'radio>=2.0' -o out.suit");
  const auto manifest = open_deliverable(read_file(directory_ + "/out.suit"), ring);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->priority, -2);
  ASSERT_EQ(manifest->images.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const Image& one = manifest->images[i];
    EXPECT_EQ(one.slot, i);
    EXPECT_EQ(one.uri, i == 0 ? "a.bin" : "b.bin");
    EXPECT_EQ(one.digest, crypto::Sha256::of(read_file(image(i == 0 ? "app-1.1.0" : "app-2.0.0"))));
    EXPECT_EQ(one.conditions.use_before, 2000000000U);
    EXPECT_EQ(one.conditions.minimum_battery_mwh, 250U);
    EXPECT_TRUE(one.conditions.needs_authorization);
    EXPECT_EQ(one.conditions.not_before, 1900000000U);
    EXPECT_THAT(one.conditions.versions, ElementsAre(VersionCondition{VersionOp::greater_equal, {1, 0}},
                                                     VersionCondition{VersionOp::lesser, {2, -1}}));
    EXPECT_THAT(one.conditions.after, ElementsAre(TargetVersion{"radio", {{VersionOp::greater_equal, {2, 0}}}}));
  }
}

TEST_F(Authored, AnEncryptedImageOfSeveralSignersIsUnderstood) {
  crypto::Keys ring;
  make_key(ring);
  run("make_key --alg Ed25519 --private second.pem --public quality.pem");
  EXPECT_TRUE(ring.add_file(directory_ + "/quality.pem"));
  EXPECT_TRUE(ring.add_mac_key("hmac256", Bytes(32, 'a')));
  std::ofstream(directory_ + "/kek.hex") << "61616161616161616161616161616161";
  run(release("acme/boiler") +
      "--image component=app,kek=kek.hex,ciphertext=app.enc,uri=app.enc,file=" + image("app-1.1.0") +
      " --cosigner second.pem:Ed25519 --mac-key " + kVectors + "keys/suit-example-hmac256.hex -o out.suit");
  const auto manifest = open_deliverable(read_file(directory_ + "/out.suit"), ring);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_THAT(manifest->signers, ElementsAre("vendor", "quality"));
  EXPECT_THAT(manifest->mac_keys, ElementsAre("hmac256"));
  EXPECT_THAT(manifest->components, ElementsAre("app", "app-encrypted"));
  ASSERT_EQ(manifest->images.size(), 1U);
  const Image& app = manifest->images[0];
  const Bytes ciphertext = read_file(directory_ + "/app.enc");
  EXPECT_EQ(app.component.text(), "app");
  EXPECT_EQ(app.digest, crypto::Sha256::of(ciphertext));
  EXPECT_EQ(app.size, ciphertext.size());
  EXPECT_EQ(app.plaintext, crypto::Sha256::of(read_file(image("app-1.1.0"))));
  cbor::Reader info(app.encryption_info);
  EXPECT_TRUE(cose::read_encrypted(info));
}

TEST_F(Authored, AReleaseThatBuildsOnAnotherIsUnderstood) {
  crypto::Keys ring;
  make_key(ring);
  run(release("acme/radio") + "--image component=radio,integrated=yes,file=" + image("radio-1.0.0") + " -o radio.suit");
  run(release("acme/boiler") + "--image component=app,uri=app.bin,file=" + image("app-1.1.0") +
      " --depends name=acme/radio,file=radio.suit,integrated=yes -o out.suit");
  const Bytes envelope = read_file(directory_ + "/out.suit");
  const auto manifest = open_deliverable(envelope, ring);
  ASSERT_TRUE(manifest) << manifest.error().message;
  ASSERT_EQ(manifest->dependencies.size(), 1U);
  EXPECT_THAT(manifest->dependencies[0].signers, ElementsAre("vendor"));
  EXPECT_EQ(manifest->dependencies[0].digest, open(read_file(directory_ + "/radio.suit"), ring)->digest);
  ASSERT_EQ(manifest->images.size(), 2U);
  EXPECT_EQ(manifest->images[1].component.text(), "radio");
  const Range range = *manifest->images[1].integrated;
  const ByteView there = ByteView(envelope).subspan(range.offset, range.size);
  EXPECT_EQ(Bytes(there.begin(), there.end()), read_file(image("radio-1.0.0")));
}

TEST_F(Authored, EveryDamageIsRefusedForItsReason) {
  const std::pair<const char*, const char*> damages[] = {
      {"wrong-signature", "no ESP256 signature of any trusted key"},
      {"tampered", "manifest: the digest is not the signed one"},
      {"unsigned", "no signature"},
      {"unknown-key", "no ESP256 signature of any trusted key"},
      {"wrong-digest", "payload #radio: the digest is not the signed one"},
      {"wrong-size", "payload #radio has 17048 bytes, 17049 are signed"},
      {"huge-text", "text"},
      {"unreferenced-payload", "that no URI refers to"},
      {"missing-payload", "#gone is not in the envelope"},
      {"no-class-condition", "component app has no class condition"},
  };
  for (const auto& [damage, refusal] : damages) {
    const auto manifest = open_release("ESP256", "--damage " + std::string(damage));
    ASSERT_FALSE(manifest) << damage;
    EXPECT_THAT(manifest.error().message, HasSubstr(refusal)) << damage;
  }
}

}  // namespace
}  // namespace hg::suit
