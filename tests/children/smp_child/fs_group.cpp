// SPDX-License-Identifier: Apache-2.0
#include "fs_group.hpp"

#include <algorithm>
#include <fstream>

#include "files.hpp"
#include "image_file.hpp"

namespace smp_child {
namespace {

enum Command : std::uint8_t { kFile = 0, kStatus = 1, kHash = 2, kTypes = 3, kClose = 4 };
const Status kInvalidName{2, Rc::invalid};
const Status kNotFound{3, Rc::no_entry};
const Status kIsDirectory{4, Rc::invalid};
const Status kOffsetNotValid{11, Rc::invalid};
const Status kOffsetTooLarge{12, Rc::invalid};
const Status kHashTypeNotFound{13, Rc::invalid};
const Status kMountPointNotFound{14, Rc::no_entry};
const Status kFileEmpty{16, Rc::no_entry};
constexpr std::size_t kDownloadOverhead = 48;  // header, map, keys, offset, length and the head of the data

Bytes content(const std::filesystem::path& file) {
  const std::string text = read_text(file);
  return {text.begin(), text.end()};
}

/// CRC-32/IEEE.
std::uint32_t crc32(ByteView bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

void put_type(cbor::Writer& answer, std::string_view name, std::int64_t format, std::int64_t size) {
  answer.key(name);
  answer.begin_map();
  answer.put_integer("format", format);
  answer.put_integer("size", size);
  answer.end();
}

}  // namespace

FsGroup::FsGroup(const Options& options, Record& record)
    : options_(options), record_(record), root_(options.state / "fs") {
  if (!options.server.fs_mount.empty()) std::filesystem::create_directories(root_);
}

Status FsGroup::handle(Exchange& exchange) {
  if (exchange.is(kWrite, kClose)) return {};
  if (exchange.is(kRead, kTypes)) {
    exchange.answer.key("types");
    exchange.answer.begin_map();
    put_type(exchange.answer, "crc32", 0, 4);
    put_type(exchange.answer, "sha256", 1, 32);
    exchange.answer.end();
    return {};
  }
  if (exchange.header.command > kHash) return Rc::not_supported;
  const auto name = exchange.request.text("name");
  if (!name || name->empty()) return kInvalidName;
  const auto file = place(*name);
  return file ? on_file(exchange, *file) : kMountPointNotFound;
}

Status FsGroup::on_file(Exchange& exchange, const std::filesystem::path& file) {
  if (std::filesystem::is_directory(file)) return kIsDirectory;
  if (exchange.is(kWrite, kFile)) return upload(exchange, file);
  if (exchange.header.op != kRead) return Rc::not_supported;
  if (!std::filesystem::exists(file)) return kNotFound;
  if (exchange.is(kRead, kFile)) return download(exchange, file);
  if (exchange.is(kRead, kHash)) return hash(exchange, file);
  exchange.answer.put_integer("len", static_cast<std::int64_t>(std::filesystem::file_size(file)));
  return {};
}

Status FsGroup::download(Exchange& exchange, const std::filesystem::path& file) const {
  const auto offset = exchange.request.integer("off");
  if (!offset) return Rc::invalid;
  const Bytes bytes = content(file);
  if (*offset > bytes.size()) return kOffsetTooLarge;
  const std::size_t chunk =
      options_.server.fs_chunk != 0 ? options_.server.fs_chunk : options_.link.buf_size - kDownloadOverhead;
  const ByteView rest = ByteView(bytes).subspan(*offset);
  exchange.answer.put_integer("off", static_cast<std::int64_t>(*offset));
  exchange.answer.put_bytes("data", rest.first(std::min(rest.size(), chunk)));
  if (*offset == 0) exchange.answer.put_integer("len", static_cast<std::int64_t>(bytes.size()));
  return {};
}

/// Offset 0 truncates; a wrong offset is an error that brings the right one.
Status FsGroup::upload(Exchange& exchange, const std::filesystem::path& file) const {
  const auto offset = exchange.request.integer("off");
  const auto data = exchange.request.bytes("data");
  if (!offset || !data || (*offset == 0 && !exchange.request.integer("len"))) return Rc::invalid;
  if (!std::filesystem::is_directory(file.parent_path())) return kNotFound;
  const std::uint64_t size = *offset != 0 && std::filesystem::exists(file) ? std::filesystem::file_size(file) : 0;
  if (*offset != size) {
    exchange.error_length = size;
    return kOffsetNotValid;
  }
  std::ofstream out(file, std::ios::binary | (*offset == 0 ? std::ios::trunc : std::ios::app));
  out.write(reinterpret_cast<const char*>(data->data()), static_cast<std::streamsize>(data->size()));
  if (*offset == 0) record_.event("fs: upload of " + file.filename().string());
  exchange.answer.put_integer("off", static_cast<std::int64_t>(size + data->size()));
  return {};
}

Status FsGroup::hash(Exchange& exchange, const std::filesystem::path& file) {
  const std::string_view type = exchange.request.text("type").value_or("crc32");
  if (type != "crc32" && type != "sha256") return kHashTypeNotFound;
  const Bytes bytes = content(file);
  if (bytes.empty()) return kFileEmpty;
  const std::uint64_t offset = exchange.request.integer("off").value_or(0);
  if (offset >= bytes.size()) return kOffsetTooLarge;
  const ByteView rest = ByteView(bytes).subspan(offset);
  const ByteView part =
      rest.first(std::min<std::uint64_t>(exchange.request.integer("len").value_or(~0ULL), rest.size()));
  exchange.answer.put_text("type", type);
  if (offset != 0) exchange.answer.put_integer("off", static_cast<std::int64_t>(offset));
  exchange.answer.put_integer("len", static_cast<std::int64_t>(part.size()));
  if (type == "crc32") {
    exchange.answer.put_integer("output", crc32(part));
  } else {
    exchange.answer.put_bytes("output", sha256(part));
  }
  return {};
}

/// Where a file of that name is; nothing if it is not below the mount point.
std::optional<std::filesystem::path> FsGroup::place(std::string_view name) const {
  const std::string mount = options_.server.fs_mount + "/";
  if (!name.starts_with(mount) || name.find("..") != std::string_view::npos) return std::nullopt;
  return root_ / name.substr(mount.size());
}

}  // namespace smp_child
