// SPDX-License-Identifier: Apache-2.0
// What becomes of manifests that branch, copy and depend: which images they may bring to which targets, on which
// conditions; and what it costs to refuse those that were made to cost much.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "core/suit_command_rules.hpp"
#include "suit/profile.hpp"

namespace hg::suit {
namespace {

using namespace draft;  // NOLINT(google-build-using-namespace): its words are the test's
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<Manifest> open_draft(const Draft& made, std::span<const ByteView> dependencies = {}) {
  return open(made.bytes(), CredulousAnchors{}, dependencies);
}

/// The images of a manifest that must be good.
std::vector<Image> images_of(const Draft& made) {
  auto manifest = open_draft(made);
  EXPECT_TRUE(manifest) << manifest.error().message;
  return manifest ? manifest->images : std::vector<Image>{};
}

std::vector<std::string> uris_of(const std::vector<Image>& images) {
  std::vector<std::string> uris;
  for (const Image& image : images) uris.push_back(image.uri);
  return uris;
}

const Bytes kSkip = {0xf6};  // the last of a try-each: do nothing

Items fetch_from(std::string_view uri) {
  return with({{21, text(uri)}}, 21);
}
Items select(std::int64_t index) {
  return {number(12), number(index)};
}
Items set_slot(int slot) {
  return with({{5, number(slot)}}, 5);
}
Bytes sequence(const std::vector<Items>& parts) {
  Items all;
  for (const Items& part : parts) append(all, part);
  return commands(all);
}

/// The good draft with another install section.
Draft installing(const Items& install) {
  Draft made;
  made.install = install;
  return made;
}

// --------------------------------------------------------------------------------------------------------- try-each

TEST(SuitBranches, EachAlternativeBringsItsImage) {
  const auto images = images_of(installing(
      try_each({sequence({set_slot(0), fetch_from("a")}), sequence({set_slot(1), fetch_from("b")}), kSkip})));
  EXPECT_THAT(uris_of(images), ElementsAre("a", "b"));
  EXPECT_EQ(images[0].slot, 0U);
  EXPECT_EQ(images[1].slot, 1U);
}

TEST(SuitBranches, FactsOfOneSectionRuleOutAlternativesOfAnother) {
  Draft made;
  made.after_parameters = try_each({sequence({set_slot(0)}), sequence({set_slot(1)})});
  append(made.after_parameters, {number(1), kPolicy, number(2), kPolicy});
  made.manifest[16] =
      commands(try_each({sequence({set_slot(0), fetch_from("a")}), sequence({set_slot(1), fetch_from("b")}),
                         sequence({set_slot(2), fetch_from("c")})}));
  made.install = {number(3), kPolicy};
  EXPECT_THAT(uris_of(images_of(made)), ElementsAre("a", "b"));
}

TEST(SuitBranches, ClassesMayBranch) {
  Draft made;
  made.after_parameters = {number(1), kPolicy};
  append(made.after_parameters,
         try_each({sequence({with({{2, string(kUuid)}}, 2)}), sequence({with({{2, string(kOtherUuid)}}, 2)})}));
  const auto images = images_of(made);
  ASSERT_EQ(images.size(), 2U);
  EXPECT_TRUE(std::ranges::equal(*images[0].class_id, kUuid));
  EXPECT_TRUE(std::ranges::equal(*images[1].class_id, kOtherUuid));
}

TEST(SuitBranches, EqualCoursesAreOne) {
  Items same;  // 3^5 ways to the same end
  for (int i = 0; i < 5; ++i) append(same, try_each({commands(plain(3)), commands(plain(3)), kSkip}));
  Draft made = installing(joined(same, fetch_from("a")));
  made.manifest[7] = commands(same);
  EXPECT_EQ(images_of(made).size(), 1U);
}

TEST(SuitBranches, SixtyFourBranchesAreFollowedAndNotOneMore) {
  const auto install = [](int count) {
    Items alternatives;
    for (int i = 0; i < count; ++i) alternatives.push_back(sequence({set_slot(i), fetch_from("a")}));
    return try_each(alternatives);
  };
  EXPECT_EQ(images_of(installing(install(64))).size(), 64U);
  EXPECT_THAT(open_draft(installing(install(65))).error().message, HasSubstr("more than 64 branches"));
}

TEST(SuitBranches, AnAlternativeOfAnAlternativeDiesAlone) {
  const Bytes inner = commands(try_each({sequence({set_slot(0), fetch_from("a")}), sequence({set_slot(1), plain(14)}),
                                         sequence({set_slot(2), fetch_from("c")})}));
  const auto images = images_of(installing(try_each({inner, sequence({set_slot(3), fetch_from("d")})})));
  EXPECT_THAT(uris_of(images), ElementsAre("a", "c", "d"));
}

TEST(SuitBranches, AContradictionAfterATryEachIsOfTheManifest) {
  Items install = try_each({commands(set_slot(0)), commands(set_slot(1))});
  append(install, set_slot(0));
  EXPECT_THAT(open_draft(installing(install)).error().message, HasSubstr("condition-component-slot (5) contradicts"));
}

TEST(SuitBranches, ASoftRunSequenceMayStop) {
  const Bytes fetch_softly = sequence({override_with({{13, yes()}}), set_slot(1), fetch_from("a")});
  Draft made = installing({number(32), fetch_softly});
  append(made.install, set_slot(0));  // contradicts only where the sequence was run to its end
  EXPECT_THAT(open_draft(made).error().message, HasSubstr("contradicts"));
  made.install = {number(32), fetch_softly};
  made.manifest[7] = commands(try_each({commands(set_slot(0)), commands(set_slot(1))}));
  EXPECT_THAT(uris_of(images_of(made)), ElementsAre("a"));
}

TEST(SuitBranches, DeliveryConditionsAreCollectedFromWhatAnUpdateRuns) {
  Draft made;
  made.parameters[4] = number(2000);
  made.parameters[26] = number(50);
  made.parameters[27] = number(-5);
  made.parameters[28] = string(version(2, {number(1), number(2)}));
  append(made.after_parameters, joined(plain(4), joined(plain(26), plain(28))));
  append(made.install, with({{4, number(1000)}}, 4));
  append(made.install, with({{26, number(20)}}, 26));
  append(made.install, with({{28, string(version(5, {number(3)}))}}, 28));
  append(made.install, with({{29, wait_info(5, number(77))}}, 29));
  append(made.install,
         with({{29, wait_info(4, other_target(string(as_bytes("radio")), {version(3, {number(2)})}))}}, 29));
  made.manifest[9] = commands(joined(with({{4, number(1)}}, 4), plain(27)));  // of each boot
  const auto manifest = open_draft(made);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->priority, -5);
  const Conditions& found = manifest->images.at(0).conditions;
  EXPECT_EQ(found.use_before, 1000U);
  EXPECT_EQ(found.minimum_battery_mwh, 50U);
  EXPECT_EQ(found.not_before, 77U);
  EXPECT_FALSE(found.needs_authorization);
  EXPECT_THAT(found.versions, ElementsAre(VersionCondition{VersionOp::greater_equal, {1, 2}},
                                          VersionCondition{VersionOp::lesser, {3}}));
  EXPECT_THAT(found.after, ElementsAre(TargetVersion{"radio", {{VersionOp::equal, {2}}}}));
}

TEST(SuitBranches, AuthorizationIsAskedForByConditionOrByWaiting) {
  EXPECT_FALSE(images_of(Draft{}).at(0).conditions.needs_authorization);
  for (const Items& asking : {with({{27, number(0)}}, 27), with({{29, wait_info(1, number(0))}}, 29)}) {
    Draft made;
    append(made.install, asking);
    EXPECT_TRUE(images_of(made).at(0).conditions.needs_authorization);
  }
}

// ------------------------------------------------------------------------------------------- several components

/// Components 0 "app", 1 "stage", 2 "radio"; all but the stage with vendor, class, digest and size.
Draft three(const Items& install) {
  Draft made;
  made.components = {array({string(as_bytes("app"))}), array({string(as_bytes("stage"))}),
                     array({string(as_bytes("radio"))})};
  made.common[4] = sequence({{number(12), array({number(0), number(2)}), number(20), map(made.parameters)},
                             {number(1), kPolicy, number(2), kPolicy}});
  made.install = install;
  return made;
}

Items copy_from(std::int64_t source, std::int64_t target, Entries more = {}) {
  more[22] = number(source);
  return joined(select(target), with(more, 22));
}

TEST(SuitBranches, AStageMayBeUsedTwice) {
  const auto images = images_of(three(joined(joined(joined(select(1), fetch_from("a")), copy_from(1, 0)),
                                             joined(joined(select(1), fetch_from("b")), copy_from(1, 2)))));
  ASSERT_THAT(uris_of(images), ElementsAre("a", "b"));
  EXPECT_EQ(images[0].component.text(), "app");
  EXPECT_EQ(images[1].component.text(), "radio");
  EXPECT_TRUE(images[1].digest);  // said of the target
}

TEST(SuitBranches, ASwapBringsTheImageToTheOther) {
  const auto images =
      images_of(three(joined(joined(select(1), fetch_from("a")), joined(select(0), with({{22, number(1)}}, 31)))));
  ASSERT_EQ(images.size(), 1U);
  EXPECT_EQ(images[0].component.text(), "app");
}

TEST(SuitBranches, ACopyOfWhatWasThereBeforeBringsNothing) {
  EXPECT_THAT(images_of(three(copy_from(1, 0))), IsEmpty());
}

TEST(SuitBranches, ACopyThatDecryptsHasTwoDigests) {
  Draft made = three(joined(
      joined(select(1), with({{3, string(digest_of(as_bytes("cipher")))}, {14, number(6)}, {21, text("a")}}, 21)),
      copy_from(1, 0, {{19, string(encryption_info(2))}})));
  const auto manifest = open_draft(made);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_TRUE(check_deliverable(*manifest));
  const Image& image = manifest->images.at(0);
  EXPECT_EQ(image.component.text(), "app");
  EXPECT_EQ(image.digest, crypto::Sha256::of(as_bytes("cipher")));
  EXPECT_EQ(image.size, 6U);
  EXPECT_EQ(image.plaintext, crypto::Sha256::of(as_bytes("image")));
  EXPECT_EQ(image.encryption_info, encryption_info(2));
  append(made.install, copy_from(0, 2, {{19, string(encryption_info(2))}}));
  EXPECT_THAT(open_draft(made).error().message, HasSubstr("directive-copy (22) decrypts what was decrypted already"));
}

TEST(SuitBranches, ACopyMustFitItsTarget) {
  const Items fetch_six = joined(select(1), with({{14, number(6)}, {21, text("a")}}, 21));
  EXPECT_THAT(open_draft(three(joined(fetch_six, copy_from(1, 0)))).error().message, HasSubstr("of another size"));
  const Items fetch_other = joined(select(1), with({{3, string(digest_of({}))}, {21, text("a")}}, 21));
  EXPECT_THAT(open_draft(three(joined(fetch_other, copy_from(1, 0)))).error().message, HasSubstr("of another image"));
}

TEST(SuitBranches, AStageGivesWhatItsTargetDoesNotSay) {
  Draft made = three(joined(joined(select(1), fetch_from("a")), copy_from(1, 0)));
  made.common[4] =
      sequence({{number(12), number(1), number(20), map(made.parameters)}, {number(1), kPolicy, number(2), kPolicy}});
  append(made.install, joined(select(1), with({{26, number(9)}}, 26)));
  const auto images = images_of(made);
  ASSERT_EQ(images.size(), 1U);
  EXPECT_EQ(images[0].component.text(), "app");
  EXPECT_TRUE(images[0].vendor_id);
  EXPECT_EQ(images[0].conditions.minimum_battery_mwh, 9U);
}

TEST(SuitBranches, ATryEachRunsForEachSelectedComponent) {
  const Items both = {number(12), array({number(0), number(2)})};
  Draft made = three(
      joined(both, try_each({sequence({set_slot(0), fetch_from("a")}), sequence({set_slot(1), fetch_from("b")})})));
  const auto images = images_of(made);
  EXPECT_EQ(images.size(), 4U);  // each of two components from each of two slots
}

TEST(SuitBranches, ParametersAreCopiedFromOneToAnother) {
  Items install = {number(34), map({{0, map({{26, number(7)}, {21, text("a")}})}, {2, map({{21, text("b")}})}})};
  append(install, {number(35), map({{0, array({number(26)})}})});
  append(install, joined(plain(26), plain(21)));  // the last index stays
  const auto images = images_of(three(install));
  ASSERT_THAT(uris_of(images), ElementsAre("b"));
  EXPECT_EQ(images[0].conditions.minimum_battery_mwh, 7U);
}

// ------------------------------------------------------------------------------------------------------ dependencies

/// An envelope that brings "radio", and one that depends on it under index 1.
Draft of_radio() {
  Draft made;
  made.components = {array({string(as_bytes("radio"))})};
  made.manifest[5] = array({string(as_bytes("radio.suit"))});
  return made;
}

Entries wanted(const Draft& dependency, std::string_view uri) {
  return {{3, string(digest_of(dependency.manifest_bytes()))},
          {14, number(static_cast<std::int64_t>(dependency.bytes().size()))},
          {21, text(uri)}};
}

Draft depending_on(const Draft& dependency, std::string_view uri) {
  Draft made;
  made.common[1] = map({{1, map({{1, array({string(as_bytes("radio.suit"))})}})}});
  made.common[4] = sequence({select(0), {number(20), map(made.parameters)}, {number(1), kPolicy, number(2), kPolicy}});
  made.manifest[15] = sequence({select(1), with(wanted(dependency, uri), 21), plain(3)});
  made.install = joined(joined(select(1), plain(11)), joined(select(0), fetch_from("https://fw.example/a")));
  return made;
}

TEST(SuitBranches, AnIntegratedDependencysImagesComeAfter) {
  Draft inner = of_radio();
  inner.payloads = {{"#radio", {'i', 'm', 'a', 'g', 'e'}}};
  inner.install[1] = map({{21, text("#radio")}});
  Draft made = depending_on(inner, "#radio.suit");
  made.payloads = {{"#radio.suit", inner.bytes()}};
  const auto manifest = open_draft(made);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_TRUE(check_deliverable(*manifest));
  ASSERT_EQ(manifest->images.size(), 2U);
  EXPECT_EQ(manifest->images[1].component.text(), "radio");
  const Range range = *manifest->images[1].integrated;
  const Bytes envelope = made.bytes();
  const ByteView there = ByteView(envelope).subspan(range.offset, range.size);
  EXPECT_EQ(std::string(there.begin(), there.end()), "image");
}

TEST(SuitBranches, ADependencyMustBeTheOneThatIsWanted) {
  Draft other = of_radio();
  other.manifest[2] = number(43);
  Draft made = depending_on(of_radio(), "#radio.suit");
  made.payloads = {{"#radio.suit", other.bytes()}};
  EXPECT_THAT(open_draft(made).error().message,
              HasSubstr("dependency radio.suit: the digest of its manifest is not the signed one"));
  made.payloads[0].second.push_back(0);
  EXPECT_THAT(open_draft(made).error().message, HasSubstr("bytes, "));
  made.payloads[0].second = of_radio().bytes();
  made.payloads[0].second.back() ^= 1;
  EXPECT_FALSE(open_draft(made));
}

TEST(SuitBranches, AMissingIntegratedDependencyIsNamed) {
  const auto manifest = open_draft(depending_on(of_radio(), "#radio.suit"));
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_THAT(missing_payloads(*manifest), ElementsAre("#radio.suit"));
  EXPECT_THAT(check_deliverable(*manifest).error().message, HasSubstr("dependency radio.suit is not here"));
}

TEST(SuitBranches, AGivenDependencyIsAuthenticatedToo) {
  Draft forged = of_radio();
  forged.blocks = {Draft::block("ko", {})};
  const Bytes bytes = forged.bytes();
  const std::vector<ByteView> given = {bytes};
  const auto refused = open_draft(depending_on(forged, "radio.suit"), given);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unauthenticated);
}

