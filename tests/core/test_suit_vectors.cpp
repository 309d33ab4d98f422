// SPDX-License-Identifier: Apache-2.0
// The envelopes that others made: the drafts' examples, libcsuit's, and the derived ones with one fault each. For each
// is said whether it is authentic and of the profile, and whether a gateway could deliver it.
#include <gmock/gmock.h>

#include <filesystem>
#include <regex>
#include <set>

#include "adapters/crypto/hashes.hpp"
#include "core/suit_examples.hpp"

namespace hg::suit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Expectation {
  const char* file;
  const char* refusal;  ///< part of what open() says; null: accepted
  const char* lack;     ///< part of what check_deliverable() says; null: deliverable, or refused before
};

class Vector : public testing::TestWithParam<Expectation> {};

TEST_P(Vector, IsAcceptedOrRefusedForItsReason) {
  const auto manifest = open(read_file(kVectors + GetParam().file), example_ring());
  if (GetParam().refusal != nullptr) {
    ASSERT_FALSE(manifest);
    EXPECT_THAT(manifest.error().message, HasSubstr(GetParam().refusal));
    return;
  }
  ASSERT_TRUE(manifest) << manifest.error().message;
  const auto deliverable = check_deliverable(*manifest);
  const std::string lack = deliverable ? "" : deliverable.error().message;
  EXPECT_EQ(lack.empty(), GetParam().lack == nullptr) << lack;
  EXPECT_THAT(lack, HasSubstr(GetParam().lack == nullptr ? "" : GetParam().lack));
}

std::string name_of_row(const testing::TestParamInfo<Expectation>& row) {
  return as_test_name(row.param.file);
}

// ------------------------------------------------------------------------------------------------------------ derived

constexpr const char* kImg0 = "component mcu0: payload #img0 is not in the envelope";

// Five files name "#img0" and do not carry it, byte for byte the same manifest: four of them are called good and
// bad_payload_missing.suit bad. An intermediary may take payloads out (draft §8.6), so all five are authentic and none
// can be delivered.
constexpr Expectation kDerived[] = {
    {"derived/ok_base.suit", nullptr, nullptr},
    {"derived/ok_ed25519.suit", nullptr, kImg0},
    {"derived/ok_two_blocks.suit", nullptr, kImg0},
    {"derived/ok_severed_text_present.suit", nullptr, kImg0},
    {"derived/ok_mac0.suit", nullptr, kImg0},
    {"derived/bad_payload_missing.suit", nullptr, kImg0},
    {"derived/bad_untagged.suit", "no SUIT envelope (tag 107)", nullptr},
    {"derived/bad_unsigned.suit", "no signature", nullptr},
    {"derived/bad_missing_manifest.suit", "no manifest", nullptr},
    {"derived/bad_dup_manifest.suit", "map key 3 twice", nullptr},
    {"derived/bad_auth_digest.suit", "authentication: manifest: the digest is not the signed one", nullptr},
    {"derived/bad_digest_without_bstr_header.suit", "authentication: manifest: the digest is not the signed one",
     nullptr},
    {"derived/bad_digest_alg_sha256_64.suit", "digest algorithm -15 is not allowed", nullptr},
    {"derived/bad_sig_63.suit", "signature of 63 bytes", nullptr},
    {"derived/bad_alg_unprotected.suit", "no algorithm in the protected header", nullptr},
    {"derived/bad_crit_unknown.suit", "\"crit\"", nullptr},
    {"derived/bad_untagged_cose.suit", "no tagged COSE message", nullptr},
    {"derived/bad_mac_keyed_with_public_key.suit", "HMAC 256", nullptr},
    {"derived/bad_version_2.suit", "manifest version 2", nullptr},
    {"derived/bad_seq_missing.suit", "no sequence number", nullptr},
    {"derived/bad_seq_bignum.suit", "sequence number: ", nullptr},
    {"derived/bad_index_negative.suit", "directive-set-component-index (12)", nullptr},
    {"derived/bad_no_set_component.suit", "before directive-set-component-index", nullptr},
    {"derived/bad_unknown_command.suit", "command (200) is unknown", nullptr},
    {"derived/bad_fetch_in_shared.suit", "shared sequence: ", nullptr},
    {"derived/bad_param_type.suit", "parameter image-size (14): ", nullptr},
    {"derived/bad_image_digest_len.suit", "a SHA-256 digest of 31 bytes", nullptr},
    {"derived/bad_reporting_bits.suit", "unknown reporting bits", nullptr},
    {"derived/bad_severable_not_in_manifest.suit", "a severed member in the envelope without its digest", nullptr},
    {"derived/bad_install_severed_absent.suit", "install is severed and absent, and the manifest invokes nothing",
     nullptr},
    {"derived/bad_unreferenced_payload.suit", "that no URI refers to", nullptr},
    {"derived/bad_trailing.suit", "1 bytes after the end", nullptr},
    {"derived/bad_inner_trailing.suit", "1 bytes after the end", nullptr},
    {"derived/bad_nonminimal_bstr_len.suit", "a head that is not the shortest one", nullptr},
    {"derived/bad_deep_run_sequence.suit", "before directive-set-component-index", nullptr},
    {"derived/bad_bstr_bomb.suit", "byte string longer than the input", nullptr},
    {"derived/bad_empty.suit", "the input ends where an item should begin", nullptr},
    {"derived/bad_components_dup.suit", "component mcu0 twice", nullptr},
    {"derived/bad_dependency_unsupported.suit", "dependency 1: ", nullptr},
};
INSTANTIATE_TEST_SUITE_P(Derived, Vector, testing::ValuesIn(kDerived), name_of_row);

