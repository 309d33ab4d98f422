// SPDX-License-Identifier: Apache-2.0
// Writes SUIT envelopes in the test itself, good ones to be spoilt in one place. Uses our own CBOR writer, so it shows
// that the reader keeps its rules, not that we understand the drafts: for that are the vectors and tests/author.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/hashes.hpp"
#include "adapters/crypto/keys.hpp"
#include "base/cbor.hpp"
#include "suit/manifest.hpp"

namespace hg::suit::draft {

/// Believes the signature "ok" of the key "author"; the digests are real.
class CredulousAnchors : public cose::KeyRing {
 public:
  [[nodiscard]] Result<std::string> verify(std::int64_t, ByteView key_id, ByteView, ByteView signature) const override {
    if (!std::ranges::equal(signature, as_bytes("ok"))) return Error{Errc::unauthenticated, "not ok"};
    return key_id.empty() ? "author" : std::string(key_id.begin(), key_id.end());
  }
  [[nodiscard]] Result<std::string> verify_mac(std::int64_t, ByteView, ByteView, ByteView) const override {
    return Error{Errc::unauthenticated, "no MACs"};
  }
  [[nodiscard]] Digest sha256(ByteView bytes) const override { return crypto::Sha256::of(bytes); }
  [[nodiscard]] Result<Digest> digest(std::int64_t algorithm, ByteView bytes) const override {
    return crypto::Keys().digest(algorithm, bytes);
  }
};

using Items = std::vector<Bytes>;

template <class Write>
Bytes item(Write write) {
  Bytes out;
  cbor::Writer writer(out);
  write(writer);
  return out;
}
inline Bytes number(std::int64_t value) {
  return item([&](cbor::Writer& w) { w.integer(value); });
}
inline Bytes string(ByteView value) {
  return item([&](cbor::Writer& w) { w.bytes(value); });
}
inline Bytes text(std::string_view value) {
  return item([&](cbor::Writer& w) { w.text(value); });
}
inline Bytes yes() {
  return from_hex("f5").value();
}
inline Bytes array(const Items& items) {
  return item([&](cbor::Writer& w) {
    w.array(items.size());
    for (const Bytes& one : items) w.encoded(one);
  });
}
using Entries = std::map<std::int64_t, Bytes>;
inline Bytes map(const Entries& entries) {  // negative keys come after the others
  return item([&](cbor::Writer& w) {
    w.map(entries.size());
    const auto first = entries.lower_bound(0);
    std::for_each(first, entries.end(), [&w](const auto& entry) { w.integer(entry.first).encoded(entry.second); });
    std::for_each(std::reverse_iterator(first), entries.rend(),
                  [&w](const auto& entry) { w.integer(entry.first).encoded(entry.second); });
  });
}
inline Bytes digest_of(ByteView bytes, std::int64_t algorithm = -16) {
  return array({number(algorithm), string(crypto::Keys().digest(algorithm, bytes)->bytes())});
}
inline Bytes commands(const Items& items) {
  return string(array(items));
}

inline const Bytes kUuid(16, 0xA5);
inline const Bytes kOtherUuid(16, 0x5A);
inline const Bytes kPolicy = {0x0F};

/// A good manifest of one component, to be spoilt.
struct Draft {
  Items components = {array({string(as_bytes("app"))})};
  Entries parameters = {
      {1, string(kUuid)}, {2, string(kUuid)}, {3, string(digest_of(as_bytes("image")))}, {14, number(5)}};
  Items after_parameters = {number(1), kPolicy, number(2), kPolicy};  // of the shared sequence
  Items install = {number(20), map({{21, text("https://fw.example/a")}}), number(21), kPolicy, number(3), kPolicy};
  Entries common;    // added
  Entries manifest;  // added or put in place
  Entries envelope;  // added
  std::vector<std::pair<std::string, Bytes>> payloads;
  Items blocks = {block("ok", {})};

  std::int64_t digest_algorithm = -16;  // of the manifest

  static Bytes block(std::string_view signature, const Entries& unprotected) {
    return string(item([&](cbor::Writer& w) {
      w.tag(18).array(4).bytes(map({{1, number(-9)}})).encoded(map(unprotected)).null().bytes(as_bytes(signature));
    }));
  }

  /// Another kind of block, or one with another header or payload than block() writes.
  static Bytes message(std::uint64_t tag, const Bytes& body_header, const Bytes& payload, const Bytes& last) {
    return string(
        item([&](cbor::Writer& w) { w.tag(tag).array(4).bytes(body_header).map(0).encoded(payload).encoded(last); }));
  }

  [[nodiscard]] Bytes manifest_bytes() const {
    Items shared = {number(20), map(parameters)};
    shared.insert(shared.end(), after_parameters.begin(), after_parameters.end());
    Entries common_map = {{2, array(components)}, {4, commands(shared)}};
    for (const auto& [key, value] : common) common_map[key] = value;
    Entries members = {{1, number(1)}, {2, number(42)}, {3, string(map(common_map))}, {20, commands(install)}};
    for (const auto& [key, value] : manifest) members[key] = value;
    std::erase_if(members, [](const auto& member) { return member.second.empty(); });
    return string(map(members));
  }

  [[nodiscard]] Bytes bytes() const {
    const Bytes signed_part = manifest_bytes();
    Items wrapper = {string(digest_of(signed_part, digest_algorithm))};
    wrapper.insert(wrapper.end(), blocks.begin(), blocks.end());
    Entries members = {{2, string(array(wrapper))}, {3, signed_part}};
    for (const auto& [key, value] : envelope) members[key] = value;
    return item([&](cbor::Writer& w) {
      w.tag(107).map(members.size() + payloads.size());
      for (const auto& [key, value] : members) w.integer(key).encoded(value);
      for (const auto& [name, payload] : payloads) w.text(name).bytes(payload);
    });
  }
};

}  // namespace hg::suit::draft
