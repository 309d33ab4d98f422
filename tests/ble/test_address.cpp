// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ble/address.hpp"
#include "ble/seen.hpp"

namespace hg::test {
namespace {

using ble::BleAddress;
using testing::HasSubstr;
using testing::Not;

// ------------------------------------------------------------------------------------------------------ as it is
// written

struct Good {
  std::string text;
  BleAddress address;
};

class GoodAddress : public testing::TestWithParam<Good> {};

TEST_P(GoodAddress, IsUnderstood) {
  const auto address = ble::ble_address_from(GetParam().text);
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(*address, GetParam().address);
}

INSTANTIATE_TEST_SUITE_P(All, GoodAddress,
                         testing::Values(Good{"C0:FF:EE:00:11:22", {"C0:FF:EE:00:11:22", "", ""}},
                                         Good{"c0:ff:ee:00:11:aa", {"C0:FF:EE:00:11:AA", "", ""}},
                                         Good{"C0:FF:EE:00:11:22@hci1", {"C0:FF:EE:00:11:22", "", "hci1"}},
                                         Good{"C0:FF:EE:00:11:22@00:aa:01:00:00:00",
                                              {"C0:FF:EE:00:11:22", "", "00:AA:01:00:00:00"}},
                                         Good{"name:boiler-12", {"", "boiler-12", ""}},
                                         Good{"name:boiler 12@hci10", {"", "boiler 12", "hci10"}},
                                         Good{"name:me@home@hci0", {"", "me@home", "hci0"}},  // the last '@' counts
                                         Good{"name:@@hci0", {"", "@", "hci0"}},
                                         Good{"name:C0:FF:EE:00:11:22", {"", "C0:FF:EE:00:11:22", ""}},
                                         Good{"name:Kühlung ❄", {"", "Kühlung ❄", ""}},
                                         Good{"name:" + std::string(29, 'x'), {"", std::string(29, 'x'), ""}}));

struct Bad {
  std::string text;
  std::string why;
};

class BadAddress : public testing::TestWithParam<Bad> {};

TEST_P(BadAddress, IsRefusedWithTheReason) {
  const auto address = ble::ble_address_from(GetParam().text);
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().code, Errc::invalid);
  EXPECT_THAT(address.error().message, HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadAddress,
    testing::Values(Bad{"", "neither like"}, Bad{"boiler-12", "neither like"}, Bad{"C0:FF:EE:00:11", "neither like"},
                    Bad{"C0:FF:EE:00:11:22:33", "neither like"}, Bad{"C0-FF-EE-00-11-22", "neither like"},
                    Bad{"G0:FF:EE:00:11:22", "neither like"}, Bad{"C0:FF:EE:00:11:22 ", "neither like"},
                    Bad{"Name:boiler", "neither like"}, Bad{"name:", "1 to 29 bytes"},
                    Bad{"name:@hci0", "1 to 29 bytes"}, Bad{"name:" + std::string(30, 'x'), "1 to 29 bytes"},
                    Bad{"name:\xC3(", "1 to 29 bytes"}, Bad{"name:me@home", "'home' is none"},
                    Bad{"C0:FF:EE:00:11:22@", "'' is none"}, Bad{"C0:FF:EE:00:11:22@hci", "'hci' is none"},
                    Bad{"C0:FF:EE:00:11:22@hci1x", "'hci1x' is none"},
                    Bad{"C0:FF:EE:00:11:22@hci00001", "'hci00001' is none"},
                    Bad{"C0:FF:EE:00:11:22@HCI1", "'HCI1' is none"}, Bad{"@hci0", "neither like"}));

TEST(BleAddress, OfAnyBytesIsAnAnswer) {
  // Each text of up to three bytes out of those that mean something, behind each beginning.
  const std::string bytes = "@:h0C\xC3\xA9\n";
  for (const std::string& begin : {std::string(), std::string("name:"), std::string("C0:FF:EE:00:11:22")}) {
    for (const char a : bytes) {
      for (const char b : bytes) {
        for (const char c : bytes) {
          const auto address = ble::ble_address_from(begin + a + b + c);
          if (!address) continue;
          EXPECT_NE(address->address.empty(), address->name.empty());
        }
      }
    }
  }
}

// ------------------------------------------------------------------------------------------------------- who it is

constexpr const char* kChild = "C0:FF:EE:00:11:22";
constexpr const char* kOther = "C0:FF:EE:00:11:33";

class DeviceOf : public testing::Test {
 protected:
  DeviceOf() {
    show_adapter(objects_, "hci0", "00:AA:01:00:00:00");
    show_adapter(objects_, "hci1", "00:AA:01:01:00:01");
  }

