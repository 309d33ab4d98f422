// SPDX-License-Identifier: Apache-2.0
// The configuration: what is good is read, what is wrong is named with file, line and column.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/config.hpp"

namespace hg::app {
namespace {

class ConfigFile : public testing::Test {
 protected:
  ConfigFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "headgate-config-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(directory_ / "profiles");
    write("profiles/fast.toml", "[patience]\nswap_ms = 500\n[serial]\nbaud = 921600\n");
  }
  ~ConfigFile() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
  }

  [[nodiscard]] Result<Config> read(const std::string& text) const {
    write("headgate.toml", "[directories]\nprofiles = [\"" HEADGATE_SOURCE_DIR "/config/profiles\", \"" +
                               (directory_ / "profiles").string() + "\"]\n" + text);
    return read_config(directory_ / "headgate.toml");
  }

  std::filesystem::path directory_;
};

constexpr const char* kBoiler = R"([plugins.serial]
uid = 1000
[children.boiler]
transport = "serial"
address = "/dev/ttyACM0"
profile = "fast"
vendor = "vendor.example"
class = "boiler-v1"
link = "internal"
)";

TEST_F(ConfigFile, IsReadWithItsProfiles) {
  const Result<Config> config = read(kBoiler);
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->children.size(), 1U);
  const core::Enrollment& child = config->children.front();
  EXPECT_EQ(child.id, "boiler");
  EXPECT_EQ(child.patience.swap, Duration{500});
  EXPECT_EQ(child.link, core::LinkProtection::internal);
  EXPECT_EQ(child.targets, (std::vector<core::Target>{{"app", 0}}));
  EXPECT_EQ(child.restore, core::RestorePolicy::after_revert);
  EXPECT_EQ(std::get<std::int64_t>(config->profiles.at("fast").at("serial").at("baud")), 921600);
  EXPECT_EQ(config->plugins.front().uid, 1000U);
}

TEST_F(ConfigFile, AChildMayHaveSeveralTargets) {
  const Result<Config> config =
      read(std::string(kBoiler) + "targets = [{ name = \"app\", image = 0 }, { name = \"radio\", image = 1 }]\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->children.front().targets, (std::vector<core::Target>{{"app", 0}, {"radio", 1}}));

  const Result<Config> single = read(std::string(kBoiler) + "target = \"radio\"\nimage = 3\n");
  ASSERT_TRUE(single) << single.error().message;
  EXPECT_EQ(single->children.front().targets, (std::vector<core::Target>{{"radio", 3}}));
}

TEST_F(ConfigFile, TheProfileSaysWhenABackupIsWrittenBack) {
  write("profiles/fast.toml", "[backup]\nrestore = \"never\"\n[udp]\nsmp_version = 1\n");
  const Result<Config> config = read(kBoiler);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->children.front().restore, core::RestorePolicy::never);
  EXPECT_EQ(std::get<std::int64_t>(config->profiles.at("fast").at("udp").at("smp_version")), 1);
}

TEST_F(ConfigFile, MakesIdsAsSuitDoes) {
  // draft-ietf-suit-manifest §8.4.8.2; uuid.uuid5(uuid.NAMESPACE_DNS, "vendor.example") and uuid5 of that, "boiler-v1".
  const Result<Config> config = read(kBoiler);
  ASSERT_TRUE(config);
  EXPECT_EQ(to_hex(config->children.front().vendor), "bcc169656f3a53389d83d8b565c63bc7");
  EXPECT_EQ(to_hex(config->children.front().device_class), "7e9610a77c9c55faad2ff6d324c83fb7");
}

TEST_F(ConfigFile, TrustHasDefaults) {
  const Result<Config> config = read("");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->trust.root, "");
  EXPECT_EQ(config->trust.anchors, "/etc/headgate/anchors");
  EXPECT_FALSE(config->trust.require_head);
  EXPECT_TRUE(config->trust.hold_when_expired);
  EXPECT_EQ(config->urgency.emergency, -100);
  EXPECT_EQ(config->urgency.major, 0);
  EXPECT_EQ(config->keys.gateway_credential, "");
}

