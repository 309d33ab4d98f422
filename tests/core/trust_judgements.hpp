// SPDX-License-Identifier: Apache-2.0
// Who may say what as tables: each row changes one thing of a good case.
#pragma once

#include "core/trust_rules.hpp"

namespace hg::trust::draft {

// ------------------------------------------------------------------------------------------ releases

/// Anna, an author, releases acme/boiler today.
struct Release {
  Root root = good_root();
  Names signers = {"anna"};
  std::string product = "acme/boiler";
  Names components = {"app", "radio"};
  TrustedTime now = kToday;
};

inline void ask_two(Release& r) {
  r.root.products = {{"acme/", 2, 0}};
}
inline void ask_one_offline(Release& r) {
  r.root.keys[3].offline = true;
  r.root.products = {{"acme/", 2, 1}};
}

inline constexpr Rule<Release> kReleaseRules[] = {
    {"by_an_author", [](Release&) {}, nullptr},
    {"by_nobody", [](Release& r) { r.signers = {}; }, "0 of 1 author keys"},
    {"by_a_stranger", [](Release& r) { r.signers = {"emil"}; }, "0 of 1 author keys: key emil is not in the root"},
    {"by_an_author_and_a_stranger",
     [](Release& r) {
       r.signers = {"emil", "anna"};
     },
     nullptr},

    {"key_outside_its_role", [](Release& r) { r.signers = {"hugo"}; },
     "0 of 1 author keys: key hugo is for head, not for author"},
    {"key_outside_its_roles",
     [](Release& r) {
       r.root.keys[5].roles = {Role::head, Role::gateway};
       r.signers = {"hugo"};
     },
     "key hugo is for head and gateway, not for author"},

    {"prefix_fits", [](Release& r) { r.root.keys[2].prefixes = {"acme/"}; }, nullptr},
    {"second_prefix_fits",
     [](Release& r) {
       r.root.keys[2].prefixes = {"other/", "acme/"};
     },
     nullptr},
    {"whole_word_fits", [](Release& r) { r.root.keys[2].prefixes = {"acme"}; }, nullptr},
    {"whole_product_fits", [](Release& r) { r.root.keys[2].prefixes = {"acme/boiler"}; }, nullptr},
    {"key_outside_its_prefix",
     [](Release& r) {
       r.root.keys[2].prefixes = {"other/", "third/"};
     },
     "key anna may sign other/, third/, not acme/boiler"},
    {"half_a_word_does_not_fit", [](Release& r) { r.root.keys[2].prefixes = {"acme/boil"}; }, "may sign acme/boil"},
    {"half_a_name_does_not_fit",
     [](Release& r) {
       r.root.keys[2].prefixes = {"acme"};
       r.product = "acmeevil";
     },
     "key anna may sign acme, not acmeevil"},
    {"what_is_below_is_not_the_name",
     [](Release& r) {
       r.root.keys[2].prefixes = {"acme/"};
       r.product = "acme";
     },
     "key anna may sign acme/, not acme"},
    {"case_counts", [](Release& r) { r.root.keys[2].prefixes = {"ACME/"}; }, "may sign ACME/"},
    {"all_components_fit",
     [](Release& r) {
       r.root.keys[2].prefixes = {"app", "radio"};
     },
     nullptr},
    {"one_component_does_not_fit", [](Release& r) { r.root.keys[2].prefixes = {"app"}; }, "may sign app, not acme"},
    {"no_components_do_not_fit",
     [](Release& r) {
       r.root.keys[2].prefixes = {"app"};
       r.components = {};
     },
     "may sign app, not acme"},
    {"joined_product_fits_by_each_name",
     [](Release& r) {
       r.root.keys[2].prefixes = {"app", "radio"};
       r.product = "app+radio";
       r.components = {};
     },
     nullptr},
    {"joined_product_does_not_fit_by_one_name",
     [](Release& r) {
       r.root.keys[2].prefixes = {"app"};
       r.product = "app+radio";
     },
     "may sign app, not app+radio"},

    {"before_its_validity", [](Release& r) { r.root.keys[2].not_before = day(11); },
     "key anna is valid from 2024-10-15T00:00:00Z"},
    {"after_its_validity", [](Release& r) { r.root.keys[2].not_after = day(9); },
     "key anna is valid until 2024-10-13T00:00:00Z"},
    {"first_moment", [](Release& r) { r.root.keys[2].not_before = day(10); }, nullptr},
    {"last_moment", [](Release& r) { r.root.keys[2].not_after = day(10); }, nullptr},
    {"clock_in_1970",
     [](Release& r) {
       r.root.keys[2].not_after = day(11);
       r.now = kClockIn1970;
     },
     "the time is not known (clock before the build or the last head): validity of key anna cannot be judged"},
    {"clock_in_1970_and_a_key_for_ever", [](Release& r) { r.now = kClockIn1970; }, nullptr},

    {"one_of_two", ask_two, "1 of 2 author keys"},
    {"two_of_two",
     [](Release& r) {
       ask_two(r);
       r.signers = {"bert", "anna"};
     },
     nullptr},
    {"two_signatures_by_one_key",
     [](Release& r) {
       ask_two(r);
       r.signers = {"anna", "anna"};
     },
     "1 of 2 author keys: two signatures by one key (anna)"},
    {"one_and_a_head_key",
     [](Release& r) {
       ask_two(r);
       r.signers = {"anna", "hugo"};
     },
     "1 of 2 author keys: key hugo is for head"},
    {"nobody_offline",
     [](Release& r) {
       ask_one_offline(r);
       r.root.keys.push_back(key("cleo", {Role::author}));
       r.signers = {"anna", "cleo"};
     },
     "0 of 1 offline author keys"},
    {"one_offline",
     [](Release& r) {
       ask_one_offline(r);
       r.signers = {"anna", "bert"};
     },
     nullptr},
    {"role_asks_for_two", [](Release& r) { r.root.thresholds[1] = 2; }, "1 of 2 author keys"},
    {"rule_asks_for_less_than_the_role",
     [](Release& r) {
       r.root.thresholds[1] = 2;
       r.root.products = {{"acme/", 1, 0}};
     },
     nullptr},
    {"longest_prefix_decides",
     [](Release& r) {
       r.root.products = {{"acme", 1, 0}, {"acme/boiler", 2, 0}, {"acme/", 1, 0}};
     },
     "1 of 2 author keys"},
    {"another_products_rule",
     [](Release& r) {
       r.root.products = {{"acme/boi", 2, 0}};
     },
     nullptr},
    {"strictest_rule_of_a_joined_product",
     [](Release& r) {
       r.root.products = {{"radio", 1, 0}, {"app", 2, 0}};
       r.product = "app+radio";
     },
     "1 of 2 author keys"},
};

// ------------------------------------------------------------------------------------------ records

/// Good statements, by the keys of their roles, as a gateway meets them today.
struct Case {
  Root root = good_root();
  Names signers;  ///< empty: who should
  Head head = good_head();
  std::optional<Head> last = good_head();
  Permit permit = good_permit();
  Grant grant = good_grant();
  Digest gateway = kGateway;
  TrustedTime now = kToday;
  RecordKind said{};  ///< what the record says that it is; set by the test
};

inline constexpr Rule<Case> kHeadRules[] = {
    {"same_again", [](Case&) {}, nullptr},
    {"first_of_all", [](Case& c) { c.last.reset(); }, nullptr},
    {"next", [](Case& c) { c.head.version = 6; }, nullptr},
    {"older_than_the_last_seen", [](Case& c) { c.head.version = 4; },
     "head: channel stable: version 4 is older than 5, which was seen"},
    {"another_of_the_same_version", [](Case& c) { c.head.entries.pop_back(); }, "another version 5 was seen"},
    {"issued_earlier",
     [](Case& c) {
       c.head.version = 6;
       c.head.issued = day(8);
     },
     "issued 2024-10-12T00:00:00Z, before the one that was seen"},
    {"last_is_of_another_channel",
     [](Case& c) {
       c.last->channel = "beta";
       c.last->version = 9;
     },
     nullptr},
    {"expired", [](Case& c) { c.now = on(day(100)); }, nullptr},
    {"clock_in_1970", [](Case& c) { c.now = kClockIn1970; }, nullptr},
    {"by_an_author", [](Case& c) { c.signers = {"anna"}; }, "0 of 1 head keys: key anna is for author, not for head"},
    {"by_a_stranger", [](Case& c) { c.signers = {"emil"}; }, "no signature of any key of the root"},
    {"key_for_its_products",
     [](Case& c) {
       c.root.keys[5].prefixes = {"acme/", "other/"};
     },
     nullptr},
    {"key_for_one_of_its_products", [](Case& c) { c.root.keys[5].prefixes = {"acme/"}; },
     "key hugo may sign acme/, not other/pump"},
    {"key_that_takes_away_another_product",
     [](Case& c) {
       c.root.keys[5].prefixes = {"acme/"};
       c.head.version = 6;
       c.head.entries.pop_back();
     },
     "key hugo may sign acme/, not other/pump"},
    {"key_after_its_validity", [](Case& c) { c.root.keys[5].not_after = day(9); }, "key hugo is valid until"},
    {"two_signatures_by_one_key",
     [](Case& c) {
       c.root.keys.push_back(key("hans", {Role::head}));
       c.root.thresholds[3] = 2;
       c.signers = {"hugo", "hugo"};
     },
     "1 of 2 head keys: two signatures by one key (hugo)"},
    {"no_head_keys",
     [](Case& c) {
       c.root.keys.erase(c.root.keys.begin() + 5);
       c.signers = {"anna"};
     },
     "0 of 1 head keys"},
    {"permit_as_a_head", [](Case& c) { c.said = kPermit; }, "a permit, not a head"},
};

inline constexpr Rule<Case> kPermitRules[] = {
    {"by_an_author", [](Case&) {}, nullptr},
    {"by_a_key_that_is_no_author", [](Case& c) { c.signers = {"dora"}; },
     "permit: 0 of 1 author keys: key dora is for director, not for author"},
    {"by_a_stranger", [](Case& c) { c.signers = {"emil"}; }, "no signature of any key of the root"},
    {"by_an_author_of_another_product", [](Case& c) { c.root.keys[2].prefixes = {"other/"}; },
     "key anna may sign other/, not acme/boiler"},
    {"by_one_author_where_the_product_needs_two",
     [](Case& c) {
       c.root.products = {{"acme/", 2, 0}};
     },
     "1 of 2 author keys"},
    {"last_moment", [](Case& c) { c.permit.not_after = day(10); }, nullptr},
    {"expired", [](Case& c) { c.permit.not_after = day(9); }, "permit: it was valid until 2024-10-13T00:00:00Z"},
    {"clock_in_1970", [](Case& c) { c.now = kClockIn1970; },
     "permit: the time is not known (clock before the build or the last head): expiry cannot be judged"},
    {"grant_as_a_permit", [](Case& c) { c.said = kGrant; }, "a grant, not a permit"},
};

inline constexpr Rule<Case> kGrantRules[] = {
    {"by_a_director", [](Case&) {}, nullptr},
    {"by_an_author", [](Case& c) { c.signers = {"anna"}; }, "key anna is for author, not for director"},
    {"by_one_director_of_two",
     [](Case& c) {
       c.root.keys.push_back(key("dirk", {Role::director}));
       c.root.thresholds[2] = 2;
     },
     "grant: 1 of 2 director keys"},
    {"for_another_gateway", [](Case& c) { c.gateway = kImage; }, "grant: it is for the gateway with the key 2222"},
    {"expired", [](Case& c) { c.grant.not_after = day(9); }, "grant: it was valid until"},
    {"clock_in_1970", [](Case& c) { c.now = kClockIn1970; }, "grant: the time is not known"},
    {"head_as_a_grant", [](Case& c) { c.said = kHead; }, "a head, not a grant"},
};

// ------------------------------------------------------------------------------------------ rotation

/// Root 3 and the next one, which has a new root key in place of rolf's; three sign it.
struct Rotation {
  Root present = good_root();
  Root next = following_root();
  Names signers = {"rita", "rolf", "ruth"};
  TrustedTime now = kToday;

