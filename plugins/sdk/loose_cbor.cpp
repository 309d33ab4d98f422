// SPDX-License-Identifier: Apache-2.0
#include "sdk/loose_cbor.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace hg::plugin {
namespace {

constexpr std::uint8_t kUnsigned = 0;
constexpr std::uint8_t kNegative = 1;
constexpr std::uint8_t kBytes = 2;
constexpr std::uint8_t kText = 3;
constexpr std::uint8_t kArray = 4;
constexpr std::uint8_t kMap = 5;
constexpr std::uint8_t kTag = 6;
constexpr std::uint8_t kSimple = 7;
constexpr std::uint8_t kBreak = 0xFF;
constexpr std::uint64_t kFalse = 20;
constexpr std::uint64_t kTrue = 21;
constexpr std::uint8_t kHalf = 0xF9;
constexpr std::uint8_t kSingle = 0xFA;
constexpr std::uint8_t kDouble = 0xFB;
constexpr std::size_t kLongestKey = 32;

std::string text_of(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

/// RFC 8949 appendix D.
double half_precision(std::uint64_t bits) {
  const auto exponent = static_cast<int>(bits >> 10U & 0x1FU);
  const auto fraction = static_cast<double>(bits & 0x3FFU);
  double value = std::ldexp(fraction + 1024, exponent - 25);
  if (exponent == 0) value = std::ldexp(fraction, -24);
  if (exponent == 31) value = fraction == 0 ? std::numeric_limits<double>::infinity() : std::nan("");
  return (bits & 0x8000U) != 0 ? -value : value;
}

}  // namespace

Error LooseReader::error(std::string_view what) const {
  return Error{Errc::invalid, "CBOR offset " + std::to_string(position_) + ": " + std::string(what)};
}

Result<LooseReader::Head> LooseReader::read_head() {
  if (left() == 0) return error("the answer ends early");
  const std::uint8_t first = input_[position_];
  Head head;
  head.major = static_cast<std::uint8_t>(first >> 5U);
  const auto low = static_cast<std::uint8_t>(first & 0x1FU);
  if (low < 24) {
    head.argument = low;
    ++position_;
    return head;
  }
  if (low == 31) {
    if (head.major < kBytes || head.major == kTag || head.major == kSimple) return error("a break or an empty head");
    head.indefinite = true;
    ++position_;
    return head;
  }
  if (low > 27) return error("a reserved head");
  const std::size_t width = std::size_t{1} << (low - 24U);
  if (left() < 1 + width) return error("the answer ends early");
  for (std::size_t i = 1; i <= width; ++i) head.argument = head.argument << 8U | input_[position_ + i];
  position_ += 1 + width;
  return head;
}

Result<LooseReader::Container> LooseReader::enter(std::uint8_t major) {
  const std::size_t before = position_;
  const auto head = read_head();
  if (!head) return head.error();
  if (head->major != major) {
    position_ = before;
    return error(major == kMap ? "no map" : "no array");
  }
  return Container{head->argument, head->indefinite};
}

Result<LooseReader::Container> LooseReader::enter_map() {
  return enter(kMap);
}
Result<LooseReader::Container> LooseReader::enter_array() {
  return enter(kArray);
}

Result<bool> LooseReader::more(Container& container) {
  if (!container.indefinite) {
    if (container.left == 0) return false;
    --container.left;
    return true;
  }
  if (left() == 0) return error("the answer ends early");
  if (input_[position_] != kBreak) return true;
  ++position_;
  return false;
}

Result<std::string> LooseReader::read_key() {
  const std::size_t before = position_;
  auto key = read_text(kLongestKey);
  if (key) return key;
  position_ = before;
  if (auto skipped = skip(); !skipped) return skipped.error();
  return std::string{};
}

Result<void> LooseReader::append_chunk(const Head& head, Bytes& to, std::size_t limit) {
  if (head.argument > left()) return error("a string longer than the answer");
  const auto size = static_cast<std::size_t>(head.argument);
  if (size > limit - to.size()) return error("a string that is too long");
  const ByteView chunk = input_.subspan(position_, size);
  to.insert(to.end(), chunk.begin(), chunk.end());
  position_ += size;
  return {};
}

Result<Bytes> LooseReader::read_string(std::uint8_t major, std::size_t limit) {
  const auto head = read_head();
  if (!head) return head.error();
  if (head->major != major) return error(major == kText ? "no text" : "no byte string");
  Bytes bytes;
  if (!head->indefinite) {
    if (auto whole = append_chunk(*head, bytes, limit); !whole) return whole.error();
    return bytes;
  }
  Container chunks{0, true};
  for (;;) {
    const auto another = more(chunks);
    if (!another) return another.error();
    if (!*another) return bytes;
    const auto chunk = read_head();
    if (!chunk) return chunk.error();
    if (chunk->major != major || chunk->indefinite) return error("a string in pieces of another kind");
    if (auto added = append_chunk(*chunk, bytes, limit); !added) return added.error();
  }
}

Result<std::string> LooseReader::read_text(std::size_t limit) {
  const auto bytes = read_string(kText, limit);
  if (!bytes) return bytes.error();
  return text_of(*bytes);
}

Result<Bytes> LooseReader::read_bytes(std::size_t limit) {
  return read_string(kBytes, limit);
}

Result<std::int64_t> LooseReader::read_int() {
  const auto head = read_head();
  if (!head) return head.error();
  const bool is_integer = head->major == kUnsigned || head->major == kNegative;
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!is_integer || head->argument > kMost) return error("no integer of 64 bits");
  const auto value = static_cast<std::int64_t>(head->argument);
  return head->major == kNegative ? -1 - value : value;
}

