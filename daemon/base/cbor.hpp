// SPDX-License-Identifier: Apache-2.0
// A strict pull reader and a writer for the small part of CBOR (RFC 8949) that SUIT, COSE and the plugin wire use:
// definite lengths, shortest heads, 64-bit integers, byte and text strings, arrays, maps, tags, booleans, null.
// Everything else (floats, indefinite lengths, undefined, other simple values) is refused with its byte offset. The
// reader decides nothing about meaning and allocates nothing; text and bytes are slices that live as long as the
// input. Called by suit and by both ends of the plugin socket; SMP children, who write indefinite lengths, have a
// reader of their own in plugins/smp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::cbor {

/// How deep arrays, maps and tags may stand in one another inside one skipped item.
inline constexpr std::size_t kMaxNesting = 16;

/// How many keys a map whose keys come in any order may have (each is compared with all before it).
inline constexpr std::size_t kMaxUnorderedKeys = 32;

enum class Type { unsigned_integer, negative_integer, bytes, text, array, map, tag, boolean, null };

/// What a message calls the type: "unsigned integer", "byte string".
std::string_view name_of(Type type);

/// A place in one CBOR input. Reading moves it; a failed read leaves it where it was. Copy it to look ahead.
/// Every error names the offset, counted from the first byte of the outermost input.
class Reader {
 public:
  /// `origin` is the offset of input[0] in the outermost input, for messages about items wrapped in byte strings.
  explicit Reader(ByteView input = {}, std::size_t origin = 0) : input_(input), origin_(origin) {}

  [[nodiscard]] bool at_end() const { return position_ == input_.size(); }
  [[nodiscard]] std::size_t offset() const { return origin_ + position_; }

  /// The type of the next item; fails at the end and on what we never accept.
  [[nodiscard]] Result<Type> peek() const;
  /// Whether a well-formed item of that type is next.
  [[nodiscard]] bool next_is(Type type) const;

  Result<std::uint64_t> read_uint();
  /// Any integer from -2^63 to 2^63-1.
  Result<std::int64_t> read_int();
  Result<ByteView> read_bytes();
  /// Well-formed UTF-8 (RFC 3629), not normalized, possibly with control characters.
  Result<std::string_view> read_text();
  Result<bool> read_bool();
  Result<void> read_null();

  /// The number of elements. Never more than there are bytes left, so that loops over it are bounded by the input.
  Result<std::size_t> enter_array();
  /// The number of key-value pairs, bounded in the same way. MapKeys reads and checks the keys.
  Result<std::size_t> enter_map();
  /// The tag number; the tagged item follows.
  Result<std::uint64_t> read_tag();

  /// A byte string whose content is CBOR: a reader of that content which counts offsets as this one does.
  Result<Reader> read_wrapped();

  /// The exact bytes of the next item, heads included, whatever it is; it is checked for well-formedness only (not for
  /// the order of keys). Work in proportion to its size, no recursion, at most kMaxNesting levels.
  Result<ByteView> read_item();
  Result<void> skip();

  /// Fails when bytes are left over.
  [[nodiscard]] Result<void> finish() const;

  /// "offset 17: <what>", for rules that the caller checks.
  [[nodiscard]] Error error(Errc code, std::string_view what) const { return error_at(offset(), code, what); }
  static Error error_at(std::size_t offset, Errc code, std::string_view what);

 private:
  struct Head {
    Type type = Type::null;
    std::uint64_t argument = 0;
    std::size_t size = 0;
  };
  enum class Fault : std::uint8_t;
  static std::string text_of(Fault fault, Type type);
  [[nodiscard]] Fault find_argument(std::size_t size, Head& head) const;
  [[nodiscard]] Fault find_head(Head& head) const;
  [[nodiscard]] Result<Head> head() const;
  [[nodiscard]] Result<Head> head_of(Type type) const;
  [[nodiscard]] std::size_t left() const { return input_.size() - position_; }
  Result<ByteView> read_string(Type type);
  Result<std::size_t> enter(Type type);

  ByteView input_;
  std::size_t origin_;
  std::size_t position_ = 0;
};

/// One key of a map.
struct Key {
  std::size_t offset = 0;
  ByteView encoded;  ///< with its head
  std::optional<std::int64_t> integer;
  std::optional<std::string_view> text;

  /// "map key 3", "map key \"#image\"" or "map key h'8101'"; printable ASCII of bounded length.
  [[nodiscard]] std::string describe() const;
};

enum class KeyOrder {
  ascending,  ///< bytewise, strictly (RFC 8949 §4.2.1): SUIT maps and the plugin wire
  any,        ///< only no key twice: COSE and CoSWID maps, which real signers do not sort
};

/// The keys of one map, in turn. Between two calls of next() the caller reads or skips exactly one value.
class MapKeys {
 public:
  /// Enters the map. `reader` must outlive this.
  static Result<MapKeys> enter(Reader& reader, KeyOrder order = KeyOrder::ascending);

  [[nodiscard]] std::size_t count() const { return count_; }

  /// The next key of whatever type, or nothing after the last value.
  Result<std::optional<Key>> next();
  /// The same for maps that may only have integer keys.
  Result<std::optional<std::int64_t>> next_integer();

 private:
  MapKeys(Reader& reader, std::size_t count, KeyOrder order) : reader_(&reader), count_(count), order_(order) {}
  [[nodiscard]] Result<void> check(const Key& key) const;

  Reader* reader_;
  std::size_t count_;
  KeyOrder order_;
  std::size_t seen_ = 0;
  std::array<ByteView, kMaxUnorderedKeys> keys_{};  // ascending: only keys_[0], the one before
};

/// Appends items to `out` in the deterministic encoding that Reader accepts. The caller keeps the counts it announced
/// and writes map keys in ascending order.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(&out) {}

  Writer& uint(std::uint64_t value);
  Writer& integer(std::int64_t value);
  Writer& bytes(ByteView value);
  /// `value` must be UTF-8.
  Writer& text(std::string_view value);
  Writer& boolean(bool value);
  Writer& null();
  Writer& array(std::size_t count);
  Writer& map(std::size_t count);
  Writer& tag(std::uint64_t number);
  /// An item that is encoded already.
  Writer& encoded(ByteView item);

 private:
  Writer& head(std::uint8_t major, std::uint64_t argument);

  Bytes* out_;
};

/// Whether `bytes` are well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629 §3).
bool is_utf8(ByteView bytes);

}  // namespace hg::cbor
