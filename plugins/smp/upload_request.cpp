// SPDX-License-Identifier: Apache-2.0
#include "smp/upload_request.hpp"

#include <algorithm>

#include "base/cbor.hpp"
#include "smp/packet.hpp"

namespace hg::smp {
namespace {

constexpr std::size_t kLeastFirstData = 32;  // the child looks at the MCUboot header in the first packet
constexpr std::size_t kDataHead = 3;         // of a byte string below 64 KiB

void put_fields(const UploadSource& source, std::uint64_t offset, Bytes& packet) {
  cbor::Writer writer(packet);
  if (offset == 0) {
    const bool names_image = source.image_number != 0;
    writer.map(3U + (names_image ? 1U : 0U) + (source.is_recovery ? 0U : 1U));
    if (names_image) writer.text("image").uint(source.image_number);
    writer.text("len").uint(source.size);
    if (!source.is_recovery) writer.text("sha").bytes(source.sha256.bytes());
  } else {
    writer.map(2);
  }
  writer.text("off").uint(offset).text("data");
}

void put_data_head(std::size_t size, Bytes& packet) {
  constexpr std::uint8_t kKind = 2U << 5U;
  if (size < 24) {
    packet.push_back(static_cast<std::uint8_t>(kKind | size));
  } else if (size < 256) {
    packet.push_back(kKind | 24U);
    packet.push_back(static_cast<std::uint8_t>(size));
  } else {
    packet.push_back(kKind | 25U);
    packet.push_back(static_cast<std::uint8_t>(size >> 8U));
    packet.push_back(static_cast<std::uint8_t>(size));
  }
}

}  // namespace

Result<std::size_t> fill_upload_request(const UploadSource& source, std::uint64_t offset, std::size_t limit,
                                        std::size_t align, Bytes& packet) {
  packet.resize(kHeaderSize);
  put_fields(source, offset, packet);
  const std::size_t head = packet.size() + kDataHead;
  const std::size_t room = std::max(limit, head + (offset == 0 ? kLeastFirstData : 1)) - head;
  std::uint64_t end = std::min<std::uint64_t>(offset + room, source.size);
  if (end < source.size && end - end % align > offset) end -= end % align;
  const auto carried = static_cast<std::size_t>(end - offset);
  put_data_head(carried, packet);
  const std::size_t data = packet.size();
  packet.resize(data + carried);
  if (auto read = source.image.read(offset, std::span(packet).subspan(data)); !read) return read.error();
  return carried;
}

}  // namespace hg::smp
