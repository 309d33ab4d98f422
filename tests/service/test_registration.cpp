// SPDX-License-Identifier: Apache-2.0
// Children that the configuration does not name: the policies that take them, and what a registration comes to with its
// profile, or why it comes to nothing.
#include "app/registration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "adapters/crypto/uuid5.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg::app {
namespace {

using testing::HasSubstr;

const std::string kShipped = std::string(HEADGATE_SOURCE_DIR) + "/config/profiles";

class Registrations : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_.path() / name) << text;
  }
  [[nodiscard]] Result<Config> read(const std::string& text) const {
    write("headgate.toml", "[directories]\nprofiles = [\"" + kShipped + "\", \"" + directory_.path().string() +
                               "\"]\n[plugins.serial]\nuid = 1000\n" + text);
    return read_config(directory_.path() / "headgate.toml");
  }
  [[nodiscard]] std::string complaint(const std::string& text) const {
    const Result<Config> config = read(text);
    return config ? "nothing" : config.error().message;
  }
  [[nodiscard]] Result<core::Enrollment> completed(const core::Registration& registration) const {
    return complete(registration, {kShipped, directory_.path().string()}, {{"serial", 1000}});
  }

  fakes::TemporaryDirectory directory_;
};

const std::string kPolicy = R"([[enroll]]
name = "meters"
transport = "serial"
vendor = "vendor.example"
class = "meter-v1"
)";

core::Uuid vendor_of(const char* name) {
  return crypto::uuid_from(name, crypto::kDnsNamespace);
}

core::Discovered met(const char* device_class = "meter-v1") {
  core::Discovered stranger;
  stranger.id = "meter-7";
  stranger.transport = "serial";
  stranger.address = "/dev/ttyACM7";
  stranger.vendor = vendor_of("vendor.example");
  stranger.device_class = crypto::uuid_from(device_class, *stranger.vendor);
  return stranger;
}

core::Registration known() {
  core::Registration registration;
  registration.id = "meter-7";
  registration.transport = "serial";
  registration.address = "/dev/ttyACM7";
  registration.profile = "mcuboot-encrypted";
  registration.vendor = vendor_of("vendor.example");
  registration.device_class = crypto::uuid_from("meter-v1", registration.vendor);
  return registration;
}

TEST_F(Registrations, APolicyTakesWhatItNamesAndNothingElse) {
  const auto config = read(kPolicy + "targets = [{ name = \"app\", image = 0 }, { name = \"radio\", image = 1 }]\n");
  ASSERT_TRUE(config) << config.error().message;
  const auto taken = registration_by(config->enroll_policies, met(), Instant(std::chrono::hours{1}));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->id, "meter-7");
  EXPECT_EQ(taken->address, "/dev/ttyACM7");
  EXPECT_EQ(taken->profile, "mcuboot-swap");
  EXPECT_EQ(taken->origin, core::Origin::policy);
  EXPECT_EQ(taken->by, "meters");
  EXPECT_EQ(taken->at, Instant(std::chrono::hours{1}));
  EXPECT_EQ(taken->targets.size(), 2U);
  EXPECT_TRUE(completed(*taken));

  EXPECT_FALSE(registration_by(config->enroll_policies, met("boiler-v1"), {}));
  core::Discovered elsewhere = met();
  elsewhere.transport = "udp";
  EXPECT_FALSE(registration_by(config->enroll_policies, elsewhere, {}));
  core::Discovered mute = met();
  mute.vendor.reset();
  EXPECT_FALSE(registration_by(config->enroll_policies, mute, {}));
  mute = met();
  mute.device_class.reset();
  EXPECT_FALSE(registration_by(config->enroll_policies, mute, {}));
}

TEST_F(Registrations, PoliciesThatMakeNoSenseAreNamed) {
  EXPECT_THAT(complaint("[[enroll]]\nname = \"a b\"\ntransport = \"serial\"\nvendor = \"v\"\nclass = \"c\"\n"),
              HasSubstr("a policy's name has 1 to 64"));
  EXPECT_THAT(complaint("[[enroll]]\nname = \"a\"\ntransport = \"udp\"\nvendor = \"v\"\nclass = \"c\"\n"),
              HasSubstr("no [plugins.udp] says which user serves it"));
  EXPECT_THAT(complaint("[[enroll]]\nname = \"a\"\ntransport = \"serial\"\nvendor = \"v\"\n"),
              HasSubstr("must be a UUID or the class information"));
  EXPECT_THAT(complaint(kPolicy + "profile = \"none\"\n"), HasSubstr("there is no profile none"));
  EXPECT_THAT(complaint(kPolicy + "address = \"x\"\n"), HasSubstr("unknown key"));
  EXPECT_THAT(complaint(kPolicy + kPolicy), HasSubstr("another policy has it already"));
  EXPECT_THAT(complaint(kPolicy + "[[enroll]]\nname = \"again\"\ntransport = \"serial\"\nvendor = "
                                  "\"vendor.example\"\nclass = \"meter-v1\"\n"),
              HasSubstr("policy meters takes the same children already"));
  write("bad.toml", "[protection]\nleast = \"none\"\n");
  EXPECT_THAT(complaint(kPolicy + "profile = \"bad\"\n"), HasSubstr("policy meters: "));
}