  /// The path of the device, or the text of the error.
  std::string find(const std::string& address) {
    const auto child = ble::ble_address_from(address);
    EXPECT_TRUE(child) << address;
    const auto device = ble::device_of(*child, bonded_, taken_, objects_, allowed_);
    code_ = device ? std::optional<Errc>{} : device.error().code;
    return device ? device->path : device.error().message;
  }

  ble::Objects objects_;
  std::string bonded_;
  std::vector<std::string> taken_;
  std::vector<std::string> allowed_;
  std::optional<Errc> code_;
};

TEST_F(DeviceOf, ByAddress) {
  show_device(objects_, {.address = kOther});
  EXPECT_EQ(find(kChild), std::string(kChild) + " is not in sight");
  EXPECT_EQ(code_, Errc::not_found);
  const std::string child = show_device(objects_, {.address = kChild});
  EXPECT_EQ(find(kChild), child);
  EXPECT_EQ(find("c0:ff:ee:00:11:22"), child);
}

TEST_F(DeviceOf, ByAddressEvenBeforeItsServicesAreHeardOf) {
  const std::string child = show_device(objects_, {.address = kChild, .smp = false});
  EXPECT_EQ(find(kChild), child);
}

TEST_F(DeviceOf, ByNameOnlyWithTheService) {
  const std::string child = show_device(objects_, {.address = kChild, .name = "boiler", .smp = false});
  EXPECT_EQ(find("name:boiler"), "'boiler' is not in sight");
  EXPECT_EQ(code_, Errc::not_found);
  show_device(objects_, {.address = kChild, .name = "boiler"});
  EXPECT_EQ(find("name:boiler"), child);
  EXPECT_EQ(find("name:Boiler"), "'Boiler' is not in sight");
  EXPECT_EQ(find("name:boile"), "'boile' is not in sight");
}

TEST_F(DeviceOf, ANameThatTwoHaveIsNobodys) {
  show_device(objects_, {.address = kChild, .name = "boiler"});
  show_device(objects_, {.address = kOther, .name = "boiler", .connected = true});
  EXPECT_THAT(find("name:boiler"), AllOf(HasSubstr("2 devices"), HasSubstr(kChild), HasSubstr(kOther)));
  EXPECT_EQ(code_, Errc::mismatch);
}

TEST_F(DeviceOf, ANameThatManyHaveIsAShortText) {
  for (int at = 10; at < 90; ++at) {
    show_device(objects_, {.address = "C0:FF:EE:00:00:" + std::to_string(at), .name = "boiler"});
  }
  EXPECT_THAT(find("name:boiler"), AllOf(HasSubstr("80 devices"), HasSubstr("00:13 and others")));
  EXPECT_LT(find("name:boiler").size(), 150U);
}

TEST_F(DeviceOf, ANameIsNotThatOfAnotherChild) {
  const std::string child = show_device(objects_, {.address = kChild, .name = "boiler"});
  show_device(objects_, {.address = kOther, .name = "boiler"});
  taken_ = {kOther};
  EXPECT_EQ(find("name:boiler"), child);
  taken_ = {kOther, kChild};
  EXPECT_EQ(code_, std::nullopt);
  EXPECT_THAT(find("name:boiler"), HasSubstr("not in sight"));
}

TEST_F(DeviceOf, WhoIsSilentIsNoSecondOneOfTheName) {
  show_device(objects_, {.address = kOther, .name = "boiler", .rssi = {}});
  const std::string child = show_device(objects_, {.address = kChild, .name = "boiler"});
  EXPECT_EQ(find("name:boiler"), child);
  show_device(objects_, {.address = "C0:FF:EE:00:11:44", .name = "pump", .rssi = {}});
  const std::string alone = find("name:pump");
  EXPECT_EQ(code_, std::nullopt) << alone;
}

TEST_F(DeviceOf, SeveralOfTheNameThatAreAllSilentAreNotThere) {
  show_device(objects_, {.address = kOther, .name = "boiler", .rssi = {}});
  show_device(objects_, {.address = kChild, .name = "boiler", .rssi = {}});
  EXPECT_EQ(find("name:boiler"), "nobody who is called 'boiler' is heard");
  EXPECT_EQ(code_, Errc::not_found);
}

TEST_F(DeviceOf, TheBondGoesBeforeWhatIsAdvertised) {
  const std::string child = show_device(objects_, {.address = kChild, .name = "renamed", .rssi = {}, .bonded = true});
  show_device(objects_, {.address = kOther, .name = "boiler"});
  bonded_ = kChild;
  EXPECT_EQ(find("name:boiler"), child);
  EXPECT_EQ(find("4A:00:00:00:00:01"), child);  // an address that it had once
}

TEST_F(DeviceOf, ABondThatBluetoothdHasNotLeavesTheAddress) {
  const std::string child = show_device(objects_, {.address = kOther, .name = "boiler"});
  bonded_ = kChild;
  EXPECT_EQ(find("name:boiler"), child);
  EXPECT_EQ(find(kOther), child);
}

TEST_F(DeviceOf, OfSeveralAdaptersTheConnectedElseTheLouder) {
  const std::string first =
      show_device(objects_, {.adapter = "hci0", .address = kChild, .name = "boiler", .rssi = -70});
  const std::string second =
      show_device(objects_, {.adapter = "hci1", .address = kChild, .name = "boiler", .rssi = -50});
  EXPECT_EQ(find(kChild), second);
  EXPECT_EQ(find("name:boiler"), second);  // one address is one device
  show_device(objects_, {.adapter = "hci1", .address = kChild, .name = "boiler", .rssi = -80});
  EXPECT_EQ(find(kChild), first);
  show_device(objects_, {.adapter = "hci1", .address = kChild, .name = "boiler", .rssi = -80, .connected = true});
  EXPECT_EQ(find(kChild), second);
}

TEST_F(DeviceOf, OneThatIsHeardGoesBeforeOneThatIsNot) {
  show_device(objects_, {.adapter = "hci0", .address = kChild, .rssi = {}});
  const std::string heard = show_device(objects_, {.adapter = "hci1", .address = kChild, .rssi = -99});
  EXPECT_EQ(find(kChild), heard);
}

TEST_F(DeviceOf, OfSeveralAdaptersTheOneWithTheBond) {
  show_device(objects_, {.adapter = "hci0", .address = kChild, .rssi = -30, .connected = true});
  const std::string bonded = show_device(objects_, {.adapter = "hci1", .address = kChild, .rssi = -90, .bonded = true});
  bonded_ = kChild;
  EXPECT_EQ(find(kChild), bonded);
}

TEST_F(DeviceOf, OnlyOnTheAdapterThatTheAddressSays) {
  const std::string first = show_device(objects_, {.adapter = "hci0", .address = kChild, .rssi = -30});
  const std::string second = show_device(objects_, {.adapter = "hci1", .address = kChild, .rssi = -80});
  EXPECT_EQ(find(std::string(kChild) + "@hci1"), second);
  EXPECT_EQ(find(std::string(kChild) + "@00:aa:01:01:00:01"), second);
  EXPECT_EQ(find(std::string(kChild) + "@hci0"), first);
  EXPECT_THAT(find(std::string(kChild) + "@hci7"), HasSubstr("not in sight"));
  bonded_ = kChild;
  EXPECT_EQ(find(std::string(kChild) + "@hci1"), second);
}

TEST_F(DeviceOf, OnlyOnAdaptersThatThePluginMayUse) {
  const std::string child = show_device(objects_, {.adapter = "hci1", .address = kChild});
  allowed_ = {"hci0"};
  EXPECT_THAT(find(kChild), HasSubstr("not in sight"));
  EXPECT_THAT(find(std::string(kChild) + "@hci1"), HasSubstr("not in sight"));
  allowed_ = {"hci0", "00:aa:01:01:00:01"};
  EXPECT_EQ(find(kChild), child);
}

TEST_F(DeviceOf, OnlyOnAdaptersThatAreOn) {
  const std::string child = show_device(objects_, {.address = kChild, .connected = true});
  show_adapter(objects_, "hci0", "00:AA:01:00:00:00", false);
  EXPECT_THAT(find(kChild), HasSubstr("not in sight"));
  EXPECT_THAT(find(kChild), Not(HasSubstr("adapter")));  // the other one is on
  EXPECT_THAT(find(std::string(kChild) + "@hci0"),
              HasSubstr("not in sight: no adapter that it may be served by is on"));
  EXPECT_THAT(find("name:boiler@hci0"), HasSubstr("'boiler' is not in sight: no adapter"));
  EXPECT_EQ(code_, Errc::not_found);
  show_adapter(objects_, "hci0", "00:AA:01:00:00:00", true);
  EXPECT_EQ(find(kChild), child);
  objects_.remove("/org/bluez/hci0", "org.bluez.Adapter1");
  EXPECT_THAT(find(kChild), Not(HasSubstr("/org/bluez")));
}

}  // namespace
}  // namespace hg::test
