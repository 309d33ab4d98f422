// SPDX-License-Identifier: Apache-2.0
#include "coap/tlv.hpp"

#include <bit>
#include <limits>

namespace hg::coap {
namespace {

enum class Kind : std::uint8_t { instance, member, multiple, resource };

constexpr unsigned kKindShift = 6;
constexpr unsigned kWideIdMask = 0x20;
constexpr unsigned kLengthShift = 3;
constexpr unsigned kLengthMask = 7;

struct Entry {
  std::size_t offset = 0;
  Kind kind = Kind::resource;
  std::uint16_t id = 0;
  ByteView content;
  std::size_t content_offset = 0;
};

Error wrong_at(std::size_t offset, std::string_view what) {
  return Error{Errc::invalid, "TLV offset " + std::to_string(offset) + ": " + std::string(what)};
}

/// Entries of one level, in turn.
class Level {
 public:
  Level(ByteView content, std::size_t origin) : content_(content), origin_(origin) {}

  [[nodiscard]] bool at_end() const { return position_ == content_.size(); }

  Result<Entry> next() {
    Entry entry;
    entry.offset = origin_ + position_;
    const unsigned type = content_[position_++];
    entry.kind = static_cast<Kind>(type >> kKindShift);
    const auto id = take_number((type & kWideIdMask) != 0 ? 2 : 1);
    const std::size_t length_bytes = type >> kLengthShift & 3U;
    const auto length = length_bytes == 0 ? std::optional<std::size_t>{type & kLengthMask} : take_number(length_bytes);
    if (!id || !length || *length > content_.size() - position_) return wrong_at(entry.offset, "it ends early");
    if (*id == kNoId) return wrong_at(entry.offset, "id 65535 is nobody's");
    entry.id = static_cast<std::uint16_t>(*id);
    entry.content = content_.subspan(position_, *length);
    entry.content_offset = origin_ + position_;
    position_ += *length;
    return entry;
  }

 private:
  std::optional<std::size_t> take_number(std::size_t bytes) {
    if (content_.size() - position_ < bytes) return std::nullopt;
    std::size_t number = 0;
    for (std::size_t i = 0; i < bytes; ++i) number = number << 8U | content_[position_++];
    return number;
  }

  ByteView content_;
  std::size_t origin_;
  std::size_t position_ = 0;
};

/// Whether `path` is what was read, or below it.
bool is_within(const ResourcePath& path, const ResourcePath& read) {
  const auto agrees = [](const auto& said, const auto& asked) { return !said || !asked || *said == *asked; };
  return agrees(path.instance, read.instance) && agrees(path.resource, read.resource) &&
         agrees(path.member, read.member);
}

class Reading {
 public:
  explicit Reading(const ResourcePath& read) : read_(read) {}

  Result<void> read_top(ByteView body) {
    const std::uint16_t instance = read_.instance.value_or(0);
    for (Level level(body, 0); !level.at_end();) {
      const auto entry = level.next();
      if (!entry) return entry.error();
      Result<void> done;
      if (entry->kind == Kind::instance) {
        done = read_instance(*entry);
      } else if (entry->kind == Kind::member && read_.resource) {
        done = keep(*entry, {read_.object, instance, read_.resource, entry->id});
      } else {
        done = read_resource(*entry, {read_.object, instance});
      }
      if (!done) return done;
    }
    return {};
  }
  std::vector<Resource> take() { return std::move(found_); }

 private:
  Result<void> read_instance(const Entry& instance) {
    for (Level level(instance.content, instance.content_offset); !level.at_end();) {
      const auto entry = level.next();
      if (!entry) return entry.error();
      if (auto done = read_resource(*entry, {read_.object, instance.id}); !done) return done;
    }
    return {};
  }
  Result<void> read_resource(const Entry& entry, ResourcePath path) {
    path.resource = entry.id;
    if (entry.kind == Kind::resource) return keep(entry, path);
    if (entry.kind != Kind::multiple) return wrong_at(entry.offset, "no resource");
    for (Level level(entry.content, entry.content_offset); !level.at_end();) {
      const auto member = level.next();
      if (!member) return member.error();
      if (member->kind != Kind::member) return wrong_at(member->offset, "no instance of a resource");
      path.member = member->id;
      if (auto done = keep(*member, path); !done) return done;
    }
    return {};
  }
  Result<void> keep(const Entry& entry, const ResourcePath& path) {
    if (!is_within(path, read_)) {
      return wrong_at(entry.offset, text_of(path) + " is no part of " + text_of(read_) + ", which was read");
    }
    if (found_.size() == kMaxResources) return Error{Errc::too_large, "TLV: more than 512 values"};
    found_.push_back({path, Untyped{Bytes(entry.content.begin(), entry.content.end())}});
    return {};
  }

  ResourcePath read_;
  std::vector<Resource> found_;
};

void put_number(Bytes& to, std::uint64_t number, std::size_t bytes) {
  while (bytes > 0) to.push_back(static_cast<std::uint8_t>(number >> (8U * --bytes)));
}

std::size_t bytes_for(std::int64_t value) {
  const auto fits = [&](auto limits) { return value >= limits.min() && value <= limits.max(); };
  if (fits(std::numeric_limits<std::int8_t>{})) return 1;
  if (fits(std::numeric_limits<std::int16_t>{})) return 2;
  return fits(std::numeric_limits<std::int32_t>{}) ? 4 : 8;
}

struct ContentWriter {
  Bytes operator()(std::int64_t value) const { return number(static_cast<std::uint64_t>(value), bytes_for(value)); }
  Bytes operator()(bool value) const { return {static_cast<std::uint8_t>(value ? 1 : 0)}; }
  Bytes operator()(double value) const { return number(std::bit_cast<std::uint64_t>(value), 8); }
  Bytes operator()(const std::string& value) const { return {value.begin(), value.end()}; }
  Bytes operator()(const PlainText& value) const { return {value.text.begin(), value.text.end()}; }
  Bytes operator()(const Bytes& value) const { return value; }
  Bytes operator()(const Untyped& value) const { return value.bytes; }
  Bytes operator()(ObjectLink link) const { return number(std::uint64_t{link.object} << 16U | link.instance, 4); }
  static Bytes number(std::uint64_t value, std::size_t size) {
    Bytes bytes;
    put_number(bytes, value, size);
    return bytes;
  }
};

}  // namespace

Result<std::vector<Resource>> resources_from_tlv(ByteView body, const ResourcePath& read) {
  Reading reading(read);
  if (auto done = reading.read_top(body); !done) return done.error();
  return reading.take();
}

Bytes tlv_of(std::uint16_t resource, const Value& value) {
  const Bytes content = std::visit(ContentWriter{}, value.form());
  const std::size_t size = content.size();
  const unsigned length_bytes = size <= kLengthMask ? 0U : size <= 0xFF ? 1U : size <= 0xFFFF ? 2U : 3U;
  const bool is_wide = resource > 0xFF;
  unsigned type = static_cast<unsigned>(Kind::resource) << kKindShift | length_bytes << kLengthShift;
  if (is_wide) type |= kWideIdMask;
  if (length_bytes == 0) type |= static_cast<unsigned>(size);
  Bytes bytes{static_cast<std::uint8_t>(type)};
  put_number(bytes, resource, is_wide ? 2 : 1);
  put_number(bytes, size, length_bytes);
  bytes.insert(bytes.end(), content.begin(), content.end());
  return bytes;
}

}  // namespace hg::coap
