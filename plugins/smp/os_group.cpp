// SPDX-License-Identifier: Apache-2.0
#include "smp/os_group.hpp"

#include <algorithm>

#include "smp/answer_map.hpp"
#include "smp/packet.hpp"

namespace hg::smp {
namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestInfo = 512;
constexpr std::size_t kMostGroups = 64;
constexpr std::int64_t kMostParams = 1 << 20;

}  // namespace

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

Bytes reset_request(ResetWish wish) {
  Bytes packet(kHeaderSize);
  cbor::Writer writer(packet);
  writer.map((wish.force ? 1U : 0U) + (wish.boot_mode ? 1U : 0U));
  if (wish.force) writer.text("force").uint(1);
  if (wish.boot_mode) writer.text("boot_mode").uint(*wish.boot_mode);
  return packet;
}

Bytes info_request() {
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(1).text("format").text("a");
  return packet;
}

Bytes bootloader_request(bool ask_mode) {
  if (!ask_mode) return empty_request();
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(1).text("query").text("mode");
  return packet;
}

Bytes console_echo_request() {
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(1).text("echo").uint(0);
  return packet;
}

Result<Params> params_in(ByteView body) {
  LooseReader reader(body);
  Params params;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "buf_size") return store_number(reader.read_int(), kMostParams, params.buffer_size);
    if (key == "buf_count") return store_number(reader.read_int(), kMostParams, params.buffer_count);
    return false;
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("params");
  return params;
}

Result<std::string> info_in(ByteView body) {
  LooseReader reader(body);
  std::string text;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "output") return store_text(reader.read_text(kLongestInfo), text);
    return false;
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("os info");
  return text;
}

Result<void> read_bootloader(ByteView body, BootloaderInfo& info) {
  LooseReader reader(body);
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "bootloader") return store_text(reader.read_text(kLongestName), info.name);
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

Result<std::vector<std::uint16_t>> groups_in(ByteView body) {
  LooseReader reader(body);
  std::vector<std::uint16_t> groups;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key != "groups") return false;
    auto array = reader.enter_array();
    if (!array) return array.error();
    for (;;) {
      const auto another = reader.more(*array);
      if (!another) return another.error();
      if (!*another) return true;
      if (groups.size() == kMostGroups) return Error{Errc::too_large, "more groups than we can hold"};
      auto stored = store_number(reader.read_int(), 0xFFFF, groups.emplace_back());
      if (!stored) return stored;
    }
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("list of groups");
  return groups;
}

}  // namespace hg::smp
