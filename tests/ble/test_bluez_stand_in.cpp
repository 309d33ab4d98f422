// SPDX-License-Identifier: Apache-2.0
// Bluez against the stand-in, which behaves as bluetoothd 5.66 does: whole ways from the first advertisement to the
// descriptors, and what cuts them short.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>

#include "ble/bluez.hpp"
#include "ble/stand_in.hpp"
#include "fakes/on_loop.hpp"

namespace hg::ble {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::BlePeripheral;
using test::StandIn;

constexpr const char* kAddress = "C0:FF:EE:00:11:22";
const std::string kHci0 = "/org/bluez/hci0";

SteadyTime in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

class BluezWays : public testing::Test {
 protected:
  BluezWays() {
    bluez->start();
    EXPECT_TRUE(reached([&] { return bluez->is_there(); }));
  }
  ~BluezWays() override { bluez->close(); }

  template <class T>
  T run(asio::awaitable<T> work) {
    return fakes::on_loop(loop, std::move(work));
  }
  bool reached(const std::function<bool()>& fact) { return fakes::run_until(loop, fact); }

  std::string path_of(const std::string& address) {
    for (const auto& [path, device] : bluez->objects().devices()) {
      if (device.address == address) return path;
    }
    return "";
  }
  /// Discovers until the device is in sight; its path.
  std::string discover(const std::string& address = kAddress) {
    const auto started = run(bluez->start_discovery(kHci0, std::string(kSmpService), in(10s)));
    EXPECT_TRUE(started) << started.error().message;
    EXPECT_TRUE(reached([&] { return !path_of(address).empty(); }));
    return path_of(address);
  }
  Result<void> connect(const std::string& device) { return run(bluez->connect(device, in(10s))); }
  std::string smp_of(const std::string& device) {
    const auto found = bluez->objects().smp_characteristic(device);
    EXPECT_TRUE(found) << found.error().message;
    return found ? found->path : "";
  }
  bool is_connected(const std::string& device) {
    const DeviceSeen* const seen = bluez->objects().device(device);
    return seen != nullptr && seen->connected;
  }
  Result<Bluez::Paired> pair(const std::string& device, std::string_view passkey) {
    PairingAnswers answers{device, passkey.empty() ? nullptr : std::make_shared<Secret>(as_bytes(passkey))};
    const auto capability = passkey.empty() ? AgentCapability::no_input_no_output : AgentCapability::keyboard_only;
    return run(bluez->pair(capability, std::move(answers), in(10s)));
  }
  static bool has_ended(const UniqueFd& socket) {
    char byte = 0;
    return ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }

