// SPDX-License-Identifier: Apache-2.0
// What a child answers to identify, any bytes. Nothing may be believed whose MAC does not hold; and with a MAC that
// always holds (a child that has the key and is hostile) what comes out keeps to the bounds of the protocol, and makes
// a proof that is one CBOR item.
#include <cstdlib>

#include "adapters/crypto/kit_identity.hpp"
#include "base/cbor.hpp"

namespace {

using hg::Bytes;
using hg::ByteView;

void must(bool holds) {
  if (!holds) std::abort();
}

void must_be_one_item(ByteView encoded) {
  hg::cbor::Reader reader(encoded);
  must(reader.skip().has_value() && reader.at_end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using hg::crypto::KitAlgorithm;
  const ByteView body(data, size);
  const Bytes nonce(32, 0x5a);
  const auto never = [](ByteView, ByteView) { return false; };
  must(!hg::crypto::read_evidence(body, nonce, KitAlgorithm::hmac_sha256, "k1", never));
  const auto always = [](ByteView message, ByteView) {
    must_be_one_item(message);
    return true;
  };
  const auto claims = hg::crypto::read_evidence(body, nonce, KitAlgorithm::hmac_sha256, "k1", always);
  if (!claims) return 0;
  must(!claims->identity.empty() && claims->identity.size() <= 64);
  must(claims->nonce.size() >= 16 && claims->nonce.size() <= 32);
  must(hg::cbor::is_utf8(hg::as_bytes(claims->identity)));
  must_be_one_item(hg::crypto::proof_message(hg::as_bytes("k1"), nonce, *claims));
  must_be_one_item(hg::crypto::proof_body(hg::as_bytes("k1"), nonce));
  return 0;
}
