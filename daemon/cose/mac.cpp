// SPDX-License-Identifier: Apache-2.0
#include "cose/mac.hpp"

#include "cose/headers.hpp"

namespace hg::cose {

Result<Mac0> read_mac0(cbor::Reader& reader) {
  constexpr std::uint64_t kAccepted[] = {kTagMac0};
  if (auto tag = read_message_tag(reader, kAccepted); !tag) return tag.error();
  if (auto entered = enter_array_of(reader, 4, "COSE_Mac0"); !entered) return entered.error();
  const auto headers = read_headers(reader);
  if (!headers) return headers.error();
  const auto algorithm = headers->protected_algorithm();
  if (!algorithm) return algorithm.error();
  const auto payload = read_content(reader);
  if (!payload) return payload.error().within("payload");
  const auto tag = reader.read_bytes();
  if (!tag) return tag.error().within("tag");
  return Mac0{*algorithm, headers->key_id, headers->protected_header, *payload, *tag};
}

Bytes to_be_maced(const Mac0& message, ByteView payload) {
  constexpr std::size_t kHeads = 32;  // of the items, and the context string
  Bytes bytes;
  bytes.reserve(kHeads + message.protected_header.size() + payload.size());
  cbor::Writer(bytes).array(4).text("MAC0").bytes(message.protected_header).bytes({}).bytes(payload);
  return bytes;
}

}  // namespace hg::cose
