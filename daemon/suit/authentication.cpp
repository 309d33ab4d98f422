// SPDX-License-Identifier: Apache-2.0
#include "suit/authentication.hpp"

#include <algorithm>
#include <optional>

#include "cose/mac.hpp"
#include "cose/signed.hpp"
#include "suit/limits.hpp"

namespace hg::suit {
namespace {

constexpr std::uint64_t kMac0Tag = 17;

struct DigestToSign {
  Digest value;
  ByteView encoded;  ///< the SUIT_Digest without its bstr head: the detached payload
};

Result<DigestToSign> read_digest_to_sign(cbor::Reader& reader) {
  const auto content = reader.read_wrapped();
  if (!content) return content.error();
  cbor::Reader inside = *content;
  cbor::Reader again = *content;
  const auto value = read_digest(inside);
  if (!value) return value.error();
  if (auto finished = inside.finish(); !finished) return finished.error();
  return DigestToSign{*value, *again.read_item()};
}

/// Reads the blocks in turn and keeps the names of the keys that made them.
class Blocks {
 public:
  Blocks(ByteView payload, const cose::KeyRing& ring, Authenticated& found)
      : payload_(payload), ring_(ring), found_(found) {}

  Result<void> read(cbor::Reader& reader, std::size_t count);

 private:
  Result<void> read_block(cbor::Reader reader);
  Result<void> read_signatures(cbor::Reader& reader);
  Result<void> read_mac(cbor::Reader& reader);
  void take(const Result<std::string>& key, std::vector<std::string>& names);

  ByteView payload_;
  const cose::KeyRing& ring_;
  Authenticated& found_;
  std::size_t signatures_ = 0;
  std::optional<Error> first_reason_;  ///< why a block does not count
};

Result<void> Blocks::read(cbor::Reader& reader, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto block = read_element(reader);
    if (!block) return block.error();
    const auto read = read_block(block->content);
    if (read) continue;
    if (read.error().code == Errc::invalid || read.error().code == Errc::too_large) return read.error();
    if (!first_reason_) first_reason_ = read.error();
  }
  if (!found_.signers.empty() || !found_.mac_keys.empty()) return {};
  return first_reason_.value_or(Error{Errc::unauthenticated, "no signature"});
}

Result<void> Blocks::read_block(cbor::Reader reader) {
  cbor::Reader ahead = reader;
  const auto tag = ahead.read_tag();
  auto read = tag && *tag == kMac0Tag ? read_mac(reader) : read_signatures(reader);
  if (!read) return read;
  return reader.finish();
}

Result<void> Blocks::read_signatures(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto message = cose::read_signed(reader);
  if (!message) return message.error();
  if (message->payload) return cbor::Reader::error_at(offset, Errc::invalid, "an attached payload");
  signatures_ += message->signatures.size();
  if (signatures_ > kMaxSignatures) {
    return cbor::Reader::error_at(offset, Errc::too_large,
                                  "more than " + std::to_string(kMaxSignatures) + " signatures in all blocks");
  }
  for (const cose::Signature& signature : message->signatures) {
    const Bytes covered = cose::to_be_signed(signature, payload_);
    take(ring_.verify(signature.algorithm, signature.key_id, covered, signature.signature), found_.signers);
  }
  return {};
}

Result<void> Blocks::read_mac(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto message = cose::read_mac0(reader);
  if (!message) return message.error();
  if (message->payload) return cbor::Reader::error_at(offset, Errc::invalid, "an attached payload");
  const Bytes covered = cose::to_be_maced(*message, payload_);
  take(ring_.verify_mac(message->algorithm, message->key_id, covered, message->tag), found_.mac_keys);
  return {};
}

void Blocks::take(const Result<std::string>& key, std::vector<std::string>& names) {
  if (!key) {
    if (!first_reason_) first_reason_ = key.error();
  } else if (std::ranges::find(names, *key) == names.end()) {
    names.push_back(*key);
  }
}

}  // namespace

Result<Digest> read_claimed_digest(const Envelope& envelope) {
  cbor::Reader reader = envelope.authentication.content;
  const auto count = reader.enter_array();
  if (!count) return count.error();
  const auto digest = read_digest_to_sign(reader);
  if (!digest) return digest.error();
  return digest->value;
}

Result<Authenticated> authenticate(const Envelope& envelope, const cose::KeyRing& ring) {
  cbor::Reader reader = envelope.authentication.content;
  const auto count = reader.enter_array();
  if (!count) return count.error();
  if (*count == 0) return Error{Errc::unauthenticated, "an empty authentication wrapper"};
  if (*count - 1 > kMaxAuthenticationBlocks) {
    return Error{Errc::too_large, std::to_string(*count - 1) + " authentication blocks"};
  }
  const auto digest = read_digest_to_sign(reader);
  if (!digest) return digest.error();
  if (auto matches = check_digest(ring, envelope.manifest.encoded, digest->value); !matches) {
    return matches.error().within("manifest");
  }
  Authenticated found{digest->value, {}, {}};
  if (auto read = Blocks(digest->encoded, ring, found).read(reader, *count - 1); !read) return read.error();
  if (auto finished = reader.finish(); !finished) return finished.error();
  return found;
}

}  // namespace hg::suit
