// SPDX-License-Identifier: Apache-2.0
#include "ble/pairing.hpp"

#include <algorithm>
#include <utility>

#include "ble/wakeup.hpp"
#include "smp/os_group.hpp"
#include "smp/packet.hpp"

namespace hg::ble {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr auto kSubscribeWithin = 5s;
constexpr auto kAnswerWithin = 3s;     // an echo
constexpr std::size_t kEchoSize = 20;  // fits the least ATT MTU
constexpr std::uint8_t kEchoSequence = 0xE5;
constexpr auto kBondedWithin = 5s;     // after Pair() has answered
constexpr std::uint8_t kTopLevel = 4;  // LE security mode 1: authenticated LE Secure Connections
constexpr std::string_view kAttAnswer = "ATT error";

SteadyTime soon(std::chrono::seconds within, SteadyTime deadline) {
  return std::min(deadline, std::chrono::steady_clock::now() + within);
}

bool is_bonded(const Bluez& bluez, const std::string& device) {
  const DeviceSeen* const seen = bluez.objects().device(device);
  return seen != nullptr && seen->bonded;
}

std::string adapter_of(const Bluez& bluez, const std::string& device) {
  const DeviceSeen* const seen = bluez.objects().device(device);
  return seen == nullptr ? "" : seen->adapter;
}

Bytes echo_packet() {
  Bytes packet = smp::echo_request(kEchoSize);
  smp::put_header(packet, smp::kEcho, 1, kEchoSequence);
  return packet;
}

/// Whether anything comes back for an echo.
asio::awaitable<Result<bool>> ask_echo(asio::any_io_executor executor, std::shared_ptr<Bluez> bluez,
                                       std::string characteristic, SteadyTime deadline) {
  struct Listening {
    explicit Listening(const asio::any_io_executor& executor) : changed(executor) {}
    Wakeup changed;
    bool has_answer = false;
  };
  const auto listening = std::make_shared<Listening>(executor);
  const auto arrived = [listening](ByteView) {
    listening->has_answer = true;
    listening->changed.all();
  };
  const auto started = co_await bluez->start_notify(characteristic, arrived, soon(kSubscribeWithin, deadline));
  if (!started) co_return started.error();
  const auto written = co_await bluez->write_value(characteristic, echo_packet(), soon(kSubscribeWithin, deadline));
  if (written && !listening->has_answer) co_await listening->changed.wait(soon(kAnswerWithin, deadline));
  bluez->stop_notify(characteristic);
  const bool is_cancelled = co_await smp::was_cancelled();
  if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  if (!written) co_return written.error();
  co_return listening->has_answer;
}

/// Whether an error of a first access is the child's answer, and not that it went away meanwhile. Of 5.66 comes
/// "Operation failed with ATT error: 0x0e" after it has tried to raise the security.
bool is_refusal(const Error& error) {
  return error.code == Errc::denied || error.code == Errc::unauthenticated || is_told_by_att(error);
}

asio::awaitable<Result<void>> undo(std::shared_ptr<Bluez> bluez, std::string device, SteadyTime deadline) {
  const std::string adapter = adapter_of(*bluez, device);
  if (adapter.empty()) co_return Result<void>{};
  co_return co_await bluez->remove_device(adapter, device, deadline);
}

Result<Bond> bond_of(const Bluez& bluez, const std::string& device, bool has_passkey, bool refused_before) {
  const DeviceSeen* const seen = bluez.objects().device(device);
  const AdapterSeen* const adapter = seen == nullptr ? nullptr : bluez.objects().adapter(seen->adapter);
  if (adapter == nullptr) return Error{Errc::unavailable, "the child vanished when it was paired"};
  return Bond{adapter->address, seen->address, has_passkey, refused_before};
}

}  // namespace

bool is_told_by_att(const Error& error) {
  return error.message.find(kAttAnswer) != std::string::npos;
}

