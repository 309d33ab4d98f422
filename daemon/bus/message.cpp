// SPDX-License-Identifier: Apache-2.0
#include "bus/message.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/cbor.hpp"

namespace hg::bus {
namespace {

Error unreadable(int result) {
  return from_errno(-result, "read D-Bus message");
}

std::string sendable(const std::string& text) {
  std::string clean = text;
  const bool utf8 = cbor::is_utf8(as_bytes(text));
  std::ranges::replace_if(
      clean, [utf8](char c) { return c == '\0' || (!utf8 && (c & '\x80') != 0); }, '?');
  return clean;
}

template <class T>
int append_array(sd_bus_message* message, const char* element, const std::vector<T>& values) {
  int result = sd_bus_message_open_container(message, 'a', element);
  for (const T& value : values) {
    if (result < 0) return result;
    result = append(message, value);
  }
  return result < 0 ? result : sd_bus_message_close_container(message);
}

template <class T>
int append_variant(sd_bus_message* message, const T& value) {
  if (const int result = sd_bus_message_open_container(message, 'v', kSignature<T>); result < 0) return result;
  if (const int result = append(message, value); result < 0) return result;
  return sd_bus_message_close_container(message);
}

int append_entry(sd_bus_message* message, const std::string& key, const Value& value) {
  if (const int result = sd_bus_message_open_container(message, 'e', "sv"); result < 0) return result;
  if (const int result = append(message, key); result < 0) return result;
  const auto append_it = [message](const auto& held) { return append_variant(message, held); };
  if (const int result = std::visit(append_it, value); result < 0) return result;
  return sd_bus_message_close_container(message);
}

constexpr std::size_t kMaxTexts = 1000;

Result<std::vector<std::string>> read_texts(sd_bus_message* message) {
  int result = sd_bus_message_enter_container(message, 'a', "s");
  if (result <= 0) return unreadable(result);
  std::vector<std::string> texts;
  const char* text = nullptr;
  while ((result = sd_bus_message_read_basic(message, 's', &text)) > 0) {
    if (texts.size() == kMaxTexts) return Error{Errc::too_large, "more than " + std::to_string(kMaxTexts) + " names"};
    texts.emplace_back(text);
  }
  if (result == 0) result = sd_bus_message_exit_container(message);
  if (result < 0) return unreadable(result);
  return texts;
}

const char* signature_of(OptionType type) {
  switch (type) {
    case OptionType::truth:
      return "b";
    case OptionType::text:
      return "s";
    case OptionType::texts:
      break;
  }
  return "as";
}

/// The value of an option that is known by its name.
Result<void> read_option(sd_bus_message* message, const KnownOption& option, Options& options) {
  const std::string name{option.name};
  if (sd_bus_message_enter_container(message, 'v', signature_of(option.type)) <= 0)
    return Error{Errc::invalid, "option \"" + name + "\" must be of type " + signature_of(option.type)};
  if (option.type == OptionType::truth) {
    int value = 0;
    if (const int result = sd_bus_message_read_basic(message, 'b', &value); result <= 0) return unreadable(result);
    if (value != 0) options.on.insert(name);
  } else if (option.type == OptionType::text) {
    auto value = read_string(message);
    if (value.has_error()) return value.error();
    options.text[name] = std::move(value).value();
  } else {
    auto value = read_texts(message);
    if (value.has_error()) return value.error();
    options.texts[name] = std::move(value).value();
  }
  if (const int result = sd_bus_message_exit_container(message); result < 0) return unreadable(result);
  return {};
}

}  // namespace

int append(sd_bus_message* message, bool value) {
  const int wide = value ? 1 : 0;
  return sd_bus_message_append_basic(message, 'b', &wide);
}

int append(sd_bus_message* message, std::uint32_t value) {
  return sd_bus_message_append_basic(message, 'u', &value);
}

int append(sd_bus_message* message, std::uint64_t value) {
  return sd_bus_message_append_basic(message, 't', &value);
}

int append(sd_bus_message* message, std::int64_t value) {
  return sd_bus_message_append_basic(message, 'x', &value);
}

int append(sd_bus_message* message, double value) {
  return sd_bus_message_append_basic(message, 'd', &value);
}

int append(sd_bus_message* message, const std::string& value) {
  return sd_bus_message_append_basic(message, 's', sendable(value).c_str());
}

int append(sd_bus_message* message, const ObjectPath& value) {
  return sd_bus_message_append_basic(message, 'o', value.text.c_str());
}

int append(sd_bus_message* message, const ErrorPair& value) {
  if (const int result = sd_bus_message_open_container(message, 'r', "ss"); result < 0) return result;
  if (const int result = append(message, value.name); result < 0) return result;
  if (const int result = append(message, value.text); result < 0) return result;
  return sd_bus_message_close_container(message);
}

int append(sd_bus_message* message, const std::vector<ObjectPath>& value) {
  return append_array(message, "o", value);
}

int append(sd_bus_message* message, const std::vector<std::string>& value) {
  return append_array(message, "s", value);
}

int append(sd_bus_message* message, const Dictionary& value) {
  if (const int result = sd_bus_message_open_container(message, 'a', "{sv}"); result < 0) return result;
  for (const auto& [key, held] : value) {
    if (const int result = append_entry(message, key, held); result < 0) return result;
  }
  return sd_bus_message_close_container(message);
}

int append(sd_bus_message* message, const std::vector<Dictionary>& value) {
  return append_array(message, "a{sv}", value);
}

int append(sd_bus_message* message, const Numbers& value) {
  if (const int result = sd_bus_message_open_container(message, 'a', "{st}"); result < 0) return result;
  for (const auto& [name, number] : value) {
    if (const int result = sd_bus_message_append(message, "{st}", name.c_str(), number); result < 0) return result;
  }
  return sd_bus_message_close_container(message);
}

Result<std::string> read_string(sd_bus_message* message) {
  const char* text = nullptr;
  if (const int result = sd_bus_message_read_basic(message, 's', &text); result <= 0) return unreadable(result);
  return std::string{text};
}

Result<UniqueFd> read_descriptor(sd_bus_message* message) {
  int lent = -1;  // the message's own
  if (const int result = sd_bus_message_read_basic(message, 'h', &lent); result <= 0) return unreadable(result);
  UniqueFd copy{::fcntl(lent, F_DUPFD_CLOEXEC, 0)};
  if (!copy) return from_errno(errno, "keep a descriptor");
  return copy;
}

Result<std::uint32_t> read_uint32(sd_bus_message* message) {
  std::uint32_t value = 0;
  if (const int result = sd_bus_message_read_basic(message, 'u', &value); result <= 0) return unreadable(result);
  return value;
}

Result<ObjectPath> read_path(sd_bus_message* message) {
  const char* text = nullptr;
  if (const int result = sd_bus_message_read_basic(message, 'o', &text); result <= 0) return unreadable(result);
  return ObjectPath{text};
}

Result<std::vector<ObjectPath>> read_paths(sd_bus_message* message, std::size_t limit) {
  int result = sd_bus_message_enter_container(message, 'a', "o");
  if (result <= 0) return unreadable(result);
  std::vector<ObjectPath> paths;
  const char* text = nullptr;
  while ((result = sd_bus_message_read_basic(message, 'o', &text)) > 0) {
    if (paths.size() == limit) return Error{Errc::too_large, "more than " + std::to_string(limit) + " objects"};
    paths.push_back(ObjectPath{text});
  }
  if (result == 0) result = sd_bus_message_exit_container(message);
  if (result < 0) return unreadable(result);
  return paths;
}

Result<Bytes> read_bytes(sd_bus_message* message, std::size_t limit) {
  const void* bytes = nullptr;
  std::size_t size = 0;
  if (const int result = sd_bus_message_read_array(message, 'y', &bytes, &size); result <= 0) return unreadable(result);
  if (size > limit) return Error{Errc::too_large, "more than " + std::to_string(limit) + " bytes"};
  const auto* begin = static_cast<const std::uint8_t*>(bytes);
  return Bytes(begin, begin + size);
}

Result<std::vector<std::pair<std::string, std::string>>> read_pairs(sd_bus_message* message, std::size_t limit) {
  int result = sd_bus_message_enter_container(message, 'a', "(ss)");
  if (result <= 0) return unreadable(result);
  std::vector<std::pair<std::string, std::string>> pairs;
  const char* first = nullptr;
  const char* second = nullptr;
  while ((result = sd_bus_message_read(message, "(ss)", &first, &second)) > 0) {
    if (pairs.size() == limit) return Error{Errc::too_large, "more than " + std::to_string(limit) + " pairs"};
    pairs.emplace_back(first, second);
  }
  if (result == 0) result = sd_bus_message_exit_container(message);
  if (result < 0) return unreadable(result);
  return pairs;
}

Result<Options> read_options(sd_bus_message* message, std::span<const KnownOption> known) {
  int result = sd_bus_message_enter_container(message, 'a', "{sv}");
  if (result <= 0) return unreadable(result);
  Options options;
  while ((result = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
    auto key = read_string(message);
    if (key.has_error()) return key.error();
    const auto option = std::ranges::find(known, std::string_view{key.value()}, &KnownOption::name);
    if (option == known.end()) return Error{Errc::invalid, "unknown option \"" + key.value().substr(0, 64) + '"'};
    if (const auto taken = read_option(message, *option, options); taken.has_error()) return taken.error();
    result = sd_bus_message_exit_container(message);
    if (result < 0) return unreadable(result);
  }
  if (result == 0) result = sd_bus_message_exit_container(message);
  if (result < 0) return unreadable(result);
  return options;
}

Result<void> read_no_options(sd_bus_message* message) {
  const auto none = read_options(message, {});
  if (none.has_error()) return none.error();
  return {};
}

Result<BusHandle> open_bus(const std::string& where) {
  sd_bus* raw = nullptr;
  int result = 0;
  if (where == "system") {
    result = sd_bus_open_system(&raw);
  } else if (where == "session") {
    result = sd_bus_open_user(&raw);
  } else {
    result = sd_bus_new(&raw);
    if (result >= 0) result = sd_bus_set_address(raw, where.c_str());
    if (result >= 0) result = sd_bus_set_bus_client(raw, 1);
    if (result >= 0) result = sd_bus_start(raw);
  }
  BusHandle bus{raw};
  if (result < 0) return Error{Errc::unavailable, from_errno(-result, "open D-Bus \"" + where + '"').message};
  return bus;
}

}  // namespace hg::bus
