// SPDX-License-Identifier: Apache-2.0
// One BLE child: smp::Link over the SMP characteristic of its GATT server. Up means in sight: it was heard lately, or
// is connected. A connection stands only while a step holds it and a little longer; hold() makes it, with the bond that
// the profile asks for, and when it breaks under a step it is made again by itself. Without that bond no SMP packet of
// a step goes out: the bond is protection's. Which device the child is, and whether there is a place on the air, is
// radio's; what bluetoothd says, bluez's. ble_driver has one for each child.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "ble/channel.hpp"
#include "ble/profile.hpp"
#include "ble/protection.hpp"
#include "ble/radio.hpp"
#include "ble/wakeup.hpp"
#include "smp/inbox.hpp"
#include "smp/raw_framing.hpp"
#include "smp/smp_driver.hpp"

namespace hg::ble {

struct LinkSettings {
  std::string child;
  std::string enrolled_as;  ///< the address as it was written
  BleAddress address;
  Profile profile;
};

/// From what Enroll says; Errc::invalid names the value that is wrong.
Result<LinkSettings> link_settings_from(const wire::Enroll& child);

class BleLink final : public smp::RunningLink, public Sought, public std::enable_shared_from_this<BleLink> {
 public:
  BleLink(const boost::asio::any_io_executor& executor, LinkSettings settings, std::shared_ptr<Radio> radio,
          plugin::LinkReport report, plugin::RadioReport tell_radio, plugin::Log log);

  /// Begins to look for the child; once.
  void start();
  void close() override;

  /// Lasts as long as the result: the child is connected, and connected again when the connection breaks.
  using Hold = std::shared_ptr<void>;
  /// Returns when the child is connected and protected as its profile asks. Errc::unauthenticated: it cannot be, and
  /// why; Errc::unavailable, Errc::io, Errc::timed_out, Errc::cancelled.
  boost::asio::awaitable<Result<Hold>> hold(SteadyTime deadline);
  /// A place among the transfers of the child's adapter: the one that is reserved for it, if there is one.
  /// Errc::timed_out, Errc::cancelled; Errc::unavailable: it has no adapter.
  boost::asio::awaitable<Result<Hold>> take_transfer(SteadyTime deadline);
  /// Waits in line for such a place, without a connection. It is kept for the child as long as its steps go on, and a
  /// little longer. Errors of take_transfer().
  boost::asio::awaitable<Result<void>> reserve_transfer(SteadyTime deadline);
  void give_up_transfer() { reserved_.reset(); }
  [[nodiscard]] unsigned line_for_transfer() const { return radio_->line_for_transfer(adapter_); }

  /// Null: none. Another one than before: the bond that was made with that is removed, and a new one made.
  void set_passkey(std::shared_ptr<const Secret> passkey);

  // smp::RunningLink
  boost::asio::awaitable<Result<void>> write(ByteView packet, SteadyTime deadline) override;
  boost::asio::awaitable<Result<Bytes>> read(SteadyTime deadline) override;
  void resynchronize() override { decoder_.reset(); }
  [[nodiscard]] const Limits& limits() const override { return limits_; }
  [[nodiscard]] Opening opening() const override { return opening_; }
  void child_says_level(std::uint8_t level) override;

  // Sought
  [[nodiscard]] const std::string& name() const override { return settings_.child; }
  [[nodiscard]] const BleAddress& address() const override { return settings_.address; }
  [[nodiscard]] std::string bonded_address() const override { return protection_.bonded_address(); }
  [[nodiscard]] bool is_connected() const override { return channel_ != nullptr; }
  [[nodiscard]] bool is_wanted() const override { return holds_ > 0 && !channel_; }
  void look(const Result<DeviceSeen>& device, bool is_in_sight) override;

 private:
  static boost::asio::awaitable<void> run(std::shared_ptr<BleLink> self);
  [[nodiscard]] bool may_connect() const;
  boost::asio::awaitable<bool> take_place();
  boost::asio::awaitable<Result<void>> establish();
  boost::asio::awaitable<Result<void>> connect(SteadyTime deadline);
  boost::asio::awaitable<Result<void>> connect_again();
  static Error gone();
  boost::asio::awaitable<Result<std::shared_ptr<Channel>>> open_channel(SteadyTime deadline);
  void come_up(std::shared_ptr<Channel> channel);
  boost::asio::awaitable<void> serve();
  boost::asio::awaitable<void> disconnect();
  void fail(const Error& error);
  void release();
  void keep_reserved();
  void leave_if_idle();
  void tell();
  void tell_radio();
  [[nodiscard]] std::string why_down() const;

  boost::asio::any_io_executor executor_;
  LinkSettings settings_;
  std::shared_ptr<Radio> radio_;
  plugin::LinkReport report_;
  plugin::RadioReport tell_radio_;
  plugin::Log log_;
  Wakeup changed_;
  smp::Inbox inbox_;
  boost::asio::steady_timer idle_;
  boost::asio::steady_timer reservation_;
  smp::RawDecoder decoder_;
  Protection protection_;
  std::optional<DeviceSeen> device_;           // as radio says, or the one that is connected
  std::string unseen_ = "not looked for yet";  // why there is no device
  std::string adapter_;                        // of the device that was seen last
  bool is_in_sight_ = false;
  Hold reserved_;                     // among the transfers of the adapter
  Hold place_;                        // among the connections of the adapter
  std::shared_ptr<Channel> channel_;  // while it is connected
  Limits limits_;
  Opening opening_;
  unsigned holds_ = 0;
  std::uint64_t failures_ = 0;
  unsigned broken_ = 0;              // connections in a row that broke at once
  std::optional<Error> failure_;     // the last one, while it keeps us from trying
  SteadyTime not_before_{};          // another attempt
  std::chrono::milliseconds pause_;  // after the next failure
  std::chrono::microseconds airtime_{0};
  std::uint64_t breaks_ = 0;  // connections that ended by themselves
  bool has_hung_ = false;     // an AcquireNotify was never answered: RemoveDevice would break BlueZ 5.66
  bool is_leaving_ = false;   // the connection is ended by us
  bool is_closed_ = false;
};

}  // namespace hg::ble