asio::awaitable<Result<Unbonded>> try_without_bond(asio::any_io_executor executor, std::shared_ptr<Bluez> bluez,
                                                   std::string device, SteadyTime deadline) {
  const auto characteristic = bluez->objects().smp_characteristic(device);
  if (!characteristic) co_return characteristic.error();
  const auto answered = co_await ask_echo(executor, bluez, characteristic->path, deadline);
  if (is_bonded(*bluez, device)) {
    const auto undone = co_await undo(bluez, device, deadline);
    if (!undone) co_return undone.error();
    co_return Unbonded::pairs;
  }
  if (answered) co_return *answered ? Unbonded::answers : Unbonded::drops;
  if (is_refusal(answered.error())) co_return Unbonded::refuses;
  co_return answered.error();
}

asio::awaitable<Result<Bond>> make_bond(std::shared_ptr<Bluez> bluez, std::string device, Profile::Pairing mode,
                                        std::shared_ptr<const Secret> passkey, bool refused_before,
                                        SteadyTime deadline) {
  const bool by_passkey = mode == Profile::Pairing::passkey;
  if (by_passkey && !passkey) {
    co_return Error{Errc::unauthenticated,
                    "no passkey is known for it: headgatectl children set-key CHILD link FILE (six digits)"};
  }
  const auto capability = by_passkey ? AgentCapability::keyboard_only : AgentCapability::no_input_no_output;
  PairingAnswers answers{device, by_passkey ? passkey : nullptr};
  const auto paired = co_await bluez->pair(capability, std::move(answers), deadline);
  if (!paired) {
    const Errc code = paired.error().code;
    if (code == Errc::exists) co_return paired.error();  // somebody else was quicker: the next connection sees it
    const auto undone = co_await undo(bluez, device, soon(kBondedWithin, SteadyTime::max()));
    static_cast<void>(undone);  // what failed is told
    const bool is_ours = code == Errc::unavailable || code == Errc::cancelled || code == Errc::not_found;
    // However it ended: a bit of the passkey may have been learned by whoever is there.
    if (by_passkey && !is_ours) co_return Error{Errc::unauthenticated, paired.error().message};
    co_return paired.error();
  }
  const auto bonded = [bluez, device] { return is_bonded(*bluez, device); };
  const auto shown = co_await bluez->until(bonded, soon(kBondedWithin, deadline));
  if (shown && (!by_passkey || paired->asked_passkey)) co_return bond_of(*bluez, device, by_passkey, refused_before);
  const auto undone = co_await undo(bluez, device, soon(kBondedWithin, SteadyTime::max()));
  static_cast<void>(undone);
  if (!shown) co_return Error{Errc::unauthenticated, "it paired without a bond, so nothing would be encrypted"};
  co_return Error{Errc::unauthenticated,
                  "it paired without asking for the passkey, so nobody was authenticated: does the child show or have "
                  "one (pairing = \"just-works\" if not)"};
}

asio::awaitable<Result<void>> takes_with_bond(std::shared_ptr<Bluez> bluez, std::string device, SteadyTime deadline) {
  const auto characteristic = bluez->objects().smp_characteristic(device);
  if (!characteristic) co_return characteristic.error();
  const auto ignore = [](ByteView) {};
  const auto started = co_await bluez->start_notify(characteristic->path, ignore, soon(kSubscribeWithin, deadline));
  if (started) bluez->stop_notify(characteristic->path);
  if (started || started.error().code != Errc::denied) co_return started;
  co_return Error{Errc::unauthenticated, started.error().message};
}

wire::LinkSecurity security_of(Profile::Pairing mode, const std::optional<Bond>& bond, std::uint8_t level) {
  if (mode == Profile::Pairing::none || !bond) return wire::LinkSecurity::none;
  const bool is_shown = bond->has_passkey && bond->refused_before && level == kTopLevel;
  return mode == Profile::Pairing::passkey && is_shown ? wire::LinkSecurity::proven : wire::LinkSecurity::claimed;
}

}  // namespace hg::ble