Result<bool> LooseReader::read_bool() {
  const auto head = read_head();
  if (!head) return head.error();
  if (head->major == kSimple && (head->argument == kFalse || head->argument == kTrue)) return head->argument == kTrue;
  if (head->major == kUnsigned && head->argument <= 1) return head->argument == 1;
  return error("no boolean");
}

Result<LooseReader::Kind> LooseReader::peek() const {
  if (left() == 0) return error("the answer ends early");
  constexpr std::array kKinds{Kind::integer, Kind::integer, Kind::bytes, Kind::text, Kind::array, Kind::map, Kind::tag};
  const std::uint8_t first = input_[position_];
  if (first >> 5U < kKinds.size()) return kKinds[first >> 5U];
  if (first >= kHalf && first <= kDouble) return Kind::real;
  const auto simple = first & 0x1FU;
  return simple == kFalse || simple == kTrue ? Kind::boolean : Kind::other;
}

Result<double> LooseReader::read_real() {
  const std::uint8_t first = left() == 0 ? 0 : input_[position_];
  const auto head = read_head();
  if (!head) return head.error();
  if (first == kHalf) return half_precision(head->argument);
  if (first == kSingle) return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(head->argument)));
  if (first == kDouble) return std::bit_cast<double>(head->argument);
  return error("no floating-point number");
}

Result<void> LooseReader::skip() {
  // What is still open, innermost last; an item is skipped when nothing is open any more.
  std::array<Container, kMaxLooseNesting> open{};
  std::size_t depth = 0;
  do {
    const auto head = read_head();
    if (!head) return head.error();
    std::optional<Container> entered;
    if (head->major == kBytes || head->major == kText) {
      if (head->indefinite) {
        entered = Container{0, true};
      } else if (head->argument > left()) {
        return error("a string longer than the answer");
      } else {
        position_ += static_cast<std::size_t>(head->argument);
      }
    } else if (head->major == kArray || head->major == kMap) {
      if (head->argument > left()) return error("a list longer than the answer");
      const std::uint64_t items = head->major == kMap ? 2 * head->argument : head->argument;
      entered = Container{items, head->indefinite};
    } else if (head->major == kTag) {
      entered = Container{1, false};
    }
    if (entered) {
      if (depth == kMaxLooseNesting) return error("nested too deep");
      open[depth++] = *entered;
    }
    while (depth > 0) {
      const auto another = more(open[depth - 1]);
      if (!another) return another.error();
      if (*another) break;
      --depth;
    }
  } while (depth > 0);
  return {};
}

}  // namespace hg::plugin
