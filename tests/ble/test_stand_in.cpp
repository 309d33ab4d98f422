// SPDX-License-Identifier: Apache-2.0
// The fixture for tests of headgate-ble: that it starts, steers and stops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ble/stand_in.hpp"

namespace hg::test {
namespace {

TEST(StandIn, StartsSteersAndStops) {
  StandIn bluez;
  bluez.add_adapter("hci1", "00:AA:01:01:00:01");
  const std::string id = bluez.add({.adapter = "hci1", .uuids = {"0000180f-0000-1000-8000-00805f9b34fb"}});
  for (const bool on : {false, true}) bluez.advertise(id, on);
  bluez.set_powered("hci1", false);
  bluez.drop(id);
  bluez.remove(id);
  EXPECT_THROW(bluez.drop(id), std::runtime_error);
  EXPECT_THROW(bluez.remove_adapter("hci7"), std::runtime_error);
  EXPECT_THAT(bluez.calls(), testing::IsEmpty());  // its own do not count
  EXPECT_EQ(bluez.count("Connect"), 0U);
}

/// Whether somebody is org.bluez on its bus.
bool owned(const StandIn& bluez) {
  sd_bus* bus = nullptr;
  sd_bus_new(&bus);
  sd_bus_set_address(bus, bluez.address().c_str());
  sd_bus_set_bus_client(bus, 1);
  sd_bus_creds* owner = nullptr;
  const bool found = sd_bus_start(bus) >= 0 && sd_bus_get_name_creds(bus, "org.bluez", 0, &owner) >= 0;
  sd_bus_creds_unref(owner);
  sd_bus_flush_close_unref(bus);
  return found;
}

TEST(StandIn, DiesAndComesBack) {
  StandIn bluez;
  const std::string id = bluez.add({});
  EXPECT_TRUE(owned(bluez));
  bluez.kill();
  EXPECT_FALSE(owned(bluez));
  bluez.start_again();
  EXPECT_TRUE(owned(bluez));
  bluez.drop(id);
}

TEST(StandIn, HasChildrenBehindIt) {
  const std::filesystem::path state = testing::TempDir() + "/stand-in-child-" + std::to_string(::getpid());
  std::filesystem::create_directories(state);
  {
    McubootImage(1000, 0, 1).write_to(state / "old.bin");
    BleChild child(state, {"--image", state / "old.bin", "--boot-ms", "5"});
    EXPECT_TRUE(std::filesystem::is_socket(child.socket()));
    StandIn bluez;
    EXPECT_EQ(bluez.add({.smp = child.socket()}), "p1");
  }
  std::filesystem::remove_all(state);
}

}  // namespace
}  // namespace hg::test
