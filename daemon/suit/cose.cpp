// SPDX-License-Identifier: Apache-2.0
#include "suit/cose.hpp"

#include <optional>
#include <string>

namespace hg::suit {
namespace {

constexpr std::int64_t kHeaderAlgorithm = 1;  // RFC 9052 §3.1
constexpr std::int64_t kHeaderCritical = 2;
constexpr std::int64_t kHeaderKeyId = 4;

/// The headers that matter to us; those that neither do nor are critical are skipped (RFC 9052 §3.1).
struct Headers {
  std::optional<std::int64_t> algorithm;
  ByteView key_id;
};

Result<Headers> read_headers(cbor::Reader& reader) {
  Headers headers;
  auto keys = cbor::MapKeys::enter(reader, cbor::KeyOrder::any);
  if (!keys) return keys.error();
  for (;;) {
    const auto key = keys->next();
    if (!key) return key.error();
    if (!key->has_value()) return headers;
    if (!(*key)->integer && !(*key)->text) {
      return cbor::Reader::error_at((*key)->offset, Errc::invalid, (*key)->describe() + " in a COSE header");
    }
    const auto label = (*key)->integer.value_or(0);  // 0 is reserved: a text label
    if (label == kHeaderCritical) {
      return cbor::Reader::error_at((*key)->offset, Errc::unsupported, "a \"crit\" header, none is understood");
    }
    if (label == kHeaderAlgorithm) {
      const auto algorithm = reader.read_int();
      if (!algorithm) return algorithm.error().within("alg");
      headers.algorithm = *algorithm;
    } else if (label == kHeaderKeyId) {
      const auto key_id = reader.read_bytes();
      if (!key_id) return key_id.error().within("kid");
      headers.key_id = *key_id;
    } else if (auto skipped = reader.skip(); !skipped) {
      return skipped.error();
    }
  }
}

Result<void> read_sign1_tag(cbor::Reader& reader) {
  struct Name {
    std::uint64_t tag;
    const char* text;
  };
  constexpr Name kOthers[] = {{98, "COSE_Sign"}, {17, "COSE_Mac0"}, {97, "COSE_Mac"}};
  constexpr std::uint64_t kSign1Tag = 18;
  const std::size_t offset = reader.offset();
  const auto tag = reader.read_tag();
  if (!tag) return tag.error().within("no tagged COSE message");
  if (*tag == kSign1Tag) return {};
  std::string name = "tag " + std::to_string(*tag);
  for (const Name& other : kOthers) {
    if (other.tag == *tag) name = other.text;
  }
  return cbor::Reader::error_at(offset, Errc::unsupported, name + " is not accepted, only COSE_Sign1 (tag 18)");
}

Result<void> read_protected(cbor::Reader& reader, Sign1& message) {
  const auto content = reader.read_wrapped();
  if (!content) return content.error();
  cbor::Reader inside = *content;
  const std::size_t start = inside.offset();
  const auto headers = inside.at_end() ? Result<Headers>(Headers{}) : read_headers(inside);  // h'' is an empty map, too
  if (!headers) return headers.error();
  if (auto finished = inside.finish(); !finished) return finished.error();
  if (!headers->algorithm) {
    return cbor::Reader::error_at(start, Errc::unauthenticated, "no algorithm in the protected header");
  }
  message.algorithm = *headers->algorithm;
  message.key_id = headers->key_id;
  return {};
}

}  // namespace

Result<Sign1> read_sign1(cbor::Reader& reader) {
  if (auto tag = read_sign1_tag(reader); !tag) return tag.error();
  const std::size_t offset = reader.offset();
  const auto count = reader.enter_array();
  if (!count) return count.error();
  if (*count != 4) return cbor::Reader::error_at(offset, Errc::invalid, "a COSE_Sign1 has four elements");
  Sign1 message;
  cbor::Reader again = reader;
  if (auto read = read_protected(reader, message); !read) return read.error().within("protected header");
  message.protected_header = *again.read_bytes();
  const auto unprotected = read_headers(reader);
  if (!unprotected) return unprotected.error().within("unprotected header");
  if (unprotected->algorithm || (!message.key_id.empty() && !unprotected->key_id.empty())) {
    return cbor::Reader::error_at(offset, Errc::invalid, "a header both protected and unprotected");
  }
  if (message.key_id.empty()) message.key_id = unprotected->key_id;
  if (auto payload = reader.read_null(); !payload) return payload.error().within("an attached payload");
  const auto signature = reader.read_bytes();
  if (!signature) return signature.error().within("signature");
  message.signature = *signature;
  return message;
}

Bytes to_be_signed(const Sign1& message, ByteView payload) {
  Bytes bytes;
  bytes.reserve(32 + message.protected_header.size() + payload.size());
  cbor::Writer(bytes).array(4).text("Signature1").bytes(message.protected_header).bytes({}).bytes(payload);
  return bytes;
}

}  // namespace hg::suit
