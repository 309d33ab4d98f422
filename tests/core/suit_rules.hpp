// SPDX-License-Identifier: Apache-2.0
// The rules of the first slice of profile v1 as a table: how a good envelope is spoilt, and what the refusal says.
#pragma once

#include "core/suit_draft.hpp"

namespace hg::suit::draft {

struct Rule {
  const char* name;
  void (*spoil)(Draft&);
  const char* refusal;  ///< part of the message; null: accepted
};

/// Command sequences inside one another.
inline Bytes nested(int levels) {
  Bytes sequence = commands({number(3), kPolicy});
  for (int i = 1; i < levels; ++i) sequence = commands({number(32), sequence});
  return sequence;
}

inline void carry(Draft& d, const Bytes& payload, std::string_view uri) {
  d.payloads = {{std::string(uri), payload}};
  d.install[1] = map({{21, text(uri)}});
}

inline void append(Items& sequence, const Items& more) {
  sequence.insert(sequence.end(), more.begin(), more.end());
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
    {"severed_validate", [](Draft& d) { d.manifest[7] = digest_of({}); }, "validate: "},
    {"long_text", [](Draft& d) { d.manifest[23] = string(Bytes(16385)); }, "text"},
    {"text_that_is_none", [](Draft& d) { d.manifest[23] = string(Bytes{0x01}); }, "text: "},
};

inline constexpr Rule kCommandRules[] = {
    {"odd_sequence", [](Draft& d) { d.install.pop_back(); }, "a command sequence of 5 elements"},
    {"empty_sequence", [](Draft& d) { d.install = {}; }, "a command sequence of 0 elements"},
    {"custom_command",
     [](Draft& d) {
       append(d.install, {number(-257), kPolicy});
     },
     "command (-257) is unknown"},
    {"copy",
     [](Draft& d) {
       append(d.install, {number(22), kPolicy});
     },
     "install: offset 196: directive-copy (22) without a source component"},
    {"invoke_in_install",
     [](Draft& d) {
       append(d.install, {number(23), kPolicy});
     },
     "may not stand here"},
    {"invoke_in_invoke",
     [](Draft& d) {
       d.manifest[9] = commands({number(23), kPolicy});
     },
     nullptr},
    {"fetch_in_validate",
     [](Draft& d) {
       d.manifest[7] = commands({number(21), kPolicy});
     },
     "may not stand here"},
    {"fetch_in_payload_fetch", [](Draft& d) { d.manifest[16] = commands(d.install); }, nullptr},
    {"abort",
     [](Draft& d) {
       append(d.install, {number(14), kPolicy});
     },
     "condition-abort (14) always fails"},
    {"index_false",
     [](Draft& d) {
       append(d.install, {number(12), Bytes{0xf4}});
     },
     "with false"},
    {"index_true",
     [](Draft& d) {
       append(d.install, {number(12), yes()});
     },
     nullptr},
    {"index_list",
     [](Draft& d) {
       append(d.install, {number(12), array({number(0)})});
     },
     nullptr},
    {"index_empty_list",
     [](Draft& d) {
       append(d.install, {number(12), array({})});
     },
     "too few or too many"},
    {"index_beyond",
     [](Draft& d) {
       append(d.install, {number(12), number(1)});
     },
     "that no component has"},
    {"nested_as_deep_as_allowed", [](Draft& d) { d.manifest[7] = nested(8); }, nullptr},
    {"nested_too_deep", [](Draft& d) { d.manifest[7] = nested(9); }, "nested too deep"},
    {"too_many_commands",
     [](Draft& d) {
       for (int i = 0; i < 4096; ++i) append(d.install, {number(3), kPolicy});
     },
     "one command too many"},
    {"no_vendor_condition",
     [](Draft& d) {
       d.after_parameters = {number(2), kPolicy};
     },
     "component app has no vendor condition"},
    {"no_class_condition",
     [](Draft& d) {
       d.after_parameters = {number(1), kPolicy};
     },
     "component app has no class condition"},
    {"two_classes",
     [](Draft& d) {
       append(d.after_parameters, {number(20), map({{2, string(kOtherUuid)}}), number(2), kPolicy});
     },
     "contradicts an earlier one"},
    {"device_condition_without_device",
     [](Draft& d) {
       append(d.install, {number(24), kPolicy});
     },
     "without its parameter"},
    {"fetch_of_nothing",
     [](Draft& d) {
       d.install = {number(3), kPolicy};
     },
     "no image is fetched"},
    {"fetch_without_uri",
     [](Draft& d) {
       d.install = {number(21), kPolicy};
     },
     "without a URI"},
    {"fetch_without_digest", [](Draft& d) { d.parameters.erase(3); }, "without an image digest"},
    {"fetch_without_size", [](Draft& d) { d.parameters.erase(14); }, "component app has no image size"},
    {"fetch_of_two_images",
     [](Draft& d) {
       append(d.install, {number(20), map({{14, number(6)}}), number(21), kPolicy});
     },
     "another image into the same component"},
    {"match_of_another_image",
     [](Draft& d) {
       append(d.install, {number(20), map({{3, string(digest_of({}))}}), number(3), kPolicy});
     },
     "wants another image than the one brought"},
    {"set_does_not_replace",
     [](Draft& d) {
       append(d.after_parameters, {number(19), map({{2, string(kOtherUuid)}}), number(2), kPolicy});
     },
     nullptr},
};

inline constexpr Rule kParameterRules[] = {
    {"empty_map",
     [](Draft& d) {
       append(d.install, {number(20), map({})});
     },
     "an empty parameter map"},
    {"unknown", [](Draft& d) { d.parameters[99] = number(0); }, "unknown parameter 99"},
    {"encryption_info", [](Draft& d) { d.parameters[19] = string({}); }, "parameter encryption-info (19): no tagged COSE message: offset 162"},
    {"soft_failure", [](Draft& d) { d.parameters[13] = yes(); }, "sets soft-failure (13) outside of try-each and run-sequence"},
    {"strict_order", [](Draft& d) { d.parameters[12] = yes(); }, nullptr},
    {"short_uuid", [](Draft& d) { d.parameters[1] = string(Bytes(15)); }, "an identifier of 15 bytes"},
    {"digest_not_wrapped", [](Draft& d) { d.parameters[3] = digest_of({}); }, "image-digest (3): "},
    {"size_negative", [](Draft& d) { d.parameters[14] = number(-1); }, "image-size (14): "},
    {"empty_uri",
     [](Draft& d) {
       d.install[1] = map({{21, text("")}});
     },
     "a URI of 0 bytes"},
    {"long_uri",
     [](Draft& d) {
       d.install[1] = map({{21, text(std::string(2049, 'a'))}});
     },
     "a URI of 2049 bytes"},
    {"uri_with_newline",
     [](Draft& d) {
       d.install[1] = map({{21, text("https://a\r\nX: y")}});
     },
     "do not have"},
    {"uri_not_ascii",
     [](Draft& d) {
       d.install[1] = map({{21, text("https://\u00e9")}});
     },
     "do not have"},
};

}  // namespace hg::suit::draft
