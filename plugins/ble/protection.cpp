// SPDX-License-Identifier: Apache-2.0
#include "ble/protection.hpp"

#include <algorithm>
#include <utility>

namespace hg::ble {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr auto kProbeWithin = 15s;
constexpr auto kPairWithin = 40s;  // of which the child may take 30 (Core Specification, Vol 3, Part H, 3.4)
constexpr unsigned kMustBeSo = 2;  // bonds in a row that end the same way: no accident

SteadyTime in(std::chrono::seconds time) {
  return std::chrono::steady_clock::now() + time;
}

bool is_same(const std::shared_ptr<const Secret>& a, const std::shared_ptr<const Secret>& b) {
  return a && b ? std::ranges::equal(a->view(), b->view()) : a == b;
}

Error gone() {
  return Error{Errc::unavailable, "no longer enrolled"};
}

}  // namespace

Protection::Protection(asio::any_io_executor executor, Child child, std::shared_ptr<Radio> radio, Reconnect reconnect)
    : executor_(std::move(executor)),
      child_(std::move(child)),
      radio_(std::move(radio)),
      reconnect_(std::move(reconnect)),
      bond_(radio_->bonds().load(child_.name)) {
  if (bond_ && !is_still_of(*bond_, child_.enrolled_as)) drop();
}

bool Protection::set_passkey(std::shared_ptr<const Secret> passkey) {
  const bool is_other = passkey_ && !is_same(passkey_, passkey);
  passkey_ = std::move(passkey);
  if (!is_other || !bond_) return false;
  drop();
  return true;
}

bool Protection::set_level(std::uint8_t level) {
  return std::exchange(level_, level) != level;
}

Result<void> Protection::keep(Bond bond) {
  bond_ = std::move(bond);
  level_ = 0;
  is_taken_ = false;
  return radio_->bonds().save(child_.name, *bond_);
}

void Protection::drop() {
  radio_->drop_bond(child_.name);
  bond_.reset();
}

Result<DeviceSeen> Protection::device_at(const std::string& path) const {
  const DeviceSeen* const device = radio_->bluez()->objects().device(path);
  if (device == nullptr) return Error{Errc::unavailable, "bluetoothd does not show it any more"};
  return *device;
}

/// One made by hand (bluetoothctl), or before our memory of it was lost: a bond, of which nothing is known.
Result<Bond> Protection::unknown_bond_of(const DeviceSeen& device) const {
  const AdapterSeen* const adapter = radio_->bluez()->objects().adapter(device.adapter);
  if (adapter == nullptr) return Error{Errc::unavailable, "its adapter vanished"};
  return Bond{adapter->address, device.address, false, false, child_.enrolled_as};
}

asio::awaitable<Result<void>> Protection::make_sure(std::string device) {
  if (!wants_bond()) co_return co_await make_sure_it_is_open(std::move(device));
  if (child_.pairing == Profile::Pairing::passkey && !passkey_) {
    co_return Error{Errc::unauthenticated,
                    "no passkey is known for it: headgatectl children set-key " + child_.name + " link FILE"};
  }
  co_return co_await make_sure_of_bond(std::move(device));
}

asio::awaitable<Result<void>> Protection::make_sure_of_bond(std::string path) {
  const auto device = device_at(path);
  if (!device) co_return device.error();
  auto unknown = unknown_bond_of(*device);
  if (!unknown) co_return unknown.error();
  const bool is_known = bond_ && bond_->address == unknown->address && bond_->adapter == unknown->adapter;
  if (device->bonded && is_known && is_taken_) co_return Result<void>{};
  if (!device->bonded) {
    auto made = co_await bond_anew(path);
    if (!made) co_return made;
  } else if (!is_known) {
    auto kept = keep(std::move(*unknown));
    if (!kept) co_return kept;
  }
  co_return co_await make_sure_it_is_enough(std::move(path));
}

