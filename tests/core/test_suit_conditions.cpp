// SPDX-License-Identifier: Apache-2.0
// That no condition of an author is lost on the way from a component to an image: of stages on the way, of components
// that nothing is brought to, and of images that must be there before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/suit_command_rules.hpp"
#include "suit/profile.hpp"

namespace hg::suit {
namespace {

using namespace draft;  // NOLINT(google-build-using-namespace): its words are the test's
using testing::ElementsAre;
using testing::HasSubstr;

Items all_of(const std::vector<Items>& parts) {
  Items all;
  for (const Items& part : parts) append(all, part);
  return all;
}

Items select(std::int64_t index) {
  return {number(12), number(index)};
}
Items fetch() {
  return with({{21, text("https://fw.example/a")}}, 21);
}
Items from(std::int64_t source, int directive) {
  return with({{22, number(source)}}, directive);
}
Items image_match(ByteView content, int condition = 3) {
  return with({{3, string(digest_of(content))}}, condition);
}

/// Components 0 "app", 1 "one", 2 "two", all for the same devices and of the same bytes.
Draft three(const std::vector<Items>& install) {
  Draft made;
  made.components = {array({string(as_bytes("app"))}), array({string(as_bytes("one"))}),
                     array({string(as_bytes("two"))})};
  made.common[4] =
      commands({number(12), yes(), number(20), map(made.parameters), number(1), kPolicy, number(2), kPolicy});
  made.install = all_of(install);
  return made;
}

Result<Manifest> open_draft(const Draft& made) {
  return open(made.bytes(), CredulousAnchors{});
}

Image only_image_of(const Draft& made) {
  const auto manifest = open_draft(made);
  EXPECT_TRUE(manifest) << manifest.error().message;
  EXPECT_TRUE(manifest && manifest->images.size() == 1);
  return manifest && manifest->images.size() == 1 ? manifest->images[0] : Image{};
}

const Items kAuthorize = with({{27, number(0)}}, 27);

TEST(SuitConditions, OfEveryStageOnTheWayHold) {
  for (const std::int64_t asking : {0, 1, 2}) {
    const Image image = only_image_of(
        three({select(1), fetch(), select(2), from(1, 22), select(0), from(2, 22), select(asking), kAuthorize}));
    EXPECT_EQ(image.component.text(), "app");
    EXPECT_TRUE(image.conditions.needs_authorization) << asking;
  }
}

TEST(SuitConditions, HoldWhicheverOfTwoASwapNames) {
  for (const bool is_source : {true, false}) {
    const Items swapped = is_source ? all_of({select(1), from(0, 31)}) : all_of({select(0), from(1, 31)});
    const Image image = only_image_of(three({select(0), fetch(), kAuthorize, swapped}));
    EXPECT_EQ(image.component.text(), "one");
    EXPECT_TRUE(image.conditions.needs_authorization) << is_source;
  }
}

TEST(SuitConditions, ManySwapsMakeNoLongWay) {
  std::vector<Items> install = {select(0), fetch(), from(1, 31)};
  for (int i = 0; i < 1000; ++i) install.push_back(from(1, 31));
  EXPECT_EQ(only_image_of(three(install)).component.text(), "one");
}

TEST(SuitConditions, AStageIsForNobodyElse) {
  for (const std::int64_t id : {1, 2, 24}) {
    Draft made = three({select(1), fetch(), select(0), from(1, 22)});
    Entries others = made.parameters;
    others[24] = string(kUuid);
    Entries mine = others;
    mine[id] = string(kOtherUuid);
    const Items asked = {number(1), kPolicy, number(2), kPolicy, number(24), kPolicy};
    made.common[4] =
        commands(all_of({select(0), {number(20), map(mine)}, asked, select(1), {number(20), map(others)}, asked}));
    const auto refused = open_draft(made);
    ASSERT_FALSE(refused) << id;
    EXPECT_THAT(refused.error().message, HasSubstr("component app: condition-"));
    EXPECT_THAT(refused.error().message, HasSubstr("(" + std::to_string(id) + ") of a component contradicts"));
  }
}

TEST(SuitConditions, ASlotOfTheStageIsKept) {
  const Items alternatives = try_each({commands(all_of({with({{5, number(1)}}, 5), fetch()})), commands(plain(3))});
  EXPECT_EQ(only_image_of(three({select(1), alternatives, select(0), from(1, 22)})).slot, 1U);
}

TEST(SuitConditions, OfAComponentThatNothingIsBroughtToHoldForAll) {
  Items asking = with({{4, number(1000)}}, 4);
  append(asking, with({{24, string(kUuid)}}, 24));
  append(asking, with({{26, number(9)}}, 26));
  append(asking, kAuthorize);
  append(asking, with({{5, number(1)}}, 5));
  append(asking, with({{28, string(version(2, {number(1), number(2)}))}}, 28));
  const Image image = only_image_of(three({select(1), asking, select(0), fetch()}));
  EXPECT_EQ(image.conditions.use_before, 1000U);
  EXPECT_EQ(image.conditions.minimum_battery_mwh, 9U);
  EXPECT_TRUE(image.conditions.needs_authorization);
  EXPECT_EQ(image.slot, 1U);
  EXPECT_TRUE(image.device_id);
  EXPECT_THAT(image.conditions.versions, testing::IsEmpty());
  EXPECT_THAT(image.conditions.after, ElementsAre(TargetVersion{"one", {{VersionOp::greater_equal, {1, 2}}}}));
}

TEST(SuitConditions, OfATargetAreItsOwn) {
  const auto manifest = open_draft(three({select(0), kAuthorize, fetch(), select(1), fetch()}));
  ASSERT_TRUE(manifest) << manifest.error().message;
  ASSERT_EQ(manifest->images.size(), 2U);
  EXPECT_TRUE(manifest->images[0].conditions.needs_authorization);
  EXPECT_FALSE(manifest->images[1].conditions.needs_authorization);
}

/// Whether a gateway may publish what these commands bring.
Result<void> judged(const std::vector<Items>& install) {
  const auto manifest = open_draft(three(install));
  return manifest ? check_deliverable(*manifest) : manifest.error();
}

TEST(SuitConditions, AnotherImageThatMustBeThereBeforeIsForDevices) {
  const char* const kRefusal = "is for devices that have a certain image before, which no gateway can ask";
  const Items new_image = image_match(as_bytes("image"));
  for (const int condition : {3, 25}) {
    const Items old = image_match(as_bytes("old"), condition);
    const Items one_before[] = {select(0), select(1)};  // the target itself, and a component that is left alone
    for (const Items& asked : one_before) {
      const auto refused =
          judged({asked, old, select(0), with({{3, string(digest_of(as_bytes("image")))}}, 3), fetch()});
      ASSERT_FALSE(refused) << condition;
      EXPECT_THAT(refused.error().message, HasSubstr(kRefusal));
    }
  }
  EXPECT_TRUE(judged({select(0), fetch(), new_image}));
}

TEST(SuitConditions, WhetherTheImageIsThereAlreadyIsNoCondition) {
  const Items skip_or_fetch = try_each({commands(plain(3)), commands(all_of({plain(25), fetch()}))});
  const auto accepted = judged({select(0), skip_or_fetch, plain(3)});
  EXPECT_TRUE(accepted) << accepted.error().message;
}

}  // namespace
}  // namespace hg::suit
