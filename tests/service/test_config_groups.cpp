// SPDX-License-Identifier: Apache-2.0
// What the configuration says of groups: what is good is read, what is wrong is named with its place.
#include <gtest/gtest.h>

#include <fstream>

#include "app/config.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg::app {
namespace {

class GroupConfig : public testing::Test {
 protected:
  [[nodiscard]] Result<Config> read(const std::string& text) const {
    const auto file = directory_.path() / "headgate.toml";
    std::ofstream(file) << "[directories]\nprofiles = [\"" HEADGATE_SOURCE_DIR "/config/profiles\"]\n" << text;
    return read_config(file);
  }
  fakes::TemporaryDirectory directory_;
};

std::string child(const std::string& name, const std::string& more, const std::string& device_class = "boiler-v1") {
  return "[children." + name + "]\ntransport = \"serial\"\naddress = \"/dev/" + name +
         "\"\nvendor = \"vendor.example\"\nclass = \"" + device_class + "\"\n" + more;
}

std::string role(const std::string& name, const std::string& more = "") {
  return "[[layouts.heater.roles]]\nname = \"" + name + "\"\nvendor = \"vendor.example\"\nclass = \"boiler-v1\"\n" +
         more;
}

std::string member(const std::string& name, const std::string& of_role, const std::string& group = "left") {
  return child(name, "group = \"" + group + "\"\nrole = \"" + of_role + "\"\n");
}

const std::string kPlugin = "[plugins.serial]\nuid = 1000\n";
const std::string kGroup = "[groups.left]\nlayout = \"heater\"\n";

TEST_F(GroupConfig, IsReadAsLayoutsAndWholeGroups) {
  const Result<Config> config =
      read(kPlugin + role("burner", "order = 1\n") + role("pump", "count = 2\n") + kGroup + member("b", "burner") +
           member("p1", "pump") + member("p2", "pump") + child("alone", ""));
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->layouts.size(), 1U);
  const core::Enrollment& any = config->children.front();
  EXPECT_EQ(
      config->layouts.front(),
      (core::Layout{"heater",
                    {{"burner", any.vendor, any.device_class, 1, 1}, {"pump", any.vendor, any.device_class, 2, 0}}}));
  ASSERT_EQ(config->groups.size(), 1U);
  EXPECT_EQ(config->groups.front(),
            (core::Group{"left", "heater", {{"burner", "b"}, {"pump", "p1"}, {"pump", "p2"}}, {}, true}));
}

