// SPDX-License-Identifier: Apache-2.0
#include "wire/codec.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "base/cbor.hpp"
#include "wire/fields.hpp"

namespace hg::wire {
namespace {

/// The type numbers, in the order of the variant. A number is never given to another frame.
constexpr std::array<std::uint64_t, std::variant_size_v<Frame>> kTypes = {
    1,  2,  3,  4,  5,  6,  7,  8,  9,  32,       // the connection
    10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 30,   // requests
    20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 31};  // answers

constexpr std::array kErrcs = {
    Errc::internal,        Errc::invalid,  Errc::unsupported, Errc::too_large,   Errc::not_found,   Errc::exists,
    Errc::unauthenticated, Errc::mismatch, Errc::denied,      Errc::busy,        Errc::unavailable, Errc::timed_out,
    Errc::cancelled,       Errc::no_space, Errc::io,          Errc::guard_failed};

constexpr std::size_t kUsualFrame = 256;  // bytes; a LinkKey never has more: what grows leaves its old bytes behind

// ------------------------------------------------------------------------------------------------------- writing

/// How many keys a frame will have.
struct KeyCount {
  std::size_t count = 0;
  template <class T, class L>
  void operator()(std::int64_t, std::string_view, const T&, const L&) {
    ++count;
  }
  template <class T, class L>
  void operator()(std::int64_t, std::string_view, const std::optional<T>& member, const L&) {
    if (member) ++count;
  }
  template <class T, class L>
  void unless_default(std::int64_t, std::string_view, const T& member, const L&) {
    if (member != T{}) ++count;
  }
};

/// What stands in arrays.
template <class E>
concept IsElement = std::same_as<E, Slot> || std::same_as<E, Guard> || std::same_as<E, Move>;

template <class E>
inline constexpr E kLastOf = E{};
template <>
inline constexpr Willing kLastOf<Willing> = Willing::later;
template <>
inline constexpr RevertClass kLastOf<RevertClass> = RevertClass::unstageable;
template <>
inline constexpr Staging kLastOf<Staging> = Staging::impossible;
template <>
inline constexpr Urgency kLastOf<Urgency> = Urgency::emergency;
template <>
inline constexpr Power kLastOf<Power> = Power::battery;
template <>
inline constexpr Evidence kLastOf<Evidence> = Evidence::result;
template <>
inline constexpr LinkKeyKind kLastOf<LinkKeyKind> = LinkKeyKind::passkey;
template <>
inline constexpr LinkSecurity kLastOf<LinkSecurity> = LinkSecurity::proven;

class FieldWriter {
 public:
  explicit FieldWriter(cbor::Writer& writer) : writer_(&writer) {}

  template <class T, class L>
  void operator()(std::int64_t key, std::string_view, const T& member, const L&) {
    writer_->integer(key);
    write(member);
  }
  template <class T, class L>
  void operator()(std::int64_t key, std::string_view, const std::optional<T>& member, const L&) {
    if (!member) return;
    writer_->integer(key);
    write(*member);
  }
  template <class T, class L>
  void unless_default(std::int64_t key, std::string_view name, const T& member, const L& limit) {
    if (member != T{}) (*this)(key, name, member, limit);
  }

  template <class M>
  void members(const M& message, bool with_type, std::uint64_t type = 0) {
    KeyCount count;
    fields(count, message);
    writer_->map(count.count + (with_type ? 1 : 0));
    if (with_type) writer_->uint(0).uint(type);
    fields(*this, message);
  }

