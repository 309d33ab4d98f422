// SPDX-License-Identifier: Apache-2.0
#include "ble/scripted_bluez.hpp"

#include <algorithm>
#include <variant>

namespace hg::ble::test {
namespace {

constexpr const char* kBlueZ = "org.bluez";
constexpr const char* kObjects = "org.freedesktop.DBus.ObjectManager";

/// With the types that BlueZ has: RSSI is n, MTU is q, Adapter and Service are o.
int append_variant(sd_bus_message* message, const std::string& name, const Property& value) {
  if (const auto* const truth = std::get_if<bool>(&value)) return sd_bus_message_append(message, "v", "b", *truth);
  if (const auto* const text = std::get_if<std::string>(&value)) {
    const bool is_path = name == "Adapter" || name == "Service" || name == "Device";
    return sd_bus_message_append(message, "v", is_path ? "o" : "s", text->c_str());
  }
  if (const auto* const number = std::get_if<std::int64_t>(&value)) {
    return sd_bus_message_append(message, "v", name == "RSSI" ? "n" : "q", static_cast<int>(*number));
  }
  int result = sd_bus_message_open_container(message, 'v', "as");
  if (result >= 0) result = bus::append(message, std::get<std::vector<std::string>>(value));
  return result < 0 ? result : sd_bus_message_close_container(message);
}

int append_interfaces(sd_bus_message* message, const Interfaces& interfaces) {
  int result = sd_bus_message_open_container(message, 'a', "{sa{sv}}");
  for (const auto& [name, properties] : interfaces) {
    if (result >= 0) result = sd_bus_message_open_container(message, 'e', "sa{sv}");
    if (result >= 0) result = bus::append(message, name);
    if (result >= 0) result = append_properties(message, properties);
    if (result >= 0) result = sd_bus_message_close_container(message);
  }
  return result < 0 ? result : sd_bus_message_close_container(message);
}

int append_objects(sd_bus_message* message, const std::map<std::string, Interfaces>& objects) {
  int result = sd_bus_message_open_container(message, 'a', "{oa{sa{sv}}}");
  for (const auto& [path, interfaces] : objects) {
    if (result >= 0) result = sd_bus_message_open_container(message, 'e', "oa{sa{sv}}");
    if (result >= 0) result = bus::append(message, bus::ObjectPath{path});
    if (result >= 0) result = append_interfaces(message, interfaces);
    if (result >= 0) result = sd_bus_message_close_container(message);
  }
  return result < 0 ? result : sd_bus_message_close_container(message);
}

}  // namespace

int append_properties(sd_bus_message* message, const Properties& properties) {
  int result = sd_bus_message_open_container(message, 'a', "{sv}");
  for (const auto& [name, value] : properties) {
    if (result >= 0) result = sd_bus_message_open_container(message, 'e', "sv");
    if (result >= 0) result = bus::append(message, name);
    if (result >= 0) result = append_variant(message, name, value);
    if (result >= 0) result = sd_bus_message_close_container(message);
  }
  return result < 0 ? result : sd_bus_message_close_container(message);
}

ScriptedBluez::ScriptedBluez(boost::asio::io_context& loop, const std::string& address)
    : connection_(bus::Connection::open(loop.get_executor(), address, {}).value()) {
  EXPECT_GE(sd_bus_add_filter(connection_->bus(), nullptr, on_message, this), 0);
}

void ScriptedBluez::claim() {
  EXPECT_GE(
      sd_bus_request_name(connection_->bus(), kBlueZ, SD_BUS_NAME_REPLACE_EXISTING | SD_BUS_NAME_ALLOW_REPLACEMENT), 0);
  connection_->kick();
}

void ScriptedBluez::release() {
  EXPECT_GE(sd_bus_release_name(connection_->bus(), kBlueZ), 0);
  connection_->kick();
}

void ScriptedBluez::crash() {
  unanswered_.reset();
  connection_->close();
}

std::size_t ScriptedBluez::count(const std::string& call) const {
  return static_cast<std::size_t>(std::ranges::count(calls, call));
}

int ScriptedBluez::on_message(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
  std::uint8_t type = 0;
  sd_bus_message_get_type(message, &type);
  if (type != SD_BUS_MESSAGE_METHOD_CALL) return 0;
  auto& self = *static_cast<ScriptedBluez*>(userdata);
  const std::string member = sd_bus_message_get_member(message);
  self.calls.push_back(member + ' ' + sd_bus_message_get_path(message));
  self.caller = sd_bus_message_get_sender(message);
  self.may_start = self.may_start || sd_bus_message_get_auto_start(message) != 0;
  if (const auto look = self.heard.find(member); look != self.heard.end()) {
    look->second(message);
    sd_bus_message_rewind(message, 1);
  }
  if (self.silent[member]) {
    self.unanswered_ = bus::share(message);
  } else {
    self.answer(message);
  }
  return 1;
}

void ScriptedBluez::answer_now() {
  ASSERT_TRUE(unanswered_);
  answer(unanswered_.get());
  unanswered_.reset();
  connection_->kick();
}

void ScriptedBluez::answer(sd_bus_message* call) {
  const std::string member = sd_bus_message_get_member(call);
  if (const auto error = errors.find(member); error != errors.end()) {
    sd_bus_reply_method_errorf(call, error->second.first.c_str(), "%s", error->second.second.c_str());
    return;
  }
  sd_bus_message* raw = nullptr;
  ASSERT_GE(sd_bus_message_new_method_return(call, &raw), 0);
  const bus::Message reply{raw};
  if (const auto fill = answers.find(member); fill != answers.end()) {
    ASSERT_GE(fill->second(raw), 0);
  } else if (member == "GetManagedObjects") {
    ASSERT_GE(append_objects(raw, objects), 0);
  }
  EXPECT_GE(sd_bus_send(connection_->bus(), raw, nullptr), 0);
}

void ScriptedBluez::signal(const std::string& path, const char* interface, const char* member,
                           const std::function<int(sd_bus_message*)>& fill, const std::string& to) {
  sd_bus_message* raw = nullptr;
  ASSERT_GE(sd_bus_message_new_signal(connection_->bus(), &raw, path.c_str(), interface, member), 0);
  const bus::Message message{raw};
  ASSERT_GE(fill(raw), 0) << member;
  EXPECT_GE(sd_bus_send_to(connection_->bus(), raw, to.empty() ? nullptr : to.c_str(), nullptr), 0);
  connection_->kick();
}

void ScriptedBluez::add(const std::string& path, const Interfaces& interfaces, const std::string& to) {
  const auto fill = [&](sd_bus_message* message) {
    const int result = bus::append(message, bus::ObjectPath{path});
    return result < 0 ? result : append_interfaces(message, interfaces);
  };
  signal("/", kObjects, "InterfacesAdded", fill, to);
}

void ScriptedBluez::remove(const std::string& path, const std::vector<std::string>& interfaces) {
  const auto fill = [&](sd_bus_message* message) {
    const int result = bus::append(message, bus::ObjectPath{path});
    return result < 0 ? result : bus::append(message, interfaces);
  };
  signal("/", kObjects, "InterfacesRemoved", fill);
}

void ScriptedBluez::change(const std::string& path, const std::string& interface, const Properties& changed,
                           const std::vector<std::string>& gone, const std::string& to) {
  const auto fill = [&](sd_bus_message* message) {
    int result = bus::append(message, interface);
    if (result >= 0) result = append_properties(message, changed);
    return result < 0 ? result : bus::append(message, gone);
  };
  signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", fill, to);
}

void ScriptedBluez::notify(const std::string& characteristic, const Bytes& value) {
  const auto fill = [&](sd_bus_message* message) {
    int result = sd_bus_message_append(message, "s", "org.bluez.GattCharacteristic1");
    if (result >= 0) result = sd_bus_message_open_container(message, 'a', "{sv}");
    if (result >= 0) result = sd_bus_message_open_container(message, 'e', "sv");
    if (result >= 0) result = sd_bus_message_append(message, "s", "Value");
    if (result >= 0) result = sd_bus_message_open_container(message, 'v', "ay");
    if (result >= 0) result = sd_bus_message_append_array(message, 'y', value.data(), value.size());
    for (int level = 0; level < 3 && result >= 0; ++level) result = sd_bus_message_close_container(message);
    return result < 0 ? result : sd_bus_message_append(message, "as", 0);
  };
  signal(characteristic, "org.freedesktop.DBus.Properties", "PropertiesChanged", fill);
}

}  // namespace hg::ble::test
