// SPDX-License-Identifier: Apache-2.0
#include "ble/bluez.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "bus/message.hpp"

namespace hg::ble {
namespace asio = boost::asio;
namespace {

constexpr const char* kAdapter = "org.bluez.Adapter1";
constexpr const char* kDevice = "org.bluez.Device1";
constexpr const char* kCharacteristic = "org.bluez.GattCharacteristic1";
constexpr const char* kAgents = "org.bluez.AgentManager1";
constexpr const char* kAgentsPath = "/org/bluez";

constexpr std::size_t kLongestValue = 512;           // Core Specification, Vol 3, Part F, 3.2.9
constexpr std::chrono::seconds kOthersConnect{1};    // before asking again while somebody else connects the device
constexpr std::chrono::milliseconds kCleansUp{300};  // after a connection that it has ended
constexpr std::chrono::seconds kLeavesWithin{5};     // an answer to Disconnect
constexpr std::chrono::seconds kSignalled{5};        // the property comes after the reply, or only with the services

constexpr std::chrono::milliseconds kLastWord{500};  // for an answer after the end of the connection

SteadyTime soon(std::chrono::milliseconds pause, SteadyTime deadline) {
  return std::min(std::chrono::steady_clock::now() + pause, deadline);
}

/// One {sv} of a dictionary.
template <class T>
int append_entry(sd_bus_message* message, const std::string& key, const T& value) {
  int result = sd_bus_message_open_container(message, 'e', "sv");
  if (result >= 0) result = bus::append(message, key);
  if (result >= 0) result = sd_bus_message_open_container(message, 'v', bus::kSignature<T>);
  if (result >= 0) result = bus::append(message, value);
  if (result >= 0) result = sd_bus_message_close_container(message);
  return result < 0 ? result : sd_bus_message_close_container(message);
}

int append_filter(sd_bus_message* message, const std::string& uuid) {
  int result = sd_bus_message_open_container(message, 'a', "{sv}");
  if (result >= 0) result = append_entry(message, "UUIDs", std::vector<std::string>{uuid});
  if (result >= 0) result = append_entry(message, "Transport", std::string("le"));
  if (result >= 0) result = append_entry(message, "DuplicateData", true);
  return result < 0 ? result : sd_bus_message_close_container(message);
}

int append_no_options(sd_bus_message* message) {
  const int result = sd_bus_message_open_container(message, 'a', "{sv}");
  return result < 0 ? result : sd_bus_message_close_container(message);
}

int append_command(sd_bus_message* message, const Bytes& value) {
  int result = sd_bus_message_append_array(message, 'y', value.data(), value.size());
  if (result >= 0) result = sd_bus_message_open_container(message, 'a', "{sv}");
  if (result >= 0) result = append_entry(message, "type", std::string("command"));
  return result < 0 ? result : sd_bus_message_close_container(message);
}

Result<Acquired> read_acquired(sd_bus_message* answer) {
  auto socket = bus::read_descriptor(answer);
  if (!socket) return socket.error();
  std::uint16_t mtu = 0;
  if (const int result = sd_bus_message_read_basic(answer, 'q', &mtu); result <= 0) {
    return from_errno(result < 0 ? -result : EBADMSG, "read the ATT MTU");
  }
  const int flags = ::fcntl(socket->get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket->get(), F_SETFL, flags | O_NONBLOCK) < 0) return from_errno(errno, "set O_NONBLOCK");
  return Acquired{std::move(*socket), mtu};
}

const char* name_of(AgentCapability capability) {
  return capability == AgentCapability::keyboard_only ? "KeyboardOnly" : "NoInputNoOutput";
}

Result<void> only_whether(const Result<bus::Message>& answer) {
  if (!answer) return answer.error();
  return {};
}

bool failed_with(const Result<bus::Message>& answer, Errc code) {
  return answer.has_error() && answer.error().code == code;
}

}  // namespace

Bluez::Bluez(asio::any_io_executor executor, std::string where, plugin::Log log)
    : executor_(executor),
      follower_(std::make_shared<Follower>(executor, std::move(where), std::move(log))),
      waiters_(executor) {}

