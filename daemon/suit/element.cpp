// SPDX-License-Identifier: Apache-2.0
#include "suit/element.hpp"

#include <string>

namespace hg::suit {
namespace {

constexpr std::int64_t kSha256 = -16;  // RFC 9054 §2.1
constexpr std::size_t kSha256Bytes = 32;

}  // namespace

Result<Element> read_element(cbor::Reader& reader) {
  cbor::Reader ahead = reader;
  const auto content = ahead.read_wrapped();
  if (!content) return content.error();
  const auto encoded = reader.read_item();
  if (!encoded) return encoded.error();
  return Element{*encoded, *content};
}

Result<Digest> read_digest(cbor::Reader& reader) {
  cbor::Reader ahead = reader;
  const auto count = ahead.enter_array();
  if (!count) return count.error().within("digest");
  if (*count != 2) return reader.error(Errc::invalid, "a digest is [algorithm, bytes]");
  const auto algorithm = ahead.read_int();
  if (!algorithm) return algorithm.error().within("digest algorithm");
  if (*algorithm != kSha256) {
    return reader.error(Errc::unsupported,
                        "digest algorithm " + std::to_string(*algorithm) + " is not allowed, only SHA-256 (-16)");
  }
  const auto bytes = ahead.read_bytes();
  if (!bytes) return bytes.error().within("digest");
  if (bytes->size() != kSha256Bytes) {
    return reader.error(Errc::invalid, "a SHA-256 digest of " + std::to_string(bytes->size()) + " bytes");
  }
  reader = ahead;
  return *Digest::from_bytes(*bytes);
}

Result<void> check_digest(const cose::KeyRing& anchors, ByteView bytes, const Digest& signed_digest) {
  if (equal_in_constant_time(anchors.sha256(bytes).bytes(), signed_digest.bytes())) return {};
  return Error{Errc::mismatch, "the digest is not the signed one"};
}

}  // namespace hg::suit