TEST_F(Registrations, AreCompletedFromTheirProfile) {
  const auto child = completed(known());
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(child->protection.least, core::Protection::rewrapped);
  EXPECT_EQ(child->link, core::LinkProtection::none);
  EXPECT_EQ(child->targets, std::vector<core::Target>{core::Target{}});
  EXPECT_EQ(child->device_class, known().device_class);
  core::Registration two = known();
  two.targets = {{"app", 0}, {"radio", 3}};
  EXPECT_EQ(completed(two)->targets, (std::vector<core::Target>{{"app", 0}, {"radio", 3}}));
}

TEST_F(Registrations, ThatCannotBeCompletedSayWhyAndOfWhom) {
  struct Row {
    void (*spoil)(core::Registration&);
    Errc code;
    const char* says;
  };
  for (const Row& row : {
           Row{[](core::Registration& r) { r.id = "a b"; }, Errc::invalid, "child a b: a child's name has"},
           Row{[](core::Registration& r) { r.transport = "udp"; }, Errc::not_found, "there is no transport \"udp\""},
           Row{[](core::Registration& r) { r.address.clear(); }, Errc::invalid, "its address must say"},
           Row{[](core::Registration& r) { r.address.assign(257, 'x'); }, Errc::invalid, "its address must say"},
           Row{[](core::Registration& r) { r.profile = "none"; }, Errc::not_found, "meter-7: there is no profile none"},
           Row{[](core::Registration& r) { r.profile = "../x"; }, Errc::invalid, "its profile has no name"},
           Row{[](core::Registration& r) { r.vendor = {}; }, Errc::invalid, "its vendor and class must be said"},
           Row{[](core::Registration& r) { r.device_class = {}; }, Errc::invalid, "its vendor and class must be said"},
           Row{[](core::Registration& r) {
                 r.targets = {{"", 0}};
               },
               Errc::invalid, "must name a component"},
           Row{[](core::Registration& r) {
                 r.targets = {{"app", 16}};
               },
               Errc::invalid, "an image number is 0 to 15"},
           Row{[](core::Registration& r) {
                 r.targets = {{"a", 0}, {"b", 0}};
               },
               Errc::invalid, "target b: another"},
           Row{[](core::Registration& r) {
                 r.targets.assign(17, {"a", 0});
               },
               Errc::invalid, "17 targets, at most 16"},
       }) {
    core::Registration registration = known();
    row.spoil(registration);
    const auto child = completed(registration);
    ASSERT_FALSE(child) << row.says;
    EXPECT_EQ(child.error().code, row.code) << row.says;
    EXPECT_THAT(child.error().message, HasSubstr(row.says));
  }
}

TEST_F(Registrations, TheProfileSaysWhatProtectsAChild) {
  EXPECT_FALSE(read_profile({kShipped}, "mcuboot-swap")->protection.sealed_by_vendor);
  EXPECT_EQ(read_profile({kShipped}, "mcuboot-swap")->protection.least, core::Protection::internal);
  write("strict.toml", "[protection]\ntier = 2\nleast = \"sealed\"\nclaims = \"refuse\"\nsealed_by_vendor = true\n");
  const auto strict = read_profile({directory_.path().string()}, "strict");
  ASSERT_TRUE(strict) << strict.error().message;
  EXPECT_EQ(strict->protection, (core::ProtectionPolicy{core::Protection::sealed, false, true, 2}));
  for (const auto& [text, says] : std::map<std::string, std::string>{
           {"tier = 4", "tier"},
           {"least = \"none\"", R"(must be "internal-link", "link", "re-wrapped" or "sealed")"},
           {"least = \"dtls\"", R"(must be "internal-link")"},
           {"claims = \"maybe\"", R"(must be "accept" or "refuse")"},
           {"sealed_by_vendor = 1", "sealed_by_vendor"},
           {"off = true", "unknown key \"protection.off\""}}) {
    write("bad.toml", "[protection]\n" + text + "\n");
    const auto bad = read_profile({directory_.path().string()}, "bad");
    ASSERT_FALSE(bad) << text;
    EXPECT_THAT(bad.error().message, HasSubstr(says));
  }
}

}  // namespace
}  // namespace hg::app