Bluez::~Bluez() {
  follower_->close();
}

void Bluez::start() {
  Follower::Events events;
  events.changed = [this] { look(); };
  events.gone = [this] {
    notified_.clear();
    waiters_.end({Errc::unavailable, "bluetoothd has gone"});
  };
  events.notified = [this](const std::string& characteristic, ByteView value) {
    const auto found = notified_.find(characteristic);
    if (found == notified_.end()) return;
    const Notified arrived = found->second;  // which may stop it
    arrived(value);
  };
  follower_->start(std::move(events));
}

void Bluez::close() {
  listener_ = nullptr;
  follower_->close();
  notified_.clear();
  waiters_.end({Errc::cancelled, "closed"});
}

/// After each batch of changes.
void Bluez::look() {
  std::vector<std::string> over;
  for (const auto& [characteristic, arrived] : notified_) {
    const DeviceSeen* const device = objects().device(device_path_of(characteristic));
    if (device == nullptr || !device->connected) over.push_back(characteristic);
  }
  // bluetoothd would begin again by itself at the next connection.
  for (const std::string& characteristic : over) stop_notify(characteristic);
  waiters_.look();
  const Changed listener = listener_;
  if (listener) listener();
}

asio::awaitable<Result<void>> Bluez::until(std::function<bool()> holds, SteadyTime deadline) {
  const auto self = shared_from_this();
  if (!is_there()) co_return Error{Errc::unavailable, "bluetoothd is not there"};
  co_return co_await waiters_.until(std::move(holds), deadline);
}

/// As people know the device.
std::string Bluez::name_for_people(const std::string& device) const {
  const DeviceSeen* const seen = objects().device(device);
  return seen == nullptr ? device : seen->address;
}

// --------------------------------------------------------------------------------------------------------- adapters

asio::awaitable<Result<void>> Bluez::start_discovery(std::string adapter, std::string uuid, SteadyTime deadline) {
  const auto self = shared_from_this();
  const auto fill = [uuid](sd_bus_message* message) { return append_filter(message, uuid); };
  const Question filter{adapter, kAdapter, "SetDiscoveryFilter", "set the discovery filter of " + adapter, fill};
  const auto filtered = co_await ask(follower_, filter, deadline);
  if (!filtered) co_return filtered.error();
  const Question start{adapter, kAdapter, "StartDiscovery", "discover on " + adapter};
  const auto started = co_await ask(follower_, start, deadline);
  // Ours runs already; with the new filter now.
  if (failed_with(started, Errc::busy)) co_return Result<void>{};
  if (failed_with(started, Errc::cancelled) || failed_with(started, Errc::timed_out)) {
    tell(*follower_, {adapter, kAdapter, "StopDiscovery", ""});
  }
  co_return only_whether(started);
}

asio::awaitable<Result<void>> Bluez::stop_discovery(std::string adapter, SteadyTime deadline) {
  const auto self = shared_from_this();
  const Question question{adapter, kAdapter, "StopDiscovery", "end the discovery on " + adapter};
  const auto stopped = co_await ask(follower_, question, deadline);
  // "No discovery started", or the adapter is off or gone: nothing is discovered there.
  const bool is_over =
      failed_with(stopped, Errc::io) || failed_with(stopped, Errc::not_found) || failed_with(stopped, Errc::denied);
  if (is_over) co_return Result<void>{};
  co_return only_whether(stopped);
}

asio::awaitable<Result<void>> Bluez::remove_device(std::string adapter, std::string device, SteadyTime deadline) {
  const auto self = shared_from_this();
  const auto fill = [device](sd_bus_message* message) {
    return sd_bus_message_append_basic(message, 'o', device.c_str());
  };
  const Question question{adapter, kAdapter, "RemoveDevice", "forget " + name_for_people(device), fill};
  const auto removed = co_await ask(follower_, question, deadline);
  if (failed_with(removed, Errc::not_found)) co_return Result<void>{};
  co_return only_whether(removed);
}

