// SPDX-License-Identifier: Apache-2.0
// The rules of trust as tables: how something good is spoilt, and what the refusal says.
#pragma once

#include "core/trust_draft.hpp"

namespace hg::trust::draft {

template <class T>
struct Rule {
  const char* name;
  void (*spoil)(T&);
  const char* refusal;  ///< part of the message; null: accepted
};

// ------------------------------------------------------------------------------------------ what a root may say

inline constexpr Rule<Root> kRootRules[] = {
    {"untouched", [](Root&) {}, nullptr},
    {"name_twice", [](Root& r) { r.keys[1].name = "rita"; }, "key rita twice"},
    {"one_key_under_two_names", [](Root& r) { r.keys[1].cose_key = public_key("rita"); },
     "key rolf is the same key as rita"},
    {"one_key_in_two_encodings",
     [](Root& r) {
       r.keys[1].cose_key = item([](cbor::Writer& w) {
         Bytes x{'r', 'i', 't', 'a'};
         x.resize(32);
         w.map(4).uint(1).uint(1).uint(2).bytes(Bytes{'k'}).integer(-1).uint(6).integer(-2).bytes(x);
       });
     },
     "key rolf is the same key as rita"},
    {"private_key",
     [](Root& r) {
       r.keys[1].cose_key = item([](cbor::Writer& w) {
         w.map(4).uint(1).uint(1).integer(-1).uint(6).integer(-2).bytes(Bytes(32)).integer(-4).bytes(Bytes(32));
       });
     },
     "a private key where a public one must be"},
    {"key_that_is_none", [](Root& r) { r.keys[1].cose_key = {0x01}; }, "keys: 1: public key: COSE_Key: offset"},
    {"key_with_more_behind", [](Root& r) { r.keys[1].cose_key.push_back(0); }, "1 bytes after the end"},
    {"huge_key", [](Root& r) { r.keys[1].cose_key.resize(600); }, "600 bytes"},
    {"no_name", [](Root& r) { r.keys[1].name = ""; }, "name: offset"},
    {"long_name", [](Root& r) { r.keys[1].name = std::string(257, 'a'); }, "a text of 257 bytes"},
    {"name_that_is_not_shown", [](Root& r) { r.keys[1].name = "rolf\n"; }, "not printable ASCII"},
    {"no_roles", [](Root& r) { r.keys[2].roles = {}; }, "roles: offset"},
    {"role_twice",
     [](Root& r) {
       r.keys[2].roles = {Role::author, Role::author};
     },
     "key anna has a role twice"},
    {"two_roles",
     [](Root& r) {
       r.keys[2].roles = {Role::author, Role::head};
     },
     nullptr},
    {"prefix_twice",
     [](Root& r) {
       r.keys[2].prefixes = {"a/", "a/"};
     },
     "key anna has a prefix twice"},
    {"empty_prefix", [](Root& r) { r.keys[2].prefixes = {""}; }, "prefixes: 0: offset"},
    {"prefix_that_never_fits", [](Root& r) { r.keys[2].prefixes = {"/acme"}; }, "prefix /acme can never fit"},
    {"prefix_over_a_join", [](Root& r) { r.keys[2].prefixes = {"a+b"}; }, "prefix a+b can never fit"},
    {"prefix_of_a_director", [](Root& r) { r.keys[4].prefixes = {"acme/"}; }, "key dora has prefixes"},
    {"prefix_of_a_root_key", [](Root& r) { r.keys[0].prefixes = {"acme/"}; }, "key rita has prefixes"},
    {"too_many_prefixes",
     [](Root& r) {
       for (int i = 0; i < 65; ++i) r.keys[2].prefixes.push_back("p" + std::to_string(i));
     },
     "65 items, at most 64"},
    {"too_many_keys",
     [](Root& r) {
       for (int i = 0; i < 250; ++i) r.keys.push_back(key("k" + std::to_string(i), {Role::author}));
     },
     "257 items, at most 256"},
    {"validity",
     [](Root& r) {
       r.keys[2].not_before = day(1);
       r.keys[2].not_after = day(1);
       r.keys[2].offline = true;
     },
     nullptr},
    {"validity_ends_before_it_begins",
     [](Root& r) {
       r.keys[2].not_before = day(2);
       r.keys[2].not_after = day(1);
     },
     "key anna is valid until 2024-10-05T00:00:00Z, before it begins"},
    {"too_few_root_keys", [](Root& r) { r.thresholds[0] = 3; }, "a threshold of 3 root keys, and there are 2"},
    {"no_root_keys", [](Root& r) { r.keys.erase(r.keys.begin(), r.keys.begin() + 2); }, "and there are 0"},
    {"too_few_authors", [](Root& r) { r.thresholds[1] = 3; }, "a threshold of 3 author keys, and there are 2"},
    {"no_directors",
     [](Root& r) {
       r.keys.erase(r.keys.begin() + 4);
       r.thresholds[2] = 3;
     },
     nullptr},
    {"threshold_of_none", [](Root& r) { r.thresholds[3] = 0; }, "thresholds: 3: offset"},
    {"product_rule",
     [](Root& r) {
       r.products = {{"acme/", 2, 0}};
     },
     nullptr},
    {"two_rules_for_one_prefix",
     [](Root& r) {
       r.products = {{"acme/", 2, 0}, {"acme/", 1, 0}};
     },
     "two rules for one prefix"},
    {"rule_for_no_author",
     [](Root& r) {
       r.products = {{"acme/", 0, 0}};
     },
     "threshold: offset"},
    {"rule_for_too_many",
     [](Root& r) {
       r.products = {{"acme/", 3, 0}};
     },
     "for acme/ asks for too many authors"},
    {"rule_for_nobody_offline",
     [](Root& r) {
       r.products = {{"acme/", 2, 1}};
     },
     "too many offline authors"},
    {"rule_for_more_offline_than_all",
     [](Root& r) {
       r.keys[2].offline = r.keys[3].offline = true;
       r.products = {{"acme/", 1, 2}};
     },
     "more offline authors than authors"},
};

// --------------------------------------------------------------------------------------- malformed payloads

/// Rules of one kind of record, told by the fields of its good payload.
struct FieldRule {
  const char* name;
  RecordKind kind;
  void (*spoil)(Fields&);
  const char* refusal;
};

inline constexpr auto kRoot = RecordKind::root;
inline constexpr auto kHead = RecordKind::head;
inline constexpr auto kPermit = RecordKind::permit;
inline constexpr auto kGrant = RecordKind::grant;
inline constexpr auto kEnrollment = RecordKind::enrollment;

inline Bytes spoilt_key(std::uint64_t field, const Bytes& value) {
  Fields fields = {{1, text("k")}, {2, string(public_key("k"))}, {3, array({number(0)})}};
  fields[field] = value;
  return array({map(fields)});
}
inline Bytes spoilt_entry(std::uint64_t field, const Bytes& value) {
  Fields fields = {{1, text("acme/boiler")}, {2, number(7)}, {3, string(kManifest.bytes())}};
  fields[field] = value;
  return array({map(fields)});
}
inline Bytes too_late() {
  return number(253402300800);
}

inline constexpr FieldRule kFieldRules[] = {
    {"root_untouched", kRoot, [](Fields&) {}, nullptr},
    {"root_format_2", kRoot, [](Fields& f) { f[1] = number(2); }, "root: format version: offset 2: 2 is unknown"},
    {"root_no_format", kRoot, [](Fields& f) { f.erase(1); }, "no format version"},
    {"root_unknown_field", kRoot, [](Fields& f) { f[7] = number(1); }, "field 7 is unknown"},
    {"root_no_version", kRoot, [](Fields& f) { f.erase(2); }, "root: offset 0: no version"},
    {"root_version_text", kRoot, [](Fields& f) { f[2] = text("1"); }, "version: offset 4: text string where"},
    {"root_issued_too_late", kRoot, [](Fields& f) { f[3] = too_late(); }, "a time beyond the year 9999"},
    {"root_four_thresholds", kRoot, [](Fields& f) { f[4] = array(std::vector<Bytes>(4, number(1))); },
     "not one for each of the 5 roles"},
    {"root_six_thresholds", kRoot, [](Fields& f) { f[4] = array(std::vector<Bytes>(6, number(1))); }, "6 items"},
    {"root_huge_threshold", kRoot, [](Fields& f) { f[4] = array(std::vector<Bytes>(5, number(257))); }, "257 keys"},
    {"root_no_keys", kRoot, [](Fields& f) { f[5] = array({}); }, "keys: offset"},
    {"root_no_products", kRoot, [](Fields& f) { f[6] = array({}); }, "an empty list"},
    {"root_unknown_role", kRoot, [](Fields& f) { f[5] = spoilt_key(3, array({number(5)})); }, "role 5 is unknown"},
    {"root_unknown_key_field", kRoot, [](Fields& f) { f[5] = spoilt_key(8, number(0)); }, "field 8 is unknown"},
    {"root_no_prefixes", kRoot, [](Fields& f) { f[5] = spoilt_key(4, array({})); }, "an empty list"},
    {"root_offline_false", kRoot, [](Fields& f) { f[5] = spoilt_key(7, Bytes{0xf4}); }, "false, which is said by"},

    {"head_untouched", kHead, [](Fields&) {}, nullptr},
    {"head_empty", kHead, [](Fields& f) { f.erase(6); }, nullptr},
    {"head_format_2", kHead, [](Fields& f) { f[1] = number(2); }, "head: format version: offset 2: 2 is unknown"},
    {"head_unknown_field", kHead, [](Fields& f) { f[7] = number(1); }, "field 7 is unknown"},
    {"head_no_channel", kHead, [](Fields& f) { f.erase(2); }, "no channel"},
    {"head_empty_channel", kHead, [](Fields& f) { f[2] = text(""); }, "channel: offset 4: an empty text"},
    {"head_no_version", kHead, [](Fields& f) { f.erase(3); }, "no version"},
    {"head_no_issued", kHead, [](Fields& f) { f.erase(4); }, "no issued"},
    {"head_no_expiry", kHead, [](Fields& f) { f.erase(5); }, "no expires"},
    {"head_expires_before_it_is_issued", kHead, [](Fields& f) { f[5] = f[4]; }, "it expires before it is issued"},
    {"head_product_twice", kHead,
     [](Fields& f) {
       const Bytes one = map({{1, text("p")}, {2, number(7)}, {3, string(kManifest.bytes())}});
       f[6] = array({one, one});
     },
     "product p twice"},
    {"head_below_its_minimum", kHead, [](Fields& f) { f[6] = spoilt_entry(4, number(8)); }, "below its own minimum"},
    {"head_at_its_minimum", kHead, [](Fields& f) { f[6] = spoilt_entry(4, number(7)); }, nullptr},
    {"head_minimum_zero", kHead, [](Fields& f) { f[6] = spoilt_entry(4, number(0)); }, "0, which is said by"},
    {"head_short_digest", kHead, [](Fields& f) { f[6] = spoilt_entry(3, string(Bytes(31))); }, "31 bytes, not 32"},
    {"head_too_many_entries", kHead, [](Fields& f) { f[6] = array(std::vector<Bytes>(1025, number(0))); },
     "1025 items, at most 1024"},

    {"permit_untouched", kPermit, [](Fields&) {}, nullptr},
    {"permit_for_a_class", kPermit,
     [](Fields& f) {
       f.erase(7);
       f[8] = string(Bytes(16));
     },
     nullptr},
    {"permit_format_2", kPermit, [](Fields& f) { f[1] = number(2); }, "permit: format version: offset 2: 2 is"},
    {"permit_unknown_field", kPermit, [](Fields& f) { f[9] = number(1); }, "field 9 is unknown"},
    {"permit_short_id", kPermit, [](Fields& f) { f[2] = string(Bytes(15)); }, "15 bytes, not 16"},
    {"permit_no_product", kPermit, [](Fields& f) { f.erase(3); }, "no product"},
    {"permit_no_expiry", kPermit, [](Fields& f) { f.erase(6); }, "no not after"},
    {"permit_for_nobody", kPermit, [](Fields& f) { f.erase(7); }, "not for exactly one of a child and a class"},
    {"permit_for_both", kPermit, [](Fields& f) { f[8] = string(Bytes(16)); }, "not for exactly one"},
    {"permit_for_half_a_class", kPermit, [](Fields& f) { f[8] = string(Bytes(8)); }, "class: offset"},
    {"permit_forwards", kPermit, [](Fields& f) { f[5] = number(10); }, "from 9 to 10 is no way back"},
    {"permit_nowhere", kPermit, [](Fields& f) { f[5] = number(9); }, "from 9 to 9 is no way back"},

    {"grant_untouched", kGrant, [](Fields&) {}, nullptr},
    {"grant_format_2", kGrant, [](Fields& f) { f[1] = number(2); }, "grant: format version: offset 2: 2 is unknown"},
    {"grant_unknown_field", kGrant, [](Fields& f) { f[6] = number(1); }, "field 6 is unknown"},
    {"grant_short_image", kGrant, [](Fields& f) { f[2] = string(Bytes(20)); }, "image: offset 4: 20 bytes"},
    {"grant_no_gateway", kGrant, [](Fields& f) { f.erase(3); }, "no gateway"},
    {"grant_no_expiry", kGrant, [](Fields& f) { f.erase(5); }, "no not after"},
    {"grant_key_not_wrapped", kGrant, [](Fields& f) { f[4] = encrypted_key(); }, "encrypted key: offset"},
    {"grant_key_in_the_open", kGrant, [](Fields& f) { f[4] = string(Bytes(16)); }, "encrypted key: "},
    {"grant_for_two", kGrant, [](Fields& f) { f[4] = string(encrypted_key(2)); }, "2 recipients, not the one gateway"},
    {"grant_for_none", kGrant, [](Fields& f) { f[4] = string(encrypted_key(0)); }, "encrypted key: "},
    {"grant_with_a_ciphertext", kGrant, [](Fields& f) { f[4] = string(encrypted_key(1, string(Bytes(16)))); },
     "a ciphertext, which must be detached"},
    {"grant_huge_key", kGrant, [](Fields& f) { f[4] = string(Bytes(1025)); }, "1025 bytes"},
    {"grant_key_with_more_behind", kGrant,
     [](Fields& f) {
       Bytes key = encrypted_key();
       key.push_back(0);
       f[4] = string(key);
     },
     "1 bytes after the end"},
};

}  // namespace hg::trust::draft
