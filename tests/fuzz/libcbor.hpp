// SPDX-License-Identifier: Apache-2.0
// One CBOR item or head as another implementation sees it: libcbor's streaming decoder (Debian: libcbor-dev), which is
// laxer than ours and so must understand all that ours accepts, in the same way. Used by fuzz_cbor.cpp.
#pragma once

#include <cbor.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/cbor.hpp"

namespace hg::fuzz {

/// The value of an item, or the head of an array, map or tag.
struct Item {
  cbor::Type type = cbor::Type::null;
  std::uint64_t argument = 0;  ///< the number; the count of an array or map; of a negative integer n: -1 - n; 1: true
  ByteView content;            ///< of a string
};

inline bool operator==(const Item& a, const Item& b) {
  return a.type == b.type && a.argument == b.argument && std::ranges::equal(a.content, b.content);
}

/// What libcbor reads first in an input, and how many bytes it took for that. Nothing: it refuses the input, or it read
/// what our CBOR does not have (indefinite lengths, floats, undefined).
class LibcborItem {
 public:
  explicit LibcborItem(ByteView input) {
    if (!input.empty() && input[0] >= kFirstUnassigned && input[0] <= kLastUnassigned) {
      const std::array<std::uint8_t, 2> longer = {kTagOfOneByte, static_cast<std::uint8_t>(input[0] - kFirstTag)};
      decode(longer);
      took_.read = 1;
    } else {
      decode(input);
    }
  }

  [[nodiscard]] std::optional<Item> item() const {
    return took_.status == CBOR_DECODER_FINISHED ? heard_ : std::optional<Item>();
  }
  [[nodiscard]] std::size_t size() const { return took_.read; }

 private:
  // libcbor 0.8 refuses tags 6 to 20 in their shortest form, as unassigned (COSE has three of them); not so with a
  // byte of their own.
  static constexpr std::uint8_t kFirstTag = 0xC0;
  static constexpr std::uint8_t kFirstUnassigned = 0xC6;
  static constexpr std::uint8_t kLastUnassigned = 0xD4;
  static constexpr std::uint8_t kTagOfOneByte = 0xD8;

  void decode(ByteView input) { took_ = cbor_stream_decode(input.data(), input.size(), &callbacks(), this); }

  template <cbor::Type type, class Number>
  static void hear(void* self, Number number) {
    static_cast<LibcborItem*>(self)->heard_ = Item{type, number, {}};
  }
  template <cbor::Type type>
  static void hear_string(void* self, cbor_data data, std::size_t size) {
    static_cast<LibcborItem*>(self)->heard_ = Item{type, 0, ByteView(data, size)};
  }
  static void hear_null(void* self) { static_cast<LibcborItem*>(self)->heard_ = Item{}; }

  static const cbor_callbacks& callbacks() {
    using cbor::Type;
    static const cbor_callbacks all = [] {
      cbor_callbacks these = cbor_empty_callbacks;
      these.uint8 = hear<Type::unsigned_integer, std::uint8_t>;
      these.uint16 = hear<Type::unsigned_integer, std::uint16_t>;
      these.uint32 = hear<Type::unsigned_integer, std::uint32_t>;
      these.uint64 = hear<Type::unsigned_integer, std::uint64_t>;
      these.negint8 = hear<Type::negative_integer, std::uint8_t>;
      these.negint16 = hear<Type::negative_integer, std::uint16_t>;
      these.negint32 = hear<Type::negative_integer, std::uint32_t>;
      these.negint64 = hear<Type::negative_integer, std::uint64_t>;
      these.byte_string = hear_string<Type::bytes>;
      these.string = hear_string<Type::text>;
      these.array_start = hear<Type::array, std::size_t>;
      these.map_start = hear<Type::map, std::size_t>;
      these.tag = hear<Type::tag, std::uint64_t>;
      these.boolean = hear<Type::boolean, bool>;
      these.null = hear_null;
      return these;
    }();
    return all;
  }

  std::optional<Item> heard_;
  cbor_decoder_result took_{};
};

}  // namespace hg::fuzz
