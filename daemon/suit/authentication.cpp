// SPDX-License-Identifier: Apache-2.0
#include "suit/authentication.hpp"

#include <algorithm>
#include <optional>

#include "suit/cose.hpp"
#include "suit/limits.hpp"

namespace hg::suit {
namespace {

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

/// The name of the key that signed, or why the block does not count.
Result<std::string> check_block(const Element& block, ByteView payload, const cose::KeyRing& anchors) {
  cbor::Reader reader = block.content;
  const auto message = read_sign1(reader);
  if (!message) return message.error();
  if (auto finished = reader.finish(); !finished) return finished.error();
  return anchors.verify(message->algorithm, message->key_id, to_be_signed(*message, payload), message->signature);
}

Result<void> check_blocks(cbor::Reader& reader, std::size_t count, ByteView payload, const cose::KeyRing& anchors,
                          Authenticated& found) {
  std::optional<Error> first_reason;
  for (std::size_t i = 0; i < count; ++i) {
    const auto block = read_element(reader);
    if (!block) return block.error();
    const auto signer = check_block(*block, payload, anchors);
    if (signer) {
      if (std::ranges::find(found.signers, *signer) == found.signers.end()) found.signers.push_back(*signer);
    } else if (signer.error().code == Errc::invalid) {
      return signer.error();
    } else if (!first_reason) {
      first_reason = signer.error();
    }
  }
  if (!found.signers.empty()) return {};
  return first_reason.value_or(Error{Errc::unauthenticated, "no signature"});
}

}  // namespace

Result<Authenticated> authenticate(const Envelope& envelope, const cose::KeyRing& anchors) {
  cbor::Reader reader = envelope.authentication.content;
  const auto count = reader.enter_array();
  if (!count) return count.error();
  if (*count == 0) return Error{Errc::unauthenticated, "an empty authentication wrapper"};
  if (*count - 1 > kMaxAuthenticationBlocks) {
    return Error{Errc::too_large, std::to_string(*count - 1) + " authentication blocks"};
  }
  const auto digest = read_digest_to_sign(reader);
  if (!digest) return digest.error();
  if (auto matches = check_digest(anchors, envelope.manifest.encoded, digest->value); !matches) {
    return matches.error().within("manifest");
  }
  Authenticated found{digest->value, {}};
  auto checked = check_blocks(reader, *count - 1, digest->encoded, anchors, found);
  if (!checked) return checked.error();
  if (auto finished = reader.finish(); !finished) return finished.error();
  return found;
}

}  // namespace hg::suit
