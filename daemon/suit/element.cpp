// SPDX-License-Identifier: Apache-2.0
#include "suit/element.hpp"

#include <algorithm>
#include <string>

namespace hg::suit {
namespace {

struct HashAlgorithm {
  std::int64_t number;  // RFC 9054 §2.1
  const char* name;
  std::size_t size;
};

constexpr HashAlgorithm kHashAlgorithms[] = {{-16, "SHA-256", 32}, {-43, "SHA-384", 48}, {-44, "SHA-512", 64}};

}  // namespace

Result<Element> read_element(cbor::Reader& reader) {
  cbor::Reader ahead = reader;
  const auto content = ahead.read_wrapped();
  if (!content) return content.error();
  const auto encoded = reader.read_item();
  if (!encoded) return encoded.error();
  return Element{*encoded, *content};
}

std::string_view Slice::text() const {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};  // NOLINT: text is bytes
}

bool operator==(const Slice& a, const Slice& b) {
  return std::ranges::equal(a.bytes, b.bytes);
}

Result<Slice> read_slice(cbor::Reader& reader) {
  const auto bytes = reader.read_bytes();
  if (!bytes) return bytes.error();
  return Slice{*bytes, reader.offset() - bytes->size(), 0};
}

Result<Digest> read_digest(cbor::Reader& reader) {
  cbor::Reader ahead = reader;
  const auto count = ahead.enter_array();
  if (!count) return count.error().within("digest");
  if (*count != 2) return reader.error(Errc::invalid, "a digest is [algorithm, bytes]");
  const auto number = ahead.read_int();
  if (!number) return number.error().within("digest algorithm");
  const auto* algorithm = std::ranges::find(kHashAlgorithms, *number, &HashAlgorithm::number);
  if (algorithm == std::end(kHashAlgorithms)) {
    return reader.error(Errc::unsupported, "digest algorithm " + std::to_string(*number) +
                                               " is not allowed, only SHA-256 (-16), SHA-384 (-43), SHA-512 (-44)");
  }
  const auto bytes = ahead.read_bytes();
  if (!bytes) return bytes.error().within("digest");
  if (bytes->size() != algorithm->size) {
    return reader.error(Errc::invalid,
                        "a " + std::string(algorithm->name) + " digest of " + std::to_string(bytes->size()) + " bytes");
  }
  reader = ahead;
  return *Digest::from_bytes(*bytes);
}

Result<Digest> digest_like(const cose::KeyRing& ring, ByteView bytes, const Digest& like) {
  const auto* algorithm = std::ranges::find(kHashAlgorithms, like.bytes().size(), &HashAlgorithm::size);
  if (algorithm == std::end(kHashAlgorithms)) return Error{Errc::internal, "a digest of no known algorithm"};
  return ring.digest(algorithm->number, bytes);
}

Result<void> check_digest(const cose::KeyRing& ring, ByteView bytes, const Digest& signed_digest) {
  const auto found = digest_like(ring, bytes, signed_digest);
  if (!found) return found.error();
  if (equal_in_constant_time(found->bytes(), signed_digest.bytes())) return {};
  return Error{Errc::mismatch, "the digest is not the signed one"};
}

}  // namespace hg::suit