TEST(DerivedVectors, AreAllThereAndExpectedAsTheirMakerDoes) {
  const Bytes json = read_file(kVectors + "derived/expected.json");
  const std::string text(json.begin(), json.end());
  const std::regex entry(R"re("file": "([^"]+)",\s*"expect": "(accept|reject)")re");
  std::set<std::string> seen;
  for (std::sregex_iterator found(text.begin(), text.end(), entry), end; found != end; ++found) {
    const std::string file = (*found)[1];
    seen.insert("derived/" + file);
    const auto row = std::ranges::find(kDerived, "derived/" + file, [](const auto& r) { return std::string(r.file); });
    ASSERT_NE(row, std::end(kDerived)) << file;
    const bool is_accepted = row->refusal == nullptr && file != "bad_payload_missing.suit";
    EXPECT_EQ(is_accepted, (*found)[2] == "accept") << file;
  }
  EXPECT_EQ(seen.size(), std::size(kDerived));
}

// ------------------------------------------------------------------------------------------------------- the drafts'

constexpr const char* kNothing = "no image is fetched or written";
constexpr const char* kSevered = "install is severed and absent";
constexpr const char* kOfRam = "component 0x01 has no vendor condition";

constexpr Expectation kManifestSpec[] = {
    {"manifest-spec-es256/example0.signed.suit", nullptr, kNothing},  // secure boot only
    {"manifest-spec-es256/example0.unsigned.suit", "no signature", nullptr},
    {"manifest-spec-es256/example1.signed.suit", nullptr, nullptr},
    {"manifest-spec-es256/example1.unsigned.suit", "no signature", nullptr},
    {"manifest-spec-es256/example2.signed_severed.suit", nullptr, kSevered},
    {"manifest-spec-es256/example2.signed_with_severable.suit", nullptr, nullptr},
    {"manifest-spec-es256/example2.unsigned_severed.suit", "no signature", nullptr},
    {"manifest-spec-es256/example3.signed.suit", nullptr, nullptr},
    {"manifest-spec-es256/example3.unsigned.suit", "no signature", nullptr},
    {"manifest-spec-es256/example4.signed.suit", nullptr, nullptr},
    {"manifest-spec-es256/example4.unsigned.suit", "no signature", nullptr},
    {"manifest-spec-es256/example5.signed.suit", nullptr, kOfRam},
    {"manifest-spec-es256/example5.unsigned.suit", "no signature", nullptr},
    // Its signature does not verify (vectors/suit/README.txt).
    {"manifest-spec-pr188-esp256/example0.signed.suit", "no ESP256 signature of any trusted key", nullptr},
    {"manifest-spec-pr188-esp256/example0.unsigned.suit", "no signature", nullptr},
    {"manifest-spec-pr188-esp256/example1.signed.suit", nullptr, nullptr},
    {"manifest-spec-pr188-esp256/example1.unsigned.suit", "no signature", nullptr},
    {"manifest-spec-pr188-esp256/example2.signed_severed.suit", nullptr, kSevered},
    {"manifest-spec-pr188-esp256/example2.signed_with_severable.suit", nullptr, nullptr},
    {"manifest-spec-pr188-esp256/example2.unsigned_severed.suit", "no signature", nullptr},
    {"manifest-spec-pr188-esp256/example3.signed.suit", nullptr, nullptr},
    {"manifest-spec-pr188-esp256/example3.unsigned.suit", "no signature", nullptr},
    {"manifest-spec-pr188-esp256/example4.signed.suit", nullptr, nullptr},
    {"manifest-spec-pr188-esp256/example4.unsigned.suit", "no signature", nullptr},
    {"manifest-spec-pr188-esp256/example5.signed.suit", nullptr, kOfRam},
    {"manifest-spec-pr188-esp256/example5.unsigned.suit", "no signature", nullptr},
};
INSTANTIATE_TEST_SUITE_P(ManifestSpec, Vector, testing::ValuesIn(kManifestSpec), name_of_row);

constexpr Expectation kTrustDomains[] = {
    {"trust-domains/example0_dependent.cbor", nullptr, "component 00 has no vendor condition"},
    {"trust-domains/example1_process.cbor", nullptr, "dependency dependent.suit is not here"},
    {"trust-domains/example2_integrated.cbor", nullptr, "component 10 has no vendor condition"},
};
INSTANTIATE_TEST_SUITE_P(TrustDomains, Vector, testing::ValuesIn(kTrustDomains), name_of_row);

constexpr const char* kOfPlaintext = "component plaintext-firmware has no vendor condition";
constexpr const char* kOfDecrypted = "component decrypted-firmware has no vendor condition";

constexpr Expectation kFirmwareEncryption[] = {
    {"firmware-encryption/suit-manifest-aes-kw-content.signed.cbor", nullptr, kOfPlaintext},
    {"firmware-encryption/suit-manifest-aes-kw-slot.signed.cbor", nullptr, "component 0x00 has no vendor condition"},
    {"firmware-encryption/suit-manifest-aes-kw.signed.cbor", nullptr, kOfPlaintext},
    {"firmware-encryption/suit-manifest-es-ecdh-content.signed.cbor", nullptr, kOfDecrypted},
    {"firmware-encryption/suit-manifest-es-ecdh-dependency.signed.cbor", nullptr, kOfDecrypted},
};
INSTANTIATE_TEST_SUITE_P(FirmwareEncryption, Vector, testing::ValuesIn(kFirmwareEncryption), name_of_row);

// ---------------------------------------------------------------------------------------------------------- libcsuit

// U, D and I have no tag. U1 and U2 wait for power, and U1 for a time of day: those are a device's to wait for.
constexpr Expectation kLibcsuit[] = {
    {"libcsuit/suit_manifest_exp0.suit", nullptr, kNothing},
    {"libcsuit/suit_manifest_exp1.suit", nullptr, nullptr},
    {"libcsuit/suit_manifest_exp2A.suit", nullptr, kSevered},
    {"libcsuit/suit_manifest_exp2B.suit", nullptr, nullptr},
    {"libcsuit/suit_manifest_exp3.suit", nullptr, nullptr},
    {"libcsuit/suit_manifest_exp4.suit", nullptr, nullptr},
    {"libcsuit/suit_manifest_exp5.suit", nullptr, kOfRam},
    {"libcsuit/suit_manifest_expAF.suit", nullptr, kOfPlaintext},
    {"libcsuit/suit_manifest_expAFS.suit", nullptr, "component 0x00 has no vendor condition"},
    {"libcsuit/suit_manifest_expAW.suit", nullptr, kOfPlaintext},
    {"libcsuit/suit_manifest_expD.suit", "no SUIT envelope (tag 107)", nullptr},
    {"libcsuit/suit_manifest_expED.suit", nullptr, kOfDecrypted},
    {"libcsuit/suit_manifest_expEW.suit", nullptr, kOfDecrypted},
    {"libcsuit/suit_manifest_expI.suit", "no SUIT envelope (tag 107)", nullptr},
    {"libcsuit/suit_manifest_expS0.suit", nullptr, "component 00 has no vendor condition"},
    {"libcsuit/suit_manifest_expS2.suit", nullptr, "dependency dependent.suit is not here"},
    {"libcsuit/suit_manifest_expS3.suit", nullptr, "component 10 has no vendor condition"},
    {"libcsuit/suit_manifest_expU.suit", "no SUIT envelope (tag 107)", nullptr},
    {"libcsuit/suit_manifest_expU0.suit", nullptr, kNothing},
    {"libcsuit/suit_manifest_expU1.suit", "parameter wait-info (29): offset 155: event power (2) is not supported",
     nullptr},
    {"libcsuit/suit_manifest_expU2.suit", "event power (2) is not supported", nullptr},
    {"libcsuit/suit_manifest_expU3.suit", nullptr, "has no vendor condition"},
};
INSTANTIATE_TEST_SUITE_P(Libcsuit, Vector, testing::ValuesIn(kLibcsuit), name_of_row);

TEST(LibcsuitVectors, AreAllInTheTable) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kVectors + "libcsuit")) {
    files += entry.path().extension() == ".suit" ? 1 : 0;
  }
  EXPECT_EQ(files, std::size(kLibcsuit));
}

