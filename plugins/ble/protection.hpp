// SPDX-License-Identifier: Apache-2.0
// How one child's connections are protected: the bond that its profile asks for is made where it is missing, and what
// comes of it is made sure of once, before any SMP packet of a step goes out. What it counts for is told to the daemon
// by link, which asks for it over each connection and lends its own connecting; the single steps with bluetoothd are
// pairing's, the memory of bonds is bonds'.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/secret.hpp"
#include "ble/pairing.hpp"
#include "ble/radio.hpp"

namespace hg::ble {

class Protection {
 public:
  struct Child {
    std::string name;
    std::string enrolled_as;  ///< the address as it was written; is_still_of() says which bonds it keeps
    Profile::Pairing pairing = Profile::Pairing::none;
  };
  /// Connects again with whom it was connected; errors of Bluez::connect().
  using Reconnect = std::function<boost::asio::awaitable<Result<void>>()>;

  /// What is remembered of its bond is read. `reconnect` is used within make_sure() only.
  Protection(boost::asio::any_io_executor executor, Child child, std::shared_ptr<Radio> radio, Reconnect reconnect);

  /// The device at this path, which is connected and stays so, is protected as the profile asks. Errc::unauthenticated:
  /// it cannot be, and what to do; Errc::unavailable, Errc::io, Errc::timed_out: try again later. This must live until
  /// then; after end() it returns soon.
  boost::asio::awaitable<Result<void>> make_sure(std::string device);
  void end() { has_ended_ = true; }

  /// Null: none. True: another one than before, so that the bond that was made with that is removed.
  bool set_passkey(std::shared_ptr<const Secret> passkey);
  /// As the child's kit says it of its link. True: another one than before.
  bool set_level(std::uint8_t level);
  /// It did not let us listen although it did before: it may have become another.
  void doubt() { is_taken_ = false; }

  [[nodiscard]] wire::LinkSecurity security() const { return security_of(child_.pairing, bond_, level_); }
  [[nodiscard]] bool wants_bond() const { return child_.pairing != Profile::Pairing::none; }
  [[nodiscard]] std::string bonded_address() const { return bond_ ? bond_->address : ""; }

 private:
  [[nodiscard]] Result<DeviceSeen> device_at(const std::string& path) const;
  [[nodiscard]] Result<Bond> unknown_bond_of(const DeviceSeen& device) const;
  boost::asio::awaitable<Result<void>> make_sure_of_bond(std::string path);
  boost::asio::awaitable<Result<void>> bond_anew(std::string path);
  boost::asio::awaitable<Result<void>> make_sure_it_is_enough(std::string path);
  boost::asio::awaitable<Result<void>> make_sure_it_is_open(std::string path);
  boost::asio::awaitable<Result<void>> try_unbonded(std::string path);
  Result<void> keep(Bond bond);
  void drop();

  boost::asio::any_io_executor executor_;
  Child child_;
  std::shared_ptr<Radio> radio_;
  Reconnect reconnect_;
  std::shared_ptr<const Secret> passkey_;
  std::optional<Bond> bond_;
  std::uint8_t level_ = 0;
  std::optional<Unbonded> unbonded_;  // what it does without a bond, until there is one
  unsigned untaken_ = 0;              // bonds in a row over which the child did not let us listen
  bool is_taken_ = false;             // it lets us listen: over this bond, or without one
  bool has_ended_ = false;
};

}  // namespace hg::ble
