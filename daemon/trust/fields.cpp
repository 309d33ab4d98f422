// SPDX-License-Identifier: Apache-2.0
#include "trust/fields.hpp"

#include <algorithm>

#include "trust/statements.hpp"

namespace hg::trust {
namespace {

constexpr std::uint64_t kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

}  // namespace

Result<void> read_format_version(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto version = reader.read_uint();
  if (!version) return version.error();
  if (*version == kFormatVersion) return {};
  return cbor::Reader::error_at(offset, Errc::unsupported, std::to_string(*version) + " is unknown");
}

Result<std::uint64_t> read_positive(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto number = reader.read_uint();
  if (!number || *number > 0) return number;
  return cbor::Reader::error_at(offset, Errc::invalid, "0, which is said by leaving it out");
}

Result<std::string> read_name(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto text = reader.read_text();
  if (!text) return text.error();
  if (text->empty()) return cbor::Reader::error_at(offset, Errc::invalid, "an empty text");
  if (text->size() > kMaxNameBytes) {
    return cbor::Reader::error_at(offset, Errc::too_large, "a text of " + std::to_string(text->size()) + " bytes");
  }
  if (!std::ranges::all_of(*text, is_printable)) {
    return cbor::Reader::error_at(offset, Errc::invalid, "a text that is not printable ASCII");
  }
  return std::string(*text);
}

Result<Instant> read_time(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto seconds = reader.read_uint();
  if (!seconds) return seconds.error();
  if (*seconds > kLastSecond) return cbor::Reader::error_at(offset, Errc::invalid, "a time beyond the year 9999");
  return Instant(std::chrono::seconds(*seconds));
}

std::uint64_t seconds_of(Instant time) {
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

Result<ByteView> read_sized(cbor::Reader& reader, std::size_t size) {
  const std::size_t offset = reader.offset();
  const auto bytes = reader.read_bytes();
  if (!bytes || bytes->size() == size) return bytes;
  return cbor::Reader::error_at(offset, Errc::invalid,
                                std::to_string(bytes->size()) + " bytes, not " + std::to_string(size));
}

Result<Digest> read_sha256(cbor::Reader& reader) {
  const auto bytes = read_sized(reader, kSha256Bytes);
  if (!bytes) return bytes.error();
  return Digest::from_bytes(*bytes).value();
}

}  // namespace hg::trust