// ------------------------------------------------------------------------------------------------ what is read in them

Manifest open_vector(const std::string& name) {
  auto manifest = open(read_file(kVectors + name), example_ring());
  EXPECT_TRUE(manifest) << manifest.error().message;
  return std::move(manifest).value();
}

Digest digest(std::string_view hex) {
  return *Digest::from_text(hex);
}

const Digest kDigest0 = digest("00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210");
const Digest kDigest1 = digest("0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff");

TEST(SuitVectors, AllThatTheAuthorSaid) {
  const auto manifest = open_vector("derived/ok_base.suit");
  EXPECT_EQ(manifest.sequence, 7U);
  EXPECT_EQ(manifest.digest.hex(), "2f45d6a8450e6a141d720f2cf62fa029ac4e082aead4830c791c47f16ce088ea");
  EXPECT_EQ(manifest.product, "mcu0+mcu1");
  EXPECT_THAT(manifest.components, ElementsAre("mcu0", "mcu1"));
  EXPECT_EQ(manifest.version, "");
  EXPECT_THAT(manifest.signers, ElementsAre("suit-example-p256-public"));
  EXPECT_THAT(manifest.mac_keys, IsEmpty());
  ASSERT_EQ(manifest.images.size(), 2U);
  EXPECT_EQ(manifest.images[0].component.text(), "mcu0");
  EXPECT_EQ(to_hex(manifest.images[0].vendor_id.value()), "fa6b4a53d5ad5fdfbe9de663e4d41ffe");
  EXPECT_EQ(to_hex(manifest.images[0].class_id.value()), "1492af1425695e48bf429b2d51f2ab45");
  EXPECT_EQ(manifest.images[0].size, 330U);
  EXPECT_EQ(manifest.images[0].uri, "#img0");
  EXPECT_EQ(manifest.images[1].uri, "https://fw.example/img1");
  EXPECT_EQ(manifest.images[1].size, 310U);
  EXPECT_EQ(manifest.images[1].digest, crypto::Sha256::of(read_file(kVectors + "derived/img1.bin")));
  EXPECT_EQ(manifest.images[1].conditions, Conditions{});
}

