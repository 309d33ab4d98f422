// SPDX-License-Identifier: Apache-2.0
#include "ctl/client.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace hg::ctl {
namespace json = boost::json;
namespace {

// Longer than a person is given to type a password.
constexpr std::chrono::seconds kPatience{150};

// What sd-bus lends and what must be given back.
struct Unref {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, Unref>;

class BusError {
 public:
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&error_); }
  sd_bus_error* out() { return &error_; }
  [[nodiscard]] std::string_view name() const { return error_.name == nullptr ? "" : error_.name; }
  [[nodiscard]] std::string text() const { return error_.message == nullptr ? std::string{name()} : error_.message; }

 private:
  sd_bus_error error_{};
};

using ErrorName = std::pair<std::string_view, Errc>;
constexpr std::array kErrorNames{
    ErrorName{SD_BUS_ERROR_ACCESS_DENIED, Errc::denied},
    ErrorName{SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, Errc::denied},
    ErrorName{SD_BUS_ERROR_SERVICE_UNKNOWN, Errc::unavailable},
    ErrorName{SD_BUS_ERROR_NAME_HAS_NO_OWNER, Errc::unavailable},
    ErrorName{SD_BUS_ERROR_NO_REPLY, Errc::unavailable},  // the daemon went while we waited
    ErrorName{SD_BUS_ERROR_NO_SERVER, Errc::unavailable},
    ErrorName{SD_BUS_ERROR_DISCONNECTED, Errc::unavailable},
    ErrorName{SD_BUS_ERROR_TIMEOUT, Errc::timed_out},
    ErrorName{SD_BUS_ERROR_INVALID_ARGS, Errc::invalid},
    ErrorName{SD_BUS_ERROR_UNKNOWN_OBJECT, Errc::not_found},
    ErrorName{"org.headgate.Headgate1.Error.NotFound", Errc::not_found},
    ErrorName{"org.headgate.Headgate1.Error.AlreadyExists", Errc::exists},
    ErrorName{"org.headgate.Headgate1.Error.SignatureInvalid", Errc::unauthenticated},
    ErrorName{"org.headgate.Headgate1.Error.Busy", Errc::busy},
    ErrorName{"org.headgate.Headgate1.Error.Incompatible", Errc::mismatch},
    ErrorName{"org.headgate.Headgate1.Error.TimedOut", Errc::timed_out},
};

Error error_of(int result, const BusError& error) {
  const auto* const known = std::ranges::find(kErrorNames, error.name(), &ErrorName::first);
  if (known != kErrorNames.end()) {
    if (known->second == Errc::unavailable) return {Errc::unavailable, "headgated is not running: " + error.text()};
    return {known->second, error.text()};
  }
  if (!error.name().empty()) return {Errc::io, error.text()};
  if (result == -ETIMEDOUT) return {Errc::timed_out, "no answer in time"};
  return {Errc::unavailable, from_errno(-result, "D-Bus").message};
}

json::value read_value(sd_bus_message* message, char type, const char* contents);

json::array read_rest(sd_bus_message* message) {
  json::array values;
  char type = 0;
  const char* contents = nullptr;
  while (sd_bus_message_peek_type(message, &type, &contents) > 0) values.push_back(read_value(message, type, contents));
  return values;
}

template <class T>
json::value read_number(sd_bus_message* message, char type) {
  T value{};
  if (sd_bus_message_read_basic(message, type, &value) <= 0) return nullptr;
  return value;
}

json::value read_basic(sd_bus_message* message, char type) {
  int truth = 0;
  const char* text = nullptr;
  switch (type) {
    case 'b':
      return sd_bus_message_read_basic(message, type, &truth) > 0 && truth != 0;
    case 'y':
      return read_number<std::uint8_t>(message, type);
    case 'n':
      return read_number<std::int16_t>(message, type);
    case 'q':
      return read_number<std::uint16_t>(message, type);
    case 'i':
      return read_number<std::int32_t>(message, type);
    case 'u':
      return read_number<std::uint32_t>(message, type);
    case 'x':
      return read_number<std::int64_t>(message, type);
    case 't':
      return read_number<std::uint64_t>(message, type);
    case 'd':
      return read_number<double>(message, type);
    case 's':
    case 'o':
    case 'g':
      return sd_bus_message_read_basic(message, type, &text) > 0 ? json::value(text) : json::value(nullptr);
    default:
      sd_bus_message_skip(message, nullptr);
      return nullptr;
  }
}