  StandIn stand_in;
  asio::io_context loop;
  std::shared_ptr<Bluez> bluez =
      std::make_shared<Bluez>(loop.get_executor(), stand_in.address(), [](std::string_view) {});
};

TEST_F(BluezWays, FromAnAdvertisementToTheDescriptors) {
  stand_in.add({});
  const std::string device = discover();
  const DeviceSeen seen = *bluez->objects().device(device);
  EXPECT_TRUE(seen.has_smp());
  EXPECT_TRUE(seen.is_random);
  EXPECT_EQ(seen.name, "boiler-12");
  EXPECT_EQ(seen.rssi, std::int16_t{-60});
  ASSERT_TRUE(connect(device));
  const std::string smp = smp_of(device);
  const auto write = run(bluez->acquire_write(smp, in(5s)));
  const auto notify = run(bluez->acquire_notify(smp, in(5s)));
  ASSERT_TRUE(write) << write.error().message;
  ASSERT_TRUE(notify) << notify.error().message;
  EXPECT_EQ(write->mtu, 247);
  EXPECT_EQ(run(bluez->acquire_write(smp, in(5s))).error().code, Errc::busy);
  ASSERT_TRUE(run(bluez->disconnect(device, in(10s))));
  EXPECT_FALSE(is_connected(device));
  EXPECT_TRUE(reached([&] { return has_ended(notify->socket); }));
  ASSERT_TRUE(run(bluez->stop_discovery(kHci0, in(5s))));
  ASSERT_TRUE(run(bluez->remove_device(kHci0, device, in(5s))));
  EXPECT_TRUE(reached([&] { return bluez->objects().device(device) == nullptr; }));
}

TEST_F(BluezWays, HearsEachAdvertisement) {
  stand_in.add({});
  const std::string device = discover();
  const auto heard = bluez->objects().device(device)->heard;
  EXPECT_TRUE(reached([&] { return bluez->objects().device(device)->heard >= heard + 3; }));
}

TEST_F(BluezWays, FindTheServicesElsewhereAfterARestart) {
  const std::string id = stand_in.add({});
  const std::string device = discover();
  ASSERT_TRUE(connect(device));
  const std::string before = smp_of(device);
  stand_in.restart(id);
  ASSERT_TRUE(reached([&] { return !is_connected(device); }));
  ASSERT_TRUE(reached([&] { return !path_of(kAddress).empty(); }));
  ASSERT_TRUE(connect(device));
  EXPECT_NE(smp_of(device), before);
  EXPECT_EQ(run(bluez->acquire_write(before, in(5s))).error().code, Errc::not_found);
  EXPECT_TRUE(run(bluez->acquire_write(smp_of(device), in(5s))));
}

TEST_F(BluezWays, BreakWhereTheLinkIsLost) {
  const std::string id = stand_in.add({});
  const std::string device = discover();
  ASSERT_TRUE(connect(device));
  const auto notify = run(bluez->acquire_notify(smp_of(device), in(5s)));
  ASSERT_TRUE(notify);
  stand_in.drop(id);
  EXPECT_TRUE(reached([&] { return has_ended(notify->socket) && !is_connected(device); }));
  ASSERT_TRUE(connect(device));
  EXPECT_TRUE(run(bluez->acquire_notify(smp_of(device), in(5s))));
}

TEST_F(BluezWays, EndWhereNobodyAnswers) {
  const std::string id = stand_in.add({});
  const std::string device = discover();
  stand_in.advertise(id, false);
  const auto nobody = connect(device);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Errc::io) << nobody.error().message;
  EXPECT_FALSE(is_connected(device));
  stand_in.advertise(id, true);
  EXPECT_TRUE(connect(discover()));
}

TEST_F(BluezWays, EndWithTheAdapter) {
  stand_in.add({});
  const std::string device = discover();
  ASSERT_TRUE(connect(device));
  stand_in.set_powered("hci0", false);
  ASSERT_TRUE(reached([&] { return !is_connected(device) && !bluez->objects().adapter(kHci0)->powered; }));
  EXPECT_EQ(connect(device).error().code, Errc::unavailable);
  EXPECT_EQ(run(bluez->start_discovery(kHci0, std::string(kSmpService), in(5s))).error().code, Errc::unavailable);
  stand_in.set_powered("hci0", true);
  ASSERT_TRUE(reached([&] { return bluez->objects().adapter(kHci0)->powered; }));
  EXPECT_TRUE(connect(discover()));
  stand_in.remove_adapter("hci0");
  ASSERT_TRUE(reached([&] { return bluez->objects().adapters().empty() && bluez->objects().devices().empty(); }));
}

TEST_F(BluezWays, GoOnAfterABluetoothdThatDied) {
  stand_in.add({});
  const std::string device = discover();
  ASSERT_TRUE(connect(device));
  const auto write = run(bluez->acquire_write(smp_of(device), in(5s)));
  stand_in.kill();
  ASSERT_TRUE(reached([&] { return !bluez->is_there() && bluez->objects().devices().empty(); }));
  EXPECT_EQ(connect(device).error().code, Errc::unavailable);
  stand_in.start_again();
  ASSERT_TRUE(reached([&] { return bluez->is_there(); }));
  EXPECT_TRUE(connect(discover()));
}

TEST_F(BluezWays, ToABondWithAPasskey) {
  BlePeripheral peripheral;
  peripheral.pairing = "passkey";
  peripheral.passkey = 4217;
  peripheral.encrypted = true;
  stand_in.add(peripheral);
  const std::string device = discover();
  ASSERT_TRUE(connect(device));
  const auto wrong = pair(device, "000001");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::unauthenticated) << wrong.error().message;
  ASSERT_TRUE(run(bluez->disconnect(device, in(10s))));  // 5.66 closes the link by itself
  ASSERT_TRUE(connect(device));
  const auto right = pair(device, "004217");
  ASSERT_TRUE(right) << right.error().message;
  EXPECT_TRUE(right->asked_passkey);
  EXPECT_TRUE(reached([&] { return bluez->objects().device(device)->bonded; }));
  EXPECT_TRUE(run(bluez->acquire_notify(smp_of(device), in(5s))));
  EXPECT_EQ(pair(device, "004217").error().code, Errc::exists);
  EXPECT_EQ(stand_in.count("RequestDefaultAgent"), 0U);
}

