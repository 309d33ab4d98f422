// SPDX-License-Identifier: Apache-2.0
#include "suit/envelope.hpp"

#include <algorithm>
#include <string>

#include "suit/labels.hpp"
#include "suit/limits.hpp"

namespace hg::suit {
namespace {

constexpr std::uint64_t kEnvelopeTag = 107;
constexpr std::int64_t kAuthenticationWrapper = 2;
constexpr std::int64_t kManifest = 3;

Result<void> read_payload(std::string_view name, cbor::Reader& reader, Envelope& envelope) {
  if (envelope.payloads.size() == kMaxIntegratedPayloads) {
    return reader.error(Errc::too_large,
                        "more than " + std::to_string(kMaxIntegratedPayloads) + " integrated payloads");
  }
  const auto bytes = reader.read_bytes();
  if (!bytes) return bytes.error().within("integrated payload");
  envelope.payloads.push_back({name, reader.offset() - bytes->size(), *bytes});
  return {};
}

Result<void> read_member(std::int64_t key, std::size_t key_offset, cbor::Reader& reader, Envelope& envelope) {
  if (key != kAuthenticationWrapper && key != kManifest && !is_severable(key)) {
    return cbor::Reader::error_at(key_offset, Errc::unsupported, "envelope key " + std::to_string(key));
  }
  const auto element = read_element(reader);
  if (!element) return element.error();
  if (key == kAuthenticationWrapper) {
    envelope.authentication = *element;
  } else if (key == kManifest) {
    envelope.manifest = *element;
  } else {
    envelope.severed.emplace(key, *element);
  }
  return {};
}

Result<void> read_entry(const cbor::Key& key, cbor::Reader& reader, Envelope& envelope) {
  if (key.text) return read_payload(*key.text, reader, envelope);
  if (key.integer) return read_member(*key.integer, key.offset, reader, envelope);
  return Error{Errc::invalid, key.describe() + " in the envelope"};
}

Result<void> check_complete(const Envelope& envelope, std::size_t total_bytes) {
  if (envelope.authentication.encoded.empty()) return Error{Errc::unauthenticated, "no authentication wrapper"};
  if (envelope.manifest.encoded.empty()) return Error{Errc::invalid, "no manifest"};
  for (const auto& payload : envelope.payloads) total_bytes -= payload.bytes.size();
  if (total_bytes > kMaxEnvelopeBytes) {
    return Error{Errc::too_large, std::to_string(total_bytes) + " bytes beside the integrated payloads, at most " +
                                      std::to_string(kMaxEnvelopeBytes) + " are read"};
  }
  return {};
}

}  // namespace

const IntegratedPayload* Envelope::find_payload(std::string_view name) const {
  const auto found = std::ranges::find(payloads, name, &IntegratedPayload::name);
  return found == payloads.end() ? nullptr : &*found;
}

Result<Envelope> Envelope::parse(ByteView bytes, std::size_t origin) {
  cbor::Reader reader(bytes, origin);
  const auto tag = reader.read_tag();
  if (!tag) return tag.error().within("no SUIT envelope (tag 107)");
  if (*tag != kEnvelopeTag)
    return Error{Errc::invalid, "tag " + std::to_string(*tag) + ", a SUIT envelope has tag 107"};
  Envelope envelope;
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error();
  for (;;) {
    const auto key = keys->next();
    if (!key) return key.error();
    if (!key->has_value()) break;
    if (auto read = read_entry(**key, reader, envelope); !read) return read.error();
  }
  if (auto finished = reader.finish(); !finished) return finished.error();
  if (auto complete = check_complete(envelope, bytes.size()); !complete) return complete.error();
  return envelope;
}

}  // namespace hg::suit
