// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ble/seen.hpp"
#include "ble/strangers.hpp"

namespace hg::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kStranger = "C0:FF:EE:00:11:2A";

class StrangersTest : public testing::Test {
 protected:
  StrangersTest() {
    show_adapter(objects_, "hci0", "00:AA:01:00:00:00");
    show_adapter(objects_, "hci1", "00:AA:01:01:00:01");
  }

  /// What is said at this time: "name|address|text", "gone name".
  std::vector<std::string> look(std::chrono::seconds time = 0s) {
    said_.clear();
    strangers_.look(objects_, children_, plugin::SteadyTime{} + 1h + time);
    return said_;
  }

  ble::Objects objects_;
  std::set<std::string> children_;
  std::vector<std::string> said_;
  ble::Strangers strangers_{[this](const plugin::Meeting& meeting) {
    if (const auto* met = std::get_if<wire::Discovered>(&meeting)) {
      said_.push_back(met->name + "|" + met->address + "|" + met->text);
    } else {
      said_.push_back("gone " + std::get<wire::Vanished>(meeting).name);
    }
  }};
};

TEST_F(StrangersTest, AreToldOfOnce) {
  const std::string path = show_device(objects_, {.address = kStranger, .name = "pump"});
  EXPECT_THAT(look(), ElementsAre("ble-c0ffee00112a|C0:FF:EE:00:11:2A|'pump', -60 dBm"));
  EXPECT_THAT(look(), IsEmpty());
  hear_again(objects_, path, -40);
  EXPECT_THAT(look(60s), IsEmpty());
}

TEST_F(StrangersTest, OfOnlyOneAdapterAndWithoutAName) {
  show_device(objects_, {.adapter = "hci0", .address = kStranger});
  show_device(objects_, {.adapter = "hci1", .address = kStranger});
  EXPECT_THAT(look(), ElementsAre("ble-c0ffee00112a|C0:FF:EE:00:11:2A|no name, -60 dBm"));
}

TEST_F(StrangersTest, AreNeitherChildrenNorOthersNorSilent) {
  children_.insert(show_device(objects_, {.address = kStranger}));
  show_device(objects_, {.adapter = "hci1", .address = kStranger});  // the child, as the other adapter shows it
  show_device(objects_, {.address = "C0:FF:EE:00:11:33", .smp = false});
  show_device(objects_, {.address = "C0:FF:EE:00:11:44", .rssi = {}});
  EXPECT_THAT(look(), IsEmpty());
}

TEST_F(StrangersTest, AreToldOfAgainWhenTheirNameChanges) {
  const std::string path = show_device(objects_, {.address = kStranger});
  look();
  show_device(objects_, {.address = kStranger, .name = "pump"});  // in the scan response
  EXPECT_THAT(look(), ElementsAre("ble-c0ffee00112a|C0:FF:EE:00:11:2A|'pump', -60 dBm"));
  show_device(objects_, {.address = kStranger, .name = "boiler", .rssi = -50});
  EXPECT_THAT(look(9s), IsEmpty());  // not as often as it likes
  hear_again(objects_, path, -45);
  EXPECT_THAT(look(10s), ElementsAre("ble-c0ffee00112a|C0:FF:EE:00:11:2A|'boiler', -45 dBm"));
}

TEST_F(StrangersTest, AreGoneTenMinutesAfterTheyWereHeardLast) {
  const std::string path = show_device(objects_, {.address = kStranger, .name = "pump"});
  look();
  hear_again(objects_, path, -60);
  EXPECT_THAT(look(300s), IsEmpty());
  EXPECT_THAT(look(899s), IsEmpty());  // bluetoothd still shows it all the time
  EXPECT_THAT(look(900s), ElementsAre("gone ble-c0ffee00112a"));
}

TEST_F(StrangersTest, AreGoneThoughBluetoothdIs) {
  show_device(objects_, {.address = kStranger});
  look();
  objects_.clear();
  EXPECT_THAT(look(599s), IsEmpty());
  EXPECT_THAT(look(600s), ElementsAre("gone ble-c0ffee00112a"));
}

TEST_F(StrangersTest, AreGoneWhenTheyAreEnrolled) {
  const std::string path = show_device(objects_, {.address = kStranger});
  look();
  children_.insert(path);
  EXPECT_THAT(look(1s), ElementsAre("gone ble-c0ffee00112a"));
  children_.clear();
  EXPECT_THAT(look(2s), ElementsAre("ble-c0ffee00112a|C0:FF:EE:00:11:2A|no name, -60 dBm"));
}

TEST_F(StrangersTest, AreEnrolledByNameWhenTheirAddressChanges) {
  const auto address_said = [this](const DeviceSays& says) {
    const std::string path = show_device(objects_, says);
    const auto said = look();
    objects_.remove(path, "org.bluez.Device1");
    return said.empty() ? "" : said.front().substr(said.front().find('|') + 1);
  };
  EXPECT_EQ(address_said({.address = "4A:00:00:00:00:01", .name = "pump", .is_random = true}),
            "name:pump|'pump', -60 dBm, changes its address");
  EXPECT_EQ(address_said({.address = "4A:00:00:00:00:02", .name = "pump"}), "4A:00:00:00:00:02|'pump', -60 dBm");
  EXPECT_EQ(address_said({.address = "CA:00:00:00:00:03", .name = "pump", .is_random = true}),
            "CA:00:00:00:00:03|'pump', -60 dBm");
  // Names that no address can say.
  EXPECT_EQ(address_said({.address = "4A:00:00:00:00:04", .name = "a@hci0", .is_random = true}),
            "4A:00:00:00:00:04|'a@hci0', -60 dBm, changes its address");
  EXPECT_EQ(address_said({.address = "4A:00:00:00:00:05", .name = std::string(30, 'x'), .is_random = true}),
            "4A:00:00:00:00:05|'" + std::string(30, 'x') + "', -60 dBm, changes its address");
}

TEST_F(StrangersTest, AreAtMostSoMany) {
  for (std::size_t at = 0; at < ble::Strangers::kMost + 10; ++at) {
    const std::string low = {"0123456789ABCDEF"[at / 16 % 16], "0123456789ABCDEF"[at % 16]};
    show_device(objects_, {.address = "C0:FF:EE:00:0" + std::to_string(at / 256) + ":" + low});
  }
  EXPECT_EQ(look().size(), ble::Strangers::kMost);
  EXPECT_THAT(look(1s), IsEmpty());
  // Those that are heard no more make room.
  const auto later = look(600s);
  EXPECT_EQ(std::ranges::count_if(later, [](const std::string& line) { return line.starts_with("gone"); }),
            static_cast<std::ptrdiff_t>(ble::Strangers::kMost));
  EXPECT_EQ(look(601s).size(), ble::Strangers::kMost);
}

}  // namespace
}  // namespace hg::test
