// SPDX-License-Identifier: Apache-2.0
// The rules of profile v1 for commands and parameters as tables: what is added to a good manifest of one component, and
// what the refusal says, with the offset of the command or the parameter.
#pragma once

#include "core/suit_draft.hpp"

namespace hg::suit::draft {

inline void append(Items& sequence, const Items& more) {
  sequence.insert(sequence.end(), more.begin(), more.end());
}

/// Command sequences inside one another.
inline Bytes nested(int levels) {
  Bytes sequence = commands({number(3), kPolicy});
  for (int i = 1; i < levels; ++i) sequence = commands({number(32), sequence});
  return sequence;
}

inline Items override_with(const Entries& parameters) {
  return {number(20), map(parameters)};
}
/// The parameters, and then a command that has no other argument.
inline Items with(const Entries& parameters, std::int64_t command) {
  return {number(20), map(parameters), number(command), kPolicy};
}
inline Items plain(std::int64_t command) {
  return {number(command), kPolicy};
}
inline Items try_each(const Items& alternatives) {
  return {number(15), array(alternatives)};
}
inline Items joined(Items first, const Items& second) {
  append(first, second);
  return first;
}

/// COSE_Encrypt by AES-128-KW and AES-128-GCM with as many recipients.
inline Bytes encryption_info(std::size_t recipients, const Bytes& ciphertext = {0xf6}) {
  const Bytes recipient = array({string({}), map({{1, number(-3)}, {4, string(as_bytes("kid"))}}), string(Bytes(24))});
  return item([&](cbor::Writer& w) {
    w.tag(96).array(4).bytes(map({{1, number(1)}})).encoded(map({{5, string(Bytes(12))}}));
    w.encoded(ciphertext).encoded(array(Items(recipients, recipient)));
  });
}
inline Bytes joined_bytes(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}
inline Bytes version(std::int64_t op, const Items& parts) {
  return array({number(op), array(parts)});
}
inline Bytes wait_info(std::int64_t event, const Bytes& value) {
  return string(map({{event, value}}));
}
inline Bytes other_target(const Bytes& name, const Items& versions) {
  return array({name, array(versions)});
}

constexpr std::int64_t kShared = 4;  // where a row's commands stand, if not in a section

struct CommandRule {
  const char* name;
  std::int64_t section;  ///< appended to install (20) or the shared sequence, or all of another section
  Items (*commands)();
  const char* refusal;  ///< part of the message; null: accepted