TEST(SuitVectors, AMacIsOfItsOwnKindOfKey) {
  const auto manifest = open_vector("derived/ok_mac0.suit");
  EXPECT_THAT(manifest.signers, IsEmpty());
  EXPECT_THAT(manifest.mac_keys, ElementsAre("hmac256"));
  const auto refused = open(read_file(kVectors + "derived/ok_mac0.suit"), gateways_ring());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unauthenticated);
}

TEST(SuitVectors, MissingPayloadsAreNamed) {
  EXPECT_THAT(missing_payloads(open_vector("derived/bad_payload_missing.suit")), ElementsAre("#img0"));
  EXPECT_THAT(missing_payloads(open_vector("derived/ok_base.suit")), IsEmpty());
}

TEST(SuitVectors, ASlotInOneSectionIsTheSlotInAnother) {
  const auto manifest = open_vector("manifest-spec-es256/example3.signed.suit");
  ASSERT_EQ(manifest.images.size(), 2U);
  EXPECT_EQ(manifest.images[0].slot, 0U);
  EXPECT_EQ(manifest.images[0].uri, "http://example.com/file1.bin");
  EXPECT_EQ(manifest.images[0].digest, kDigest0);
  EXPECT_EQ(manifest.images[0].size, 34768U);
  EXPECT_EQ(manifest.images[1].slot, 1U);
  EXPECT_EQ(manifest.images[1].uri, "http://example.com/file2.bin");
  EXPECT_EQ(manifest.images[1].digest, kDigest1);
  EXPECT_EQ(manifest.images[1].size, 76834U);
}

