// SPDX-License-Identifier: Apache-2.0
// The rules of profile v1 for envelope, authentication and manifest as tables: how a good envelope is spoilt, and what
// the refusal says. Those for commands and parameters are in suit_command_rules.hpp.
#pragma once

#include "core/suit_command_rules.hpp"

namespace hg::suit::draft {

struct Rule {
  const char* name;
  void (*spoil)(Draft&);
  const char* refusal;  ///< part of the message; null: accepted
};

inline void carry(Draft& d, const Bytes& payload, std::string_view uri) {
  d.payloads = {{std::string(uri), payload}};
  d.install[1] = map({{21, text(uri)}});
}

inline const Bytes kNil = {0xf6};
inline const Bytes kEs256 = map({{1, number(-9)}});
inline const Bytes kHmac = map({{1, number(5)}});

/// One COSE_Signature.
inline Bytes signature(std::string_view value) {
  return array({string(kEs256), map({}), string(as_bytes(value))});
}

inline constexpr Rule kEnvelopeRules[] = {
    {"untouched", [](Draft&) {}, nullptr},
    {"reserved_key_1", [](Draft& d) { d.envelope[1] = string({}); }, "envelope: offset 3: envelope key 1"},
    {"unknown_key_4", [](Draft& d) { d.envelope[4] = string({}); }, "envelope key 4"},
    {"too_large", [](Draft& d) { d.envelope[23] = string(Bytes(70000)); }, "are read"},
    {"payload",
     [](Draft& d) {
       carry(d, {'i', 'm', 'a', 'g', 'e'}, "#app");
     },
     nullptr},
    {"payload_under_its_url",
     [](Draft& d) {
       carry(d, {'i', 'm', 'a', 'g', 'e'}, "https://fw.example/a");
     },
     nullptr},
    {"payload_of_wrong_size",
     [](Draft& d) {
       carry(d, {1, 2}, "#app");
     },
     "2 bytes, 5 are signed"},
    {"payload_of_wrong_digest", [](Draft& d) { carry(d, Bytes(5), "#app"); }, "payload #app: the digest is not"},
    {"payload_missing",
     [](Draft& d) {
       d.install[1] = map({{21, text("#app")}});
     },
     "#app is not in the envelope"},
    {"payload_no_bytes",
     [](Draft& d) {
       d.payloads = {{"#app", {}}};
     },
     "that no URI refers to"},
    {"large_payload_does_not_count",
     [](Draft& d) {
       const Bytes payload(100000, 7);
       carry(d, payload, "#app");
       d.parameters[3] = string(digest_of(payload));
       d.parameters[14] = number(100000);
     },
     nullptr},
};

inline constexpr Rule kAuthenticationRules[] = {
    {"wrong_signature", [](Draft& d) { d.blocks = {Draft::block("ko", {})}; }, "authentication: not ok"},
    {"no_block", [](Draft& d) { d.blocks = {}; }, "no signature"},
    {"second_block_is_good",
     [](Draft& d) {
       d.blocks = {Draft::block("ko", {}), Draft::block("ok", {})};
     },
     nullptr},
    {"nine_blocks", [](Draft& d) { d.blocks = Items(9, Draft::block("ok", {})); }, "9 authentication blocks"},
    {"algorithm_twice",
     [](Draft& d) {
       d.blocks = {Draft::block("ok", {{1, number(-9)}})};
     },
     "both protected and unp"},
    {"critical_unprotected",
     [](Draft& d) {
       d.blocks = {Draft::block("ok", {{2, array({number(1)})}})};
     },
     "crit"},
    {"unknown_header",
     [](Draft& d) {
       d.blocks = {Draft::block("ok", {{99, text("?")}})};
     },
     nullptr},
    {"crit_beside_a_good_one",
     [](Draft& d) {
       d.blocks.push_back(Draft::block("ok", {{2, array({number(1)})}}));
     },
     nullptr},
    {"attached_payload_beside_a_good_one",
     [](Draft& d) { d.blocks.push_back(Draft::message(18, kEs256, string({}), string({}))); },
     "authentication: offset 58: an attached payload"},
    {"sign_of_two",
     [](Draft& d) {
       d.blocks = {Draft::message(98, {}, kNil, array({signature("ko"), signature("ok")}))};
     },
     nullptr},
    {"sign_of_nobody_good",
     [](Draft& d) {
       d.blocks = {Draft::message(98, {}, kNil, array({signature("ko"), signature("ko")}))};
     },
     "not ok"},
    {"sign_of_none", [](Draft& d) { d.blocks = {Draft::message(98, {}, kNil, array({}))}; }, "offset 52: no signature"},
    {"seventeen_signatures_in_two_blocks",
     [](Draft& d) {
       d.blocks = {Draft::message(98, {}, kNil, array(Items(16, signature("ok")))), Draft::block("ok", {})};
     },
     "more than 16 signatures in all blocks"},
    {"sign_of_seventeen",
     [](Draft& d) { d.blocks = {Draft::message(98, {}, kNil, array(Items(17, signature("ok"))))}; },
     "more than 16 signatures"},
    {"mac_by_a_ring_without", [](Draft& d) { d.blocks = {Draft::message(17, kHmac, kNil, string(as_bytes("ok")))}; },
     "authentication: no MACs"},
    {"mac_beside_a_good_one",
     [](Draft& d) { d.blocks.push_back(Draft::message(17, kHmac, kNil, string(as_bytes("ok")))); }, nullptr},
    {"mac_with_recipients", [](Draft& d) { d.blocks = {Draft::message(97, kHmac, kNil, string(as_bytes("ok")))}; },
     "offset 46: COSE_Mac is not accepted"},
    {"mac_with_recipients_beside_a_good_one",
     [](Draft& d) { d.blocks.push_back(Draft::message(97, kHmac, kNil, string(as_bytes("ok")))); }, nullptr},
    {"sha384", [](Draft& d) { d.digest_algorithm = -43; }, nullptr},
    {"sha512", [](Draft& d) { d.digest_algorithm = -44; }, nullptr},
    {"broken_block_beside_a_good_one",
     [](Draft& d) {
       d.blocks.push_back(string(Bytes{0xd2, 0x80}));
     },
     "offset 59: COSE_Sign1 has 4 elements, not 0"},
};

inline constexpr Rule kManifestRules[] = {
    {"unknown_key", [](Draft& d) { d.manifest[13] = number(0); }, "manifest key 13"},
    {"no_version", [](Draft& d) { d.manifest[1] = {}; }, "no manifest version"},
    {"no_common", [](Draft& d) { d.manifest[3] = {}; }, "no components"},
    {"negative_sequence_number", [](Draft& d) { d.manifest[2] = number(-1); }, "sequence number: "},
    {"no_components", [](Draft& d) { d.components = {}; }, "0 components"},
    {"unknown_common_key", [](Draft& d) { d.common[5] = number(0); }, "common key 5"},
    {"sixty_five_components",
     [](Draft& d) {
       d.components.clear();
       for (int i = 0; i < 65; ++i) d.components.push_back(array({string(Bytes{1, static_cast<std::uint8_t>(i)})}));
     },
     "65 components"},
    {"no_dependencies", [](Draft& d) { d.common[1] = map({}); }, "common: offset 71: 0 dependencies"},
    {"nine_dependencies",
     [](Draft& d) {
       Entries entries;
       for (int i = 1; i < 10; ++i) entries[i] = map({{1, array({string(as_bytes("d"))})}});
       d.common[1] = map(entries);
     },
     "9 dependencies"},
    {"negative_dependency",
     [](Draft& d) {
       d.common[1] = map({{-1, map({{1, array({string(as_bytes("d"))})}})}});
     },
     "offset 72: dependency -1"},
    {"dependency_without_prefix",
     [](Draft& d) {
       d.common[1] = map({{1, map({})}});
     },
     "dependency 1: offset 73: without a prefix it has no name"},
    {"dependency_with_other_metadata",
     [](Draft& d) {
       d.common[1] = map({{1, map({{2, number(0)}})}});
     },
     "metadata other than a prefix"},
    {"dependency_that_is_a_component",
     [](Draft& d) {
       d.common[1] = map({{0, map({{1, array({string(as_bytes("d"))})}})}});
     },
     "offset 71: dependency 0 has the index of a component"},
    {"dependency_that_is_not_here",
     [](Draft& d) {
       d.common[1] = map({{1, map({{1, array({string(as_bytes("d"))})}})}});
     },
     "before directive-set-component-index"},
    {"empty_component", [](Draft& d) { d.components = {array({})}; }, "a component id of 0 parts"},
    {"climbing_component", [](Draft& d) { d.components = {array({string(as_bytes(".."))})}; }, "empty, long or a path"},
    {"path_component", [](Draft& d) { d.components = {array({string(as_bytes("/etc"))})}; }, "empty, long or a path"},
    {"long_component", [](Draft& d) { d.components = {array({string(Bytes(65))})}; }, "empty, long or a path"},
    {"version_begins_with_mark",
     [](Draft& d) {
       d.manifest[6] = string(array({number(-1), number(1)}));
     },
     "set version: "},
    {"version_with_two_marks",
     [](Draft& d) {
       d.manifest[6] = string(array({number(1), number(-1), number(-2)}));
     },
     "version part -2"},
    {"version_not_wrapped", [](Draft& d) { d.manifest[6] = array({number(1)}); }, "set version: "},
    {"long_reference", [](Draft& d) { d.manifest[4] = text(std::string(2049, 'a')); }, "reference uri"},
    {"severed_text_absent", [](Draft& d) { d.manifest[23] = digest_of({}); }, nullptr},
    {"severed_text_is_another",
     [](Draft& d) {
       d.manifest[23] = digest_of(string(Bytes{0xa1}));
       d.envelope[23] = string(Bytes{0xa0});
     },
     "severed text: the digest is not the signed one"},
    {"severed_and_inside",
     [](Draft& d) {
       d.manifest[23] = string(Bytes{0xa0});
       d.envelope[23] = string(Bytes{0xa0});
     },
     "both in the manifest and severed"},
    {"severed_install",
     [](Draft& d) {
       d.envelope[20] = commands(d.install);
       d.manifest[20] = digest_of(d.envelope[20]);
     },
     nullptr},
    {"severed_by_sha512",
     [](Draft& d) {
       d.envelope[20] = commands(d.install);
       d.manifest[20] = digest_of(d.envelope[20], -44);
     },
     nullptr},
    {"severed_by_sha384_and_another",
     [](Draft& d) {
       d.envelope[20] = commands(d.install);
       d.manifest[20] = digest_of({}, -43);
     },
     "manifest: severed install: the digest is not the signed one"},
    {"severed_install_absent", [](Draft& d) { d.manifest[20] = digest_of({}); },
     "install is severed and absent, and the manifest invokes nothing without it"},
    {"severed_install_absent_and_invoke",
     [](Draft& d) {
       d.manifest[20] = digest_of({});
       d.manifest[9] = commands({number(23), kPolicy});
     },
     "install is severed and absent: what it brings is unknown"},
    {"severed_payload_fetch_absent_and_invoke",
     [](Draft& d) {
       d.manifest[16] = digest_of({});
       d.manifest[9] = commands({number(23), kPolicy});
     },
     "payload-fetch is severed and absent: what it brings is unknown"},
    {"severed_validate", [](Draft& d) { d.manifest[7] = digest_of({}); }, "validate: "},
    {"long_text", [](Draft& d) { d.manifest[23] = string(Bytes(16385)); }, "text"},
    {"text_that_is_none", [](Draft& d) { d.manifest[23] = string(Bytes{0x01}); }, "text: "},
};

/// What is authentic and of the profile, and lacks what a gateway needs.
inline constexpr Rule kDeliverableRules[] = {
    {"no_vendor_condition",
     [](Draft& d) {
       d.after_parameters = {number(2), kPolicy};
     },
     "component app has no vendor condition: it would fit any device"},
    {"no_class_condition",
     [](Draft& d) {
       d.after_parameters = {number(1), kPolicy};
     },
     "component app has no class condition: it would fit any device"},
    {"no_digest",
     [](Draft& d) {
       d.parameters.erase(3);
       d.install.resize(4);
     },
     "component app has no digest of the bytes that travel"},
    {"no_size", [](Draft& d) { d.parameters.erase(14); }, "component app has no image size"},
    {"nothing_fetched",
     [](Draft& d) {
       d.install = {number(3), kPolicy};
     },
     "no image is fetched or written: nothing to distribute"},
    {"written",
     [](Draft& d) {
       d.parameters[18] = string(as_bytes("image"));
       d.install = {number(18), kPolicy, number(3), kPolicy};
     },
     nullptr},
    {"written_and_not_what_it_must_match",
     [](Draft& d) {
       d.parameters[18] = string(as_bytes("other"));
       d.install = {number(18), kPolicy, number(3), kPolicy};
     },
     "content of component app: the digest is not the signed one"},
    {"written_and_encrypted_without_plaintext_digest",
     [](Draft& d) {
       d.parameters.erase(3);
       d.parameters[18] = string(as_bytes("cipher"));
       d.parameters[19] = string(encryption_info(1));
       d.install = {number(18), kPolicy};
     },
     "component app is encrypted without a digest of the plaintext"},
};

}  // namespace hg::suit::draft