// ---------------------------------------------------------------------------------------------------------- devices

asio::awaitable<Result<void>> Bluez::connect(std::string device, SteadyTime deadline) {
  const auto self = shared_from_this();
  if (!is_there()) co_return Error{Errc::unavailable, "connect to " + device + ": bluetoothd is not there"};
  const DeviceSeen* const seen = objects().device(device);
  if (seen == nullptr) co_return Error{Errc::not_found, "connect to " + device + ": there is no such device"};
  if (seen->connected && seen->services_resolved) co_return Result<void>{};
  const std::string doing = "connect to " + seen->address;
  const AdapterSeen* const adapter = objects().adapter(seen->adapter);
  // bluetoothd 5.66 would say "Input/output error".
  if (adapter == nullptr || !adapter->powered) co_return Error{Errc::unavailable, doing + ": the adapter is off"};
  Result<void> done = co_await ask_to_connect(device, doing, deadline);
  if (done) done = co_await until_resolved(device, doing, deadline);
  // No half connection is left behind, and no attempt that may succeed when nobody waits for it. The answer is waited
  // for, because bluetoothd 5.66 takes two seconds for it, in which it would end the next connection as well.
  const Question leave{device, kDevice, "Disconnect", "end the attempt to " + doing};
  if (done) co_return done;
  if (done.error().code == Errc::cancelled) {
    tell(*follower_, leave);
    co_return done;
  }
  const auto left = co_await ask(follower_, leave, std::chrono::steady_clock::now() + kLeavesWithin);
  static_cast<void>(left);  // "Not Connected" is what is wished for
  co_await until_cleaned_up();
  co_return done;
}

asio::awaitable<Result<void>> Bluez::ask_to_connect(std::string device, std::string doing, SteadyTime deadline) {
  const Question question{device, kDevice, "Connect", doing};
  for (;;) {
    const auto answer = co_await ask(follower_, question, deadline);
    if (answer || failed_with(answer, Errc::exists)) co_return Result<void>{};
    if (!failed_with(answer, Errc::busy)) co_return answer.error();
    // Somebody else connects it, or an attempt of ours is being called off.
    const auto is_over = [this, device] {
      const DeviceSeen* const seen = objects().device(device);
      return seen == nullptr || seen->connected;
    };
    const auto over = co_await until(is_over, soon(kOthersConnect, deadline));
    if (!over && over.error().code != Errc::timed_out) co_return over.error().within(doing);
    if (std::chrono::steady_clock::now() >= deadline) co_return answer.error();
  }
}

