// SPDX-License-Identifier: Apache-2.0
// The adapters and who is on the air: listens when somebody is looked for (scan_plan), says to each link which device
// is its child and whether it is in sight, tells of strangers, and gives places for connections and transfers, so many
// for each adapter. It leaves adapters as they are: one that is off stays off. Connecting and what then is said is
// link's.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "ble/address.hpp"
#include "ble/bluez.hpp"
#include "ble/bonds.hpp"
#include "ble/scan_plan.hpp"
#include "ble/sight.hpp"
#include "ble/strangers.hpp"
#include "ble/turns.hpp"

namespace hg::ble {

struct RadioSettings {
  std::vector<std::string> adapters;  ///< names or addresses; empty: all
  unsigned connections = 4;           ///< of an adapter at a time
  unsigned transfers = 2;             ///< of an adapter at a time (docs/decisions/0018)
};

/// A child that is looked for. link is one.
class Sought {
 public:
  virtual ~Sought() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual const BleAddress& address() const = 0;
  /// Its identity address as far as a bond tells; empty: none.
  [[nodiscard]] virtual std::string bonded_address() const = 0;
  [[nodiscard]] virtual bool is_connected() const = 0;
  /// Somebody waits for it to be connected.
  [[nodiscard]] virtual bool is_wanted() const = 0;
  /// What is known of it may have changed. `device`: which it is; or why it is not to be found. `is_in_sight`: it was
  /// heard lately; also of one that bluetoothd has forgotten since, as it does with those that have no bond.
  virtual void look(const Result<DeviceSeen>& device, bool is_in_sight) = 0;
};

class Radio : public std::enable_shared_from_this<Radio> {
 public:
  Radio(boost::asio::any_io_executor executor, std::shared_ptr<Bluez> bluez, RadioSettings settings, Bonds bonds,
        plugin::MeetingReport meet, plugin::Log log);

  void start();
  void close();

  /// From now on it is looked for; held weakly. Another one of that name takes its place.
  void seek(const std::shared_ptr<Sought>& child);
  void leave(const std::string& child);
  /// Its connection broke by itself: it must be heard again before it is connected to.
  void lost(const std::string& child);

  [[nodiscard]] const std::shared_ptr<Bluez>& bluez() const { return bluez_; }
  [[nodiscard]] const Bonds& bonds() const { return bonds_; }

  /// Of the adapter with this path. Errors of Turns::take().
  boost::asio::awaitable<Result<std::shared_ptr<void>>> connection(std::string adapter, SteadyTime deadline);
  boost::asio::awaitable<Result<std::shared_ptr<void>>> transfer(std::string adapter, SteadyTime deadline);
  /// Something that no signal tells has changed.
  void look_again();
  /// How many wait for each place among the transfers of this adapter, rounded down.
  [[nodiscard]] unsigned line_for_transfer(const std::string& adapter) const;
  /// Somebody waits for a connection of this adapter: those that nobody uses should end.
  [[nodiscard]] bool is_crowded(const std::string& adapter) const;

  /// Removes the bond that is remembered of a child from bluetoothd, and the memory of it; when bluetoothd is away, as
  /// soon as it is back. For children that are forgotten, and whose passkey has changed.
  void drop_bond(const std::string& child);

 private:
  struct Seeking {
    std::weak_ptr<Sought> child;
    Sight sight;
    std::uint64_t heard = 0;  // DeviceSeen::heard at the last look
    std::string device;       // its path then
  };
  struct Adapter {
    Adapter(const boost::asio::any_io_executor& executor, const RadioSettings& settings)
        : connections(executor, settings.connections), transfers(executor, settings.transfers) {}
    Turns connections;
    Turns transfers;
    ScanPlan plan;
    bool is_listening = false;  // as bluetoothd was told
    bool is_changing = false;   // it is being told otherwise
    SteadyTime not_before{};    // after a failure
  };

  void look();
  void look_soon();
  void look_at(Seeking& seeking, Sought& child, const std::vector<std::string>& taken, SteadyTime now);
  void tick();
  void tick_later();
  void listen_as_needed(SteadyTime now);
  [[nodiscard]] ScanPlan::Needs needs_of(const AdapterSeen& seen, const Adapter& adapter, SteadyTime now) const;
  [[nodiscard]] bool is_listened_for(const BleAddress& child) const;
  /// The addresses of children, as they are enrolled and as they are bonded.
  [[nodiscard]] std::vector<std::string> taken() const;
  Adapter& adapter_at(const std::string& path);
  static boost::asio::awaitable<void> change_listening(std::shared_ptr<Radio> self, std::string path, bool listens);
  static boost::asio::awaitable<void> drop(std::shared_ptr<Radio> self, std::string child, Bond bond);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<Bluez> bluez_;
  RadioSettings settings_;
  Bonds bonds_;
  Strangers strangers_;
  plugin::Log log_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer soon_;  // the next look, when the last one was just now
  bool is_looking_soon_ = false;
  std::map<std::string, Seeking> sought_;
  std::map<std::string, Adapter> adapters_;  // by path
  std::set<std::string> dropping_;           // bonds on their way out: child and text_of()
  SteadyTime last_tick_{};
  SteadyTime last_look_{};
  bool is_closed_ = false;
};

}  // namespace hg::ble