TEST(SuitBranches, DependenciesOfDependenciesAreRefused) {
  const Draft inner = depending_on(of_radio(), "radio.suit");
  const Bytes bytes = inner.bytes();
  const std::vector<ByteView> given = {bytes};
  const auto refused = open_draft(depending_on(inner, "inner.suit"), given);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("it has dependencies itself, only one level is followed"));
}

TEST(SuitBranches, ADependentSetsWhatItsDependencyOnlySuggests) {
  Draft inner = of_radio();
  inner.install[0] = number(19);
  Draft made = depending_on(inner, "#radio.suit");
  made.components.push_back(array({string(as_bytes("radio"))}));
  made.common[1] = map({{2, map({{1, array({string(as_bytes("radio.suit"))})}})}});
  made.manifest[15] = sequence({select(2), with(wanted(inner, "#radio.suit"), 21)});
  made.install = joined(joined(select(1), override_with({{21, text("https://mirror.example/radio")}})),
                        joined(select(2), plain(11)));
  made.payloads = {{"#radio.suit", inner.bytes()}};
  EXPECT_THAT(uris_of(images_of(made)), ElementsAre("https://mirror.example/radio"));
}

TEST(SuitBranches, ADependencyWithoutItsInstallIsNoticed) {
  Draft inner = of_radio();
  inner.manifest[20] = digest_of({});
  inner.manifest[9] = commands({number(23), kPolicy});
  Draft made = depending_on(inner, "#radio.suit");
  made.payloads = {{"#radio.suit", inner.bytes()}};
  const auto manifest = open_draft(made);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_THAT(manifest->absent_sections, ElementsAre("dependency radio.suit: install"));
  EXPECT_FALSE(check_deliverable(*manifest));
}

