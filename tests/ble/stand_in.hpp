// SPDX-License-Identifier: Apache-2.0
// A bluetoothd for a test: a dbus-daemon of its own with the stand-in (tests/children/bluez_stand_in.py) on it,
// children behind it, and what happens to them. Everything ends with the object. Used by the tests of headgate-ble and
// of its parts; calls block for some milliseconds, on a connection of the stand-in's own.
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plugins/processes.hpp"

namespace hg::test {

/// A child in the air of an adapter. See StandIn::add().
struct BlePeripheral {
  std::string adapter = "hci0";
  std::string address = "C0:FF:EE:00:11:22";
  std::string identity{};  ///< known to bluetoothd once bonded; empty: the address
  std::string address_type = "random";
  std::string name = "boiler-12";
  std::vector<std::string> uuids{};  ///< advertised; empty: the SMP service
  std::int16_t rssi = -60;           ///< dBm
  std::uint16_t mtu = 247;           ///< of the link, bytes; a write command carries 3 less
  std::string smp{};                 ///< socket of an smp_child; empty: it answers nothing
  std::string pairing = "none";      ///< what it accepts: none, just-works, passkey
  std::uint32_t passkey = 0;
  bool encrypted = false;              ///< the SMP characteristic demands it (with a passkey: authenticated)
  bool acquire = true;                 ///< false: AcquireWrite and AcquireNotify answer NotSupported
  bool reassembly = true;              ///< false: a packet must fit one write
  std::uint32_t bytes_per_second = 0;  ///< taken from the acquired socket; 0: as fast as it goes
};

class StandIn {
 public:
  /// With the adapter hci0 at kAdapter. `options` are those of bluez_stand_in.py, in milliseconds; connections here are
  /// given up after 1 s and devices forgotten after 2 s unless they say otherwise.
  explicit StandIn(std::vector<std::string> options = {});
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;
  ~StandIn();

  static constexpr const char* kAdapter = "00:AA:01:00:00:00";

  /// Where its org.bluez is.
  [[nodiscard]] const std::string& address() const { return address_; }

  // The adapters.
  void add_adapter(const std::string& name, const std::string& address) { text("AddAdapter", {name, address}); }
  void remove_adapter(const std::string& name) { text("RemoveAdapter", {name}); }
  void set_powered(const std::string& name, bool on) { flag("SetPowered", name, on); }

  // The children, by the id that add() gave.
  std::string add(const BlePeripheral& peripheral);
  void remove(const std::string& id) { text("RemovePeripheral", {id}); }
  void advertise(const std::string& id, bool on) { flag("Advertise", id, on); }
  /// The link is lost.
  void drop(const std::string& id) { text("Drop", {id}); }
  /// The same, and its GATT has other object paths from then on.
  void restart(const std::string& id) { text("Restart", {id}); }
  void change_address(const std::string& id, const std::string& to) { text("ChangeAddress", {id, to}); }
  /// The child forgets its bonds; bluetoothd does not.
  void lose_bond(const std::string& id) { text("LoseBond", {id}); }

  // The calls of clients.
  /// The next `times` calls of the member end with this error, e.g. "org.bluez.Error.Failed".
  void fail(const std::string& member, const std::string& error, const std::string& text, std::uint32_t times = 1);
  /// The next `times` calls of the member are never answered, and not carried out.
  void hang(const std::string& member, std::uint32_t times = 1);
  /// All so far, as "Member /path", in order.
  [[nodiscard]] std::vector<std::string> calls();
  /// How many of them are of this member, at a path that has `part` in it.
  [[nodiscard]] std::size_t count(const std::string& member, const std::string& part = "");

  /// bluetoothd ends at once. After start_again() it has the adapters and children, and the bonds of both sides; its
  /// other devices and its clients' sessions and agents are gone.
  void kill();
  void start_again();

 private:
  using Fill = std::function<int(sd_bus_message*)>;
  using Message = std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)>;

  Message call(const char* member, const Fill& fill);
  void text(const char* member, const std::vector<std::string>& words);
  void flag(const char* member, const std::string& name, bool on);

  std::string directory_;
  std::string address_;
  std::unique_ptr<Program> daemon_, stand_in_;
  std::unique_ptr<sd_bus, decltype(&sd_bus_flush_close_unref)> bus_{nullptr, &sd_bus_flush_close_unref};
};

/// An smp_child with the socket that a BlePeripheral names. It ends with the object; again on the same state, it goes
/// on from its flash.
class BleChild {
 public:
  /// `options` as smp_child's, "--image" among them where it shall run one.
  BleChild(const std::filesystem::path& state, std::vector<std::string> options);

  [[nodiscard]] const std::string& socket() const { return socket_; }
  [[nodiscard]] Program& program() { return *program_; }

 private:
  std::string socket_;
  std::unique_ptr<Program> program_;
};

}  // namespace hg::test
