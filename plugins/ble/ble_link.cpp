// SPDX-License-Identifier: Apache-2.0
#include "ble/ble_link.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "ble/airtime.hpp"
#include "ble/descriptor_channel.hpp"
#include "ble/message_channel.hpp"
#include "ble/packet_steps.hpp"
#include "wire/limits.hpp"

namespace hg::ble {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr auto kPlaceWithin = 60s;     // among the connections of the adapter
constexpr auto kConnectWithin = 40s;   // a sleepy child advertises every ten seconds or so
constexpr auto kAnsweredWithin = 15s;  // else bluetoothd 5.66 may have lost the question, and is asked again
constexpr auto kAcquireWithin = 10s;
constexpr auto kDisconnectWithin = 10s;   // bluetoothd 5.66 takes 2.5 s
constexpr auto kReservedFor = 20s;        // between two steps of an update
constexpr milliseconds kFirstPause = 2s;  // after a failure; doubles
constexpr milliseconds kLongestPause = 60s;
constexpr milliseconds kFirstRest = 60s;  // after one that nobody but people can mend; doubles
constexpr milliseconds kLongestRest = 1h;
constexpr std::size_t kLeastFragment = 20;
constexpr unsigned kMustBeSo = 2;    // connections in a row that end the same way: no accident
constexpr auto kBreaksWithin = 10s;  // one that is not made for longer: the child is not there

SteadyTime in(std::chrono::seconds time) {
  return std::chrono::steady_clock::now() + time;
}

}  // namespace

Result<LinkSettings> link_settings_from(const wire::Enroll& child) {
  auto address = ble_address_from(child.address);
  if (!address) return address.error();
  auto profile = profile_from(child.profile);
  if (!profile) return profile.error();
  return LinkSettings{child.child, child.address, std::move(*address), *profile};
}

BleLink::BleLink(const asio::any_io_executor& executor, LinkSettings settings, std::shared_ptr<Radio> radio,
                 plugin::LinkReport report, plugin::RadioReport tell_radio, plugin::Log log)
    : executor_(executor),
      settings_(std::move(settings)),
      radio_(std::move(radio)),
      report_(std::move(report)),
      tell_radio_(std::move(tell_radio)),
      log_(std::move(log)),
      changed_(executor),
      inbox_(executor),
      idle_(executor),
      reservation_(executor),
      protection_(executor, {settings_.child, settings_.enrolled_as, settings_.profile.pairing}, radio_,
                  [this] { return connect_again(); }),
      limits_(limits_for(kLeastFragment)),
      pause_(kFirstPause) {}

void BleLink::start() {
  asio::co_spawn(executor_, run(shared_from_this()), asio::detached);
  radio_->seek(shared_from_this());
  tell();
}

void BleLink::close() {
  is_closed_ = true;
  protection_.end();
  inbox_.close("no longer enrolled");
  radio_->leave(settings_.child);
  idle_.cancel();
  reservation_.cancel();
  reserved_.reset();
  if (channel_) channel_->close();
  changed_.all();
}

void BleLink::set_passkey(std::shared_ptr<const Secret> passkey) {
  if (protection_.set_passkey(std::move(passkey))) {
    log_(settings_.child + ": its passkey has changed: the bond that was made with the former one goes");
    if (channel_) channel_->close();
  }
  failure_.reset();  // with another key another attempt makes sense
  not_before_ = {};
  pause_ = kFirstPause;
  tell();
  changed_.all();
}

// ------------------------------------------------------------------------------------------------- seen and not seen

void BleLink::look(const Result<DeviceSeen>& device, bool is_in_sight) {
  if (is_closed_) return;
  if (place_) {  // being connected, or connected: to the device that it is
    const DeviceSeen* const now = radio_->bluez()->objects().device(device_->path);
    if (now != nullptr) device_ = *now;
    const bool has_lost_bond = protection_.wants_bond() && !device_->bonded;
    if (channel_ && has_lost_bond) channel_->close();
    if (radio_->is_crowded(device_->adapter)) leave_if_idle();
    return;
  }
  const bool could_connect = may_connect();
  device_.reset();
  if (device) device_ = *device;
  if (device) adapter_ = device->adapter;
  unseen_ = device ? "nothing was heard of it lately" : device.error().message;
  is_in_sight_ = is_in_sight;
  tell();
  tell_radio();
  if (may_connect() != could_connect) changed_.all();
}

