// SPDX-License-Identifier: Apache-2.0
#include "trust/wrapped_key.hpp"

#include "cose/encrypted.hpp"

namespace hg::trust {
namespace {

constexpr std::size_t kMaxWrappedKeyBytes = 1024;

}  // namespace

Result<Bytes> read_wrapped_key(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  cbor::Reader whole = reader;
  const auto bytes = whole.read_bytes();
  if (bytes && bytes->size() > kMaxWrappedKeyBytes) {
    return cbor::Reader::error_at(offset, Errc::too_large, std::to_string(bytes->size()) + " bytes");
  }
  auto content = reader.read_wrapped();
  if (!content) return content.error();
  const auto message = cose::read_encrypted(*content);
  if (!message) return message.error();
  if (auto finished = content->finish(); !finished) return finished.error();
  if (message->ciphertext) return cbor::Reader::error_at(offset, Errc::invalid, "a ciphertext, which must be detached");
  if (message->recipients.size() == 1) return Bytes(bytes->begin(), bytes->end());
  return cbor::Reader::error_at(offset, Errc::invalid,
                                std::to_string(message->recipients.size()) + " recipients, not the one gateway");
}

}  // namespace hg::trust
