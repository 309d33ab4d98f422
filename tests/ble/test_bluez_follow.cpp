// SPDX-License-Identifier: Apache-2.0
// The copy of bluetoothd's objects: that the bus and bluetoothd may come and go, that nothing is lost and nothing of
// others is taken, and that those who wait for something are told.
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "ble/bluez_on_bus.hpp"

namespace hg::ble::test {
namespace {

using BluezFollow = BluezOnBus;

TEST_F(BluezFollow, CopiesWhatIsThere) {
  begin();
  ASSERT_NE(bluez->objects().adapter(kHci0), nullptr);
  EXPECT_TRUE(bluez->objects().adapter(kHci0)->powered);
  ASSERT_NE(bluez->objects().device(kBoiler), nullptr);
  EXPECT_EQ(bluez->objects().device(kBoiler)->adapter, kHci0);
  EXPECT_FALSE(bluetoothd->may_start);
  EXPECT_EQ(log, std::vector<std::string>{"bluetoothd is there, adapters: 1"});
}

TEST_F(BluezFollow, FollowsItsSignals) {
  begin();
  int batches = 0;
  bluez->when_changed([&] { ++batches; });
  bluetoothd->change(kBoiler, kDevice, {{"RSSI", std::int64_t{-61}}, {"Connected", true}});
  const auto connected = [&] { return bluez->objects().device(kBoiler)->connected; };
  ASSERT_TRUE(eventually(loop, [&] { return connected() && batches > 0; }));
  EXPECT_EQ(bluez->objects().device(kBoiler)->rssi, std::int16_t{-61});
  bluetoothd->change(kBoiler, kDevice, {{"Connected", false}}, {"RSSI"});
  ASSERT_TRUE(eventually(loop, [&] { return !connected(); }));
  EXPECT_FALSE(bluez->objects().device(kBoiler)->rssi);
  bluetoothd->add("/org/bluez/hci1", adapter_at("00:AA:01:01:00:01"));
  bluetoothd->remove(kBoiler, {kDevice, "org.freedesktop.DBus.Properties"});
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().device(kBoiler) == nullptr; }));
  EXPECT_NE(bluez->objects().adapter("/org/bluez/hci1"), nullptr);
}

TEST_F(BluezFollow, LosesNothingAroundTheFirstAnswer) {
  bluetoothd = std::make_unique<ScriptedBluez>(loop, private_bus.address());
  bluetoothd->silent["GetManagedObjects"] = true;
  bluetoothd->claim();
  bluez->start();
  ASSERT_TRUE(eventually(loop, [&] { return bluetoothd->count("GetManagedObjects /") == 1; }));
  // Before the answer, in it, and right behind it, before the loop is run again.
  bluetoothd->add(kBoiler, device_at("C0:FF:EE:00:11:22"));
  bluetoothd->add("/org/bluez/hci0/dev_1", device_at("00:00:00:00:00:01"));
  bluetoothd->remove("/org/bluez/hci0/dev_1", {kDevice});
  bluetoothd->objects[kBoiler] = device_at("C0:FF:EE:00:11:22");
  bluetoothd->answer_now();
  bluetoothd->change(kBoiler, kDevice, {{"Connected", true}});
  bluetoothd->add("/org/bluez/hci0/dev_2", device_at("00:00:00:00:00:02"));
  // The last that was told; two devices are there for a moment before it as well.
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().device("/org/bluez/hci0/dev_2") != nullptr; }));
  EXPECT_TRUE(bluez->is_there());
  EXPECT_EQ(bluez->objects().devices().size(), 2U);
  EXPECT_TRUE(bluez->objects().device(kBoiler)->connected);
  EXPECT_EQ(bluez->objects().device("/org/bluez/hci0/dev_1"), nullptr);
}

TEST_F(BluezFollow, TakesNothingOfOthers) {
  begin();
  ScriptedBluez other(loop, private_bus.address());
  const std::string& us = bluetoothd->caller;
  other.change(kBoiler, kDevice, {{"Connected", true}, {"Bonded", true}}, {}, us);
  other.add("/org/bluez/hci0/dev_1", device_at("00:00:00:00:00:01"), us);
  const auto is_other_owner = [](sd_bus_message* message) {
    return sd_bus_message_append(message, "sss", "org.bluez", "", ":1.99");
  };
  other.signal("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", is_other_owner, us);
  // The bus has taken them when it answers who sent them; what comes after is behind them.
  asio::co_spawn(
      loop,
      other.connection().call(
          other.connection().make_call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId").value(), 5s),
      [&](const std::exception_ptr&, const Result<bus::Message>&) {
        bluetoothd->change(kBoiler, kDevice, {{"RSSI", std::int64_t{-50}}});
      });
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().device(kBoiler)->heard == 1; }));
  EXPECT_FALSE(bluez->objects().device(kBoiler)->connected);
  EXPECT_FALSE(bluez->objects().device(kBoiler)->bonded);
  EXPECT_EQ(bluez->objects().devices().size(), 1U);
  EXPECT_TRUE(bluez->is_there());
}