TEST(SuitVectors, AnImageIsForTheComponentThatItIsCopiedTo) {
  const auto manifest = open_vector("manifest-spec-es256/example4.signed.suit");
  ASSERT_EQ(manifest.images.size(), 1U);  // what load copies into RAM is not delivered
  const Image& image = manifest.images[0];
  EXPECT_EQ(image.component.text(), "0x00");
  EXPECT_EQ(image.uri, "http://example.com/file.bin");
  EXPECT_EQ(image.digest, kDigest0);
  EXPECT_EQ(image.size, 34768U);  // said of the target
  EXPECT_TRUE(image.vendor_id);
}

TEST(SuitVectors, AnEncryptedImageKeepsItsRecipients) {
  const auto manifest = open_vector("firmware-encryption/suit-manifest-aes-kw.signed.cbor");
  EXPECT_THAT(manifest.mac_keys, ElementsAre("hmac256"));
  ASSERT_EQ(manifest.images.size(), 1U);
  const Image& image = manifest.images[0];
  EXPECT_EQ(image.component.text(), "plaintext-firmware");
  EXPECT_EQ(image.uri, "coaps://example.com/encrypted-firmware");
  EXPECT_EQ(image.size, 46U);
  EXPECT_FALSE(image.digest);
  EXPECT_EQ(image.encryption_info,
            read_file(kVectors + "firmware-encryption/suit-encryption-info-aes-kw-aes-gcm.cbor"));
}

TEST(SuitVectors, ContentStandsInTheManifest) {
  const Bytes envelope = read_file(kVectors + "firmware-encryption/suit-manifest-es-ecdh-content.signed.cbor");
  const Bytes payload = read_file(kVectors + "firmware-encryption/encrypted-payload-es-ecdh-aes-gcm.bin");
  const auto manifest = open(envelope, example_ring()).value();
  ASSERT_EQ(manifest.images.size(), 1U);
  const Image& image = manifest.images[0];
  EXPECT_EQ(image.uri, "");
  EXPECT_EQ(image.size, payload.size());
  EXPECT_EQ(image.digest, crypto::Sha256::of(payload));
  const ByteView there = ByteView(envelope).subspan(image.integrated->offset, image.integrated->size);
  EXPECT_EQ(Bytes(there.begin(), there.end()), payload);
}

TEST(SuitVectors, ADependencyUsesWhatItsDependentSet) {
  const std::string name = "firmware-encryption/suit-manifest-es-ecdh-dependency.signed.cbor";
  const auto manifest = open_vector(name);
  EXPECT_THAT(manifest.signers, ElementsAre("suit-example-dependent-p256-public"));
  ASSERT_EQ(manifest.dependencies.size(), 1U);
  const Dependency& dependency = manifest.dependencies[0];
  EXPECT_EQ(dependency.id.text(), "dependency-manifest.suit");
  EXPECT_EQ(dependency.uri, "#dependency-manifest");
  EXPECT_EQ(dependency.size, 247U);
  EXPECT_TRUE(dependency.is_here);
  EXPECT_THAT(dependency.signers, ElementsAre("suit-example-p256-public"));
  ASSERT_EQ(manifest.images.size(), 1U);
  EXPECT_EQ(manifest.images[0].component.text(), "decrypted-firmware");
  EXPECT_FALSE(manifest.images[0].encryption_info.empty());
  EXPECT_EQ(manifest.images[0].plaintext, digest("36921488fe6680712f734e11f58d87eeb66d4b21a8a1ad3441060814da16d50f"));
}

TEST(SuitVectors, ADependencyNeedsATrustedSignatureOfItsOwn) {
  crypto::Keys only_the_dependents;
  ASSERT_TRUE(only_the_dependents.add_file(kVectors + "keys/suit-example-dependent-p256-public.pem"));
  const auto refused = open(read_file(kVectors + "firmware-encryption/suit-manifest-es-ecdh-dependency.signed.cbor"),
                            only_the_dependents);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unauthenticated);
  EXPECT_THAT(refused.error().message, HasSubstr("dependency dependency-manifest.suit: authentication: "));
}

