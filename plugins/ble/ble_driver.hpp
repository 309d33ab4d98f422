// SPDX-License-Identifier: Apache-2.0
// The Driver of headgate-ble: plugins/smp's, with the radio around each step. A step begins when its child is
// connected, and the connection lasts as long as it; a delivery begins when its adapter has room for another transfer.
// Passkeys go to the links, and the bond of a child that is forgotten goes with it. Called by the SDK.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "ble/ble_link.hpp"
#include "ble/radio.hpp"
#include "sdk/program.hpp"
#include "smp/smp_driver.hpp"

namespace hg::ble {

class BleDriver final : public plugin::Driver {
 public:
  /// Errors of smp::with_recording().
  static Result<std::unique_ptr<BleDriver>> make(const plugin::Setup& setup, const std::string& software,
                                                 const std::string& bus, RadioSettings settings);
  BleDriver(const BleDriver&) = delete;
  BleDriver& operator=(const BleDriver&) = delete;
  ~BleDriver() override;

  void enroll(const wire::Enroll& child) override;
  void forget(const std::string& child) override;
  /// Bonds of children that were forgotten while this program did not run go now.
  void all_are_enrolled() override;
  void set_link_key(const std::string& child, plugin::LinkKey key) override;
  boost::asio::awaitable<Result<wire::Seen>> inspect(plugin::Job job) override;
  boost::asio::awaitable<Result<plugin::Outcome>> deliver(plugin::Job job, wire::Deliver request,
                                                          plugin::ImageView image) override;
  boost::asio::awaitable<Result<plugin::Outcome>> activate(plugin::Job job, wire::Activate request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> confirm(plugin::Job job, wire::Confirm request) override;
  boost::asio::awaitable<Result<plugin::Outcome>> revert(plugin::Job job, wire::Revert request) override;
  /// Waits in line for a place among the transfers of the adapter, half of the step's time; later, when there is none.
  boost::asio::awaitable<Result<plugin::Willingness>> offer(plugin::Job job, wire::Offer request) override;
  boost::asio::awaitable<Result<plugin::Saved>> backup(plugin::Job job) override;
  boost::asio::awaitable<Result<void>> restore(plugin::Job job, UniqueFd saved) override;
  boost::asio::awaitable<Result<Bytes>> identify(plugin::Job job, Bytes nonce) override;
  boost::asio::awaitable<Result<void>> prove(plugin::Job job, Bytes proof) override;

 private:
  using Links = std::map<std::string, std::shared_ptr<BleLink>>;

  BleDriver(std::shared_ptr<Bluez> bluez, std::shared_ptr<Radio> radio);
  /// Errc::unavailable: its values are wrong, which its link has said.
  [[nodiscard]] Result<std::shared_ptr<BleLink>> link_of(const std::string& child) const;
  /// Every error but Errc::cancelled is Errc::unavailable: a child that cannot be reached has done nothing wrong.
  boost::asio::awaitable<Result<BleLink::Hold>> hold(std::string child, SteadyTime deadline);

  std::shared_ptr<Bluez> bluez_;
  std::shared_ptr<Radio> radio_;
  std::shared_ptr<Links> links_;    // shared with what opens them
  std::set<std::string> enrolled_;  // also those whose values are wrong
  std::unique_ptr<smp::SmpDriver> smp_;
};

}  // namespace hg::ble