 private:
  void write(std::uint64_t value) { writer_->uint(value); }
  void write(std::uint8_t value) { writer_->uint(value); }
  void write(std::uint16_t value) { writer_->uint(value); }
  void write(std::int16_t value) { writer_->integer(value); }
  void write(bool value) { writer_->boolean(value); }
  void write(const std::string& value) { writer_->text(value); }
  void write(const Digest& value) { writer_->bytes(value.bytes()); }
  void write(Errc value) { writer_->uint(number_of(value)); }
  void write(RevertClass value) { writer_->uint(static_cast<std::uint8_t>(value)); }
  void write(Willing value) { writer_->uint(static_cast<std::uint8_t>(value)); }
  void write(Staging value) { writer_->uint(static_cast<std::uint8_t>(value)); }
  void write(Urgency value) { writer_->uint(static_cast<std::uint8_t>(value)); }
  void write(Power value) { writer_->uint(static_cast<std::uint8_t>(value)); }
  void write(Evidence value) { writer_->uint(static_cast<std::uint8_t>(value)); }
  void write(LinkSecurity value) { writer_->uint(static_cast<std::uint8_t>(value)); }
  void write(LinkKeyKind value) { writer_->uint(static_cast<std::uint8_t>(value)); }
  void write(const std::shared_ptr<const Secret>& value) { writer_->bytes(value->view()); }
  void write(const Bytes& value) { writer_->bytes(value); }
  void write(const Uuid& value) { writer_->bytes(value); }
  void write(const std::vector<Patch>& patches) {
    writer_->array(patches.size());
    for (const Patch& patch : patches) writer_->array(2).uint(patch.offset).bytes(patch.bytes);
  }
  void write(const Seen& seen) { members(seen, false); }
  template <IsElement E>
  void write(const std::vector<E>& elements) {
    writer_->array(elements.size());
    for (const E& element : elements) members(element, false);
  }
  void write(const ProfileValues& values) {
    // The bytewise order of encoded keys: shorter ones first (RFC 8949 §4.2.1; all are below 256 bytes).
    std::vector<const ProfileValues::value_type*> ordered;
    for (const auto& value : values) ordered.push_back(&value);
    const auto size_of = [](const auto* value) { return value->first.size(); };
    std::ranges::stable_sort(ordered, {}, size_of);
    writer_->map(ordered.size());
    for (const auto* value : ordered) {
      writer_->text(value->first);
      std::visit([this](const auto& held) { write_profile(held); }, value->second);
    }
  }
  void write_profile(std::int64_t value) { writer_->integer(value); }
  void write_profile(bool value) { writer_->boolean(value); }
  void write_profile(const std::string& value) { writer_->text(value); }
  void write_profile(const std::vector<std::string>& value) {
    writer_->array(value.size());
    for (const std::string& text : value) writer_->text(text);
  }

  cbor::Writer* writer_;
};

// ------------------------------------------------------------------------------------------------------- reading

/// Reads the members of one map in ascending order of their keys. After the first error it does nothing more.
class FieldReader {
 public:
  FieldReader(cbor::Reader& reader, cbor::MapKeys& keys) : reader_(&reader), keys_(&keys) { advance(); }

  template <class T, class L>
  void operator()(std::int64_t key, std::string_view name, T& member, const L& limit) {
    if (error_) return;
    if (ahead_ != key) {
      const std::string_view problem = ahead_ && *ahead_ < key ? "unknown key " : "missing key ";
      const std::int64_t culprit = ahead_ && *ahead_ < key ? *ahead_ : key;
      error_ = reader_->error(Errc::invalid, std::string(problem) + std::to_string(culprit));
      if (culprit == key) error_->message.append(" (").append(name).append(")");
      return;
    }
    take(read(member, limit), key, name);
  }
  template <class T, class L>
  void operator()(std::int64_t key, std::string_view name, std::optional<T>& member, const L& limit) {
    member.reset();
    if (error_ || ahead_ != key) return;
    member.emplace();
    take(read(*member, limit), key, name);
  }
  /// There is one way to say each thing: what is as it begins is not said.
  template <class T, class L>
  void unless_default(std::int64_t key, std::string_view name, T& member, const L& limit) {
    member = T{};
    if (error_ || ahead_ != key) return;
    auto value = read(member, limit);
    if (value && member == T{}) value = reader_->error(Errc::invalid, "to be left out where there is none");
    take(std::move(value), key, name);
  }

  /// The type, under key 0, before everything else.
  std::uint64_t type() {
    std::uint64_t number = 0;
    (*this)(0, "type", number, kAnyNumber);
    return number;
  }

  Result<void> finish() {
    if (!error_ && ahead_) error_ = reader_->error(Errc::invalid, "unknown key " + std::to_string(*ahead_));
    if (error_) return *error_;
    return {};
  }

 private:
  void advance() {
    const auto key = keys_->next_integer();
    if (!key) {
      error_ = key.error();
      return;
    }
    ahead_ = *key;
  }
  void take(Result<void> read_it, std::int64_t key, std::string_view name) {
    if (read_it) return advance();
    error_ = read_it.error().within("key " + std::to_string(key) + " (" + std::string(name) + ")");
  }
  [[nodiscard]] Error over_limit() const { return reader_->error(Errc::invalid, "over its limit"); }