TEST_F(GroupConfig, MayHaveALayoutThatNobodyUsesYet) {
  const Result<Config> config = read(role("burner"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->layouts.size(), 1U);
  EXPECT_TRUE(config->groups.empty());
}

const std::string kByUnit = "[layouts.heater]\nform_by = \"unit\"\n";

std::string role_of(const std::string& layout, const std::string& name, const std::string& device_class) {
  return "[[layouts." + layout + ".roles]]\nname = \"" + name + "\"\nvendor = \"vendor.example\"\nclass = \"" +
         device_class + "\"\n";
}

TEST_F(GroupConfig, ALayoutMayBeFormedByTheUnitThatChildrenReport) {
  const Result<Config> config = read(kByUnit + role("burner") + role_of("heater", "pump", "pump-v1"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->layouts.front().is_formed_by_unit);
  const Result<Config> other = read(role("burner") + role("pump"));
  ASSERT_TRUE(other) << "roles of one class are good where the configuration says who takes them";
  EXPECT_FALSE(other->layouts.front().is_formed_by_unit);
}

TEST_F(GroupConfig, ALayoutThatIsNotFormedByUnitMayHaveTheSameClasses) {
  const Result<Config> config = read(kByUnit + role("burner") + role_of("stove", "burner", "boiler-v1"));
  ASSERT_TRUE(config) << config.error().message;
}

TEST_F(GroupConfig, AProfileSaysHowLongATestLasts) {
  std::ofstream(directory_.path() / "short.toml") << "[patience]\ntest_window_ms = 45000\n";
  const auto profile = read_profile({HEADGATE_SOURCE_DIR "/config/profiles", directory_.path()}, "short");
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->patience.test_window, std::chrono::seconds{45});
  const auto usual = read_profile({HEADGATE_SOURCE_DIR "/config/profiles"}, "mcuboot-swap");
  ASSERT_TRUE(usual) << usual.error().message;
  EXPECT_EQ(usual->patience.test_window, Duration{0});
}

struct Wrong {
  const char* name;
  std::string text;
  const char* says;
};

class WrongGroups : public GroupConfig, public testing::WithParamInterface<Wrong> {};

TEST_P(WrongGroups, AreNamedWithTheirPlace) {
  const Result<Config> config = read(kPlugin + GetParam().text);
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find(GetParam().says), std::string::npos) << config.error().message;
  EXPECT_NE(config.error().message.find("headgate.toml:"), std::string::npos) << config.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongGroups,
    testing::Values(
        Wrong{"unknown_key_of_group", role("burner") + kGroup + "members = []\n" + member("b", "burner"),
              "headgate.toml:11:1: unknown key \"groups.left.members\""},
        Wrong{"unknown_key_of_role", role("burner", "colour = \"red\"\n"),
              "headgate.toml:9:1: unknown key \"layouts.heater.roles[0].colour\""},
        Wrong{"unknown_key_of_layout", "[layouts.heater]\nsize = 1\n" + role("burner"),
              "headgate.toml:6:1: unknown key \"layouts.heater.size\""},
        Wrong{"unknown_layout", role("burner") + "[groups.left]\nlayout = \"stove\"\n",
              "headgate.toml:10:10: groups.left.layout: there is no [layouts.stove]"},
        Wrong{"no_layout", role("burner") + "[groups.left]\n", "groups.left.layout: must name a layout"},
        Wrong{"unknown_role", role("burner") + kGroup + member("b", "pump"),
              "headgate.toml:17:8: children.b.role: layout heater has no role pump"},
        Wrong{"unknown_group", role("burner") + kGroup + member("b", "burner") + member("c", "burner", "right"),
              "children.c.group: there is no [groups.right]"},
        Wrong{"group_without_role", role("burner") + kGroup + child("b", "group = \"left\"\n"),
              "headgate.toml:16:9: children.b.group: a member of a group needs a role as well"},
        Wrong{"role_without_group", role("burner") + kGroup + child("b", "role = \"burner\"\n"),
              "children.b.role: a role is one in a group"},
        Wrong{"too_few", role("burner", "count = 2\n") + kGroup + member("b", "burner"),
              "headgate.toml:11:10: groups.left.layout: wants 2 in role burner, 1 of the children are"},
        Wrong{"too_many", role("burner") + kGroup + member("b", "burner") + member("c", "burner"),
              "groups.left.layout: wants 1 in role burner, 2 of the children are"},
        Wrong{"nobody", role("burner") + kGroup, "groups.left.layout: wants 1 in role burner, 0"},
        Wrong{"other_class", role("burner") + kGroup + child("b", "group = \"left\"\nrole = \"burner\"\n", "pump-v1"),
              "children.b.role: is for children of another vendor or class"},
        Wrong{"bad_group_name", role("burner") + "[groups.\"le ft\"]\nlayout = \"heater\"\n",
              "a group's name has 1 to 64 of"},
        Wrong{"bad_layout_name", "[[layouts.\"he/ater\".roles]]\nname = \"a\"\nvendor = \"v\"\nclass = \"c\"\n",
              "a layout's name has 1 to 64 of"},
        Wrong{"bad_role_name", role("bur ner"), "layouts.heater.roles[0].name: a role's name has 1 to 64 of"},
        Wrong{"role_without_class", "[[layouts.heater.roles]]\nname = \"a\"\nvendor = \"v\"\n",
              "layouts.heater.roles[0].class: must be"},
        Wrong{"same_role_twice", role("burner") + role("burner"), "another role of this layout has it already"},
        Wrong{"form_by_what", "[layouts.heater]\nform_by = \"address\"\n" + role("burner"),
              "headgate.toml:6:11: layouts.heater.form_by: must be \"unit\""},
        Wrong{"form_by_no_text", "[layouts.heater]\nform_by = true\n" + role("burner"), "headgate.toml:6:11: "},
        Wrong{"unit_cannot_tell_roles_apart", kByUnit + role("burner") + role("pump"),
              "headgate.toml:14:9: layouts.heater.roles[1].class: role burner of this layout has the same vendor and "
              "class: children that are formed by unit could not be told apart"},
        Wrong{
            "unit_cannot_tell_layouts_apart",
            kByUnit + role("burner") + "[layouts.stove]\nform_by = \"unit\"\n" + role_of("stove", "flame", "boiler-v1"),
            "headgate.toml:16:9: layouts.stove.roles[0].class: role burner of layout heater has the same vendor"},
        Wrong{"no_roles", "[layouts.heater]\nroles = []\n", "must be a list of roles for 1 to 64 children"},
        Wrong{"count_of_none", role("burner", "count = 0\n"), "must be a whole number from 1 to 64"},
        Wrong{"too_large", role("burner", "count = 60\n") + role("pump", "count = 5\n"),
              "must be a list of roles for 1 to 64 children"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace hg::app
