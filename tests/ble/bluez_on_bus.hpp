// SPDX-License-Identifier: Apache-2.0
// A Bluez on a bus of the test's own, with a scripted bluetoothd that has one adapter and one device.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ble/bluez.hpp"
#include "ble/scripted_bluez.hpp"
#include "fakes/on_loop.hpp"

namespace hg::ble::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace std::string_literals;
using bus::test::eventually;

inline constexpr const char* kAdapter = "org.bluez.Adapter1";
inline constexpr const char* kDevice = "org.bluez.Device1";
inline const std::string kHci0 = "/org/bluez/hci0";
inline const std::string kBoiler = "/org/bluez/hci0/dev_C0_FF_EE_00_11_22";

inline SteadyTime in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

inline Interfaces adapter_at(const std::string& address) {
  return {{kAdapter, {{"Address", address}, {"Powered", true}}}};
}

inline Interfaces device_at(const std::string& address, bool connected = false) {
  return {{kDevice, {{"Address", address}, {"Adapter", kHci0}, {"Connected", connected}}}};
}

class BluezOnBus : public testing::Test {
 protected:
  ~BluezOnBus() override { bluez->close(); }

  /// bluetoothd with one adapter and one device; and Bluez, which has seen them.
  void begin() {
    bluetoothd = std::make_unique<ScriptedBluez>(loop, private_bus.address());
    bluetoothd->objects[kHci0] = adapter_at("00:AA:01:00:00:00");
    bluetoothd->objects[kBoiler] = device_at("C0:FF:EE:00:11:22");
    bluetoothd->claim();
    bluez->start();
    ASSERT_TRUE(eventually(loop, [&] { return bluez->is_there(); }));
    loop.restart();
    loop.poll();  // and has told of it
  }

  /// What comes of something that runs beside the test.
  template <class T>
  using Later = std::shared_ptr<std::optional<T>>;
  template <class T>
  Later<T> begin(asio::awaitable<T> work) {
    auto ended = std::make_shared<std::optional<T>>();
    const auto keep = [ended](const std::exception_ptr&, T result) { *ended = std::move(result); };
    asio::co_spawn(loop, std::move(work), keep);
    loop.restart();
    loop.poll();
    return ended;
  }
  Later<Result<void>> wait_for(std::function<bool()> holds, std::chrono::milliseconds longest = 10s) {
    return begin(bluez->until(std::move(holds), in(longest)));
  }
  template <class T>
  T end(const Later<T>& later) {
    if (!eventually(loop, [&] { return later->has_value(); })) throw std::runtime_error("it does not end");
    return std::move(**later);
  }
  template <class T>
  T run(asio::awaitable<T> work) {
    return fakes::on_loop(loop, std::move(work));
  }

  bus::test::PrivateBus private_bus;
  asio::io_context loop;
  std::vector<std::string> log;
  std::shared_ptr<Bluez> bluez = std::make_shared<Bluez>(loop.get_executor(), private_bus.address(),
                                                         [this](std::string_view line) { log.emplace_back(line); });
  std::unique_ptr<ScriptedBluez> bluetoothd;
};

}  // namespace hg::ble::test