  template <class Number>
  requires std::unsigned_integral<Number> Result<void> read(Number& member, std::uint64_t limit) {
    const auto value = reader_->read_uint();
    if (!value) return value.error();
    if (*value > limit) return over_limit();
    member = static_cast<Number>(*value);
    return {};
  }
  Result<void> read(std::int16_t& member, const Range& range) {
    const auto value = reader_->read_int();
    if (!value) return value.error();
    if (*value < range.least || *value > range.most) return over_limit();
    member = static_cast<std::int16_t>(*value);
    return {};
  }
  Result<void> read(bool& member, int) {
    const auto value = reader_->read_bool();
    if (!value) return value.error();
    member = *value;
    return {};
  }
  Result<void> read(std::string& member, std::size_t limit) {
    const auto value = reader_->read_text();
    if (!value) return value.error();
    if (value->size() > limit) return over_limit();
    member = *value;
    return {};
  }
  Result<void> read(std::string& member, NameLimit) {
    if (auto name = read(member, kMaxName); !name) return name;
    if (!is_name(member)) return reader_->error(Errc::invalid, "not a name");
    return {};
  }
  Result<void> read(Digest& member, std::size_t) {
    const auto value = reader_->read_bytes();
    if (!value) return value.error();
    const auto digest = Digest::from_bytes(*value);
    if (!digest) return over_limit();
    member = *digest;
    return {};
  }
  Result<void> read(Errc& member, int) {
    const auto value = reader_->read_uint();
    if (!value) return value.error();
    const auto code = errc_from(*value);
    if (!code) return reader_->error(Errc::invalid, "no error code");
    member = *code;
    return {};
  }
  Result<void> read(Bytes& member, std::size_t limit) {
    const auto value = reader_->read_bytes();
    if (!value) return value.error();
    if (value->size() > limit) return over_limit();
    member.assign(value->begin(), value->end());
    return {};
  }
  Result<void> read(std::shared_ptr<const Secret>& member, std::size_t limit) {
    const auto value = reader_->read_bytes();
    if (!value) return value.error();
    if (value->size() > limit) return over_limit();
    try {
      if (!value->empty()) member = std::make_shared<const Secret>(*value);
    } catch (const std::bad_alloc&) {
      return Error{Errc::internal, "no memory for keys"};
    }
    return {};
  }
  Result<void> read(Uuid& member, int) {
    const auto value = reader_->read_bytes();
    if (!value) return value.error();
    if (value->size() != member.size()) return reader_->error(Errc::invalid, "not 16 bytes");
    std::ranges::copy(*value, member.begin());
    return {};
  }
  Result<void> read(Patch& patch, int) {
    const auto count = reader_->enter_array();
    if (!count) return count.error();
    if (*count != 2) return reader_->error(Errc::invalid, "not an offset and bytes");
    if (auto offset = read(patch.offset, kMaxImageSize); !offset) return offset;
    return read(patch.bytes, kMaxPatchBytes);
  }
  template <class E>
  requires std::is_enum_v<E> Result<void> read(E& member, int) {
    std::uint8_t number = 0;
    if (auto value = read(number, static_cast<std::uint64_t>(kLastOf<E>)); !value) return value;
    member = static_cast<E>(number);
    return {};
  }
  template <class M>
  requires IsElement<M> || std::same_as<M, Seen> Result<void> read(M& member, int) {
    auto keys = cbor::MapKeys::enter(*reader_);
    if (!keys) return keys.error();
    FieldReader inner(*reader_, *keys);
    fields(inner, member);
    return inner.finish();
  }
  template <class E>
  requires IsElement<E> || std::same_as<E, Patch> Result<void> read(std::vector<E>& elements, std::size_t limit) {
    const auto count = reader_->enter_array();
    if (!count) return count.error();
    if (*count > limit) return over_limit();
    elements.resize(*count);
    for (E& element : elements) {
      if (auto value = read(element, 0); !value) return value;
    }
    return {};
  }
  Result<void> read(ProfileValues& values, std::size_t limit) {
    auto keys = cbor::MapKeys::enter(*reader_);
    if (!keys) return keys.error();
    if (keys->count() > limit) return over_limit();
    values.clear();
    for (std::size_t i = 0; i < keys->count(); ++i) {
      const auto key = keys->next();
      if (!key) return key.error();
      if (!(*key)->text || !is_name(*(*key)->text)) return reader_->error(Errc::invalid, "not the name of a value");
      auto value = read_profile_value();
      if (!value) return value.error().within((*key)->describe());
      values.emplace(std::string(*(*key)->text), std::move(*value));
    }
    const auto end = keys->next();  // checks nothing more, but keeps to the rules of MapKeys
    return end ? Result<void>{} : Result<void>{end.error()};
  }
  Result<ProfileValue> read_profile_value() {
    if (reader_->next_is(cbor::Type::text)) {
      std::string text;
      if (auto value = read(text, kMaxText); !value) return value.error();
      return ProfileValue{std::move(text)};
    }
    if (reader_->next_is(cbor::Type::boolean)) {
      const auto value = reader_->read_bool();
      if (!value) return value.error();
      return ProfileValue{*value};
    }
    if (reader_->next_is(cbor::Type::array)) return read_profile_list();
    const auto value = reader_->read_int();
    if (!value) return value.error();
    return ProfileValue{*value};
  }