TEST_F(BluezWays, ToABondThatAuthenticatesNobody) {
  BlePeripheral peripheral;
  peripheral.pairing = "just-works";
  stand_in.add(peripheral);
  const std::string device = discover();
  ASSERT_TRUE(connect(device));
  const auto paired = pair(device, "");
  ASSERT_TRUE(paired) << paired.error().message;
  EXPECT_FALSE(paired->asked_passkey);
  EXPECT_TRUE(reached([&] { return bluez->objects().device(device)->bonded; }));
}

TEST_F(BluezWays, ToAnIdentityBehindAChangingAddress) {
  BlePeripheral peripheral;
  peripheral.address = "5A:00:00:00:00:01";
  peripheral.identity = kAddress;
  peripheral.pairing = "just-works";
  const std::string id = stand_in.add(peripheral);
  const std::string device = discover("5A:00:00:00:00:01");
  ASSERT_TRUE(connect(device));
  ASSERT_TRUE(pair(device, ""));
  ASSERT_TRUE(reached([&] { return !path_of(kAddress).empty(); }));
  ASSERT_TRUE(run(bluez->disconnect(path_of(kAddress), in(10s))));
  stand_in.change_address(id, "5A:00:00:00:00:02");
  EXPECT_TRUE(connect(path_of(kAddress)));
  EXPECT_EQ(path_of("5A:00:00:00:00:02"), "");
}

TEST_F(BluezWays, EndWhereTheChildForgotItsBond) {
  BlePeripheral peripheral;
  peripheral.pairing = "just-works";
  const std::string id = stand_in.add(peripheral);
  const std::string device = discover();
  ASSERT_TRUE(connect(device));
  ASSERT_TRUE(pair(device, ""));
  ASSERT_TRUE(run(bluez->disconnect(device, in(10s))));
  stand_in.lose_bond(id);
  const auto lost = connect(device);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Errc::io) << lost.error().message;
  EXPECT_TRUE(bluez->objects().device(device)->bonded);
  ASSERT_TRUE(run(bluez->remove_device(kHci0, device, in(5s))));
  EXPECT_TRUE(connect(discover()));
}

TEST_F(BluezWays, WithoutDescriptors) {
  BlePeripheral peripheral;
  peripheral.acquire = false;
  stand_in.add(peripheral);
  const std::string device = discover();
  ASSERT_TRUE(connect(device));
  const std::string smp = smp_of(device);
  EXPECT_EQ(run(bluez->acquire_write(smp, in(5s))).error().code, Errc::unsupported);
  EXPECT_EQ(run(bluez->acquire_notify(smp, in(5s))).error().code, Errc::unsupported);
  ASSERT_TRUE(run(bluez->start_notify(
      smp, [](ByteView) {}, in(5s))));
  EXPECT_TRUE(run(bluez->write_value(smp, {1, 2, 3}, in(5s))));
}

TEST_F(BluezWays, EndWhereBluetoothdHangs) {
  stand_in.add({});
  const std::string device = discover();
  stand_in.hang("Connect");
  EXPECT_EQ(run(bluez->connect(device, in(200ms))).error().code, Errc::timed_out);
  ASSERT_TRUE(connect(device));
  const std::string smp = smp_of(device);
  stand_in.hang("AcquireNotify");
  EXPECT_EQ(run(bluez->acquire_notify(smp, in(200ms))).error().code, Errc::timed_out);
  stand_in.hang("Pair");
  PairingAnswers answers{device, nullptr};
  const auto hung = run(bluez->pair(AgentCapability::no_input_no_output, std::move(answers), in(3s)));
  EXPECT_EQ(hung.error().code, Errc::timed_out);
  EXPECT_TRUE(reached([&] { return stand_in.count("UnregisterAgent") == 1; }));
  EXPECT_EQ(stand_in.count("CancelPairing"), 1U);
}

}  // namespace
}  // namespace hg::ble
