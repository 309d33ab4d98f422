// SPDX-License-Identifier: Apache-2.0
// The face on a real dbus-daemon: who is made a child and who is only met, keys that go in and never come out, and what
// is shown of what protects a child.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adapters/bus/face_on_bus.hpp"
#include "adapters/crypto/uuid5.hpp"

namespace hg::bus::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ChildrenOnBus : public FaceOnBus {
 protected:
  // busctl's way to write a{sv}: texts, and the targets last.
  Answer enroll(const std::string& name, const std::vector<std::pair<std::string, std::string>>& what,
                const std::vector<std::string>& targets = {}) {
    Dictionary said;
    for (const auto& [key, text] : what) said.emplace_back(key, text);
    if (!targets.empty()) said.emplace_back("targets", targets);
    const auto fill = [&](sd_bus_message* call) {
      append(call, name);
      return append(call, said);
    };
    return client_.call(kManagerPath, kManagerInterface, "EnrollChild", fill);
  }

  Answer set_key(const std::string& use, const std::string& material, const Dictionary& options = {}) {
    const UniqueFd file{::memfd_create("key", MFD_CLOEXEC)};
    EXPECT_EQ(::write(file.get(), material.data(), material.size()), static_cast<ssize_t>(material.size()));
    EXPECT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
    const auto fill = [&](sd_bus_message* call) {
      const int lent = file.get();
      append(call, use);
      sd_bus_message_append_basic(call, 'h', &lent);
      return append(call, options);
    };
    return client_.call(child_path("a").text, kChildInterface, "SetKey", fill);
  }

  Answer ask(const char* method, const Dictionary& options = {}) {
    return client_.call(child_path("a").text, kChildInterface, method,
                        [&](sd_bus_message* call) { return append(call, options); });
  }

  Answer revoke(const std::string& use) {
    const auto fill = [&](sd_bus_message* call) {
      append(call, use);
      return append(call, Dictionary{});
    };
    return client_.call(child_path("a").text, kChildInterface, "RevokeKey", fill);
  }

  std::string shown(const char* property) { return client_.property(child_path("a").text, kChildInterface, property); }
};

const std::vector<std::pair<std::string, std::string>> kMeter{
    {"transport", "serial"}, {"address", "/dev/ttyACM7"}, {"vendor", "vendor.example"}, {"class", "meter-v1"}};

core::Discovered stranger() {
  core::Discovered met;
  met.id = "meter-7";
  met.transport = "serial";
  met.address = "/dev/ttyACM7";
  met.vendor = core::Uuid{0x11};
  met.text = "SMP, \x1b[2J 1.4";
  return met;
}

TEST_F(ChildrenOnBus, AreEnrolledAsTheConfigurationWouldSayIt) {
  open();
  const Answer answer = enroll("meter-7", kMeter, {"app", "radio:1"});
  ASSERT_TRUE(answer.reply) << answer.text;
  EXPECT_EQ(to_text(answer.reply.get()), child_path("meter-7").text);
  ASSERT_EQ(control_.registered.size(), 1U);
  const core::Registration& made = control_.registered.front();
  EXPECT_EQ(made.profile, "mcuboot-swap");
  EXPECT_EQ(made.address, "/dev/ttyACM7");
  EXPECT_EQ(made.vendor, crypto::uuid_from("vendor.example", crypto::kDnsNamespace));
  EXPECT_EQ(made.device_class, crypto::uuid_from("meter-v1", made.vendor));
  EXPECT_EQ(made.targets, (decltype(made.targets){{"app", 0}, {"radio", 1}}));
  const std::string path = child_path("meter-7").text;
  EXPECT_EQ(client_.property(path, kChildInterface, "Origin"), "command");
  EXPECT_EQ(client_.property(path, kChildInterface, "EnrolledBy"), "uid " + std::to_string(::getuid()));
  EXPECT_EQ(enroll("meter-7", kMeter).error, "org.headgate.Headgate1.Error.AlreadyExists");
}