asio::awaitable<Result<void>> Bluez::until_resolved(std::string device, std::string doing, SteadyTime deadline) {
  const auto is_connected = [this, device] {
    const DeviceSeen* const seen = objects().device(device);
    return seen == nullptr || seen->connected;
  };
  Result<void> done = co_await until(is_connected, soon(kSignalled, deadline));
  const bool is_flapping = !done && done.error().code == Errc::timed_out && std::chrono::steady_clock::now() < deadline;
  if (is_flapping) co_return Error{Errc::io, doing + ": the connection broke at once"};
  const auto is_settled = [this, device] {
    const DeviceSeen* const seen = objects().device(device);
    return seen == nullptr || !seen->connected || seen->services_resolved;
  };
  if (done) done = co_await until(is_settled, deadline);
  if (!done) co_return done.error().within(doing + ": its services are not resolved");
  const DeviceSeen* const seen = objects().device(device);
  if (seen == nullptr) co_return Error{Errc::not_found, doing + ": the device has gone"};
  if (!seen->connected) co_return Error{Errc::io, doing + ": the connection broke before its services were known"};
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Bluez::disconnect(std::string device, SteadyTime deadline) {
  const auto self = shared_from_this();
  const auto is_off = [this, device] {
    const DeviceSeen* const seen = objects().device(device);
    return seen == nullptr || !seen->connected;
  };
  if (is_there() && is_off()) co_return Result<void>{};
  const Question question{device, kDevice, "Disconnect", "disconnect " + name_for_people(device)};
  const auto answer = co_await ask(follower_, question, deadline);
  if (failed_with(answer, Errc::not_found)) co_return Result<void>{};
  // "Not Connected" is Errc::io; whatever else failed, what counts is whether it is off at the deadline.
  const bool may_be_off = answer || failed_with(answer, Errc::io) || failed_with(answer, Errc::busy);
  if (!may_be_off) co_return answer.error();
  const auto off = co_await until(is_off, deadline);
  if (!off) co_return off.error().within(question.doing);
  co_await until_cleaned_up();
  co_return Result<void>{};
}

/// bluetoothd 5.66 answers some 50 ms before it has cleaned up after a connection or an attempt (att_disconnected_cb).
/// A Connect() in between is swept away with it, and never answered.
asio::awaitable<void> Bluez::until_cleaned_up() {
  asio::steady_timer cleaned_up(executor_, kCleansUp);
  co_await cleaned_up.async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<Result<Bluez::Paired>> Bluez::pair(AgentCapability capability, PairingAnswers answers,
                                                   SteadyTime deadline) {
  const auto self = shared_from_this();
  const std::string doing = "pair with " + name_for_people(answers.device);
  const auto is_my_turn = [this] { return !is_pairing_; };
  const auto turn = co_await until(is_my_turn, deadline);
  if (!turn) co_return turn.error().within(doing);
  const DeviceSeen* const seen = objects().device(answers.device);
  if (seen == nullptr) co_return Error{Errc::not_found, doing + ": there is no such device"};
  // bluetoothd 5.66 would say AuthenticationFailed.
  if (seen->bonded) co_return Error{Errc::exists, doing + ": it is bonded already"};
  is_pairing_ = true;
  auto paired = co_await pair_now(capability, std::move(answers), doing, deadline);
  is_pairing_ = false;
  waiters_.look();
  co_return paired;
}

asio::awaitable<Result<Bluez::Paired>> Bluez::pair_now(AgentCapability capability, PairingAnswers answers,
                                                       std::string doing, SteadyTime deadline) {
  const auto connection = follower_->connection();
  if (!connection) co_return Error{Errc::unavailable, doing + ": bluetoothd is not there"};
  const std::string device = answers.device;
  Agent agent(*connection, follower_->owner(), std::move(answers));
  if (auto exported = agent.listen(); !exported) co_return exported.error().within(doing);

  const auto fill = [capability](sd_bus_message* message) {
    return sd_bus_message_append(message, "os", Agent::path(), name_of(capability));
  };
  const auto fill_path = [](sd_bus_message* message) { return sd_bus_message_append(message, "o", Agent::path()); };
  const Question unregister{kAgentsPath, kAgents, "UnregisterAgent", "", fill_path};
  const Question enter{kAgentsPath, kAgents, "RegisterAgent", doing + ": register the agent", fill};
  const auto entered = co_await ask(follower_, enter, deadline);
  if (!entered) {
    tell(*follower_, unregister);
    co_return entered.error();
  }
  const Question question{device, kDevice, "Pair", doing};
  const auto answer = co_await ask(follower_, question, deadline);
  if (failed_with(answer, Errc::cancelled) || failed_with(answer, Errc::timed_out)) {
    tell(*follower_, {device, kDevice, "CancelPairing", ""});
  }
  tell(*follower_, unregister);
  if (!answer) co_return answer.error();
  co_return Paired{agent.has_given_passkey()};
}

// ----------------------------------------------------------------------------------------------------------- values

/// Asks about a characteristic of a connected device. Ends soon after the connection: bluetoothd 5.66 never answers an
/// AcquireNotify during which it closed the link. A late answer is dropped, with its descriptor.
asio::awaitable<Result<bus::Message>> Bluez::ask_connected(Question question, SteadyTime deadline) {
  const auto self = shared_from_this();
  const std::string device = device_path_of(question.path);
  const auto is_on = [this, device] {
    const DeviceSeen* const seen = objects().device(device);
    return seen != nullptr && seen->connected;
  };
  const std::string doing = question.doing;
  const auto answer = std::make_shared<std::optional<Result<bus::Message>>>();
  const auto keep = [self, answer](const std::exception_ptr& thrown, Result<bus::Message> result) {
    *answer = thrown ? Result<bus::Message>(Error{Errc::internal, "exception"}) : std::move(result);
    self->waiters_.look();
  };
  asio::co_spawn(executor_, ask(follower_, std::move(question), deadline), keep);
  const auto is_settled = [answer, is_on] { return answer->has_value() || !is_on(); };
  auto settled = co_await until(is_settled, deadline);
  // A refusal closes the link, too, and may be told behind that.
  const auto is_answered = [answer] { return answer->has_value(); };
  if (settled) {
    const auto told = co_await until(is_answered, soon(kLastWord, deadline));
    if (!told && told.error().code != Errc::timed_out) settled = told;
  }
  if (answer->has_value()) co_return std::move(**answer);
  if (!settled) co_return settled.error().within(doing);
  co_return Error{Errc::io, doing + ": the connection is gone"};
}

asio::awaitable<Result<Acquired>> Bluez::acquire(const char* member, std::string characteristic, SteadyTime deadline) {
  const auto self = shared_from_this();
  const std::string doing = std::string(member) + " of " + name_for_people(device_path_of(characteristic));
  const Question question{characteristic, kCharacteristic, member, doing, append_no_options};
  const auto answer = co_await ask_connected(question, deadline);
  if (!answer) co_return answer.error();
  auto acquired = read_acquired(answer->get());
  if (!acquired) co_return acquired.error().within(doing);
  co_return std::move(*acquired);
}

asio::awaitable<Result<Acquired>> Bluez::acquire_write(std::string characteristic, SteadyTime deadline) {
  return acquire("AcquireWrite", std::move(characteristic), deadline);
}

asio::awaitable<Result<Acquired>> Bluez::acquire_notify(std::string characteristic, SteadyTime deadline) {
  return acquire("AcquireNotify", std::move(characteristic), deadline);
}

asio::awaitable<Result<void>> Bluez::write_value(std::string characteristic, Bytes value, SteadyTime deadline) {
  const auto self = shared_from_this();
  const std::string doing = "write to " + name_for_people(device_path_of(characteristic));
  const auto fill = [value = std::move(value)](sd_bus_message* message) { return append_command(message, value); };
  const Question question{characteristic, kCharacteristic, "WriteValue", doing, fill};
  const auto answer = co_await ask_connected(question, deadline);
  co_return only_whether(answer);
}

asio::awaitable<Result<Bytes>> Bluez::read_value(std::string characteristic, SteadyTime deadline) {
  const auto self = shared_from_this();
  const std::string doing = "read from " + name_for_people(device_path_of(characteristic));
  const Question question{characteristic, kCharacteristic, "ReadValue", doing, append_no_options};
  const auto answer = co_await ask_connected(question, deadline);
  if (!answer) co_return answer.error();
  auto value = bus::read_bytes(answer->get(), kLongestValue);
  if (!value) co_return value.error().within(doing);
  co_return std::move(*value);
}

asio::awaitable<Result<void>> Bluez::start_notify(std::string characteristic, Notified arrived, SteadyTime deadline) {
  const auto self = shared_from_this();
  const std::string doing = "notifications of " + name_for_people(device_path_of(characteristic));
  const Question question{characteristic, kCharacteristic, "StartNotify", doing};
  notified_[characteristic] = std::move(arrived);
  const auto answer = co_await ask_connected(question, deadline);
  // "Already notifying": us, since each client of bluetoothd has its own.
  const bool is_on = answer || answer.error().message.find("Already notifying") != std::string::npos;
  if (!is_on) {
    stop_notify(characteristic);
    co_return answer.error();
  }
  co_return Result<void>{};
}

void Bluez::stop_notify(const std::string& characteristic) {
  if (notified_.erase(characteristic) == 0) return;
  tell(*follower_, {characteristic, kCharacteristic, "StopNotify", ""});
}

}  // namespace hg::ble