TEST(SuitBranches, ADependencysFaultIsNamedAsItsOwn) {
  Draft inner = of_radio();
  append(inner.install, plain(200));
  Draft made = depending_on(inner, "#radio.suit");
  made.payloads = {{"#radio.suit", inner.bytes()}};
  EXPECT_THAT(open_draft(made).error().message, HasSubstr("dependency radio.suit: install: offset "));
}

TEST(SuitBranches, WhatIsNotForADependencyIsRefused) {
  Draft made = depending_on(of_radio(), "radio.suit");
  append(made.install, joined(select(1), with({{28, string(version(1, {number(1)}))}}, 28)));
  EXPECT_THAT(open_draft(made).error().message, HasSubstr("condition-version (28) of a dependency"));
}

// -------------------------------------------------------------------------------------------------------------
// versions

TEST(SuitVersions, CompareForTheLengthOfTheCondition) {
  struct Row {
    VersionOp op;
    Version wanted;
    Version current;
    bool holds;
  };
  const Row rows[] = {
      {VersionOp::equal, {1}, {1, 9, 3}, true},
      {VersionOp::greater, {1, 2}, {1, 2, 5}, false},
      {VersionOp::lesser, {1, 10}, {1, 10, 7}, false},
      {VersionOp::lesser_equal, {1, 2}, {1, 2, 9}, true},
      {VersionOp::lesser, {1, 2, 0}, {1, 2, -1, 3}, true},
      {VersionOp::greater_equal, {1, 2, -1, 3}, {1, 2}, true},
      {VersionOp::greater, {1, 2, -1}, {1, 2, -2, 9}, false},
      {VersionOp::equal, {1, 0}, {1}, true},
      {VersionOp::greater_equal, {0}, {}, true},
      {VersionOp::greater, {1, 2, 3}, {1, 3}, true},
  };
  for (const Row& row : rows) {
    const VersionCondition condition{row.op, row.wanted};
    EXPECT_EQ(holds(condition, row.current), row.holds) << condition_text(condition) << " of " << to_text(row.current);
  }
}