std::string BleLink::why_down() const {
  if (failure_ && std::chrono::steady_clock::now() < not_before_) return failure_->message;
  if (!radio_->bluez()->is_there()) return "bluetoothd does not run, or the bus does not let us reach it";
  return unseen_;
}

void BleLink::tell() {
  if (is_closed_) return;
  const bool is_resting = failure_ && std::chrono::steady_clock::now() < not_before_;
  const bool is_up = (is_in_sight_ || channel_) && !is_resting;
  const auto security = is_up ? protection_.security() : wire::LinkSecurity::none;
  report_({settings_.child, is_up, is_up ? "" : why_down(), security});
}

void BleLink::tell_radio() {
  if (!device_ || is_closed_) return;
  const AdapterSeen* const adapter = radio_->bluez()->objects().adapter(device_->adapter);
  wire::Radio radio;
  radio.child = settings_.child;
  radio.adapter = adapter == nullptr ? "" : adapter->name;
  const auto rssi = device_->rssi.value_or(kNoRssi);
  if (rssi >= wire::kLeastRssi && rssi <= wire::kMostRssi) radio.rssi_dbm = rssi;
  if (channel_) radio.mtu = static_cast<std::uint16_t>(channel_->fragment() + Channel::kAttHeader);
  radio.airtime_ms = static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(airtime_).count());
  radio.breaks = breaks_;
  tell_radio_(radio);
}

void BleLink::child_says_level(std::uint8_t level) {
  if (protection_.set_level(level)) tell();
}

// ----------------------------------------------------------------------------------------------------------- holding

asio::awaitable<Result<BleLink::Hold>> BleLink::hold(SteadyTime deadline) {
  const auto self = shared_from_this();
  ++holds_;
  Hold hold(this, [weak = weak_from_this()](void*) {
    if (const auto still = weak.lock()) still->release();
  });
  const std::uint64_t failures = failures_;
  changed_.all();
  while (!channel_) {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (is_closed_) co_return Error{Errc::unavailable, "no longer enrolled"};
    if (failure_ && (failures_ != failures || now < not_before_)) co_return *failure_;
    if (now >= deadline) co_return Error{Errc::timed_out, "not connected in time: " + why_down()};
    co_await changed_.wait(deadline);
    const bool is_cancelled = co_await smp::was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  }
  co_return hold;
}

void BleLink::release() {
  if (--holds_ > 0 || is_closed_) return;
  idle_.expires_after(settings_.profile.idle);
  const auto leave = [weak = weak_from_this()](boost::system::error_code failure) {
    const auto self = weak.lock();
    if (!failure && self) self->leave_if_idle();
  };
  idle_.async_wait(leave);
}

void BleLink::leave_if_idle() {
  if (holds_ > 0 || !channel_) return;
  is_leaving_ = true;
  inbox_.close("not connected at the moment");
  std::exchange(channel_, nullptr)->close();  // whoever wants it from now on waits for the next connection
}

asio::awaitable<Result<BleLink::Hold>> BleLink::take_transfer(SteadyTime deadline) {
  const auto self = shared_from_this();
  if (reserved_) co_return std::exchange(reserved_, nullptr);
  if (adapter_.empty()) co_return Error{Errc::unavailable, why_down()};
  co_return co_await radio_->transfer(adapter_, deadline);
}

asio::awaitable<Result<void>> BleLink::reserve_transfer(SteadyTime deadline) {
  const auto self = shared_from_this();
  auto turn = co_await take_transfer(deadline);
  if (!turn) co_return turn.error();
  if (is_closed_) co_return gone();
  reserved_ = std::move(*turn);
  keep_reserved();
  co_return Result<void>{};
}

void BleLink::keep_reserved() {
  reservation_.expires_after(kReservedFor);
  const auto look = [weak = weak_from_this()](boost::system::error_code failure) {
    const auto self = weak.lock();
    if (failure || !self || !self->reserved_) return;
    if (self->holds_ > 0) return self->keep_reserved();
    self->reserved_.reset();
  };
  reservation_.async_wait(look);
}

