// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/store_key_file.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "adapters/crypto/key_wrap.hpp"
#include "adapters/crypto/public_keys.hpp"
#include "base/unique_fd.hpp"

namespace hg::crypto {
namespace {

constexpr const char* kName = "store-key";
constexpr const char* kNewName = "store-key.new";
constexpr std::string_view kKdfInfo = "headgate store key 1";
constexpr std::int64_t kEcdhA256Kw = -31;
constexpr std::size_t kMostBytes = 4096;
constexpr int kMostLost = 100;

/// The file's bytes; nothing if it is not there. One that is too long is cut, and so does not open.
Result<std::optional<Bytes>> read(int directory) {
  const UniqueFd file(::openat(directory, kName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return std::optional<Bytes>{};
  if (!file) return from_errno(errno, kName);
  Bytes content(kMostBytes);
  const ssize_t size = ::read(file.get(), content.data(), content.size());
  if (size < 0) return from_errno(errno, kName);
  content.resize(static_cast<std::size_t>(size));
  return std::optional(std::move(content));
}

Result<void> write_all(int file, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(file, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return from_errno(errno, "write store-key");
    bytes = bytes.subspan(static_cast<std::size_t>(size));
  }
  if (::fsync(file) != 0) return from_errno(errno, "fsync store-key");
  return {};
}

/// A new file, whole or not at all; one that is there is not replaced.
Result<void> write(int directory, ByteView content) {
  ::unlinkat(directory, kNewName, 0);  // of a start that was cut off
  const UniqueFd file(::openat(directory, kNewName, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return from_errno(errno, "make store-key");
  if (auto written = write_all(file.get(), content); !written) return written;
  if (::renameat2(directory, kNewName, directory, kName, RENAME_NOREPLACE) != 0) {
    return from_errno(errno, "rename store-key");
  }
  if (::fsync(directory) != 0) return from_errno(errno, "fsync the directory of store-key");
  return {};
}

Result<cose::Encrypted> message_in(ByteView content) {
  cbor::Reader reader(content);
  auto message = cose::read_encrypted(reader);
  if (!message) return message.error();
  if (auto finished = reader.finish(); !finished) return finished.error();
  return message;
}

Result<StoreKey> unwrap_store_key(ByteView content, const AgreementKey& gateway) {
  const auto message = message_in(content);
  if (!message) return message.error();
  if (message->algorithm != StoreKey::kCipher) return Error{Errc::invalid, "not a key of AES-256-GCM"};
  auto key = unwrap(*message, gateway, kKdfInfo);
  if (!key) return key.error();
  return StoreKey(std::move(*key));
}

Result<Bytes> wrap_store_key(const StoreKey& key, const AgreementKey& gateway) {
  const auto recipient = RecipientKey::from_cose_key(gateway.cose_key());
  if (!recipient) return recipient.error();
  auto wrapped = wrap(key.key(), *recipient, kKdfInfo, kEcdhA256Kw);
  if (!wrapped) return wrapped.error();
  const std::array<std::uint8_t, 12> no_content{};  // nothing is encrypted with this IV
  return cose::write_encrypted(StoreKey::kCipher, no_content, std::array{std::move(*wrapped)});
}

/// The first bytes of the id of the key that the file was wrapped for, as far as it tells.
std::string owner_of(ByteView content) {
  const auto message = message_in(content);
  if (!message || message->recipients.front().key_id.empty()) return "unknown";
  const ByteView id = message->recipients.front().key_id;
  return to_hex(id.first(std::min<std::size_t>(id.size(), 8)));
}

Result<std::string> move_aside(int directory, ByteView content) {
  const std::string base = std::string(kName) + ".lost-" + owner_of(content);
  for (int n = 1; n <= kMostLost; ++n) {
    const std::string name = n == 1 ? base : base + "-" + std::to_string(n);
    if (::renameat2(directory, kName, directory, name.c_str(), RENAME_NOREPLACE) == 0) return name;
    if (errno != EEXIST) return from_errno(errno, "rename store-key to " + name);
  }
  return Error{Errc::exists, base + ": there are too many of these; remove them"};
}

/// That the private key does what it is for, now: else a file that does not open would say nothing of the file.
Result<void> try_key(const AgreementKey& gateway) {
  const auto other = generate_key(gateway.curve());
  if (!other) return other.error();
  const auto public_half = RecipientKey::from_cose_key(gateway.cose_key());
  if (!public_half) return public_half.error();
  const auto expected = agree(other->get(), public_half->key());
  if (!expected) return expected.error();
  const auto point = point_of(other->get());
  if (!point) return point.error();
  const auto peer = key_from(point->view());
  if (!peer) return peer.error();
  const auto found = agree(gateway.key(), peer->get());
  if (found && equal_in_constant_time(found->view(), expected->view())) return {};
  return Error{Errc::unavailable, "the gateway's key does not work at the moment: " +
                                      (found ? std::string("another secret") : found.error().message)};
}

}  // namespace

Result<KeptStoreKey> keep_store_key(const std::filesystem::path& path, const AgreementKey& gateway) {
  if (auto works = try_key(gateway); !works) return works.error();
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return from_errno(errno, path.string());
  const auto content = read(directory.get());
  if (!content) return content.error();
  std::filesystem::path moved_aside;
  if (*content) {
    auto key = unwrap_store_key(**content, gateway);
    if (key) return KeptStoreKey{std::move(*key)};
    if (key.error().code == Errc::unavailable) return key.error();  // went away since it was tried
    const auto name = move_aside(directory.get(), **content);
    if (!name) return name.error();
    moved_aside = path / *name;
  }
  auto key = StoreKey::generate();
  if (!key) return key.error();
  const auto wrapped = wrap_store_key(*key, gateway);
  if (!wrapped) return wrapped.error();
  if (auto written = write(directory.get(), *wrapped); !written) return written.error();
  return KeptStoreKey{std::move(*key), true, std::move(moved_aside)};
}

}  // namespace hg::crypto
