// SPDX-License-Identifier: Apache-2.0
#include "smp/settings_group.hpp"

#include "smp/answer_map.hpp"
#include "smp/packet.hpp"

namespace hg::smp {

Bytes setting_read_request(std::string_view name, std::size_t limit) {
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(2).text("name").text(name).text("max_size").uint(limit);
  return packet;
}

Result<SettingAnswer> setting_in(ByteView body) {
  LooseReader reader(body);
  SettingAnswer answer;
  bool is_there = false;
  const auto read = [&](const std::string& key) -> Result<bool> {
    constexpr std::int64_t kMostLimit = 1 << 20;
    if (key == "max_size") return store_number(reader.read_int(), kMostLimit, answer.limit.emplace());
    if (key != "val") return false;
    is_there = true;
    return store(reader.read_bytes(kLargestSetting), answer.value);
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("setting");
  if (!is_there) return Error{Errc::invalid, "setting: no \"val\""};
  return answer;
}

Bytes setting_write_request(std::string_view name, ByteView value) {
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(2).text("name").text(name).text("val").bytes(value);
  return packet;
}

}  // namespace hg::smp