TEST(SuitVectors, ADependencyMayBeFetchedBeforehand) {
  const std::string name = "trust-domains/example1_process.cbor";
  const auto without = open_vector(name);
  ASSERT_EQ(without.dependencies.size(), 1U);
  EXPECT_FALSE(without.dependencies[0].is_here);
  EXPECT_EQ(without.dependencies[0].uri, "http://example.com/dependent.suit");
  EXPECT_EQ(without.dependencies[0].digest, digest("0f02caf6d3e61920d36bf3cea7f862a13bb8fb1f09c3f4c29b121feab78ef3d8"));
  ASSERT_EQ(without.images.size(), 1U);

  const Bytes other = read_file(kVectors + "derived/ok_base.suit");
  const Bytes junk = {0x00};
  const Bytes dependency = read_file(kVectors + "trust-domains/example0_dependent.cbor");
  const std::vector<ByteView> given = {other, junk, dependency};
  const auto with = open(read_file(kVectors + name), example_ring(), given);
  ASSERT_TRUE(with) << with.error().message;
  EXPECT_TRUE(with->dependencies[0].is_here);
  ASSERT_EQ(with->images.size(), 2U);
  EXPECT_EQ(with->images[0].component.text(), "10");
  EXPECT_EQ(with->images[0].integrated->envelope, 0U);
  EXPECT_EQ(with->images[1].component.text(), "00");
  const Range range = *with->images[1].integrated;
  EXPECT_EQ(range.envelope, 3U);
  const ByteView content = ByteView(dependency).subspan(range.offset, range.size);
  EXPECT_EQ(std::string(content.begin(), content.end()), "hello world");
}

TEST(SuitVectors, AnIntegratedDependencysBytesStandInTheOuterEnvelope) {
  const Bytes envelope = read_file(kVectors + "trust-domains/example2_integrated.cbor");
  const auto manifest = open(envelope, example_ring()).value();
  ASSERT_EQ(manifest.images.size(), 2U);
  const Range range = *manifest.images[1].integrated;
  EXPECT_EQ(range.envelope, 0U);
  const ByteView content = ByteView(envelope).subspan(range.offset, range.size);
  EXPECT_EQ(std::string(content.begin(), content.end()), "hello world");
}

TEST(SuitVectors, UpdateManagementIsRead) {
  const auto manifest = open_vector("libcsuit/suit_manifest_expU0.suit");
  EXPECT_EQ(manifest.priority, -1);
  EXPECT_THAT(manifest.images, IsEmpty());
}

// ------------------------------------------------------------------------------------------------- each byte matters

/// An intermediary may add integrated payloads without breaking the signature (draft §8.6). The map is small: its head
/// is one byte, after the two of tag 107; text keys come last.
Bytes with_payload(Bytes envelope, std::string_view name, const Bytes& payload) {
  ++envelope.at(2);
  cbor::Writer(envelope).text(name).bytes(payload);
  return envelope;
}

class WithItsPayload : public testing::TestWithParam<std::string> {};

TEST_P(WithItsPayload, IsDeliverable) {
  const Bytes payload = read_file(kVectors + "derived/img0.bin");
  const Bytes envelope = with_payload(read_file(kVectors + "derived/" + GetParam() + ".suit"), "#img0", payload);
  const auto manifest = open_deliverable(envelope, example_ring());
  ASSERT_TRUE(manifest) << manifest.error().message;
  ASSERT_TRUE(manifest->images.at(0).integrated);
  const Range range = *manifest->images[0].integrated;
  EXPECT_EQ(Bytes(envelope.begin() + static_cast<std::ptrdiff_t>(range.offset), envelope.end()), payload);
  EXPECT_FALSE(manifest->images.at(1).integrated);
}
INSTANTIATE_TEST_SUITE_P(Derived, WithItsPayload,
                         testing::Values("ok_ed25519", "ok_two_blocks", "ok_severed_text_present", "ok_mac0",
                                         "bad_payload_missing"),
                         [](const auto& row) { return row.param; });

TEST(SuitVectors, NothingOfTheManifestIsReadBeforeTheSignatureHolds) {
  // The broken inside of bad_inner_trailing is only seen with the key that signed it.
  const crypto::Keys nobody;
  const auto refused = open(read_file(kVectors + "derived/bad_inner_trailing.suit"), nobody);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unauthenticated);
}

TEST(SuitVectors, EveryFlippedByteOfASignedEnvelopeIsNoticed) {
  for (const char* name : {"derived/ok_base.suit", "trust-domains/example2_integrated.cbor"}) {
    const Bytes good = read_file(kVectors + name);
    for (std::size_t i = 0; i < good.size(); ++i) {
      Bytes bad = good;
      bad[i] ^= 0x01;
      EXPECT_FALSE(open(bad, example_ring())) << name << ", byte " << i;
    }
  }
}

TEST(SuitVectors, EveryCutEnvelopeIsRefused) {
  const Bytes good = read_file(kVectors + "derived/ok_base.suit");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(open(ByteView(good).first(size), example_ring())) << size << " bytes";
  }
}

}  // namespace
}  // namespace hg::suit