// -------------------------------------------------------------------------------------------------------------- costs

/// With sanitizers and on a slow machine, still far below what an unbounded search would take.
constexpr std::chrono::seconds kSoon{5};

void expect_refused_soon(const Draft& made, const char* refusal) {
  const Bytes envelope = made.bytes();
  const CredulousAnchors ring;
  const auto start = std::chrono::steady_clock::now();
  const auto refused = open(envelope, ring);
  EXPECT_LT(std::chrono::steady_clock::now() - start, kSoon);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(refusal));
}

TEST(SuitCosts, TryEachesThatDoubleTwelveTimes) {
  Items in_a_row;
  for (int i = 0; i < 12; ++i) {
    const Items alternatives = {commands(with({{28, string(version(3, {number(2 * i)}))}}, 28)),
                                commands(with({{28, string(version(3, {number(2 * i + 1)}))}}, 28))};
    append(in_a_row, try_each(alternatives));
  }
  expect_refused_soon(installing(in_a_row), "more than 64 branches");
  expect_refused_soon(installing(try_each({commands(in_a_row), commands(in_a_row)})), "more than 64 branches");
  Bytes nest = commands(set_slot(0));
  for (int level = 0; level < 6; ++level) {
    const Bytes other = commands(with({{28, string(version(3, {number(level)}))}}, 28));
    nest = commands(joined(try_each({nest, other}), try_each({nest, other})));
  }
  expect_refused_soon(installing({number(32), nest}), "more than 64 branches");
}

