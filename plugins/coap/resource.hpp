// SPDX-License-Identifier: Apache-2.0
// Resources of LwM2M objects and their values, however they travelled: text, TLV, SenML-CBOR. A TLV or a text does not
// say of what type a value is; who asks for it does (OMA-TS-LightweightM2M_Core appendix C). Called by device_object,
// firmware_object and lwm2m.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "coap/exchange.hpp"

namespace hg::coap {

inline constexpr std::size_t kMaxAnswer = 16384;   ///< bytes of a body that is read
inline constexpr std::size_t kMaxResources = 512;  ///< in one answer
inline constexpr std::uint16_t kNoId = 65535;      ///< MAX_ID, which nothing has

/// "5", "5/0", "5/0/3", "5/0/8/1": each level only with the one before it. Without the root of an object list.
struct ResourcePath {
  std::uint16_t object = 0;
  std::optional<std::uint16_t> instance{};
  std::optional<std::uint16_t> resource{};
  std::optional<std::uint16_t> member{};  ///< of a resource that has several: its instance
  friend auto operator<=>(const ResourcePath&, const ResourcePath&) = default;
};
/// With or without a '/' before it. Errc::invalid: another form, or a number above 65534.
Result<ResourcePath> resource_path_from(std::string_view text);
/// "5/0/3"
std::string text_of(const ResourcePath& path);

struct ObjectLink {
  std::uint16_t object = 0;
  std::uint16_t instance = 0;
  friend auto operator<=>(const ObjectLink&, const ObjectLink&) = default;
};

/// The bytes of a value whose type was not sent (TLV).
struct Untyped {
  Bytes bytes;
  friend bool operator==(const Untyped&, const Untyped&) = default;
};
/// A value as text/plain.
struct PlainText {
  std::string text;
  friend bool operator==(const PlainText&, const PlainText&) = default;
};

/// One value. It answers as what it is asked for, or not at all when it cannot be that.
class Value {
 public:
  using Form = std::variant<std::int64_t, bool, double, std::string, Bytes, ObjectLink, Untyped, PlainText>;

  template <class T>
  requires(!std::same_as<std::remove_cvref_t<T>, Value> && std::constructible_from<Form, T>) Value(T&& value)
      : form_(std::forward<T>(value)) {}  // NOLINT(google-explicit-constructor)

  /// Of TLV: 1, 2, 4 or 8 bytes, big-endian. A time is one too, in s of Unix time. A whole double below 2^53 also.
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  /// Also 0 and 1.
  [[nodiscard]] std::optional<bool> boolean() const;
  /// UTF-8.
  [[nodiscard]] std::optional<std::string> text() const;
  /// Never of plain text.
  [[nodiscard]] std::optional<Bytes> opaque() const;
  /// "5:0" in text and SenML, four bytes in TLV.
  [[nodiscard]] std::optional<ObjectLink> link() const;

  [[nodiscard]] const Form& form() const { return form_; }
  friend bool operator==(const Value&, const Value&) = default;

 private:
  Form form_;
};

struct Resource {
  ResourcePath path;  ///< down to the resource at least
  Value value;
  friend bool operator==(const Resource&, const Resource&) = default;
};

/// What one instance of an object said; absent or of another type is nothing. Lives as long as its Resources.
class InstanceView {
 public:
  InstanceView(const std::vector<Resource>& all, std::uint16_t object, std::uint16_t instance)
      : all_(&all), object_(object), instance_(instance) {}

  /// Whether anything of it was said.
  [[nodiscard]] bool is_there() const;
  /// The single value of that resource.
  [[nodiscard]] const Value* find(std::uint16_t resource) const;
  [[nodiscard]] std::optional<std::int64_t> integer(std::uint16_t resource) const;
  [[nodiscard]] std::optional<bool> boolean(std::uint16_t resource) const;
  [[nodiscard]] std::optional<std::string> text(std::uint16_t resource) const;
  /// The values of a resource that has several, or its single one, in the order of the answer.
  [[nodiscard]] std::vector<const Value*> values(std::uint16_t resource) const;

 private:
  const std::vector<Resource>* all_;
  std::uint16_t object_;
  std::uint16_t instance_;
};

/// What an answer told.
class Resources {
 public:
  explicit Resources(std::vector<Resource> all = {}) : all_(std::move(all)) {}

  [[nodiscard]] const std::vector<Resource>& all() const { return all_; }
  [[nodiscard]] InstanceView of(std::uint16_t object, std::uint16_t instance) const { return {all_, object, instance}; }
  /// Ascending.
  [[nodiscard]] std::vector<std::uint16_t> instances(std::uint16_t object) const;
  /// The value at exactly that path.
  [[nodiscard]] const Value* at(const ResourcePath& path) const;

 private:
  std::vector<Resource> all_;
};

/// The body of a 2.05 or of a notification to a read of `read`. Without a format: text, where one resource was read.
/// `root`: what may stand before the names in SenML, as in ObjectList.
/// Errc::invalid: malformed; Errc::unsupported: a format that we do not read, or not for that path;
/// Errc::too_large: over kMaxAnswer bytes or kMaxResources values.
Result<Resources> resources_from(std::optional<Format> format, ByteView body, const ResourcePath& read,
                                 std::string_view root = {});

/// One value as a body to PUT to `path` (a resource): text, tlv or senml_cbor. Errc::unsupported: another format.
Result<Bytes> body_of(Format format, const ResourcePath& path, const Value& value);

}  // namespace hg::coap
