// SPDX-License-Identifier: Apache-2.0
#include "cbor.hpp"

namespace smp_child::cbor {
namespace {

enum Major : std::uint8_t { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };
constexpr std::uint8_t kIndefinite = 31;
constexpr std::uint8_t kBreak = 0xff;
constexpr int kMaxDepth = 8;

/// A cursor over encoded items. Every step says false, and is not to be followed by another, at the first flaw.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}

  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

  bool value(Value& into) {
    const ByteView here = bytes_;
    if (!head()) return false;
    switch (major_) {
      case kUnsigned:
        into = argument_;
        return info_ != kIndefinite;
      case kBytes:
        return string(here, into, false);
      case kText:
        return string(here, into, true);
      case kSimple:
        if (info_ != 20 && info_ != 21) break;
        into = info_ == 21;
        return true;
      default:
        break;
    }
    into = std::monostate{};
    bytes_ = here;
    return skip(kMaxDepth);
  }

  /// Opens a map and says how many pairs it has, or that a break will end it.
  bool begin_map(std::optional<std::uint64_t>& pairs) {
    if (!head() || major_ != kMap) return false;
    pairs = info_ == kIndefinite ? std::nullopt : std::optional(argument_);
    return true;
  }

  bool take_break() {
    if (bytes_.empty() || bytes_[0] != kBreak) return false;
    bytes_ = bytes_.subspan(1);
    return true;
  }

 private:
  bool head() {
    if (bytes_.empty()) return false;
    major_ = bytes_[0] >> 5;
    info_ = bytes_[0] & 31;
    bytes_ = bytes_.subspan(1);
    argument_ = info_;
    if (info_ < 24 || info_ == kIndefinite) return true;
    if (info_ > 27) return false;
    const std::size_t size = std::size_t{1} << (info_ - 24);
    if (bytes_.size() < size) return false;
    argument_ = big_endian(bytes_.first(size));
    bytes_ = bytes_.subspan(size);
    return true;
  }

  bool content(ByteView& into) {
    if (info_ == kIndefinite || argument_ > bytes_.size()) return false;
    into = bytes_.first(argument_);
    bytes_ = bytes_.subspan(argument_);
    return true;
  }

  /// A string whose head was just read. One in chunks (zcbor does not take them as values either) is stepped over.
  bool string(ByteView from_head, Value& into, bool is_text) {
    ByteView bytes;
    if (info_ == kIndefinite) {
      bytes_ = from_head;
      return skip(kMaxDepth);
    }
    if (!content(bytes)) return false;
    if (is_text) {
      into = std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    } else {
      into = bytes;
    }
    return true;
  }

  bool skip(int depth) {
    if (depth == 0 || !head()) return false;
    ByteView ignored;
    const bool nests = major_ == kArray || major_ == kMap;
    if (info_ == kIndefinite) {
      return (nests || major_ == kBytes || major_ == kText) && skip_to_break(depth);
    }
    if (major_ == kBytes || major_ == kText) return content(ignored);
    if (major_ == kTag) return skip(depth - 1);
    if (!nests) return true;
    if (argument_ > bytes_.size()) return false;
    return skip_items(major_ == kMap ? argument_ * 2 : argument_, depth);
  }

  bool skip_items(std::uint64_t count, int depth) {
    while (count-- > 0) {
      if (!skip(depth - 1)) return false;
    }
    return true;
  }

  bool skip_to_break(int depth) {
    while (!take_break()) {
      if (!skip(depth - 1)) return false;
    }
    return true;
  }

  ByteView bytes_;
  std::uint8_t major_ = 0, info_ = 0;
  std::uint64_t argument_ = 0;
};

}  // namespace

void Writer::end() {
  const Open closed = open_.back();
  open_.pop_back();
  if (!definite_) {
    out_.push_back(kBreak);
    return;
  }
  Bytes rest(out_.begin() + static_cast<std::ptrdiff_t>(closed.position) + 1, out_.end());
  out_.resize(closed.position);
  head(closed.major, closed.major == kMap ? closed.items / 2 : closed.items);
  append(out_, rest);
}

void Writer::text(std::string_view value) {
  count_item();
  head(kText, value.size());
  out_.insert(out_.end(), value.begin(), value.end());
}

void Writer::bytes(ByteView value) {
  count_item();
  head(kBytes, value.size());
  append(out_, value);
}

void Writer::integer(std::int64_t value) {
  count_item();
  if (value >= 0) {
    head(kUnsigned, static_cast<std::uint64_t>(value));
  } else {
    head(kNegative, static_cast<std::uint64_t>(-(value + 1)));
  }
}

void Writer::boolean(bool value) {
  count_item();
  head(kSimple, value ? 21 : 20);
}

void Writer::pairs(ByteView encoded, std::size_t count) {
  if (!open_.empty()) open_.back().items += 2 * count;
  append(out_, encoded);
}

void Writer::begin(std::uint8_t major) {
  count_item();
  open_.push_back({major, out_.size()});
  out_.push_back(static_cast<std::uint8_t>(major << 5 | kIndefinite));
}

void Writer::head(std::uint8_t major, std::uint64_t argument) {
  const auto put = [&](std::uint8_t info, int size) {
    out_.push_back(static_cast<std::uint8_t>(major << 5 | info));
    append_big_endian(out_, argument, size);
  };
  if (argument < 24) return put(static_cast<std::uint8_t>(argument), 0);
  if (argument <= 0xff) return put(24, 1);
  if (argument <= 0xffff) return put(25, 2);
  if (argument <= 0xffffffff) return put(26, 4);
  put(27, 8);
}

void Writer::count_item() {
  if (!open_.empty()) ++open_.back().items;
}

std::optional<Map> Map::parse(ByteView body) {
  Map map;
  if (body.empty()) return map;
  Reader reader(body);
  std::optional<std::uint64_t> pairs;
  if (!reader.begin_map(pairs)) return std::nullopt;
  for (std::uint64_t i = 0; pairs ? i < *pairs : !reader.take_break(); ++i) {
    Value key, value;
    if (!reader.value(key) || !reader.value(value)) return std::nullopt;
    if (!std::holds_alternative<std::string_view>(key)) return std::nullopt;
    map.entries_.emplace_back(std::get<std::string_view>(key), value);
  }
  return reader.at_end() ? std::optional(std::move(map)) : std::nullopt;
}

bool Map::flag(std::string_view key) const {
  return get<bool>(key).value_or(false) || integer(key).value_or(0) != 0;
}

}  // namespace smp_child::cbor
