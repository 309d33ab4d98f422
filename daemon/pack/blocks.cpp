// SPDX-License-Identifier: Apache-2.0
#include "pack/blocks.hpp"

#include "suit/envelope.hpp"

namespace hg::pack {

namespace {

Result<Wrapper> read_wrapper(const suit::Envelope& envelope) {
  cbor::Reader reader = envelope.authentication.content;
  const Result<std::size_t> count = reader.enter_array();
  if (!count) return count.error().within("authentication wrapper");
  Wrapper wrapper;
  for (std::size_t at = 0; at < *count; ++at) {
    const Result<ByteView> element = reader.read_bytes();
    if (!element) return element.error().within("authentication wrapper");
    if (at == 0)
      wrapper.digest = *element;
    else
      wrapper.blocks.push_back(*element);
  }
  if (*count == 0) return reader.error(Errc::invalid, "authentication wrapper without a digest");
  return wrapper;
}

}  // namespace

Result<Wrapper> read_wrapper(ByteView envelope) {
  const Result<suit::Envelope> parts = suit::Envelope::parse(envelope);
  if (!parts) return parts.error();
  return read_wrapper(*parts);
}

Result<Bytes> with_block(ByteView envelope, ByteView block) {
  const Result<suit::Envelope> parts = suit::Envelope::parse(envelope);
  if (!parts) return parts.error();
  const Result<Wrapper> wrapper = read_wrapper(*parts);
  if (!wrapper) return wrapper.error();

  Bytes content;
  cbor::Writer writer(content);
  writer.array(wrapper->blocks.size() + 2).bytes(wrapper->digest);
  for (const ByteView each : wrapper->blocks) writer.bytes(each);
  writer.bytes(block);

  const ByteView old = parts->authentication.encoded;
  const auto begin = static_cast<std::size_t>(old.data() - envelope.data());
  Bytes out;
  cbor::Writer(out).encoded(envelope.first(begin)).bytes(content).encoded(envelope.subspan(begin + old.size()));
  return out;
}

}  // namespace hg::pack