TEST_F(ConfigFile, TrustIsRead) {
  const Result<Config> config = read(
      "[trust]\nroot = \"/etc/headgate/root.hgr\"\nrequire_head = true\nwhen_expired = \"go-on\"\n"
      "[urgency]\nemergency = -7\nmajor = 3\n[keys]\ngateway_credential = \"gateway\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->trust.root, "/etc/headgate/root.hgr");
  EXPECT_TRUE(config->trust.require_head);
  EXPECT_FALSE(config->trust.hold_when_expired);
  EXPECT_EQ(config->urgency.emergency, -7);
  EXPECT_EQ(config->urgency.major, 3);
  EXPECT_EQ(config->keys.gateway_credential, "gateway");
}

TEST_F(ConfigFile, DropInsAreMergedKeyByKeyInTheOrderOfTheirNames) {
  write("headgate.toml.d/20.toml", "[cache]\nlimit_mib = 20\n");
  write("headgate.toml.d/10.toml", "[cache]\nlimit_mib = 10\n[fetch]\nattempts = 3\n");
  const Result<Config> config = read("[fetch]\nminimum_bytes_per_second = 7\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->cache_limit_bytes, 20ULL << 20);
  EXPECT_EQ(config->fetch_attempts, 3U);
  EXPECT_EQ(config->minimum_bytes_per_second, 7U);
}

TEST_F(ConfigFile, AGatewaysKeyMayBeInATpm) {
  const Result<Config> config =
      read("[keys]\ngateway_key = \"handle:0x81000001\"\nopenssl_provider = \"tpm2\"\nshared_credential = \"kek\"\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->keys.has_own());
  EXPECT_EQ(config->keys.gateway_key, "handle:0x81000001");
  EXPECT_EQ(config->keys.openssl_provider, "tpm2");
  EXPECT_EQ(config->keys.shared_credential, "kek");
}

TEST_F(ConfigFile, KeysThatContradictEachOtherAreNamed) {
  const std::pair<const char*, const char*> rows[] = {
      {"gateway_credential = \"a\"\ngateway_key = \"b\"\n", "keys.gateway_key: excludes gateway_credential"},
      {"gateway_credential = \"a\"\nopenssl_provider = \"tpm2\"\n", "keys.openssl_provider: is for gateway_key"},
      {"shared_credential = \"a\"\n", "keys.shared_credential: needs gateway_key or gateway_credential"},
  };
  for (const auto& [text, says] : rows) {
    const Result<Config> config = read(std::string("[keys]\n") + text);
    ASSERT_FALSE(config) << text;
    EXPECT_NE(config.error().message.find(says), std::string::npos) << config.error().message;
  }
}

struct Wrong {
  const char* name;
  const char* text;
  const char* says;
};

class WrongTargets : public ConfigFile, public testing::WithParamInterface<Wrong> {};

TEST_P(WrongTargets, AreNamedWithTheirPlace) {
  const Result<Config> config = read(std::string(kBoiler) + GetParam().text);
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find(GetParam().says), std::string::npos) << config.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongTargets,
    testing::Values(Wrong{"both_forms", "image = 0\ntargets = [{ name = \"app\", image = 0 }]\n",
                          "headgate.toml:12:9: children.boiler.image: stands in the list targets already"},
                    Wrong{"same_image", "targets = [{ name = \"app\", image = 0 }, { name = \"radio\", image = 0 }]\n",
                          "headgate.toml:12:67: children.boiler.targets[1].image: another target has it already"},
                    Wrong{"same_name", "targets = [{ name = \"app\", image = 0 }, { name = \"app\", image = 1 }]\n",
                          "children.boiler.targets[1].name: another target"},
                    Wrong{"no_targets", "targets = []\n", "must be a list of 1 to 16 tables"},
                    Wrong{"targets_of_text", "targets = [\"app\"]\n",
                          "children.boiler.targets: must be a list of tables"},
                    Wrong{"unknown_key_of_target", "targets = [{ name = \"app\", image = 0, slot = 1 }]\n",
                          "headgate.toml:12:39: unknown key \"children.boiler.targets[0].slot\""},
                    Wrong{"target_without_image", "targets = [{ name = \"app\" }, { name = \"radio\", image = 1 }]\n",
                          "children.boiler.targets[0].image: must be said of each"},
                    Wrong{"image_out_of_range", "targets = [{ name = \"app\", image = 16 }]\n", "from 0 to 15"}),
    [](const auto& row) { return std::string(row.param.name); });

class WrongConfig : public ConfigFile, public testing::WithParamInterface<Wrong> {};

TEST_P(WrongConfig, IsNamedWithItsPlace) {
  const Result<Config> config = read(GetParam().text);
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find(GetParam().says), std::string::npos) << config.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongConfig,
    testing::Values(
        Wrong{"unknown_key", "[cache]\nlimit_gib = 4\n", "headgate.toml:4:1: unknown key \"cache.limit_gib\""},
        Wrong{"unknown_table", "[cash]\nlimit_mib = 4\n", "headgate.toml:3:2: unknown key \"cash\""},
        Wrong{"syntax", "[cache\n", "headgate.toml:3:"},
        Wrong{"type", "[cache]\nlimit_mib = \"4\"\n", "headgate.toml:4:13: cache.limit_mib: must be a whole"},
        Wrong{"range", "[cache]\nlimit_mib = 0\n", "must be a whole number from 1"},
        Wrong{"broker_without_tls", "[cloud]\nbroker = \"mqtt://b\"\n", "headgate.toml:4:"},
        Wrong{"wildcard_topic", "[cloud]\ntopic = \"a/#\"\n", "without wildcards"},
        Wrong{"when_expired", "[trust]\nwhen_expired = \"ignore\"\n", "must be \"hold\" or \"go-on\""},
        Wrong{"urgencies_crossed", "[urgency]\nemergency = 5\nmajor = 3\n", "must not be below urgency.emergency"},
        Wrong{"no_such_user", "[plugins.serial]\nuser = \"no-such-user-here\"\n", "there is no user"},
        Wrong{"unbound_transport",
              "[children.b]\ntransport = \"ble\"\naddress = \"x\"\nvendor = \"v\"\nclass = \"c\"\n",
              "no [plugins.ble]"},
        Wrong{"no_vendor", "[plugins.serial]\nuid = 1\n[children.b]\ntransport = \"serial\"\naddress = \"x\"\n",
              "children.b.vendor"},
        Wrong{
            "two_at_one_address",
            "[plugins.serial]\nuid = 1\n[children.a]\ntransport = \"serial\"\naddress = \"x\"\n"
            "profile = \"fast\"\nvendor = \"v\"\nclass = \"c\"\n[children.b]\ntransport = \"serial\"\naddress = \"x\"\n"
            "profile = \"fast\"\nvendor = \"v\"\nclass = \"c\"\n",
            "another child stands there"},
        Wrong{"no_such_profile",
              "[plugins.serial]\nuid = 1\n[children.b]\ntransport = \"serial\"\naddress = \"x\"\n"
              "vendor = \"v\"\nclass = \"c\"\nprofile = \"slow\"\n",
              "there is no profile slow"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(ConfigFile, ADirectoryIsNoConfiguration) {
  EXPECT_FALSE(read_config(directory_));
}

TEST_F(ConfigFile, DropInsThatCannotBeListedAreNoEmptyDropIns) {
  write("headgate.toml.d", "a file, no directory");
  const Result<Config> config = read(kBoiler);
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("headgate.toml.d"), std::string::npos) << config.error().message;
}

TEST_F(ConfigFile, AnEmptyDropInIsGood) {
  write("headgate.toml.d/10.toml", "");
  EXPECT_TRUE(read(kBoiler));
}

TEST_F(ConfigFile, AProfileWithAnUnknownKeyIsNamedToo) {
  write("profiles/fast.toml", "[serial]\nspeed = 1\n");
  const Result<Config> config = read(kBoiler);
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("fast.toml:2:1: unknown key \"serial.speed\""), std::string::npos)
      << config.error().message;
}

TEST_F(ConfigFile, TheShippedOneIsGood) {
  std::filesystem::copy_file(std::string(HEADGATE_SOURCE_DIR) + "/config/headgate.toml", directory_ / "headgate.toml");
  write("headgate.toml.d/10.toml", "[plugins.serial]\nuid = 1\n");  // its user comes with the package
  const Result<Config> config = read_config(directory_ / "headgate.toml");
  EXPECT_TRUE(config) << config.error().message;
}

}  // namespace
}  // namespace hg::app
