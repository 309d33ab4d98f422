// SPDX-License-Identifier: Apache-2.0
#include "smp/image_group.hpp"

#include <array>

#include "smp/answer_map.hpp"
#include "smp/packet.hpp"
#include "wire/limits.hpp"

namespace hg::smp {
namespace {

constexpr std::int64_t kMostBytes = std::int64_t{1} << 40U;

Result<bool> read_slot_key(LooseReader& reader, const std::string& key, wire::Slot& slot) {
  const std::array<std::pair<std::string_view, bool*>, 5> flags = {{{"bootable", &slot.bootable},
                                                                    {"pending", &slot.pending},
                                                                    {"confirmed", &slot.confirmed},
                                                                    {"active", &slot.active},
                                                                    {"permanent", &slot.permanent}}};
  for (const auto& [name, flag] : flags) {
    if (key == name) return store(reader.read_bool(), *flag);
  }
  if (key == "image") return store_number(reader.read_int(), 255, slot.image);
  if (key == "slot") return store_number(reader.read_int(), 255, slot.slot);
  if (key == "version") return store_text(reader.read_text(wire::kMaxVersionText), slot.version);
  if (key == "hash") {
    const auto hash = reader.read_bytes(Digest::kMaxSize);
    if (!hash) return hash.error();
    slot.digest = Digest::from_bytes(*hash).value_or(Digest{});
    return true;
  }
  return false;
}

/// Walks an array: `read()` reads one element.
template <class Read>
Result<bool> read_array(LooseReader& reader, const Read& read) {
  auto array = reader.enter_array();
  if (!array) return array.error();
  for (;;) {
    const auto another = reader.more(*array);
    if (!another) return another.error();
    if (!*another) return true;
    if (const Result<void> taken = read(); !taken) return taken.error();
  }
}

Result<void> read_slot(LooseReader& reader, std::vector<wire::Slot>& slots) {
  if (slots.size() == wire::kMaxSlots) return Error{Errc::too_large, "more slots than we can hold"};
  wire::Slot slot;
  const auto read = [&](const std::string& key) { return read_slot_key(reader, key, slot); };
  if (auto taken = read_map(reader, read); !taken) return taken;
  slots.push_back(std::move(slot));
  return {};
}

Result<void> read_slot_size(LooseReader& reader, std::vector<SlotSize>& sizes) {
  if (sizes.size() == wire::kMaxSlots) return Error{Errc::too_large, "more slots than we can hold"};
  SlotSize& size = sizes.emplace_back();
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "slot") return store_number(reader.read_int(), 255, size.slot);
    if (key == "size") return store_number(reader.read_int(), kMostBytes, size.size);
    if (key == "upload_image_id") return store_number(reader.read_int(), 255, size.upload_image.emplace());
    return false;
  };
  return read_map(reader, read);
}

/// The slots of one image number; what holds for all of them may stand before or after the list.
Result<void> read_image_sizes(LooseReader& reader, std::vector<SlotSize>& sizes) {
  const std::size_t first = sizes.size();
  std::uint8_t image = 0;
  std::uint64_t largest = 0;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "image") return store_number(reader.read_int(), 255, image);
    if (key == "max_image_size") return store_number(reader.read_int(), kMostBytes, largest);
    if (key != "slots") return false;
    return read_array(reader, [&] { return read_slot_size(reader, sizes); });
  };
  if (auto taken = read_map(reader, read); !taken) return taken;
  for (std::size_t at = first; at < sizes.size(); ++at) {
    sizes[at].image = image;
    sizes[at].largest = largest;
  }
  return {};
}

}  // namespace

Result<std::vector<wire::Slot>> slots_in(ByteView body) {
  LooseReader reader(body);
  std::vector<wire::Slot> slots;
  bool is_there = false;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key != "images") return false;
    is_there = true;
    slots.clear();
    return read_array(reader, [&] { return read_slot(reader, slots); });
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("image list");
  if (!is_there) return Error{Errc::invalid, "image list: no \"images\""};
  return slots;
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

Result<UploadAnswer> upload_answer_in(ByteView body) {
  LooseReader reader(body);
  UploadAnswer answer;
  bool is_there = false;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "match") return store(reader.read_bool(), answer.match.emplace());
    if (key != "off") return false;
    is_there = true;
    return store_number(reader.read_int(), kMostBytes, answer.offset);
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("upload");
  if (!is_there) return Error{Errc::invalid, "upload: no \"off\""};
  return answer;
}

Bytes erase_request(std::uint8_t slot_over_all) {
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(1).text("slot").uint(slot_over_all);
  return packet;
}

Result<std::vector<SlotSize>> slot_sizes_in(ByteView body) {
  LooseReader reader(body);
  std::vector<SlotSize> sizes;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key != "images") return false;
    sizes.clear();
    return read_array(reader, [&] { return read_image_sizes(reader, sizes); });
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("slot info");
  return sizes;
}

}  // namespace hg::smp
