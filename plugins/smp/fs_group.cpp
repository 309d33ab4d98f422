// SPDX-License-Identifier: Apache-2.0
#include "smp/fs_group.hpp"

#include "smp/answer_map.hpp"
#include "smp/packet.hpp"

namespace hg::smp {
namespace {

constexpr std::int64_t kMostBytes = std::int64_t{1} << 40U;
constexpr std::size_t kSha256Size = 32;

}  // namespace

Bytes file_download_request(std::string_view name, std::uint64_t offset) {
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(2).text("off").uint(offset).text("name").text(name);
  return packet;
}

Result<FilePiece> file_piece_in(ByteView body) {
  LooseReader reader(body);
  FilePiece piece;
  bool has_offset = false;
  bool has_data = false;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "len") return store_number(reader.read_int(), kMostBytes, piece.size.emplace());
    if (key == "off") {
      has_offset = true;
      return store_number(reader.read_int(), kMostBytes, piece.offset);
    }
    if (key != "data") return false;
    has_data = true;
    return store(reader.read_bytes(kLargestFilePiece), piece.data);
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("file");
  if (!has_offset || !has_data) return Error{Errc::invalid, "file: no \"off\" or no \"data\""};
  return piece;
}

Bytes file_upload_request(std::string_view name, std::uint64_t offset, ByteView data, std::uint64_t size) {
  Bytes packet(kHeaderSize);
  cbor::Writer writer(packet);
  writer.map(offset == 0 ? 4 : 3).text("off").uint(offset).text("name").text(name);
  if (offset == 0) writer.text("len").uint(size);
  writer.text("data").bytes(data);
  return packet;
}

Result<std::uint64_t> file_offset_in(ByteView body) {
  LooseReader reader(body);
  std::optional<std::uint64_t> offset;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "off") return store_number(reader.read_int(), kMostBytes, offset.emplace());
    return false;
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("file upload");
  if (!offset) return Error{Errc::invalid, "file upload: no \"off\""};
  return *offset;
}

Bytes file_hash_request(std::string_view name) {
  Bytes packet(kHeaderSize);
  cbor::Writer(packet).map(2).text("name").text(name).text("type").text("sha256");
  return packet;
}

Result<std::optional<Digest>> file_hash_in(ByteView body) {
  LooseReader reader(body);
  std::optional<Digest> digest;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key != "output") return false;
    LooseReader ahead = reader;  // a number where the child has no SHA-256
    if (const auto output = ahead.read_bytes(Digest::kMaxSize); output && output->size() == kSha256Size) {
      digest = Digest::from_bytes(*output);
    }
    return false;
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("file hash");
  return digest;
}

}  // namespace hg::smp