// -------------------------------------------------------------------------------------------------------- connecting

bool BleLink::may_connect() const {
  return holds_ > 0 && is_in_sight_ && device_ && std::chrono::steady_clock::now() >= not_before_;
}

asio::awaitable<void> BleLink::run(std::shared_ptr<BleLink> self) {
  while (!self->is_closed_) {
    if (!self->may_connect()) {
      const bool is_resting = std::chrono::steady_clock::now() < self->not_before_;
      co_await self->changed_.wait(is_resting ? self->not_before_ : SteadyTime::max());
      self->tell();  // a rest may be over
      continue;
    }
    const bool has_place = co_await self->take_place();
    if (!has_place) continue;
    const auto established = co_await self->establish();
    if (established) {
      co_await self->serve();
    } else if (!self->is_closed_) {
      self->fail(established.error());
    }
    co_await self->disconnect();
  }
}

/// Other children may have all places for long, which is nobody's failure.
asio::awaitable<bool> BleLink::take_place() {
  const std::string adapter = device_->adapter;
  auto place = co_await radio_->connection(adapter, in(kPlaceWithin));
  if (!place || is_closed_ || !may_connect() || device_->adapter != adapter) co_return false;
  place_ = std::move(*place);
  co_return true;
}

asio::awaitable<Result<void>> BleLink::establish() {
  auto connected = co_await connect(in(kConnectWithin));
  if (!connected) co_return connected;
  auto is_protected = co_await protection_.make_sure(device_->path);
  if (!is_protected) co_return is_protected;
  auto channel = co_await open_channel(in(kAcquireWithin));
  if (!channel) co_return channel.error();
  if (is_closed_) co_return gone();
  come_up(std::move(*channel));
  co_return Result<void>{};
}

asio::awaitable<Result<void>> BleLink::connect(SteadyTime deadline) {
  const SteadyTime begun = std::chrono::steady_clock::now();
  auto connected = co_await radio_->bluez()->connect(device_->path, std::min(deadline, in(kAnsweredWithin)));
  const bool is_lost = !connected && connected.error().code == Errc::timed_out && !is_closed_;
  if (is_lost) connected = co_await radio_->bluez()->connect(device_->path, deadline);
  const DeviceSeen* const now = radio_->bluez()->objects().device(device_->path);
  if (now != nullptr) device_ = *now;
  if (is_closed_) co_return gone();
  if (connected && now == nullptr) co_return Error{Errc::unavailable, "it vanished when it was connected"};
  // BlueZ 5.66 does not say that the child has lost the key of a bond: the connection is made, and breaks.
  const bool has_broken = !connected && connected.error().code == Errc::io && device_->bonded &&
                          std::chrono::steady_clock::now() - begun < kBreaksWithin;
  broken_ = has_broken ? broken_ + 1 : 0;
  if (broken_ >= kMustBeSo) {
    co_return connected.error().within(
        "does the bond hold? (a child that was reset or replaced has lost it; headgatectl "
        "children revoke-key and set-key, or forget and enroll, make a new one)");
  }
  co_return connected;
}

asio::awaitable<Result<void>> BleLink::connect_again() {
  const auto left = co_await radio_->bluez()->disconnect(device_->path, in(kDisconnectWithin));
  static_cast<void>(left);  // the connection is gone, or is found to be there still
  co_return co_await connect(in(kConnectWithin));
}

Error BleLink::gone() {
  return Error{Errc::unavailable, "no longer enrolled"};
}

// ------------------------------------------------------------------------------------------------------ the channel

asio::awaitable<Result<std::shared_ptr<Channel>>> BleLink::open_channel(SteadyTime deadline) {
  const auto bluez = radio_->bluez();
  const auto characteristic = bluez->objects().smp_characteristic(device_->path);
  if (!characteristic) co_return characteristic.error();
  if (settings_.profile.acquire) {
    auto notify = co_await bluez->acquire_notify(characteristic->path, deadline);
    const bool has_failed = !notify && notify.error().code != Errc::unsupported;
    has_hung_ = has_hung_ || has_failed;
    if (has_failed) protection_.doubt();
    auto write = notify ? Result<Acquired>{Acquired{}} : Result<Acquired>{notify.error()};
    if (notify) write = co_await bluez->acquire_write(characteristic->path, deadline);
    if (write) co_return make_descriptor_channel(executor_, std::move(*write), std::move(*notify));
    if (write.error().code != Errc::unsupported) co_return write.error().within("the SMP characteristic");
    log_(settings_.child + ": no descriptors for its characteristic, so by messages: " + write.error().message);
  }
  co_return co_await open_message_channel(executor_, bluez, characteristic->path, characteristic->mtu, deadline);
}