TEST(SuitCosts, TryEachesThatDieManyTimes) {
  Items alternatives(63, commands(joined(set_slot(1), plain(14))));
  alternatives.push_back(commands(plain(3)));
  Items install;
  for (int i = 0; i < 64; ++i) append(install, try_each(alternatives));
  expect_refused_soon(installing(install), "one command too many");
}

TEST(SuitCosts, RunSequencesThatMultiply) {
  Draft made = three({number(12), number(0), number(3), kPolicy});
  made.common[4] = commands({number(12), yes(), number(20), map(made.parameters)});
  Bytes multiplied = commands(plain(3));
  for (int level = 1; level < 8; ++level) {
    Items doubling;
    for (int i = 0; i < 8; ++i) append(doubling, {number(12), yes(), number(32), multiplied});
    multiplied = level < 3 ? commands(doubling) : commands({number(12), yes(), number(32), multiplied});
  }
  made.manifest[7] = multiplied;
  expect_refused_soon(made, "one command too many");
}

TEST(SuitCosts, ALargeParameterMapIsReadOnce) {
  Draft made;
  made.components.clear();
  for (int i = 0; i < 64; ++i) {
    made.components.push_back(array({string(Bytes{1, static_cast<std::uint8_t>(i)})}));
  }
  Entries large = made.parameters;
  large[19] = string(encryption_info(256));
  Bytes nest = commands({number(20), map(large), number(3), kPolicy});
  for (int level = 0; level < 3; ++level) nest = commands({number(12), yes(), number(32), nest});
  made.common[4] = commands({number(12), yes(), number(20), map(made.parameters)});
  made.install = {number(12), yes(), number(32), nest};
  expect_refused_soon(made, "one command too many");
}

