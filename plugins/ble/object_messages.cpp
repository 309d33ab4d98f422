// SPDX-License-Identifier: Apache-2.0
#include "ble/object_messages.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "bus/message.hpp"

namespace hg::ble {
namespace {

constexpr std::size_t kMostTexts = 256;
constexpr std::size_t kLongestValue = 512;  // Core Specification, Vol 3, Part F, 3.2.9
constexpr std::string_view kCharacteristic = "org.bluez.GattCharacteristic1";
constexpr std::array<std::string_view, 4> kInterfaces = {"org.bluez.Adapter1", "org.bluez.Device1",
                                                         "org.bluez.GattService1", kCharacteristic};

bool is_known(std::string_view interface) {
  return std::ranges::find(kInterfaces, interface) != kInterfaces.end();
}

Error unreadable(int result) {
  return from_errno(-result, "read what bluetoothd tells of its objects");
}

/// Calls `read` for each element of the array that the message is at. Functions here return what sd-bus returns:
/// negative is an errno, 0 the end of the container, else positive.
int read_each(sd_bus_message* message, const char* element, const std::function<int()>& read) {
  int result = sd_bus_message_enter_container(message, 'a', element);
  if (result <= 0) return result < 0 ? result : -EBADMSG;
  while ((result = sd_bus_message_at_end(message, 0)) == 0) {
    if ((result = read()) < 0) return result;
  }
  return result < 0 ? result : sd_bus_message_exit_container(message);
}

/// The same for an array of dictionary entries; `read` finds the message at the key.
int read_entries(sd_bus_message* message, const char* entry, const std::function<int()>& read) {
  const std::string element = std::string("{").append(entry).append("}");
  return read_each(message, element.c_str(), [&] {
    int result = sd_bus_message_enter_container(message, 'e', entry);
    if (result > 0) result = read();
    return result < 0 ? result : sd_bus_message_exit_container(message);
  });
}

int read_text(sd_bus_message* message, char type, std::string& text) {
  const char* read = nullptr;
  const int result = sd_bus_message_read_basic(message, type, &read);
  if (result <= 0) return result < 0 ? result : -EBADMSG;
  text = read;
  return result;
}

int read_texts(sd_bus_message* message, std::vector<std::string>& texts) {
  return read_each(message, "s", [&] {
    std::string text;
    const int result = read_text(message, 's', text);
    if (result > 0 && texts.size() < kMostTexts) texts.push_back(std::move(text));
    return result;
  });
}

template <class T>
int read_number(sd_bus_message* message, char type, Property& property) {
  T number = 0;
  const int result = sd_bus_message_read_basic(message, type, &number);
  property = static_cast<std::int64_t>(number);
  return result;
}

/// The value inside a variant of a type that Property holds.
int read_property(sd_bus_message* message, std::string_view signature, Property& property) {
  if (signature == "as") return read_texts(message, property.emplace<std::vector<std::string>>());
  const char type = signature.front();
  switch (type) {
    case 'b': {
      int truth = 0;
      const int result = sd_bus_message_read_basic(message, type, &truth);
      property = truth != 0;
      return result;
    }
    case 's':
    case 'o':
      return read_text(message, type, property.emplace<std::string>());
    case 'y':
      return read_number<std::uint8_t>(message, type, property);
    case 'n':
      return read_number<std::int16_t>(message, type, property);
    case 'q':
      return read_number<std::uint16_t>(message, type, property);
    case 'i':
      return read_number<std::int32_t>(message, type, property);
    case 'u':
      return read_number<std::uint32_t>(message, type, property);
    case 'x':
      return read_number<std::int64_t>(message, type, property);
    default:
      return read_number<std::uint64_t>(message, type, property);
  }
}

bool is_readable(std::string_view signature) {
  constexpr std::string_view kBasic = "bsoynqiuxt";
  return signature == "as" || (signature.size() == 1 && kBasic.find(signature) != std::string_view::npos);
}

int read_bytes(sd_bus_message* message, std::optional<Bytes>& bytes) {
  const void* read = nullptr;
  std::size_t size = 0;
  const int result = sd_bus_message_read_array(message, 'y', &read, &size);
  if (result < 0 || size > kLongestValue) return result;
  const auto* const begin = static_cast<const std::uint8_t*>(read);
  bytes = size == 0 ? Bytes() : Bytes(begin, begin + size);
  return 1;
}

/// One {sv}, from its key on.
int read_named(sd_bus_message* message, Told& told) {
  std::string name;
  if (const int result = read_text(message, 's', name); result < 0) return result;
  char type = 0;
  const char* contents = nullptr;
  if (const int result = sd_bus_message_peek_type(message, &type, &contents); result <= 0 || type != 'v') {
    return result < 0 ? result : -EBADMSG;
  }
  const std::string signature = contents;
  const bool is_value = signature == "ay" && name == "Value" && told.interface == kCharacteristic;
  if (!is_value && !is_readable(signature)) return sd_bus_message_skip(message, "v");
  int result = sd_bus_message_enter_container(message, 'v', signature.c_str());
  if (result < 0) return result;
  Property property;
  result = is_value ? read_bytes(message, told.value) : read_property(message, signature, property);
  if (result < 0) return result;
  if (!is_value) told.properties[std::move(name)] = std::move(property);
  return sd_bus_message_exit_container(message);
}

int read_properties(sd_bus_message* message, Told& told) {
  return read_entries(message, "sv", [&] { return read_named(message, told); });
}

/// The object path and the interfaces behind it.
int read_object(sd_bus_message* message, const TakeTold& take) {
  std::string path;
  if (const int result = read_text(message, 'o', path); result < 0) return result;
  return read_entries(message, "sa{sv}", [&] {
    Told told;
    told.path = path;
    int result = read_text(message, 's', told.interface);
    if (result < 0) return result;
    if (!is_known(told.interface)) return sd_bus_message_skip(message, "a{sv}");
    result = read_properties(message, told);
    if (result >= 0) take(told);
    return result;
  });
}

}  // namespace

Result<void> read_managed_objects(sd_bus_message* message, const TakeTold& take) {
  const int result = read_entries(message, "oa{sa{sv}}", [&] { return read_object(message, take); });
  if (result < 0) return unreadable(result);
  return {};
}

Result<void> read_added(sd_bus_message* message, const TakeTold& take) {
  if (const int result = read_object(message, take); result < 0) return unreadable(result);
  return {};
}

Result<void> read_changed(sd_bus_message* message, const TakeTold& take) {
  Told told;
  const char* const path = sd_bus_message_get_path(message);
  told.path = path == nullptr ? "" : path;
  int result = read_text(message, 's', told.interface);
  if (result >= 0 && !is_known(told.interface)) return {};
  if (result >= 0) result = read_properties(message, told);
  if (result >= 0) result = read_texts(message, told.gone);
  if (result < 0) return unreadable(result);
  take(told);
  return {};
}

Result<Removed> read_removed(sd_bus_message* message) {
  Removed removed;
  int result = read_text(message, 'o', removed.path);
  if (result >= 0) result = read_texts(message, removed.interfaces);
  if (result < 0) return unreadable(result);
  return removed;
}

}  // namespace hg::ble