// a{s...} becomes an object, other arrays and structs become arrays, a variant what it holds.
json::value read_value(sd_bus_message* message, char type, const char* contents) {
  if (contents == nullptr) return read_basic(message, type);
  sd_bus_message_enter_container(message, type, contents);
  json::value value;
  if (type == 'a' && contents[0] == '{') {
    json::object object;
    for (json::value& entry : read_rest(message)) {
      json::array& pair = entry.as_array();
      if (pair.size() == 2 && pair[0].is_string()) object[pair[0].as_string()] = std::move(pair[1]);
    }
    value = std::move(object);
  } else {
    json::array rest = read_rest(message);
    if (type == 'v') {
      value = rest.empty() ? json::value() : std::move(rest.front());
    } else {
      value = std::move(rest);
    }
  }
  sd_bus_message_exit_container(message);
  return value;
}

}  // namespace

Result<std::unique_ptr<Client>> Client::open(const std::string& where, std::optional<SteadyTime> deadline) {
  sd_bus* bus = nullptr;
  int result = 0;
  if (where == "system") {
    result = sd_bus_open_system(&bus);
  } else if (where == "session") {
    result = sd_bus_open_user(&bus);
  } else {
    result = sd_bus_new(&bus);
    if (result >= 0) result = sd_bus_set_address(bus, where.c_str());
    if (result >= 0) result = sd_bus_set_bus_client(bus, 1);
    if (result >= 0) result = sd_bus_start(bus);
  }
  std::unique_ptr<Client> client{new Client(bus, deadline)};
  if (result < 0) return Error{Errc::unavailable, from_errno(-result, "D-Bus \"" + where + '"').message};
  return client;
}

Client::~Client() {
  sd_bus_flush_close_unref(bus_);
}

std::uint64_t Client::patience_us() const {
  std::chrono::steady_clock::duration patience = kPatience;
  if (deadline_) patience = std::min(patience, *deadline_ - std::chrono::steady_clock::now());
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(patience).count();
  return static_cast<std::uint64_t>(std::max<std::chrono::microseconds::rep>(us, 1));  // 0 would mean sd-bus's default
}

Result<json::array> Client::call(const std::string& path, const char* interface, const char* member, const Fill& fill) {
  sd_bus_message* raw = nullptr;
  int result = sd_bus_message_new_method_call(bus_, &raw, kBusName, path.c_str(), interface, member);
  const Message question{raw};
  if (result >= 0 && fill) result = fill(raw);
  if (result < 0) return from_errno(-result, member);
  sd_bus_message_set_auto_start(raw, 0);
  sd_bus_message_set_allow_interactive_authorization(raw, 1);

  BusError error;
  raw = nullptr;
  result = sd_bus_call(bus_, question.get(), patience_us(), error.out(), &raw);
  const Message answer{raw};
  if (result < 0) return error_of(result, error);
  return read_rest(answer.get());
}

int Client::on_signal(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
  auto& client = *static_cast<Client*>(self);
  Signal signal{sd_bus_message_get_path(message), sd_bus_message_get_member(message), read_rest(message)};
  if (signal.member == "NameOwnerChanged") {
    client.daemon_left_ = true;
  } else {
    client.arrived_ = std::move(signal);
  }
  return 0;
}

Result<void> Client::listen() {
  const std::string ours = std::string{"type='signal',sender='"} + kBusName + "',path_namespace='" + kRootPath + '\'';
  const std::string leaving =
      std::string{"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='"} + kBusName +
      "',arg2=''";
  for (const std::string& match : {ours, leaving}) {
    const int result = sd_bus_add_match(bus_, nullptr, match.c_str(), on_signal, this);
    if (result < 0) return error_of(result, {});
  }
  return {};
}

Result<std::optional<Signal>> Client::next_signal(SteadyTime until) {
  const SteadyTime end = deadline_ ? std::min(until, *deadline_) : until;
  for (;;) {
    const int result = sd_bus_process(bus_, nullptr);
    if (result < 0) return Error{Errc::unavailable, from_errno(-result, "D-Bus").message};
    if (daemon_left_) return Error{Errc::unavailable, "headgated left the bus"};
    if (arrived_) return std::exchange(arrived_, std::nullopt);
    if (result > 0) continue;

    const auto now = std::chrono::steady_clock::now();
    if (deadline_ && now >= *deadline_) return Error{Errc::timed_out, "the time is over"};
    if (now >= end) return std::optional<Signal>{};
    const auto left_us = std::chrono::ceil<std::chrono::microseconds>(end - now).count();
    const int waited = sd_bus_wait(bus_, static_cast<std::uint64_t>(left_us));
    if (waited < 0 && waited != -EINTR) return Error{Errc::unavailable, from_errno(-waited, "D-Bus").message};
  }
}

}  // namespace hg::ctl
