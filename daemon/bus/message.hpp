// SPDX-License-Identifier: Apache-2.0
// sd-bus's references with owners, and its values with C++ types: what is written to a message and read from one.
// It knows no object of headgate. Functions that append return what sd-bus returns (negative: errno), because sd-bus is
// who asks. Used by connection, by adapters/dbus and by plugins/ble.
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace hg::bus {

template <class T, T* (*Unreference)(T*)>
struct Release {
  void operator()(T* thing) const { Unreference(thing); }
};
using Message = std::unique_ptr<sd_bus_message, Release<sd_bus_message, sd_bus_message_unref>>;
using Slot = std::unique_ptr<sd_bus_slot, Release<sd_bus_slot, sd_bus_slot_unref>>;
/// Closes without flushing, which could block.
using BusHandle = std::unique_ptr<sd_bus, Release<sd_bus, sd_bus_close_unref>>;

/// One more owner of a message that sd-bus lent us.
inline Message share(sd_bus_message* lent) {
  return Message{sd_bus_message_ref(lent)};
}

/// sd_bus_error with an owner.
class BusError {
 public:
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&error_); }

  sd_bus_error* out() { return &error_; }
  [[nodiscard]] std::string name() const { return error_.name == nullptr ? "" : error_.name; }
  [[nodiscard]] std::string text() const { return error_.message == nullptr ? name() : error_.message; }

 private:
  sd_bus_error error_{};
};

/// D-Bus's type o. "/" stands for "none".
struct ObjectPath {
  std::string text = "/";
  friend auto operator<=>(const ObjectPath&, const ObjectPath&) = default;
};

/// D-Bus's (ss): a word for programs and a text for people.
struct ErrorPair {
  std::string name;
  std::string text;
  friend bool operator==(const ErrorPair&, const ErrorPair&) = default;
};

/// What stands in the variants that we send.
using Value = std::variant<bool, std::uint32_t, std::uint64_t, std::string, ObjectPath, std::vector<std::string>>;
/// D-Bus's a{sv}.
using Dictionary = std::vector<std::pair<std::string, Value>>;

/// D-Bus's a{st}.
using Numbers = std::vector<std::pair<std::string, std::uint64_t>>;

/// The D-Bus signature of a C++ type.
template <class T>
inline constexpr const char* kSignature = nullptr;
template <>
inline constexpr const char* kSignature<bool> = "b";
template <>
inline constexpr const char* kSignature<std::uint32_t> = "u";
template <>
inline constexpr const char* kSignature<std::uint64_t> = "t";
template <>
inline constexpr const char* kSignature<double> = "d";
template <>
inline constexpr const char* kSignature<std::string> = "s";
template <>
inline constexpr const char* kSignature<ObjectPath> = "o";
template <>
inline constexpr const char* kSignature<ErrorPair> = "(ss)";
template <>
inline constexpr const char* kSignature<std::vector<ObjectPath>> = "ao";
template <>
inline constexpr const char* kSignature<std::vector<std::string>> = "as";
template <>
inline constexpr const char* kSignature<std::int64_t> = "x";
template <>
inline constexpr const char* kSignature<Dictionary> = "a{sv}";
template <>
inline constexpr const char* kSignature<std::vector<Dictionary>> = "aa{sv}";

int append(sd_bus_message* message, bool value);
int append(sd_bus_message* message, std::uint32_t value);
int append(sd_bus_message* message, std::uint64_t value);
int append(sd_bus_message* message, std::int64_t value);
int append(sd_bus_message* message, double value);
/// Text of any origin: what is no UTF-8 or has a NUL is sent with '?' in place of the offending bytes, because the bus
/// would close the connection of somebody who sends such a thing.
int append(sd_bus_message* message, const std::string& value);
int append(sd_bus_message* message, const ObjectPath& value);
int append(sd_bus_message* message, const ErrorPair& value);
int append(sd_bus_message* message, const std::vector<ObjectPath>& value);
int append(sd_bus_message* message, const std::vector<std::string>& value);
int append(sd_bus_message* message, const Dictionary& value);
int append(sd_bus_message* message, const std::vector<Dictionary>& value);
int append(sd_bus_message* message, const Numbers& value);

Result<std::string> read_string(sd_bus_message* message);
/// A copy of a descriptor that came with the message.
Result<UniqueFd> read_descriptor(sd_bus_message* message);
Result<std::uint32_t> read_uint32(sd_bus_message* message);
Result<ObjectPath> read_path(sd_bus_message* message);
/// Errc::too_large for more than `limit`.
Result<std::vector<ObjectPath>> read_paths(sd_bus_message* message, std::size_t limit);
/// Errc::too_large for more than `limit`.
Result<Bytes> read_bytes(sd_bus_message* message, std::size_t limit);
/// Errc::too_large for more than `limit`.
Result<std::vector<std::pair<std::string, std::string>>> read_pairs(sd_bus_message* message, std::size_t limit);

enum class OptionType : std::uint8_t { truth, text, texts };
struct KnownOption {
  std::string_view name;
  OptionType type = OptionType::truth;
};
struct Options {
  std::set<std::string> on;  ///< truths that are true
  std::map<std::string, std::string> text;
  std::map<std::string, std::vector<std::string>> texts;  ///< at most 1000 each
};
/// The a{sv} at the end of a method. Any key that is not in `known`, or has a value of another type, is an error.
Result<Options> read_options(sd_bus_message* message, std::span<const KnownOption> known);
/// The same for a method that knows no option yet.
Result<void> read_no_options(sd_bus_message* message);

/// Opens "system", "session" or a D-Bus address; the handshake goes on while the bus is processed.
Result<BusHandle> open_bus(const std::string& where);

}  // namespace hg::bus