asio::awaitable<Result<void>> Protection::bond_anew(std::string path) {
  const auto bluez = radio_->bluez();
  const auto passkey = passkey_;
  bool has_refused = false;
  if (child_.pairing == Profile::Pairing::passkey) {  // the other bonds prove nothing in any case
    auto tried = co_await try_unbonded(path);
    if (!tried) co_return tried;
    has_refused = *unbonded_ == Unbonded::refuses || *unbonded_ == Unbonded::drops;
  }
  auto bond = co_await make_bond(bluez, path, child_.pairing, passkey, has_refused, in(kPairWithin));
  if (!bond) co_return bond.error().within("pair");
  const bool is_outdated = has_ended_ || !is_same(passkey, passkey_);
  if (is_outdated) {
    const DeviceSeen* const device = bluez->objects().device(path);
    if (device != nullptr) {
      const auto undone = co_await bluez->remove_device(device->adapter, path, in(kPairWithin));
      static_cast<void>(undone);  // it is one of which nothing is remembered
    }
    co_return Error{Errc::unavailable, "its passkey changed while it was paired, or it is no longer enrolled"};
  }
  unbonded_.reset();
  bond->enrolled = child_.enrolled_as;
  co_return keep(std::move(*bond));
}

/// Over the bond, once: where it is less than the child wants (just works, and it wants a passkey) it is removed.
asio::awaitable<Result<void>> Protection::make_sure_it_is_enough(std::string path) {
  const auto bluez = radio_->bluez();
  auto taken = co_await takes_with_bond(bluez, path, in(kPairWithin));
  if (has_ended_ || !bond_) co_return gone();
  untaken_ = taken ? 0 : untaken_ + 1;
  is_taken_ = taken.has_value();
  const bool is_less = !taken && (taken.error().code == Errc::unauthenticated ||
                                  (untaken_ >= kMustBeSo && is_told_by_att(taken.error())));
  if (!is_less) co_return taken;
  if (!bond_->has_passkey) drop();
  co_return Error{
      Errc::unauthenticated,
      "the child wants more than this bond, surely a passkey (pairing = \"passkey\"): " + taken.error().message};
}

/// Without a bond, where none is asked for: once. Where the child wants one, people must say which.
asio::awaitable<Result<void>> Protection::make_sure_it_is_open(std::string path) {
  const auto device = device_at(path);
  if (!device) co_return device.error();
  if (device->bonded || is_taken_) co_return Result<void>{};
  auto tried = co_await try_unbonded(std::move(path));
  if (!tried) co_return tried;
  is_taken_ = *unbonded_ == Unbonded::answers || *unbonded_ == Unbonded::drops;
  unbonded_.reset();
  if (is_taken_) co_return Result<void>{};
  co_return Error{Errc::unauthenticated,
                  "the child wants a bond for SMP: its profile must say pairing = \"passkey\" or \"just-works\""};
}

/// Fills in `unbonded_`, and leaves the child connected. What is not an answer is tried a second time on a connection
/// of its own, since a link that breaks looks the same. One that bluetoothd paired with has to be found again, and is
/// not tried again then.
asio::awaitable<Result<void>> Protection::try_unbonded(std::string path) {
  const auto bluez = radio_->bluez();
  for (unsigned times = 0; !unbonded_; ++times) {
    const auto tried = co_await try_without_bond(executor_, bluez, path, in(kProbeWithin));
    if (!tried) co_return tried.error();
    if (has_ended_) co_return gone();
    const bool is_certain = *tried == Unbonded::answers || *tried == Unbonded::pairs || times > 0;
    if (is_certain) unbonded_ = *tried;
    if (*tried == Unbonded::answers) break;
    if (*tried == Unbonded::pairs) {
      co_return Error{Errc::unavailable, "bluetoothd paired with it by itself; that bond is removed"};
    }
    auto connected = co_await reconnect_();
    if (!connected) co_return connected;
  }
  co_return Result<void>{};
}

}  // namespace hg::ble
