// SPDX-License-Identifier: Apache-2.0
#include "cose/key.hpp"

#include <optional>
#include <string>

namespace hg::cose {
namespace {

constexpr std::int64_t kKeyType = 1;  // RFC 9052 §7.1
constexpr std::int64_t kKeyAlgorithm = 3;
constexpr std::int64_t kKeyOperations = 4;
constexpr std::int64_t kKeyCurve = -1;  // RFC 9053 §7.1
constexpr std::int64_t kKeyX = -2;
constexpr std::int64_t kKeyY = -3;
constexpr std::int64_t kKeyPrivate = -4;
constexpr std::int64_t kSymmetric = 4;

struct Members {
  std::size_t offset = 0;
  std::int64_t key_type = 0;
  std::int64_t algorithm = 0;
  std::int64_t curve = 0;
  ByteView x;
  std::optional<ByteView> y;
};

Result<void> read_integer(cbor::Reader& reader, std::int64_t& target) {
  const auto value = reader.read_int();
  if (!value) return value.error();
  target = *value;
  return {};
}

Result<ByteView> read_coordinate(cbor::Reader& reader) {
  if (reader.next_is(cbor::Type::boolean)) return reader.error(Errc::unsupported, "a compressed point is not accepted");
  return reader.read_bytes();
}

Result<void> read_member(cbor::Reader& reader, std::int64_t label, Members& members) {
  switch (label) {
    case kKeyType:
      if (auto read = read_integer(reader, members.key_type); !read) return read;
      if (members.key_type != kSymmetric) return {};
      return reader.error(Errc::invalid, "a symmetric key where a public one must be");
    case kKeyAlgorithm:
      return read_integer(reader, members.algorithm);
    case kKeyOperations:
      return reader.error(Errc::unsupported, "\"key_ops\", none is understood");
    case kKeyCurve:
      return read_integer(reader, members.curve);
    case kKeyX:
    case kKeyY: {
      const auto coordinate = read_coordinate(reader);
      if (!coordinate) return coordinate.error();
      if (label == kKeyX) members.x = *coordinate;
      if (label == kKeyY) members.y = *coordinate;
      return {};
    }
    case kKeyPrivate:
      return reader.error(Errc::invalid, "a private key where a public one must be");
    default:
      return reader.skip();
  }
}

Result<Members> read_members(cbor::Reader& reader) {
  Members members;
  members.offset = reader.offset();
  auto keys = cbor::MapKeys::enter(reader, cbor::KeyOrder::any);
  if (!keys) return keys.error();
  for (;;) {
    const auto key = keys->next();
    if (!key) return key.error();
    if (!key->has_value()) return members;
    if (auto read = read_member(reader, (*key)->integer.value_or(0), members); !read) return read.error();
  }
}

Result<PublicKey> checked(const Members& members) {
  const auto refuse = [&](Errc code, const std::string& what) {
    return cbor::Reader::error_at(members.offset, code, what);
  };
  const CurveFacts* curve = find_curve(members.curve);
  if (curve == nullptr || curve->key_type != members.key_type) {
    return refuse(Errc::unsupported, "key type " + std::to_string(members.key_type) + " with curve " +
                                         std::to_string(members.curve) + " is not accepted");
  }
  const bool has_y = curve->key_type == kKeyTypeEc2;
  const bool fits = members.x.size() == curve->coordinate_size && members.y.has_value() == has_y &&
                    (!has_y || members.y->size() == curve->coordinate_size);
  const std::string name(curve->name);
  if (!fits) return refuse(Errc::invalid, "not the coordinates of a " + name + " key");
  return PublicKey{curve->curve, members.x, members.y.value_or(ByteView{}), members.algorithm};
}

}  // namespace

Result<PublicKey> read_key(cbor::Reader& reader) {
  const auto members = read_members(reader);
  if (!members) return members.error().within("COSE_Key");
  auto key = checked(*members);
  if (!key) return key.error().within("COSE_Key");
  return key;
}

Bytes write_key(const PublicKey& key) {
  const CurveFacts& curve = facts_of(key.curve);
  const bool has_y = curve.key_type == kKeyTypeEc2;
  const bool has_algorithm = key.algorithm != 0;
  Bytes bytes;
  cbor::Writer writer(bytes);
  writer.map(3U + (has_y ? 1U : 0U) + (has_algorithm ? 1U : 0U)).integer(kKeyType).integer(curve.key_type);
  if (has_algorithm) writer.integer(kKeyAlgorithm).integer(key.algorithm);
  writer.integer(kKeyCurve).integer(static_cast<std::int64_t>(key.curve)).integer(kKeyX).bytes(key.x);
  if (has_y) writer.integer(kKeyY).bytes(key.y);
  return bytes;
}

}  // namespace hg::cose
