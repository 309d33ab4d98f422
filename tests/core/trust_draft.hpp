// SPDX-License-Identifier: Apache-2.0
// Roots and records written in the test itself, good ones to be spoilt in one place, and a ring that believes a
// signature if it is the signer's COSE_Key. So the tables show that the rules are kept; that signatures are real ones
// and that the formats are those of docs/trust.md is for tests/author/trust_author.py, whose records test_trust.cpp
// reads.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cbor.hpp"
#include "cose/key_ring.hpp"
#include "trust/authority.hpp"

namespace hg::trust::draft {

// ------------------------------------------------------------------------------------------------ CBOR

template <class Write>
Bytes item(Write write) {
  Bytes out;
  cbor::Writer writer(out);
  write(writer);
  return out;
}
inline Bytes number(std::uint64_t value) {
  return item([&](cbor::Writer& w) { w.uint(value); });
}
inline Bytes string(ByteView value) {
  return item([&](cbor::Writer& w) { w.bytes(value); });
}
inline Bytes text(std::string_view value) {
  return item([&](cbor::Writer& w) { w.text(value); });
}
inline Bytes array(const std::vector<Bytes>& items) {
  return item([&](cbor::Writer& w) {
    w.array(items.size());
    for (const Bytes& one : items) w.encoded(one);
  });
}
/// The fields of one map by their keys, each encoded.
using Fields = std::map<std::uint64_t, Bytes>;
inline Bytes map(const Fields& fields) {
  return item([&](cbor::Writer& w) {
    w.map(fields.size());
    for (const auto& [key, value] : fields) w.uint(key).encoded(value);
  });
}
inline Fields fields_of(ByteView encoded) {
  cbor::Reader reader(encoded);
  auto keys = cbor::MapKeys::enter(reader).value();
  Fields fields;
  while (const auto key = keys.next_integer().value()) {
    const ByteView value = reader.read_item().value();
    fields[static_cast<std::uint64_t>(*key)] = Bytes(value.begin(), value.end());
  }
  return fields;
}

// ------------------------------------------------------------------------------------------------ keys

/// An Ed25519 key whose x is the owner's name.
inline Bytes public_key(std::string_view owner) {
  Bytes x(owner.begin(), owner.end());
  x.resize(32);
  return item([&](cbor::Writer& w) { w.map(3).uint(1).uint(1).integer(-1).uint(6).integer(-2).bytes(x); });
}

inline Key key(std::string name, std::vector<Role> roles, std::vector<std::string> prefixes = {}) {
  Key made;
  made.cose_key = public_key(name);
  made.name = std::move(name);
  made.roles = std::move(roles);
  made.prefixes = std::move(prefixes);
  return made;
}

class FakeRing : public cose::KeyRing {
 public:
  explicit FakeRing(std::span<const cose::NamedKey> keys) {
    for (const auto& [name, cose_key] : keys) names_[Bytes(cose_key.begin(), cose_key.end())] = name;
  }
  [[nodiscard]] Result<std::string> verify(std::int64_t, ByteView, ByteView, ByteView signature) const override {
    const auto found = names_.find(Bytes(signature.begin(), signature.end()));
    if (found == names_.end()) return Error{Errc::unauthenticated, "nobody's"};
    return found->second;
  }
  [[nodiscard]] Result<std::string> verify_mac(std::int64_t, ByteView, ByteView, ByteView) const override {
    return Error{Errc::unauthenticated, "no MACs"};
  }
  [[nodiscard]] Digest sha256(ByteView) const override { return {}; }
  [[nodiscard]] Result<Digest> digest(std::int64_t, ByteView) const override {
    return Error{Errc::unsupported, "no digests"};
  }