TEST(SuitCosts, CopiesOfAllParametersOfAllComponentsToAll) {
  Draft made;
  made.components.clear();
  Entries from_all;
  for (int i = 0; i < 64; ++i) {
    made.components.push_back(array({string(Bytes{1, static_cast<std::uint8_t>(i)})}));
    from_all[i] = array({number(1), number(2), number(3), number(14)});
  }
  made.common[4] = commands({number(12), yes(), number(20), map(made.parameters)});
  Items copies = {number(12), yes()};
  for (int i = 0; i < 10; ++i) append(copies, {number(35), map(from_all)});
  made.install = {number(12), yes(), number(32), commands(copies)};
  expect_refused_soon(made, "directive-copy-params (35) is one command too many");
}

TEST(SuitCosts, ManyCopiesOfAManyRecipientsImageAreTooMany) {
  Draft made;
  made.components.clear();
  for (int i = 0; i < 60; ++i) {
    made.components.push_back(array({string(Bytes{1, static_cast<std::uint8_t>(i)})}));
  }
  made.common[4] = commands({number(12), yes(), number(20), map(made.parameters)});
  Items alternatives;
  for (int i = 0; i < 6; ++i) alternatives.push_back(sequence({{number(12), yes()}, set_slot(i)}));
  made.install = joined({number(12), number(0)}, try_each(alternatives));
  append(made.install, joined({number(12), yes()}, with({{18, string({})}, {19, string(encryption_info(256))}}, 18)));
  expect_refused_soon(made, "more than 256 images");
}

