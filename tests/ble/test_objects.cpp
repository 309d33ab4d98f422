// SPDX-License-Identifier: Apache-2.0
// What bluetoothd shows: what is taken of it, what is not, and how much.
#include <gtest/gtest.h>

#include <string>

#include "ble/objects.hpp"

namespace hg::ble {
namespace {

using namespace std::string_literals;

constexpr const char* kAdapter = "org.bluez.Adapter1";
constexpr const char* kDevice = "org.bluez.Device1";
constexpr const char* kService = "org.bluez.GattService1";
constexpr const char* kCharacteristic = "org.bluez.GattCharacteristic1";
const std::string kHci0 = "/org/bluez/hci0";
const std::string kBoiler = "/org/bluez/hci0/dev_C0_FF_EE_00_11_22";

Properties device_properties(const std::string& address = "C0:FF:EE:00:11:22") {
  return {{"Address", address}, {"Adapter", kHci0}};
}

std::string device_path(int number) {
  std::string digits = std::to_string(number);
  return kHci0 + "/dev_" + std::string(6 - digits.size(), '0') + digits;
}

TEST(Objects, ShowAnAdapter) {
  Objects objects;
  EXPECT_TRUE(objects.apply(kHci0, kAdapter, {{"Address", "00:aa:01:00:00:00"s}, {"Powered", true}}));
  const AdapterSeen* const adapter = objects.adapter(kHci0);
  ASSERT_NE(adapter, nullptr);
  EXPECT_EQ(adapter->path, kHci0);
  EXPECT_EQ(adapter->name, "hci0");
  EXPECT_EQ(adapter->address, "00:AA:01:00:00:00");
  EXPECT_TRUE(adapter->powered);
  EXPECT_FALSE(adapter->discovering);
  EXPECT_FALSE(objects.apply(kHci0, kAdapter, {{"Powered", true}}));
  EXPECT_TRUE(objects.apply(kHci0, kAdapter, {{"Powered", false}, {"Discovering", true}}));
  EXPECT_FALSE(adapter->powered);
  EXPECT_TRUE(adapter->discovering);
  EXPECT_TRUE(objects.remove(kHci0, kAdapter));
  EXPECT_EQ(objects.adapter(kHci0), nullptr);
}

TEST(Objects, ShowADevice) {
  Objects objects;
  Properties properties = device_properties();
  properties["AddressType"] = "random"s;
  properties["Name"] = "boiler-12"s;
  properties["RSSI"] = std::int64_t{-61};
  properties["UUIDs"] = std::vector<std::string>{"8D53DC1D-1DB7-4CD3-868B-8A527460AA84"};
  EXPECT_TRUE(objects.apply(kBoiler, kDevice, properties));
  const DeviceSeen* const device = objects.device(kBoiler);
  ASSERT_NE(device, nullptr);
  EXPECT_EQ(device->address, "C0:FF:EE:00:11:22");
  EXPECT_EQ(device->adapter, kHci0);
  EXPECT_TRUE(device->is_random);
  EXPECT_EQ(device->name, "boiler-12");
  EXPECT_EQ(device->rssi, std::int16_t{-61});
  EXPECT_TRUE(device->has_smp());
  EXPECT_FALSE(device->connected || device->services_resolved || device->paired || device->bonded || device->blocked);
  EXPECT_TRUE(objects.apply(
      kBoiler, kDevice,
      {{"Connected", true}, {"ServicesResolved", true}, {"Paired", true}, {"Bonded", true}, {"Blocked", true}}));
  EXPECT_TRUE(device->connected && device->services_resolved && device->paired && device->bonded && device->blocked);
}

/// bluetoothd 5.66 was seen to tell nothing of the second connection to a device but its services.
TEST(Objects, TakeResolvedServicesForAConnection) {
  Objects objects;
  ASSERT_TRUE(objects.apply(kBoiler, kDevice, device_properties()));
  EXPECT_FALSE(objects.device(kBoiler)->connected);
  EXPECT_TRUE(objects.apply(kBoiler, kDevice, {{"ServicesResolved", true}}));
  EXPECT_TRUE(objects.device(kBoiler)->connected);
  EXPECT_TRUE(objects.apply(kBoiler, kDevice, {{"ServicesResolved", false}}));
  EXPECT_TRUE(objects.device(kBoiler)->connected) << "it says itself when it ends";
  EXPECT_TRUE(objects.apply(kBoiler, kDevice, {{"Connected", false}}));
  EXPECT_FALSE(objects.device(kBoiler)->connected);
}

TEST(Objects, CountEachAdvertisement) {
  Objects objects;
  objects.apply(kBoiler, kDevice, device_properties());
  const DeviceSeen& device = *objects.device(kBoiler);
  EXPECT_EQ(device.heard, 0U);
  EXPECT_TRUE(objects.apply(kBoiler, kDevice, {{"RSSI", std::int64_t{-61}}}));
  EXPECT_TRUE(objects.apply(kBoiler, kDevice, {{"RSSI", std::int64_t{-61}}}));
  EXPECT_EQ(device.heard, 2U);
  EXPECT_TRUE(objects.invalidate(kBoiler, kDevice, {"RSSI", "TxPower"}));
  EXPECT_FALSE(device.rssi);
  EXPECT_FALSE(objects.invalidate(kBoiler, kDevice, {"RSSI", "TxPower"}));
  EXPECT_EQ(device.heard, 2U);
}

TEST(Objects, LeaveAloneWhatBlueZDoesNotDocument) {
  Objects objects;
  EXPECT_FALSE(objects.apply(kBoiler, "org.bluez.Battery1", device_properties()));
  EXPECT_FALSE(objects.remove(kBoiler, "org.bluez.Battery1"));
  EXPECT_FALSE(objects.invalidate(kBoiler, kDevice, {"RSSI"}));
  objects.apply(kBoiler, kDevice, device_properties());
  const Properties wrong = {{"Connected", "yes"s},
                            {"RSSI", true},
                            {"Name", std::int64_t{7}},
                            {"UUIDs", std::string("x")},
                            {"Address", false}};
  EXPECT_FALSE(objects.apply(kBoiler, kDevice, wrong));
  EXPECT_EQ(objects.device(kBoiler)->address, "C0:FF:EE:00:11:22");
}

TEST(Objects, TakeNothingThatIsNotWhole) {
  Objects objects;
  const std::string service = kBoiler + "/service0010";
  const std::string characteristic = service + "/char0011";
  EXPECT_FALSE(objects.apply(kHci0, kAdapter, {{"Powered", true}}));
  EXPECT_FALSE(objects.apply(kBoiler, kDevice, {{"RSSI", std::int64_t{-61}}}));
  EXPECT_FALSE(objects.apply(kBoiler, kDevice, {{"Address", "C0:FF:EE:00:11:22"s}}));
  EXPECT_FALSE(objects.apply(service, kService, {{"Primary", true}}));
  EXPECT_FALSE(objects.apply(characteristic, kCharacteristic, {{"UUID", std::string(kSmpCharacteristic)}}));
  EXPECT_FALSE(objects.apply("/org/bluez/hci0/service0010", kService, {{"UUID", std::string(kSmpService)}}));
  EXPECT_TRUE(objects.adapters().empty() && objects.devices().empty());
  EXPECT_EQ(objects.characteristic(characteristic), nullptr);
}

TEST(Objects, CutWhatDevicesSayOfThemselves) {
  Objects objects;
  Properties properties = device_properties();
  properties["Name"] = std::string(1000, 'n');
  properties["UUIDs"] = std::vector<std::string>(300, std::string(500, 'u'));
  properties["RSSI"] = std::int64_t{-100'000};
  objects.apply(kBoiler, kDevice, properties);
  const DeviceSeen& device = *objects.device(kBoiler);
  EXPECT_EQ(device.name.size(), 248U);
  EXPECT_EQ(device.uuids.size(), 64U);
  std::string umlauts = "n";
  for (int i = 0; i < 200; ++i) umlauts += "\xC3\xBC";
  objects.apply(kBoiler, kDevice, {{"Name", umlauts}});
  EXPECT_EQ(device.name, umlauts.substr(0, 247));
  EXPECT_LE(device.uuids.front().size(), 64U);
  EXPECT_EQ(device.rssi, std::int16_t{-32768});
}

TEST(Objects, TakeSoManyDevicesAndNoMore) {
  Objects objects;
  const int most = static_cast<int>(Objects::kMostDevices);
  for (int i = 0; i < most + 10; ++i) objects.apply(device_path(i), kDevice, device_properties());
  EXPECT_EQ(objects.devices().size(), Objects::kMostDevices);
  // One that is connected, or paired, is somebody's.
  Properties connected = device_properties();
  connected["Connected"] = true;
  EXPECT_TRUE(objects.apply(device_path(most + 20), kDevice, connected));
  // One that goes makes room.
  EXPECT_TRUE(objects.remove(device_path(0), kDevice));
  EXPECT_TRUE(objects.remove(device_path(1), kDevice));
  EXPECT_TRUE(objects.apply(device_path(most + 21), kDevice, device_properties()));
  EXPECT_FALSE(objects.apply(device_path(most + 22), kDevice, device_properties()));
}

std::string characteristic_path(const std::string& device, int number) {
  return device + "/service0010/char" + std::to_string(10'000 + number);
}

bool add_characteristic(Objects& objects, const std::string& path, std::string_view uuid = kSmpCharacteristic) {
  return objects.apply(path, kCharacteristic,
                       {{"UUID", std::string(uuid)}, {"Service", path.substr(0, path.rfind('/'))}});
}

TEST(Objects, GiveNoDeviceTheRoomOfAll) {
  Objects objects;
  for (int i = 0; i < 2000; ++i) add_characteristic(objects, characteristic_path(kBoiler, i));
  const int most = static_cast<int>(Objects::kMostOfDevice);
  EXPECT_NE(objects.characteristic(characteristic_path(kBoiler, most - 1)), nullptr);
  EXPECT_EQ(objects.characteristic(characteristic_path(kBoiler, most)), nullptr);
  EXPECT_TRUE(add_characteristic(objects, characteristic_path(device_path(1), 0)));
  // All of them together.
  const int devices = static_cast<int>(Objects::kMostCharacteristics / Objects::kMostOfDevice);
  for (int device = 2; device < devices + 5; ++device) {
    for (int i = 0; i < most; ++i) add_characteristic(objects, characteristic_path(device_path(device), i));
  }
  EXPECT_EQ(objects.characteristic(characteristic_path(device_path(devices + 4), 0)), nullptr);
  // A device that goes takes its own with it.
  objects.remove(kBoiler, kDevice);
  EXPECT_EQ(objects.characteristic(characteristic_path(kBoiler, 0)), nullptr);
  EXPECT_TRUE(add_characteristic(objects, characteristic_path(device_path(devices + 4), 0)));
}

class SmpCharacteristic : public testing::Test {
 protected:
  SmpCharacteristic() {
    objects.apply(kBoiler, kDevice, device_properties());
    objects.apply(kBoiler + "/service0010", kService, {{"UUID", "8D53DC1D-1DB7-4CD3-868B-8A527460AA84"s}});
    objects.apply(kBoiler + "/service0020", kService, {{"UUID", "0000180f-0000-1000-8000-00805f9b34fb"s}});
  }
  Objects objects;
};

TEST_F(SmpCharacteristic, IsFoundInItsService) {
  add_characteristic(objects, kBoiler + "/service0010/char0011");
  add_characteristic(objects, kBoiler + "/service0010/char0014", "00002a00-0000-1000-8000-00805f9b34fb");
  // The same UUID in another service, and in another device, is not it.
  add_characteristic(objects, kBoiler + "/service0020/char0021");
  add_characteristic(objects, kBoiler + "3/service0010/char0011");
  objects.apply(kBoiler + "/service0010/char0011", kCharacteristic,
                {{"Flags", std::vector<std::string>{"write-without-response", "notify"}}, {"MTU", std::int64_t{247}}});
  const auto found = objects.smp_characteristic(kBoiler);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->path, kBoiler + "/service0010/char0011");
  EXPECT_EQ(found->service, kBoiler + "/service0010");
  EXPECT_EQ(found->mtu, 247);
  EXPECT_TRUE(found->has_flag("notify"));
  EXPECT_FALSE(found->has_flag("write"));
}

TEST_F(SmpCharacteristic, IsNotGuessed) {
  EXPECT_EQ(objects.smp_characteristic(kBoiler).error().code, Errc::not_found);
  add_characteristic(objects, kBoiler + "/service0020/char0021");
  EXPECT_EQ(objects.smp_characteristic(kBoiler).error().code, Errc::not_found);
  add_characteristic(objects, kBoiler + "/service0010/char0011");
  add_characteristic(objects, kBoiler + "/service0010/char0014");
  EXPECT_EQ(objects.smp_characteristic(kBoiler).error().code, Errc::mismatch);
}

TEST_F(SmpCharacteristic, GoesWithItsServiceAndComesElsewhere) {
  add_characteristic(objects, kBoiler + "/service0010/char0011");
  EXPECT_TRUE(objects.remove(kBoiler + "/service0010/char0011", kCharacteristic));
  EXPECT_TRUE(objects.remove(kBoiler + "/service0010", kService));
  EXPECT_EQ(objects.smp_characteristic(kBoiler).error().code, Errc::not_found);
  objects.apply(kBoiler + "/service0030", kService, {{"UUID", std::string(kSmpService)}});
  add_characteristic(objects, kBoiler + "/service0030/char0031");
  EXPECT_EQ(objects.smp_characteristic(kBoiler)->path, kBoiler + "/service0030/char0031");
  objects.clear();
  EXPECT_FALSE(objects.smp_characteristic(kBoiler));
  EXPECT_TRUE(objects.devices().empty());
}

TEST(DevicePath, IsFoundInThePathOfItsParts) {
  EXPECT_EQ(device_path_of(kBoiler + "/service0010/char0011"), kBoiler);
  EXPECT_EQ(device_path_of(kBoiler + "/service0010"), kBoiler);
  EXPECT_EQ(device_path_of(kBoiler), kBoiler);
  EXPECT_EQ(device_path_of(kHci0), "");
  EXPECT_EQ(device_path_of(""), "");
}

}  // namespace
}  // namespace hg::ble