TEST_F(BluezFollow, PassesOverWhatItCannotRead) {
  begin();
  const auto wrong = [](sd_bus_message* message) { return sd_bus_message_append(message, "su", kDevice, 7U); };
  bluetoothd->signal(kBoiler, "org.freedesktop.DBus.Properties", "PropertiesChanged", wrong);
  bluetoothd->signal("/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded", wrong);
  bluetoothd->signal("/", "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", wrong);
  const auto odd = [](sd_bus_message* message) {
    return sd_bus_message_append(message, "sa{sv}as", kDevice, 4, "ManufacturerData", "a{qv}", 1, 0xffff, "ay", 1, 1,
                                 "Connected", "s", "yes", "RSSI", "n", -70, "Future", "(ii)", 1, 2, 0);
  };
  bluetoothd->signal(kBoiler, "org.freedesktop.DBus.Properties", "PropertiesChanged", odd);
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().device(kBoiler)->heard == 1; }));
  EXPECT_EQ(bluez->objects().device(kBoiler)->rssi, std::int16_t{-70});
  EXPECT_FALSE(bluez->objects().device(kBoiler)->connected);
}

TEST_F(BluezFollow, TakesABoundedFlood) {
  begin();
  int batches = 0;
  bluez->when_changed([&] { ++batches; });
  constexpr int kFlood = 3000;
  for (int i = 0; i < kFlood; ++i) {
    bluetoothd->add(kHci0 + "/dev_" + std::to_string(100'000 + i), device_at("00:00:00:00:00:01"));
  }
  bluetoothd->change(kBoiler, kDevice, {{"Connected", true}});
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().device(kBoiler)->connected; }));
  EXPECT_EQ(bluez->objects().devices().size(), Objects::kMostDevices);
  EXPECT_LT(batches, kFlood / 8);
}

TEST_F(BluezFollow, WaitsForBluetoothd) {
  bluez->start();
  ASSERT_TRUE(eventually(loop, [&] { return !log.empty(); }));
  EXPECT_EQ(log.back(), "bluetoothd does not run, waiting for it");
  EXPECT_FALSE(bluez->is_there());
  const auto refused = fakes::on_loop(loop, bluez->connect(kBoiler, in(5s)));
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_EQ(fakes::on_loop(loop, bluez->until([] { return false; }, in(5s))).error().code, Errc::unavailable);
  bluetoothd = std::make_unique<ScriptedBluez>(loop, private_bus.address());
  bluetoothd->objects[kHci0] = adapter_at("00:AA:01:00:00:00");
  bluetoothd->claim();
  ASSERT_TRUE(eventually(loop, [&] { return bluez->is_there(); }));
  EXPECT_EQ(bluez->objects().adapters().size(), 1U);
}

TEST_F(BluezFollow, ForgetsEverythingWhenBluetoothdGoes) {
  begin();
  const auto never = wait_for([] { return false; });
  const auto gone = wait_for([&] { return bluez->objects().devices().empty(); });
  bool told = false;
  bluez->when_changed([&] { told = !bluez->is_there(); });
  bluetoothd->crash();
  ASSERT_TRUE(eventually(loop, [&] { return never->has_value() && gone->has_value() && told; }));
  EXPECT_EQ((*never)->error().code, Errc::unavailable);
  EXPECT_EQ((*gone)->error().code, Errc::unavailable);
  EXPECT_TRUE(bluez->objects().adapters().empty());
  EXPECT_EQ(log.back(), "bluetoothd has gone, waiting for it");

  ScriptedBluez next(loop, private_bus.address());
  next.objects["/org/bluez/hci7"] = adapter_at("00:AA:01:07:00:07");
  next.claim();
  ASSERT_TRUE(eventually(loop, [&] { return bluez->is_there(); }));
  EXPECT_EQ(bluez->objects().adapters().size(), 1U);
  EXPECT_NE(bluez->objects().adapter("/org/bluez/hci7"), nullptr);
}

TEST_F(BluezFollow, TakesANewBluetoothdForAnother) {
  begin();
  const auto never = wait_for([] { return false; });
  ScriptedBluez next(loop, private_bus.address());
  next.objects["/org/bluez/hci7"] = adapter_at("00:AA:01:07:00:07");
  next.claim();  // without a moment in between
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().adapter("/org/bluez/hci7") != nullptr; }));
  EXPECT_EQ(bluez->objects().device(kBoiler), nullptr);
  ASSERT_TRUE(never->has_value());
  EXPECT_EQ((*never)->error().code, Errc::unavailable);
  // What the old one says is nothing any more.
  bluetoothd->add(kBoiler, device_at("C0:FF:EE:00:11:22"), next.caller);
  next.add("/org/bluez/hci0/dev_2", device_at("00:00:00:00:00:02"));
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().devices().size() == 1; }));
  EXPECT_EQ(bluez->objects().device(kBoiler), nullptr);
}

