// SPDX-License-Identifier: Apache-2.0
#include "smp/groups.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "base/cbor.hpp"
#include "smp/loose_cbor.hpp"
#include "smp/packet.hpp"
#include "wire/limits.hpp"

namespace hg::smp {
namespace {

constexpr std::size_t kLongestName = 64;

/// Walks a map: `read(key)` reads the value of a key that it knows and says so, or returns false to have it skipped.
Result<void> read_map(LooseReader& reader, const std::function<Result<bool>(const std::string&)>& read) {
  auto map = reader.enter_map();
  if (!map) return map.error();
  for (;;) {
    const auto another = reader.more(*map);
    if (!another) return another.error();
    if (!*another) return {};
    const auto key = reader.read_key();
    if (!key) return key.error();
    const auto known = read(*key);
    if (!known) return known.error().within("\"" + *key + "\"");
    if (*known) continue;
    if (auto skipped = reader.skip(); !skipped) return skipped;
  }
}

/// For the lambdas of read_map: stores a value that was read, or passes its error on.
template <class T, class Member>
Result<bool> store(const Result<T>& value, Member& member) {
  if (!value) return value.error();
  member = static_cast<Member>(*value);
  return true;
}

Result<bool> store_number(const Result<std::int64_t>& value, std::int64_t most, std::uint64_t& member) {
  if (!value) return value.error();
  if (*value < 0 || *value > most) return Error{Errc::invalid, "number out of range"};
  member = static_cast<std::uint64_t>(*value);
  return true;
}

Result<bool> read_slot_key(LooseReader& reader, const std::string& key, wire::Slot& slot) {
  const std::array<std::pair<std::string_view, bool*>, 5> flags = {{{"bootable", &slot.bootable},
                                                                    {"pending", &slot.pending},
                                                                    {"confirmed", &slot.confirmed},
                                                                    {"active", &slot.active},
                                                                    {"permanent", &slot.permanent}}};
  for (const auto& [name, flag] : flags) {
    if (key == name) return store(reader.read_bool(), *flag);
  }
  if (key == "image" || key == "slot") {
    std::uint64_t number = 0;
    auto stored = store_number(reader.read_int(), 255, number);
    (key == "image" ? slot.image : slot.slot) = static_cast<std::uint8_t>(number);
    return stored;
  }
  if (key == "version") {
    const auto version = reader.read_text(wire::kMaxVersionText);
    if (!version) return version.error();
    slot.version = cbor::is_utf8(as_bytes(*version)) ? *version : "?";
    return true;
  }
  if (key == "hash") {
    const auto hash = reader.read_bytes(Digest::kMaxSize);
    if (!hash) return hash.error();
    slot.digest = Digest::from_bytes(*hash).value_or(Digest{});
    return true;
  }
  return false;
}

Result<void> read_slots(LooseReader& reader, std::vector<wire::Slot>& slots) {
  auto array = reader.enter_array();
  if (!array) return array.error();
  for (;;) {
    const auto another = reader.more(*array);
    if (!another) return another.error();
    if (!*another) return {};
    if (slots.size() == wire::kMaxSlots) return Error{Errc::too_large, "more slots than we can hold"};
    wire::Slot slot;
    const auto read = [&](const std::string& key) { return read_slot_key(reader, key, slot); };
    if (auto taken = read_map(reader, read); !taken) return taken;
    slots.push_back(std::move(slot));
  }
}

}  // namespace

// -------------------------------------------------------------------------------------------------------- requests

Bytes empty_request() {
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(0);
  return packet;
}

Bytes echo_request(std::size_t size) {
  // Header, map(1), text(1) "d", and the head of the text: 12 to 14 bytes.
  constexpr std::size_t kAround = kHeaderSize + 3;
  const std::size_t with_head = size - std::min(size, kAround + 1);
  const std::size_t head = with_head < 24 ? 1 : with_head < 257 ? 2 : 3;
  const std::string text(size - std::min(size, kAround + head), 'x');
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(1).text("d").text(text);
  return packet;
}

Bytes bootloader_request(bool ask_mode) {
  if (!ask_mode) return empty_request();
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(1).text("query").text("mode");
  return packet;
}

Bytes test_request(const Digest& hash) {
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(2).text("hash").bytes(hash.bytes()).text("confirm").boolean(false);
  return packet;
}

Bytes confirm_request(const std::optional<Digest>& hash) {
  Bytes packet(kHeaderSize);
  cbor::Writer writer(packet);
  writer.map(hash ? 2 : 1);
  if (hash) writer.text("hash").bytes(hash->bytes());
  writer.text("confirm").boolean(true);
  return packet;
}

// --------------------------------------------------------------------------------------------------------- answers

Result<Params> params_in(ByteView body) {
  LooseReader reader(body);
  std::uint64_t size = 0;
  std::uint64_t count = 0;
  constexpr std::int64_t kMost = 1 << 20;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "buf_size") return store_number(reader.read_int(), kMost, size);
    if (key == "buf_count") return store_number(reader.read_int(), kMost, count);
    return false;
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("params");
  return Params{static_cast<std::size_t>(size), static_cast<std::size_t>(count)};
}

Result<void> read_bootloader(ByteView body, BootloaderInfo& info) {
  LooseReader reader(body);
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "bootloader") return store(reader.read_text(kLongestName), info.name);
    if (key == "mode") {
      const auto mode = reader.read_int();
      if (!mode) return mode.error();
      info.mode = *mode >= 0 && *mode <= 255 ? static_cast<int>(*mode) : -1;
      return true;
    }
    if (key == "no-downgrade") return store(reader.read_bool(), info.no_downgrade);
    return false;
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("bootloader info");
  return {};
}

wire::RevertClass revert_class_of(const BootloaderInfo& info) {
  if (!info.mode) return wire::RevertClass::unknown;
  switch (*info.mode) {
    case 0:  // one slot
      return wire::RevertClass::unstageable;
    case 1:  // swap with scratch
    case 3:  // swap with move
    case 5:  // direct XIP with revert
    case 9:  // swap with offset
      return wire::RevertClass::self_reverting;
    case 2:  // overwrite only
    case 4:  // direct XIP without revert
      return wire::RevertClass::irrevocable;
    default:
      return wire::RevertClass::unknown;
  }
}

std::string text_of(const BootloaderInfo& info) {
  std::string text = wire::bounded_text(info.name);
  if (info.mode) text += (text.empty() ? "mode " : " mode ") + std::to_string(*info.mode);
  if (info.no_downgrade) text += ", no downgrade";
  return text;
}

Result<std::vector<wire::Slot>> slots_in(ByteView body) {
  LooseReader reader(body);
  std::vector<wire::Slot> slots;
  bool is_there = false;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key != "images") return false;
    is_there = true;
    slots.clear();
    if (auto taken = read_slots(reader, slots); !taken) return taken.error();
    return true;
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("image list");
  if (!is_there) return Error{Errc::invalid, "image list: no \"images\""};
  return slots;
}

Result<UploadAnswer> upload_answer_in(ByteView body) {
  LooseReader reader(body);
  UploadAnswer answer;
  bool is_there = false;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "match") return store(reader.read_bool(), answer.match.emplace());
    if (key != "off") return false;
    is_there = true;
    return store_number(reader.read_int(), std::int64_t{1} << 40U, answer.offset);
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("upload");
  if (!is_there) return Error{Errc::invalid, "upload: no \"off\""};
  return answer;
}

}  // namespace hg::smp
