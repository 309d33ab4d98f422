// SPDX-License-Identifier: Apache-2.0
// COSE messages and keys of any bytes, as they stand in envelopes and trust records. What is read in slices must be
// slices of the input; what a signature, a MAC or a cipher covers must be one CBOR item, since it is what is signed; a
// key that was read must be the same when it is written; and a signature that is added must be found.
#include <algorithm>
#include <cstdlib>

#include "base/cbor.hpp"
#include "cose/encrypted.hpp"
#include "cose/key.hpp"
#include "cose/mac.hpp"
#include "cose/signed.hpp"

namespace {

using hg::Bytes;
using hg::ByteView;
using hg::cbor::Reader;

void must(bool holds) {
  if (!holds) std::abort();
}

/// Empty slices may be of nothing at all.
void must_be_inside(ByteView slice, ByteView input) {
  must(slice.empty() || (slice.data() >= input.data() && slice.data() + slice.size() <= input.data() + input.size()));
}

void must_be_one_item(ByteView encoded) {
  Reader reader(encoded);
  must(reader.skip().has_value() && reader.at_end());
}

/// Signs with Ed25519's number and size.
class Stamp final : public hg::cose::Signer {
 public:
  [[nodiscard]] std::int64_t algorithm() const override { return -19; }
  [[nodiscard]] ByteView key_id() const override { return key_id_; }
  [[nodiscard]] hg::Result<Bytes> sign(ByteView) const override { return Bytes(64, 0x5a); }

 private:
  Bytes key_id_ = Bytes(32, 0xa5);
};

void try_adding(ByteView input, const hg::cose::Signed& message) {
  const auto more = hg::cose::add_signature(input, Stamp());
  if (!more) return;
  Reader reader(*more);
  const auto again = hg::cose::read_signed(reader);
  must(again && reader.at_end() && again->signatures.size() == message.signatures.size() + 1);
  must(again->payload && message.payload && std::ranges::equal(*again->payload, *message.payload));
  must(again->content_type == message.content_type);
}

void try_signed(ByteView input) {
  Reader reader(input);
  const auto message = hg::cose::read_signed(reader);
  if (!message) return;
  must(!message->signatures.empty());
  for (const auto& signature : message->signatures) {
    must_be_inside(signature.key_id, input);
    must_be_inside(signature.body_protected, input);
    must_be_inside(signature.signature, input);
    must_be_one_item(hg::cose::to_be_signed(signature, message->payload.value_or(input)));
  }
  if (reader.at_end()) try_adding(input, *message);
}

void try_mac(ByteView input) {
  Reader reader(input);
  const auto message = hg::cose::read_mac0(reader);
  if (!message) return;
  must_be_inside(message->tag, input);
  must_be_one_item(hg::cose::to_be_maced(*message, message->payload.value_or(input)));
}

void try_encrypted(ByteView input) {
  Reader reader(input);
  const auto message = hg::cose::read_encrypted(reader);
  if (!message) return;
  must(!message->recipients.empty() && message->recipients.size() <= hg::cose::kMaxRecipients);
  must_be_inside(message->iv, input);
  must_be_one_item(hg::cose::additional_data(*message));
  for (const auto& recipient : message->recipients) {
    must_be_inside(recipient.wrapped_key, input);
    if (recipient.ephemeral) must_be_one_item(hg::cose::kdf_context(recipient));
  }
}

void try_key(ByteView input) {
  Reader reader(input);
  const auto key = hg::cose::read_key(reader);
  if (!key) return;
  const Bytes written = hg::cose::write_key(*key);
  Reader again(written);
  const auto same = hg::cose::read_key(again);
  must(same && again.at_end() && same->curve == key->curve && same->algorithm == key->algorithm);
  must(std::ranges::equal(same->x, key->x) && std::ranges::equal(same->y, key->y));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  try_signed(input);
  try_mac(input);
  try_encrypted(input);
  try_key(input);
  return 0;
}