 private:
  std::map<Bytes, std::string> names_;
};

class FakeMaker : public cose::RingMaker {
 public:
  [[nodiscard]] Result<std::unique_ptr<cose::KeyRing>> ring_of(std::span<const cose::NamedKey> keys) const override {
    return std::unique_ptr<cose::KeyRing>(std::make_unique<FakeRing>(keys));
  }
};

// ------------------------------------------------------------------------------------------------ records

using Names = std::vector<std::string>;

/// A COSE_Sign with a signature of each owner of a key.
inline Bytes record(RecordKind kind, ByteView payload, const Names& signers) {
  const Bytes body = map({{3, text(content_type_of(kind))}});
  const Bytes algorithm = item([](cbor::Writer& w) { w.map(1).uint(1).integer(-19); });
  return item([&](cbor::Writer& w) {
    w.tag(98).array(4).bytes(body).map(0).bytes(payload).array(signers.size());
    for (const std::string& signer : signers) w.array(3).bytes(algorithm).map(0).bytes(public_key(signer));
  });
}

inline Instant day(int number) {
  return Instant(std::chrono::days(20000 + number));  // 20000 days: 2024-10-04
}
inline TrustedTime on(Instant instant) {
  return {instant, true};
}
inline const TrustedTime kToday = on(day(10));
/// What TrustedTime::from() makes of a clock in 1970.
inline const TrustedTime kClockIn1970 = TrustedTime::from(Instant(std::chrono::minutes(7)), {}, day(0));

inline const Digest kImage = Digest::from_bytes(Bytes(32, 0x11)).value();
inline const Digest kGateway = Digest::from_bytes(Bytes(32, 0x22)).value();
inline const Digest kManifest = Digest::from_bytes(Bytes(32, 0x33)).value();

/// A COSE_Encrypt with AES-KW, which needs no point; `ciphertext` as it is encoded: nil.
inline Bytes encrypted_key(int recipients = 1, const Bytes& ciphertext = {0xf6}) {
  const Bytes algorithm = map({{1, number(1)}});
  return item([&](cbor::Writer& w) {
    w.tag(96).array(4).bytes(algorithm).map(1).uint(5).bytes(Bytes(12)).encoded(ciphertext);
    w.array(static_cast<std::size_t>(recipients));
    for (int i = 0; i < recipients; ++i) w.array(3).bytes({}).map(1).uint(1).integer(-3).bytes(Bytes(24));
  });
}

/// Two of whom sign for the root, one of the roles each, and a second author.
inline Root good_root() {
  Root root;
  root.version = 3;
  root.issued = day(0);
  root.thresholds = {2, 1, 1, 1, 1};
  root.keys = {key("rita", {Role::root}),   key("rolf", {Role::root}),     key("anna", {Role::author}),
               key("bert", {Role::author}), key("dora", {Role::director}), key("hugo", {Role::head}),
               key("gate", {Role::gateway})};
  return root;
}
inline Head good_head() {
  return {"stable", 5, day(9), day(12), {{"acme/boiler", 7, kManifest, 4}, {"other/pump", 2, kManifest, 0}}};
}
inline Permit good_permit() {
  return {Bytes(16, 0x44), "acme/boiler", 9, 7, "boiler-1", day(11)};
}
inline Grant good_grant() {
  return {kImage, kGateway, encrypted_key(), day(11)};
}

/// Two children of one group, of whom one has all that a child can have, and one that goes.
inline EnrollmentList good_list() {
  ListedChild boiler{"boiler-1", "serial", "/dev/ttyACM0", "mcuboot-encrypted", {1}, {2}, {}, {}, {}};
  boiler.targets = {{"app", 0}, {"radio", 1}};
  boiler.keys = {{ListedUse::wrap, "", Bytes(91, 0x55), {}}, {ListedUse::link, "boiler-1", {}, encrypted_key()}};
  boiler.membership = ListedMembership{"left", "heater", "burner"};
  ListedChild pump{"pump-1", "udp", "192.0.2.7:1337", "mcuboot-swap", {1}, {3}, {}, {}, {}};
  pump.membership = ListedMembership{"left", "heater", "pump"};
  return {"site-7", 5, kGateway, day(11), {boiler, pump}, {"old-1"}};
}

inline Result<std::unique_ptr<Authority>> authority_of(const Root& root) {
  return Authority::from_first_root(record(RecordKind::root, write_root(root), {"rita", "rolf"}), FakeMaker{});
}

}  // namespace hg::trust::draft