TEST(SuitCosts, AKilobyteThatClaimsTheWorld) {
  const Bytes claims[] = {from_hex("9b7fffffffffffffff").value(), from_hex("bb7fffffffffffffff").value(),
                          from_hex("5b7fffffffffffffff").value()};
  for (const Bytes& claim : claims) {
    const Bytes bomb = joined_bytes(claim, Bytes(1024, 0x00));
    Draft in_sequence;
    in_sequence.manifest[16] = string(bomb);
    expect_refused_soon(in_sequence, "payload-fetch: offset ");
    Draft in_common;
    in_common.manifest[3] = string(bomb);
    expect_refused_soon(in_common, "common: offset ");
    Draft in_info;
    in_info.parameters[19] = string(joined_bytes({0xd8, 0x60}, bomb));
    expect_refused_soon(in_info, "encryption-info (19)");
    Draft in_wait;
    in_wait.parameters[29] = string(bomb);
    expect_refused_soon(in_wait, "wait-info (29)");
  }
}

/// Counts what is hashed.
class CountingRing : public CredulousAnchors {
 public:
  [[nodiscard]] Result<Digest> digest(std::int64_t algorithm, ByteView bytes) const override {
    hashed += bytes.size();
    return CredulousAnchors::digest(algorithm, bytes);
  }
  mutable std::size_t hashed = 0;
};

TEST(SuitCosts, ALargePayloadIsHashedOnceForAllBranches) {
  constexpr std::size_t kSize = std::size_t{64} << 20U;
  const Bytes payload(kSize, 7);
  Draft made;
  made.parameters[3] = string(digest_of(payload));
  made.parameters[14] = number(static_cast<std::int64_t>(kSize));
  made.install = try_each({sequence({set_slot(0), fetch_from("#app")}), sequence({set_slot(1), fetch_from("#app")}),
                           sequence({set_slot(2), fetch_from("#app")})});
  made.payloads = {{"#app", payload}};
  const Bytes envelope = made.bytes();
  const CountingRing ring;
  const auto manifest = open(envelope, ring);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->images.size(), 3U);
  EXPECT_LT(ring.hashed, kSize + 4096);
}

}  // namespace
}  // namespace hg::suit
