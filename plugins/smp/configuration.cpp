// SPDX-License-Identifier: Apache-2.0
#include "smp/configuration.hpp"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/cbor.hpp"
#include "wire/limits.hpp"

namespace hg::smp {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMostItems = 2 * wire::kMaxProfileList;

void write_items(cbor::Writer& writer, const std::vector<SavedItem>& items) {
  writer.array(items.size());
  for (const SavedItem& item : items) {
    const bool is_saved = item.state == SavedState::saved;
    writer.map(is_saved ? 4 : 2).uint(0).text(item.name).uint(1).uint(static_cast<std::uint64_t>(item.state));
    if (is_saved) writer.uint(2).bytes(item.content).uint(3).bytes(item.sha256.bytes());
  }
}

Result<void> read_key(cbor::Reader& reader, std::int64_t key, SavedItem& item) {
  if (key == 0) {
    const auto name = reader.read_text();
    if (!name) return name.error();
    item.name = *name;
  } else if (key == 1) {
    const auto state = reader.read_uint();
    if (!state) return state.error();
    if (*state > static_cast<std::uint64_t>(SavedState::not_saved)) return reader.error(Errc::invalid, "unknown state");
    item.state = static_cast<SavedState>(*state);
  } else if (key == 2) {
    const auto content = reader.read_bytes();
    if (!content) return content.error();
    item.content.assign(content->begin(), content->end());
  } else if (key == 3) {
    const auto hash = reader.read_bytes();
    if (!hash) return hash.error();
    item.sha256 = Digest::from_bytes(*hash).value_or(Digest{});
  } else {
    return reader.skip();
  }
  return {};
}

Result<void> read_item(cbor::Reader& reader, std::vector<SavedItem>& items) {
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error();
  SavedItem& item = items.emplace_back();
  for (;;) {
    const auto key = keys->next_integer();
    if (!key) return key.error();
    if (!*key) break;
    if (auto read = read_key(reader, **key, item); !read) return read;
  }
  if (item.name.empty()) return reader.error(Errc::invalid, "an item without a name");
  const bool is_whole = item.state != SavedState::saved || item.sha256 == sha256_of(item.content);
  return is_whole ? Result<void>{} : Error{Errc::mismatch, item.name + ": the saved content is damaged"};
}

Result<void> read_items(cbor::Reader& reader, std::vector<SavedItem>& items) {
  const auto count = reader.enter_array();
  if (!count) return count.error();
  if (*count > kMostItems) return reader.error(Errc::too_large, "too many items");
  for (std::size_t at = 0; at < *count; ++at) {
    if (auto read = read_item(reader, items); !read) return read;
  }
  return {};
}

Result<void> read_configuration(cbor::Reader& reader, Configuration& configuration) {
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error();
  bool has_version = false;
  for (;;) {
    const auto key = keys->next_integer();
    if (!key) return key.error();
    if (!*key) break;
    Result<void> read{};
    if (**key == 0) {
      const auto version = reader.read_uint();
      has_version = version && *version == kVersion;
      if (!has_version) return Error{Errc::unsupported, "saved by another version"};
    } else if (**key == 1) {
      read = read_items(reader, configuration.settings);
    } else if (**key == 2) {
      read = read_items(reader, configuration.files);
    } else {
      read = reader.skip();
    }
    if (!read) return read;
  }
  return has_version ? reader.finish() : reader.error(Errc::invalid, "no version");
}

std::size_t count_saved(const std::vector<SavedItem>& items) {
  const auto count = std::ranges::count(items, SavedState::saved, &SavedItem::state);
  return static_cast<std::size_t>(count);
}

/// "; not there: a, b", or nothing.
std::string names_of(const Configuration& configuration, SavedState state, const std::string& title) {
  std::string names;
  for (const auto* items : {&configuration.settings, &configuration.files}) {
    for (const SavedItem& item : *items) {
      if (item.state == state) names.append(names.empty() ? "; " + title + ": " : ", ").append(item.name);
    }
  }
  return names;
}

}  // namespace

std::string describe(const Configuration& configuration) {
  return "settings saved: " + std::to_string(count_saved(configuration.settings)) +
         ", files: " + std::to_string(count_saved(configuration.files)) +
         names_of(configuration, SavedState::not_saved, "could not be read") +
         names_of(configuration, SavedState::absent, "not on the child");
}

Digest sha256_of(ByteView bytes) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(bytes.data(), bytes.size(), digest.data());
  return Digest::from_bytes(digest).value_or(Digest{});
}

Result<Bytes> encode(const Configuration& configuration) {
  Bytes bytes;
  cbor::Writer writer(bytes);
  writer.map(3).uint(0).uint(kVersion).uint(1);
  write_items(writer, configuration.settings);
  writer.uint(2);
  write_items(writer, configuration.files);
  if (bytes.size() > wire::kMaxBackup) return Error{Errc::too_large, "the configuration has more than 1 MiB"};
  return bytes;
}

Result<Configuration> decode_configuration(ByteView bytes) {
  cbor::Reader reader(bytes);
  Configuration configuration;
  if (auto read = read_configuration(reader, configuration); !read) return read.error().within("saved configuration");
  return configuration;
}

Result<UniqueFd> sealed(ByteView bytes) {
  UniqueFd fd(::memfd_create("configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return from_errno(errno, "memfd_create");
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t size = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return from_errno(errno, "write a memfd");
    done += static_cast<std::size_t>(size);
  }
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) return from_errno(errno, "seal a memfd");
  return fd;
}

Result<Bytes> contents_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return from_errno(errno, "fstat");
  if (status.st_size < 0 || static_cast<std::uint64_t>(status.st_size) > wire::kMaxBackup) {
    return Error{Errc::too_large, "the saved configuration has more than 1 MiB"};
  }
  Bytes bytes(static_cast<std::size_t>(status.st_size));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t size = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return from_errno(errno, "read the saved configuration");
    if (size == 0) return Error{Errc::io, "the saved configuration ends early"};
    done += static_cast<std::size_t>(size);
  }
  return bytes;
}

}  // namespace hg::smp