  [[nodiscard]] Draft draft() const {
    Draft made;
    if (section == 20) {
      append(made.install, commands());
    } else if (section == kShared) {
      append(made.after_parameters, commands());
    } else {
      made.manifest[section] = draft::commands(commands());
    }
    return made;
  }
};

inline constexpr CommandRule kCommandRules[] = {
    {"odd_sequence", 20, [] { return Items{number(3)}; }, "install: offset 167: a command sequence of 7 elements"},
    {"empty_sequence", 7, [] { return Items{}; }, "validate: offset 166: a command sequence of 0 elements"},
    {"unknown", 20, [] { return plain(200); }, "install: offset 196: command (200) is unknown"},
    {"custom", 20, [] { return plain(-257); }, "install: offset 196: command (-257) is unknown"},
    {"unlink", 24, [] { return plain(33); }, "uninstall: offset 200: directive-unlink (33) is not supported"},
    {"policy_bit_4", 20,
     [] {
       return Items{number(3), number(16)};
     },
     "install: offset 196: condition-image-match (3) with unknown reporting bits"},
    {"policy_text", 20,
     [] {
       return Items{number(3), text("15")};
     },
     "reporting policy: offset 197: "},
    {"abort", 20, [] { return plain(14); }, "install: offset 196: condition-abort (14) always fails"},
    // Where they may stand.
    {"invoke_in_install", 20, [] { return plain(23); }, "directive-invoke (23) may not stand here"},
    {"invoke_in_invoke", 9, [] { return plain(23); }, nullptr},
    {"fetch_in_validate", 7, [] { return plain(21); }, "directive-fetch (21) may not stand here"},
    {"fetch_in_load", 8, [] { return plain(21); }, "directive-fetch (21) may not stand here"},
    {"fetch_in_payload_fetch", 16,
     [] {
       return Items{number(20), map({{21, text("https://fw.example/a")}}), number(21), kPolicy};
     },
     nullptr},
    {"write_in_candidate_verification", 18, [] { return plain(18); }, "directive-write (18) may not stand here"},
    {"write_in_shared", kShared, [] { return plain(18); }, "directive-write (18) may not stand here"},
    {"write_in_load", 8,
     [] {
       return with({{18, string({})}}, 18);
     },
     nullptr},
    {"copy_in_shared", kShared, [] { return plain(22); }, "directive-copy (22) may not stand here"},
    {"wait_in_shared", kShared, [] { return plain(29); }, "directive-wait (29) may not stand here"},
    {"process_in_shared", kShared, [] { return plain(11); }, "directive-process-dependency (11) may not stand here"},
    // Which component.
    {"index_false", 20,
     [] {
       return Items{number(12), Bytes{0xf4}};
     },
     "offset 196: directive-set-component-index (12) with false"},
    {"index_true", 20,
     [] {
       return Items{number(12), yes()};
     },
     nullptr},
    {"index_list", 20,
     [] {
       return Items{number(12), array({number(0)})};
     },
     nullptr},
    {"index_empty_list", 20,
     [] {
       return Items{number(12), array({})};
     },
     "with too few or too many indices"},
    {"index_beyond", 20,
     [] {
       return Items{number(12), number(1)};
     },
     "with an index that no component has"},
    {"index_huge", 20,
     [] {
       return Items{number(12), from_hex("1bffffffffffffffff").value()};
     },
     "with an index that no component has"},
    {"index_negative", 20,
     [] {
       return Items{number(12), number(-1)};
     },
     "directive-set-component-index (12): offset 197"},
    // Conditions that bind.
    {"two_vendors", 20,
     [] {
       return with({{1, string(kOtherUuid)}}, 1);
     },
     "condition-vendor-identifier (1) contradicts an earlier one"},
    {"two_classes", kShared,
     [] {
       return with({{2, string(kOtherUuid)}}, 2);
     },
     "condition-class-identifier (2) contradicts an earlier one"},
    {"two_classes_in_two_sections", 7,
     [] {
       return with({{2, string(kOtherUuid)}}, 2);
     },
     "validate: offset 187: condition-class-identifier (2) contradicts"},
    {"two_devices", 20,
     [] {
       return joined(with({{24, string(kUuid)}}, 24), with({{24, string(kOtherUuid)}}, 24));
     },
     "condition-device-identifier (24) contradicts"},
    {"two_slots", 20,
     [] {
       return joined(with({{5, number(0)}}, 5), with({{5, number(1)}}, 5));
     },
     "condition-component-slot (5) contradicts"},
    {"one_slot", 20,
     [] {
       return with({{5, number(0)}}, 5);
     },
     nullptr},
    {"set_does_not_replace", kShared,
     [] {
       return Items{number(19), map({{2, string(kOtherUuid)}}), number(2), kPolicy};
     },
     nullptr},
    {"match_of_another_image", 20,
     [] {
       return with({{3, string(digest_of({}))}}, 3);
     },
     "condition-image-match (3) wants another image than the one brought"},
    {"match_by_another_algorithm", 20,
     [] {
       return with({{3, string(digest_of(as_bytes("image"), -44))}}, 3);
     },
     nullptr},
    {"match_of_another_image_in_load", 8,
     [] {
       return with({{3, string(digest_of({}))}}, 3);
     },
     nullptr},
    // Conditions whose parameter is not set.
    {"device_without", 20, [] { return plain(24); },
     "offset 196: condition-device-identifier (24) without its parameter"},
    {"slot_without", 20, [] { return plain(5); }, "condition-component-slot (5) without its parameter"},
    {"content_without", 20, [] { return plain(6); }, "condition-check-content (6) without its parameter"},
    {"use_before_without", 20, [] { return plain(4); }, "condition-use-before (4) without its parameter"},
    {"battery_without", 20, [] { return plain(26); }, "condition-minimum-battery (26) without its parameter"},
    {"authorization_without", 20, [] { return plain(27); }, "condition-update-authorized (27) without its parameter"},
    {"version_without", 20, [] { return plain(28); }, "condition-version (28) without its parameter"},
    {"wait_without", 20, [] { return plain(29); }, "directive-wait (29) without its parameter"},
    {"content_with", 20,
     [] {
       return with({{18, string({})}}, 6);
     },
     nullptr},
    {"not_match_with", 20, [] { return plain(25); }, nullptr},
    {"versions_without_end", 20,
     [] {
       Items all;
       for (int i = 0; i < 17; ++i) append(all, with({{28, string(version(1, {number(i)}))}}, 28));
       return all;
     },
     "condition-version (28) too often for one component"},
    // Moving bytes.
    {"fetch_without_uri", 16, [] { return plain(21); },
     "payload-fetch: offset 167: directive-fetch (21) without a URI"},
    {"fetch_of_two_images", 20,
     [] {
       return with({{14, number(6)}}, 21);
     },
     "directive-fetch (21) brings another image into the same component"},
    {"fetch_again", 20, [] { return plain(21); }, nullptr},
    {"write_without", 16, [] { return plain(18); }, "directive-write (18) without content"},
    {"write_over_what_was_fetched", 20,
     [] {
       return with({{18, string({})}}, 18);
     },
     "brings another image into the same component"},
    {"copy_without", 20, [] { return plain(22); },
     "install: offset 196: directive-copy (22) without a source component"},
    {"copy_from_nowhere", 20,
     [] {
       return with({{22, number(1)}}, 22);
     },
     "directive-copy (22) with an index that no component has"},
    {"copy_to_itself", 20,
     [] {
       return with({{22, number(0)}}, 22);
     },
     "directive-copy (22) of a component and itself"},
    {"swap_without", 20, [] { return plain(31); }, "directive-swap (31) without a source component"},
    {"swap_with_itself", 20,
     [] {
       return with({{22, number(0)}}, 31);
     },
     "directive-swap (31) of a component and itself"},
    // Dependencies.
    {"integrity_of_a_component", 20, [] { return plain(7); },
     "condition-dependency-integrity (7) of a component that is no dependency"},
    {"is_dependency_of_a_component", 20, [] { return plain(8); },
     "condition-is-dependency (8) of a component that is no dependency"},
    {"process_a_component", 20, [] { return plain(11); },
     "directive-process-dependency (11) of a component that is no dependency"},
    // Parameters of several and of others.
    {"multiple", 20,
     [] {
       return Items{number(34), map({{0, map({{5, number(1)}})}}), number(5), kPolicy};
     },
     nullptr},
    {"multiple_of_nothing", 20,
     [] {
       return Items{number(34), map({})};
     },
     "directive-override-multiple (34) of nothing"},
    {"multiple_beyond", 20,
     [] {
       return Items{number(34), map({{1, map({{5, number(1)}})}})};
     },
     "directive-override-multiple (34) with an index that no component has"},
    {"multiple_below", 20,
     [] {
       return Items{number(34), map({{-1, map({{5, number(1)}})}})};
     },
     "directive-override-multiple (34) with an index that no component has"},
    {"multiple_with_a_bad_one", 20,
     [] {
       return Items{number(34), map({{0, map({{5, text("")}})}})};
     },
     "parameter component-slot (5): offset 202"},
    {"copy_params", 20,
     [] {
       return Items{number(35), map({{0, array({number(1), number(3)})}})};
     },
     nullptr},
    {"copy_params_of_nothing", 20,
     [] {
       return Items{number(35), map({})};
     },
     "directive-copy-params (35) of nothing"},
    {"copy_params_empty", 20,
     [] {
       return Items{number(35), map({{0, array({})}})};
     },
     "directive-copy-params (35): offset 200: a list of 0 parameters"},
    {"copy_params_many", 20,
     [] {
       return Items{number(35), map({{0, array(Items(21, number(3)))}})};
     },
     "a list of 21 parameters"},
    {"copy_params_unset", 20,
     [] {
       return Items{number(35), map({{0, array({number(5)})}})};
     },
     "offset 201: parameter component-slot (5) is not set there"},
    {"copy_params_unknown", 20,
     [] {
       return Items{number(35), map({{0, array({number(6)})}})};
     },
     "unknown parameter 6"},
    {"copy_params_beyond", 20,
     [] {
       return Items{number(35), map({{1, array({number(1)})}})};
     },
     "with an index that no component has"},
    // Sequences.
    {"nested_as_deep_as_allowed", 7,
     [] {
       return Items{number(32), nested(7)};
     },
     nullptr},
    {"nested_too_deep", 7,
     [] {
       return Items{number(32), nested(8)};
     },
     "offset 201: command sequences nested too deep"},
    {"run_sequence_that_is_none", 20,
     [] {
       return Items{number(32), string(Bytes{0x01})};
     },
     "install: offset 199"},
    {"run_sequence_odd", 20,
     [] {
       return Items{number(32), commands({number(3)})};
     },
     "install: offset 199: a command sequence of 1 elements"},
    {"too_many_commands", 20,
     [] {
       Items all;
       for (int i = 0; i < 4096; ++i) append(all, plain(3));
       return all;
     },
     "condition-image-match (3) is one command too many"},
    {"try_one", 20, [] { return try_each({commands(plain(3))}); },
     "offset 196: directive-try-each (15) of fewer than two sequences"},
    {"try_one_or_none", 20,
     [] {
       return try_each({commands(plain(3)), Bytes{0xf6}});
     },
     "of fewer than two sequences"},
    {"try_none_first", 20,
     [] {
       return try_each({Bytes{0xf6}, commands(plain(3)), commands(plain(3))});
     },
     "directive-try-each (15): offset 198"},
    {"try_two", 20,
     [] {
       return try_each({commands(plain(3)), commands(plain(3))});
     },
     nullptr},
    {"try_two_or_none", 20,
     [] {
       return try_each({commands(plain(14)), commands(plain(14)), Bytes{0xf6}});
     },
     nullptr},
    {"try_what_all_fail", 20,
     [] {
       return try_each({commands(plain(14)), commands(plain(14))});
     },
     "every branch fails: install: offset 200: condition-abort (14) always fails"},
    {"try_an_unknown_one", 20,
     [] {
       return try_each({commands(plain(3)), commands(plain(200))});
     },
     "command (200) is unknown"},
    {"abort_in_a_run_sequence", 20,
     [] {
       return Items{number(32), commands(plain(14))};
     },
     "install: offset 200: condition-abort (14) always fails"},
    {"soft_failure_outside", 20,
     [] {
       return override_with({{13, yes()}});
     },
     "offset 196: directive-override-parameters (20) sets soft-failure (13) outside"},
    {"soft_failure_in_a_run_sequence", 20,
     [] {
       return Items{number(32), commands(joined(override_with({{13, yes()}}), plain(14)))};
     },
     nullptr},
    {"hard_failure_in_a_try_each", 20,
     [] {
       return try_each({commands(joined(override_with({{13, Bytes{0xf4}}}), plain(14))), commands(plain(3))});
     },
     "condition-abort (14) always fails"},
    {"unknown_in_shared", kShared, [] { return plain(200); }, "shared sequence: offset 164: command (200) is unknown"},
};

struct ParameterRule {
  const char* name;
  std::int64_t key;
  Bytes (*value)();
  const char* refusal;  ///< part of the message; null: accepted
};

inline constexpr ParameterRule kParameterRules[] = {
    {"unknown", 99, [] { return number(0); }, "directive-override-parameters (20): offset 160: unknown parameter 99"},
    {"custom", -257, [] { return number(0); }, "unknown parameter -257"},
    {"short_uuid", 1, [] { return string(Bytes(15)); }, "vendor-identifier (1): offset 84: an identifier of 15 bytes"},
    {"enterprise_number", 1, [] { return item([](cbor::Writer& w) { w.tag(112).bytes(Bytes(4)); }); },
     "offset 84: a tagged identifier, only UUIDs are"},
    {"digest_not_wrapped", 3, [] { return digest_of({}); }, "image-digest (3): offset 120: "},
    {"digest_sha384", 3, [] { return string(digest_of(as_bytes("image"), -43)); }, nullptr},
    {"digest_sha512", 3, [] { return string(digest_of(as_bytes("image"), -44)); }, nullptr},
    {"digest_sha256_64", 3,
     [] {
       return string(array({number(-15), string(Bytes(8))}));
     },
     "digest algorithm -15 is not allowed, only SHA-256 (-16), SHA-384 (-43)"},
    {"digest_shake128", 3,
     [] {
       return string(array({number(-18), string(Bytes(32))}));
     },
     "digest algorithm -18 is not allowed"},
    {"digest_sha512_short", 3,
     [] {
       return string(array({number(-44), string(Bytes(32))}));
     },
     "a SHA-512 digest of 32 bytes"},
    {"use_before", 4, [] { return text("2030"); }, "use-before (4): "},
    {"slot", 5, [] { return number(-1); }, "component-slot (5): "},
    {"strict_order", 12, [] { return yes(); }, nullptr},
    {"strict_order_number", 12, [] { return number(1); }, "strict-order (12): "},
    {"soft_failure", 13, [] { return yes(); }, "sets soft-failure (13) outside of try-each and run-sequence"},
    {"size_negative", 14, [] { return number(-1); }, "image-size (14): "},
    {"content", 18, [] { return string(Bytes(4096)); }, nullptr},
    {"content_long", 18, [] { return string(Bytes(4097)); }, "content (18): offset 164: 4097 bytes, at most 4096"},
    {"encryption_info", 19, [] { return string(encryption_info(3)); }, nullptr},
    {"encryption_info_empty", 19, [] { return string({}); },
     "encryption-info (19): no tagged COSE message: offset 162"},
    {"encryption_info_not_wrapped", 19, [] { return encryption_info(1); }, "encryption-info (19): "},
    {"encryption_info_with_more", 19, [] { return string(joined_bytes(encryption_info(1), {0x00})); },
     "encryption-info (19): offset 223: 1 bytes after the end"},
    {"encryption_info_attached", 19, [] { return string(encryption_info(1, string({}))); },
     "encryption-info (19): offset 161: an attached ciphertext"},
    {"encryption_info_for_many", 19, [] { return string(encryption_info(257)); }, "more than 256 recipients"},
    {"uri_empty", 21, [] { return text(""); }, "a URI of 0 bytes"},
    {"uri_long", 21, [] { return text(std::string(2049, 'a')); }, "a URI of 2049 bytes"},
    {"uri_with_newline", 21, [] { return text("https://a\r\nX: y"); }, "do not have"},
    {"uri_not_ascii", 21, [] { return text("https://\u00e9"); }, "do not have"},
    {"source_list", 22, [] { return array({number(1)}); }, "source-component (22): "},
    {"invoke_args", 23, [] { return string(Bytes(1024)); }, nullptr},
    {"invoke_args_long", 23, [] { return string(Bytes(1025)); },
     "invoke-args (23): offset 164: 1025 bytes, at most 1024"},
    {"fetch_arguments", 25, [] { return string(Bytes(1024)); }, nullptr},
    {"fetch_arguments_text", 25, [] { return text("x"); }, "fetch-arguments (25): "},
    {"battery", 26, [] { return number(-1); }, "minimum-battery (26): "},
    {"priority", 27, [] { return number(-100); }, nullptr},
    {"version", 28,
     [] {
       return string(version(1, {number(1), number(2), number(-1), number(3)}));
     },
     nullptr},
    {"version_not_wrapped", 28, [] { return version(1, {number(1)}); }, "version (28): "},
    {"version_comparison", 28, [] { return string(version(6, {number(1)})); },
     "version (28): offset 164: comparison 6"},
    {"version_comparison_zero", 28, [] { return string(version(0, {number(1)})); }, "comparison 0"},
    {"version_empty", 28, [] { return string(version(1, {})); }, "a version of 0 parts"},
    {"version_of_three", 28,
     [] {
       return string(array({number(1), array({number(1)}), number(1)}));
     },
     "a version condition is [comparison, version]"},
    {"wait_authorization", 29, [] { return wait_info(1, number(0)); }, nullptr},
    {"wait_power", 29, [] { return wait_info(2, number(1)); },
     "wait-info (29): offset 164: event power (2) is not supported"},
    {"wait_network", 29, [] { return wait_info(3, number(1)); }, "event network (3) is not supported"},
    {"wait_time_of_day", 29, [] { return wait_info(6, number(1)); }, "event time-of-day (6) is not supported"},
    {"wait_day_of_week", 29, [] { return wait_info(7, number(1)); }, "event day-of-week (7) is not supported"},
    {"wait_time_of_day_utc", 29, [] { return wait_info(8, number(1)); }, "event time-of-day-utc (8) is not supported"},
    {"wait_day_of_week_utc", 29, [] { return wait_info(9, number(1)); }, "event day-of-week-utc (9) is not supported"},
    {"wait_unknown", 29, [] { return wait_info(10, number(1)); }, "unknown event 10"},
    {"wait_nothing", 29, [] { return string(map({})); }, "no event to wait for"},
    {"wait_time", 29, [] { return wait_info(5, number(1893456000)); }, nullptr},
    {"wait_time_negative", 29, [] { return wait_info(5, number(-1)); }, "event time (5): "},
    {"wait_other", 29, [] { return wait_info(4, other_target(string(as_bytes("radio")), {version(2, {number(2)})})); },
     nullptr},
    {"wait_other_unnamed", 29, [] { return wait_info(4, other_target(string({}), {version(2, {number(2)})})); },
     "a target's name that is empty, long or not printable"},
    {"wait_other_unprintable", 29,
     [] {
       return wait_info(4, other_target(string(Bytes{'a', 0}), {version(2, {number(2)})}));
     },
     "a target's name that is empty"},
    {"wait_other_any_version", 29, [] { return wait_info(4, other_target(string(as_bytes("radio")), {})); },
     "0 version conditions"},
    {"wait_other_many_versions", 29,
     [] { return wait_info(4, other_target(string(as_bytes("radio")), Items(17, version(2, {number(2)})))); },
     "17 version conditions"},
    {"metadata", 30,
     [] {
       return string(map({{5, number(2)}, {8, number(1000)}}));
     },
     nullptr},
    {"metadata_no_map", 30, [] { return string(number(1)); }, "component-metadata (30): offset 163: no map"},
    {"metadata_broken", 30,
     [] {
       return string(Bytes{0xa1, 0x01});
     },
     "component-metadata (30): "},
};

}  // namespace hg::suit::draft