  static Root following_root() {
    Root root = good_root();
    root.version = 4;
    root.keys[1] = key("ruth", {Role::root});
    return root;
  }
};

inline constexpr Rule<Rotation> kRotationRules[] = {
    {"both_thresholds", [](Rotation&) {}, nullptr},
    {"new_threshold_only",
     [](Rotation& r) {
       r.signers = {"rita", "ruth"};
     },
     "root: signed by the new threshold only: present root: 1 of 2 root keys"},
    {"new_threshold_only_and_nobody_of_the_present",
     [](Rotation& r) {
       r.next.keys[0] = key("rosa", {Role::root});
       r.signers = {"rosa", "ruth"};
     },
     "signed by the new threshold only: present root: 0 of 2 root keys"},
    {"present_threshold_only",
     [](Rotation& r) {
       r.signers = {"rita", "rolf"};
     },
     "root: signed by the present threshold only: new root: 1 of 2 root keys"},
    {"neither", [](Rotation& r) { r.signers = {"rita"}; }, "signed by neither threshold"},
    {"two_signatures_by_one_key",
     [](Rotation& r) {
       r.signers = {"rita", "rita", "ruth"};
     },
     "present root: 1 of 2 root keys: two signatures by one key (rita)"},
    {"author_of_the_present_root",
     [](Rotation& r) {
       r.signers = {"rita", "anna", "ruth"};
     },
     "present root: 1 of 2 root keys: key anna is for author, not for root"},
    {"author_who_calls_itself_root",
     [](Rotation& r) {
       r.next.keys[2].roles = {Role::root};
       r.signers = {"rita", "anna", "ruth"};
     },
     "signed by the new threshold only"},
    {"new_key_under_an_old_name",
     [](Rotation& r) {
       r.next.keys[1].name = "rolf";
       r.signers = {"rita", "ruth"};
     },
     "signed by the new threshold only: present root: 1 of 2 root keys"},
    {"new_key_under_an_old_name_by_both_thresholds",
     [](Rotation& r) {
       r.next.keys[1].name = "rolf";
       r.signers = {"rita", "rolf", "ruth"};
     },
     "root: the name rolf is another key's in the present root"},
    {"same_version", [](Rotation& r) { r.next.version = 3; }, "root: version 3 is not after 3"},
    {"older_version", [](Rotation& r) { r.next.version = 2; }, "root: version 2 is not after 3"},
    {"root_in_force", [](Rotation& r) { r.next = r.present; }, "root: version 3 is in force"},
    {"lower_threshold_by_the_higher_one",
     [](Rotation& r) {
       r.next.thresholds[0] = 1;
       r.signers = {"rita", "rolf"};
     },
     nullptr},
    {"lower_threshold_by_the_lower_one",
     [](Rotation& r) {
       r.next.thresholds[0] = 1;
       r.signers = {"rita"};
     },
     "signed by the new threshold only"},
    {"key_after_its_validity", [](Rotation& r) { r.present.keys[1].not_after = day(9); },
     "present root: 1 of 2 root keys: key rolf is valid until"},
    {"new_key_before_its_validity", [](Rotation& r) { r.next.keys[1].not_before = day(11); },
     "signed by the present threshold only: new root: 1 of 2 root keys: key ruth is valid from"},
    {"clock_in_1970",
     [](Rotation& r) {
       r.present.keys[1].not_after = day(9);
       r.now = kClockIn1970;
     },
     nullptr},
};

}  // namespace hg::trust::draft