  Result<ProfileValue> read_profile_list() {
    const auto count = reader_->enter_array();
    if (!count) return count.error();
    if (*count > kMaxProfileList) return over_limit();
    std::vector<std::string> texts(*count);
    for (std::string& text : texts) {
      if (auto value = read(text, kMaxText); !value) return value.error();
    }
    return ProfileValue{std::move(texts)};
  }

  cbor::Reader* reader_;
  cbor::MapKeys* keys_;
  std::optional<std::int64_t> ahead_;  // the key whose value comes next
  std::optional<Error> error_;
};

/// What no key can say alone.
Result<void> check_whole(const Frame& frame) {
  if (const auto* key = std::get_if<LinkKey>(&frame)) return check_link_key(*key);
  const auto* deliver = std::get_if<Deliver>(&frame);
  return deliver == nullptr ? Result<void>{} : check_patches(deliver->patches, deliver->size);
}

/// An empty frame of the type with this index in the variant.
template <std::size_t I = 0>
Frame empty_frame(std::size_t index) {
  if constexpr (I + 1 < std::variant_size_v<Frame>) {
    if (index != I) return empty_frame<I + 1>(index);
  }
  return Frame{std::in_place_index<I>};
}

}  // namespace

std::uint64_t type_number(const Frame& frame) {
  return kTypes.at(frame.index());
}

std::uint64_t number_of(Errc code) {
  const auto* found = std::ranges::find(kErrcs, code);
  return found == kErrcs.end() ? 0 : static_cast<std::uint64_t>(found - kErrcs.begin());
}

std::optional<Errc> errc_from(std::uint64_t number) {
  if (number >= kErrcs.size()) return std::nullopt;
  return kErrcs.at(static_cast<std::size_t>(number));
}

Result<Bytes> encode(const Frame& frame) {
  Bytes bytes;
  bytes.reserve(kUsualFrame);
  cbor::Writer writer(bytes);
  FieldWriter field_writer(writer);
  const std::uint64_t type = type_number(frame);
  std::visit([&](const auto& value) { field_writer.members(value, true, type); }, frame);
  if (bytes.size() > kMaxFrame) return Error{Errc::too_large, std::string(name_of(frame)) + " of more than 16 KiB"};
  return bytes;
}

Result<Frame> decode(ByteView bytes) {
  if (bytes.size() > kMaxFrame) {
    return Error{Errc::too_large, "frame of " + std::to_string(bytes.size()) + " bytes, at most 16384 are allowed"};
  }
  cbor::Reader reader(bytes);
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error().within("frame");
  FieldReader field_reader(reader, *keys);
  const std::uint64_t type = field_reader.type();
  const auto* found = std::ranges::find(kTypes, type);
  if (found == kTypes.end()) {
    const auto why = field_reader.finish();
    if (type == 0 && !why) return why.error().within("frame");
    return Error{Errc::invalid, "frame of unknown type " + std::to_string(type)};
  }
  Frame frame = empty_frame(static_cast<std::size_t>(found - kTypes.begin()));
  const auto fill = [&field_reader](auto& value) { fields(field_reader, value); };
  std::visit(fill, frame);
  if (auto complete = field_reader.finish(); !complete) return complete.error().within(name_of(frame));
  if (auto end = reader.finish(); !end) return end.error().within(name_of(frame));
  if (auto whole = check_whole(frame); !whole) return whole.error().within(name_of(frame));
  return frame;
}

}  // namespace hg::wire