TEST_F(BluezFollow, AsksAgainWhenItIsNotAnswered) {
  bluetoothd = std::make_unique<ScriptedBluez>(loop, private_bus.address());
  bluetoothd->errors["GetManagedObjects"] = {"org.freedesktop.DBus.Error.AccessDenied", "no"};
  bluetoothd->claim();
  bluez->start();
  ASSERT_TRUE(eventually(loop, [&] { return bluetoothd->calls.size() >= 2; }));
  EXPECT_FALSE(bluez->is_there());
  EXPECT_NE(log.back().find("AccessDenied"), std::string::npos);
  bluetoothd->errors.clear();
  ASSERT_TRUE(eventually(loop, [&] { return bluez->is_there(); }));
}

TEST_F(BluezFollow, OutlivesTheBus) {
  begin();
  const auto never = wait_for([] { return false; });
  private_bus.kill();
  ASSERT_TRUE(eventually(loop, [&] { return never->has_value(); }));
  EXPECT_EQ((*never)->error().code, Errc::unavailable);
  EXPECT_FALSE(bluez->is_there());
  EXPECT_TRUE(bluez->objects().devices().empty());
  EXPECT_EQ(fakes::on_loop(loop, bluez->connect(kBoiler, in(5s))).error().code, Errc::unavailable);
  private_bus.start();
  ScriptedBluez next(loop, private_bus.address());
  next.objects[kHci0] = adapter_at("00:AA:01:00:00:00");
  next.claim();
  ASSERT_TRUE(eventually(loop, [&] { return bluez->is_there(); }));
}

TEST_F(BluezFollow, StartsBeforeTheBus) {
  private_bus.kill();
  bluez->start();
  ASSERT_TRUE(eventually(loop, [&] { return !log.empty(); }));
  EXPECT_NE(log.back().find("no connection to the bus"), std::string::npos);
  private_bus.start();
  bluetoothd = std::make_unique<ScriptedBluez>(loop, private_bus.address());
  bluetoothd->claim();
  ASSERT_TRUE(eventually(loop, [&] { return bluez->is_there(); }));
}

TEST_F(BluezFollow, WaitsUntilSomethingHolds) {
  begin();
  const auto connected = wait_for([&] { return bluez->objects().device(kBoiler)->connected; });
  const auto never = wait_for([] { return false; }, 100ms);
  EXPECT_FALSE(connected->has_value());
  bluetoothd->change(kBoiler, kDevice, {{"RSSI", std::int64_t{-61}}});
  bluetoothd->change(kBoiler, kDevice, {{"Connected", true}});
  ASSERT_TRUE(eventually(loop, [&] { return connected->has_value() && never->has_value(); }));
  EXPECT_TRUE((*connected)->has_value());
  EXPECT_EQ((*never)->error().code, Errc::timed_out);
  EXPECT_TRUE(fakes::on_loop(loop, bluez->until([] { return true; }, in(0ms))));
}

TEST_F(BluezFollow, CanBeCancelledWhileItWaits) {
  begin();
  asio::cancellation_signal cancel;
  std::optional<Result<void>> ended;
  const auto keep = [&](const std::exception_ptr&, Result<void> result) { ended = std::move(result); };
  asio::co_spawn(loop, bluez->until([] { return false; }, in(10s)), asio::bind_cancellation_slot(cancel.slot(), keep));
  loop.restart();
  loop.poll();
  cancel.emit(asio::cancellation_type::terminal);
  ASSERT_TRUE(eventually(loop, [&] { return ended.has_value(); }));
  EXPECT_EQ(ended->error().code, Errc::cancelled);
}

TEST_F(BluezFollow, EndsEverythingWhenItIsClosed) {
  begin();
  bluetoothd->silent["Disconnect"] = true;
  bluetoothd->change(kBoiler, kDevice, {{"Connected", true}});
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().device(kBoiler)->connected; }));
  const auto never = wait_for([] { return false; });
  std::optional<Result<void>> asked;
  asio::co_spawn(loop, bluez->disconnect(kBoiler, in(10s)),
                 [&](const std::exception_ptr&, Result<void> result) { asked = std::move(result); });
  ASSERT_TRUE(eventually(loop, [&] { return bluetoothd->count("Disconnect " + kBoiler) == 1; }));
  int told = 0;
  bluez->when_changed([&] { ++told; });
  bluez->close();
  ASSERT_TRUE(eventually(loop, [&] { return never->has_value() && asked.has_value(); }));
  EXPECT_EQ((*never)->error().code, Errc::cancelled);
  EXPECT_EQ(asked->error().code, Errc::cancelled);
  EXPECT_FALSE(bluez->is_there());
  EXPECT_EQ(told, 0);
}

TEST_F(BluezFollow, MayBeClosedByWhoIsTold) {
  begin();
  bluez->when_changed([&] { bluez->close(); });
  const auto never = wait_for([] { return false; });
  bluetoothd->change(kBoiler, kDevice, {{"Connected", true}});
  ASSERT_TRUE(eventually(loop, [&] { return never->has_value(); }));
  EXPECT_EQ((*never)->error().code, Errc::cancelled);
}

}  // namespace
}  // namespace hg::ble::test