TEST_F(ChildrenOnBus, AreNotEnrolledByHalf) {
  open();
  for (std::size_t missing = 0; missing < kMeter.size(); ++missing) {
    auto what = kMeter;
    what.erase(what.begin() + static_cast<std::ptrdiff_t>(missing));
    const Answer answer = enroll("meter-7", what);
    EXPECT_EQ(answer.error, SD_BUS_ERROR_INVALID_ARGS);
    EXPECT_THAT(answer.text, HasSubstr(kMeter[missing].first));
  }
  const auto with = [](const std::string& key, const std::string& text) {
    auto what = kMeter;
    std::erase_if(what, [&](const auto& said) { return said.first == key; });
    what.emplace_back(key, text);
    return what;
  };
  EXPECT_EQ(enroll("a b", kMeter).error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(enroll("", kMeter).error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(enroll("m", with("address", "")).error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(enroll("m", with("address", std::string(257, 'x'))).error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(enroll("m", with("link", "internal")).error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(enroll("m", with("transport", "pigeon")).error, "org.headgate.Headgate1.Error.NotFound");
  for (const char* target : {"", ":1", "app:", "app:x", "app:256", "app:-1"})
    EXPECT_EQ(enroll("m", kMeter, {target}).error, SD_BUS_ERROR_INVALID_ARGS) << target;
  EXPECT_EQ(enroll("m", kMeter, std::vector<std::string>(17, "a")).error, SD_BUS_ERROR_LIMITS_EXCEEDED);
  EXPECT_THAT(control_.registered, IsEmpty());
}

TEST_F(ChildrenOnBus, AreForgottenAndTheirKeysWithThem) {
  open();
  ASSERT_TRUE(enroll("a", kMeter).reply);
  ASSERT_TRUE(set_key("wrap", "-----BEGIN PUBLIC KEY-----").reply);
  EXPECT_TRUE(ask("Forget").reply);
  EXPECT_EQ(shown("Keys"), "[]");
  EXPECT_EQ(shown("LinkText"), "not enrolled");
  EXPECT_EQ(ask("Forget").error, "org.headgate.Headgate1.Error.NotAllowedInState");
  EXPECT_EQ(ask("Forget", {{"quietly", true}}).error, SD_BUS_ERROR_INVALID_ARGS);
}

TEST_F(ChildrenOnBus, ThatAreOnlyMetAreListedAndCounted) {
  open();
  EXPECT_EQ(client_.property(kManagerPath, kManagerInterface, "DiscoveredCount"), "0");
  control_.meet(stranger());
  sync();
  EXPECT_EQ(client_.property(kManagerPath, kManagerInterface, "DiscoveredCount"), "1");
  EXPECT_EQ(client_.count("PropertiesChanged", "/Manager"), 1U);
  const Answer all = client_.call(kManagerPath, kManagerInterface, "ListDiscovered");
  ASSERT_TRUE(all.reply) << all.text;
  EXPECT_THAT(to_text(all.reply.get()),
              AllOf(HasSubstr("Id meter-7"), HasSubstr("Address /dev/ttyACM7"),
                    HasSubstr("VendorId 11000000-0000-0000-0000-000000000000"), HasSubstr("ClassId")));
  control_.lose_sight_of("meter-7");
  sync();
  EXPECT_EQ(client_.property(kManagerPath, kManagerInterface, "DiscoveredCount"), "0");
  EXPECT_EQ(client_.count("PropertiesChanged", "/Manager"), 2U);
}

TEST_F(ChildrenOnBus, ShowHowTheirRadioIsAndTellIfItChanges) {
  control_.enroll("a");
  control_.enroll("b");
  control_.radios["a"] = {"hci0", std::int16_t{-71}, std::uint16_t{247}, std::chrono::milliseconds{1500}, 3};
  open();
  EXPECT_EQ(shown("Adapter"), "hci0");
  EXPECT_EQ(shown("Rssi"), "-71");
  EXPECT_EQ(shown("Mtu"), "247");
  EXPECT_EQ(shown("Airtime"), "1500000");
  EXPECT_EQ(shown("LinkBreaks"), "3");
  const std::string other = child_path("b").text;
  EXPECT_EQ(client_.property(other, kChildInterface, "Adapter"), "");
  EXPECT_EQ(client_.property(other, kChildInterface, "Rssi"), "127");
  EXPECT_EQ(client_.property(other, kChildInterface, "Mtu"), "0");
  client_.signals.clear();
  advance(std::chrono::seconds{5});
  EXPECT_EQ(client_.count("PropertiesChanged", child_path("a").text), 0U) << "nothing has changed";
  for (int i = 0; i < 100; ++i) control_.radios["a"].airtime += std::chrono::milliseconds{10};
  control_.radios["a"].rssi.reset();
  advance(std::chrono::seconds{5});
  EXPECT_EQ(client_.count("PropertiesChanged", child_path("a").text), 1U);
  EXPECT_EQ(client_.count("PropertiesChanged", other), 0U);
  EXPECT_EQ(shown("Airtime"), "2500000");
  EXPECT_EQ(shown("Rssi"), "127");
  ++control_.radios["a"].breaks;
  advance(std::chrono::seconds{5});
  EXPECT_EQ(shown("LinkBreaks"), "4");
  control_.radios.clear();  // its plugin is gone
  advance(std::chrono::seconds{5});
  EXPECT_EQ(shown("Adapter"), "");
}

TEST_F(ChildrenOnBus, GetKeysThatNeverComeOutAgain) {
  control_.enroll("a");
  open();
  client_.signals.clear();
  const std::string secret = "0123456789abcdef";
  const Answer answer = set_key("link", secret, {{"name", std::string{"boiler-1"}}});
  ASSERT_TRUE(answer.reply) << answer.text;
  EXPECT_EQ(to_text(answer.reply.get()), std::string(64, '6'));
  ASSERT_EQ(control_.keys_set.size(), 1U);
  const auto& set = control_.keys_set.front();
  EXPECT_EQ(set.use, core::KeyUse::link);
  EXPECT_EQ(set.name, "boiler-1");
  EXPECT_EQ(std::string(set.material.begin(), set.material.end()), secret);
  EXPECT_EQ(set.uid, ::getuid());
  EXPECT_THAT(shown("Keys"), AllOf(HasSubstr("Use link"), HasSubstr("Kind psk"), HasSubstr("Name boiler-1"),
                                   HasSubstr("Id " + std::string(64, '6')), Not(HasSubstr(secret))));
  const Answer all = client_.call(kRootPath, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
  EXPECT_THAT(to_text(all.reply.get()), Not(HasSubstr(secret)));
  EXPECT_TRUE(revoke("link").reply);
  EXPECT_EQ(shown("Keys"), "[]");
  EXPECT_EQ(revoke("link").error, "org.headgate.Headgate1.Error.NotFound");
}

TEST_F(ChildrenOnBus, GetNoKeysThatAreNone) {
  control_.enroll("a");
  open();
  EXPECT_EQ(set_key("sign", "x").error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(revoke("sign").error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(set_key("wrap", "").error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(set_key("wrap", "x", {{"name", std::string{"\n"}}}).error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(set_key("wrap", "x", {{"value", std::string{"secret"}}}).error, SD_BUS_ERROR_INVALID_ARGS);
  const Answer large = set_key("wrap", std::string(16 * 1024 + 1, 'x'));
  EXPECT_EQ(large.error, SD_BUS_ERROR_LIMITS_EXCEEDED);
  EXPECT_THAT(large.text, HasSubstr("the file with the key: more than 16384 bytes"));
  EXPECT_THAT(control_.keys_set, IsEmpty());
  EXPECT_TRUE(set_key("wrap", std::string(16 * 1024, 'x')).reply);
  control_.refusal = Error{Errc::mismatch, "a shared key, and the child is of tier 2"};
  EXPECT_EQ(set_key("wrap", "x").error, "org.headgate.Headgate1.Error.Incompatible");
}

TEST_F(ChildrenOnBus, MayBeAnotherBoardInTheSamePlace) {
  control_.enroll("a");
  control_.child("a").committed = kNewId;
  open();
  ASSERT_TRUE(set_key("identify", "0123456789abcdef").reply);
  EXPECT_TRUE(ask("ReplaceBoard").reply);
  EXPECT_EQ(shown("Keys"), "[]");
  EXPECT_EQ(shown("Committed"), "");
}

TEST_F(ChildrenOnBus, ShowWhatProtectsThem) {
  control_.enroll("a");
  open();
  EXPECT_EQ(shown("Origin"), "configuration");
  EXPECT_EQ(shown("EnrolledBy"), "");
  EXPECT_EQ(shown("Protection"), "internal-link");
  EXPECT_EQ(shown("ProtectionClaimed"), "0");
  EXPECT_EQ(shown("LinkSecurity"), "none");
  core::Child& child = control_.child("a");
  child.link_security = core::LinkSecurity::claimed;
  control_.commit("a");
  EXPECT_EQ(shown("LinkSecurity"), "claimed");
  EXPECT_EQ(shown("Protection"), "link");
  EXPECT_EQ(shown("ProtectionClaimed"), "1");
  child.link_security = core::LinkSecurity::proven;
  control_.commit("a");
  EXPECT_EQ(shown("LinkSecurity"), "proven");
  EXPECT_EQ(shown("ProtectionClaimed"), "0");
  ASSERT_TRUE(set_key("wrap", "-----BEGIN PUBLIC KEY-----").reply);
  EXPECT_EQ(shown("Protection"), "re-wrapped");
}

TEST_F(ChildrenOnBus, ShowWhoTheyAre) {
  control_.enroll("a");
  open();
  EXPECT_EQ(shown("IdentityState"), "none");
  core::Child& child = control_.child("a");
  child.seen->identity = "acme/7";
  control_.commit("a");
  EXPECT_EQ(shown("IdentityState"), "claimed");
  child.identified = core::Identified::yes;
  control_.commit("a");
  EXPECT_EQ(shown("IdentityState"), "proven");
  EXPECT_EQ(shown("Identity"), "acme/7");
  child.identified = core::Identified::wrong;
  control_.commit("a");
  EXPECT_EQ(shown("IdentityState"), "wrong");
}

TEST_F(ChildrenOnBus, CostWhatIsCounted) {
  open();
  const Answer counts = client_.call(kManagerPath, kManagerInterface, "GetCounts");
  ASSERT_TRUE(counts.reply) << counts.text;
  EXPECT_THAT(to_text(counts.reply.get()),
              AllOf(HasSubstr("SignaturesVerified 7"), HasSubstr("ImagesHashed 6"), HasSubstr("ImageHeadsHashed 5"),
                    HasSubstr("ContentKeysOpened 4"), HasSubstr("KeysWrapped 3")));
}

}  // namespace
}  // namespace hg::bus::test