void BleLink::come_up(std::shared_ptr<Channel> channel) {
  channel_ = std::move(channel);
  limits_ = limits_for(channel_->fragment());
  decoder_.reset();
  is_leaving_ = false;
  has_hung_ = false;
  failure_.reset();
  pause_ = kFirstPause;
  opening_ = {opening_.number + 1, std::chrono::steady_clock::now()};
  inbox_.open();
  tell();
  tell_radio();
  changed_.all();
  if (holds_ == 0) leave_if_idle();
}

asio::awaitable<void> BleLink::serve() {
  const auto channel = channel_;
  const auto keep = [this](Bytes packet) { inbox_.put(std::move(packet)); };
  std::string why;
  for (;;) {
    const auto received = co_await channel->receive();
    if (!received) {
      why = received.error().message;
      break;
    }
    airtime_ += airtime_of(received->size());
    decoder_.feed(*received, keep);
  }
  inbox_.close(is_leaving_ ? "not connected at the moment" : why);
  channel_.reset();
  if (is_leaving_ || is_closed_) co_return;
  unseen_ = "the connection broke (" + why + "), and nothing was heard of it since";
  is_in_sight_ = false;
  ++breaks_;
}

/// Leaves nothing connected, gives the place back, and lets bluetoothd forget what it remembers of the services of a
/// child that it has no bond with: after a reset they may be others.
asio::awaitable<void> BleLink::disconnect() {
  if (!place_) co_return;
  const bool has_broken = !is_in_sight_;
  const auto bluez = radio_->bluez();
  const std::string path = device_->path;
  tell_radio();
  const auto left = co_await bluez->disconnect(path, in(kDisconnectWithin));
  static_cast<void>(left);  // a connection that bluetoothd cannot end ends with the child's supervision timeout
  const DeviceSeen* const seen = bluez->objects().device(path);
  const bool is_stale = has_broken || settings_.address.address.empty();
  if (seen != nullptr && !seen->bonded && is_stale && !has_hung_) {
    const auto removed = co_await bluez->remove_device(seen->adapter, path, in(kDisconnectWithin));
    static_cast<void>(removed);  // it is found again either way
  }
  place_.reset();
  if (is_closed_) co_return;
  if (has_broken) radio_->lost(settings_.child);
  radio_->look_again();  // what changed meanwhile was not looked at
  tell();
}

void BleLink::fail(const Error& error) {
  failure_ = error;
  ++failures_;
  const bool is_for_people = error.code == Errc::unauthenticated || error.code == Errc::unsupported;
  if (is_for_people) pause_ = std::max(pause_, kFirstRest);
  not_before_ = std::chrono::steady_clock::now() + pause_;
  const milliseconds longest = is_for_people ? kLongestRest : kLongestPause;
  pause_ = std::max(pause_, std::min(2 * pause_, longest));
  log_(settings_.child + ": " + error.message);
  tell();
  changed_.all();
}

// ---------------------------------------------------------------------------------------------------------- packets

asio::awaitable<Result<Bytes>> BleLink::read(SteadyTime deadline) {
  const auto self = shared_from_this();
  co_return co_await inbox_.take(deadline);
}

asio::awaitable<Result<void>> BleLink::write(ByteView packet, SteadyTime deadline) {
  const auto self = shared_from_this();
  const auto channel = channel_;
  if (!channel) co_return inbox_.down_error();
  for (std::size_t left = packet.size(); left > 0;) {
    const std::size_t size = std::min(left, channel->fragment());
    airtime_ += airtime_of(size);
    left -= size;
  }
  co_return co_await channel->write(packet, deadline);
}

}  // namespace hg::ble
