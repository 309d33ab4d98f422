// SPDX-License-Identifier: Apache-2.0
#include "adapters/crypto/kit_identity.hpp"

#include <algorithm>
#include <optional>

#include "base/cbor.hpp"

namespace hg::crypto {
namespace {

constexpr std::string_view kChildContext = "headgate child 1";
constexpr std::string_view kGatewayContext = "headgate gateway 1";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kLeastNonce = 16;
constexpr std::size_t kMostNonce = 32;
constexpr std::size_t kMostIdentity = 64;
constexpr std::size_t kMostKeyId = 32;
constexpr std::size_t kMostImages = 8;

/// Calls `take` with each text key of the map; it reads or skips the value. Other keys are skipped.
template <class Take>
Result<void> for_each_key(cbor::Reader& reader, const Take& take) {
  auto keys = cbor::MapKeys::enter(reader, cbor::KeyOrder::any);
  if (!keys) return keys.error();
  for (;;) {
    const auto key = keys->next();
    if (!key) return key.error();
    if (!*key) return {};
    const Result<void> taken = (*key)->text ? take(*(*key)->text) : reader.skip();
    if (!taken) return taken.error().within((*key)->describe());
  }
}

template <class Value>
Result<void> store(std::optional<Value>& into, Result<Value> value) {
  if (!value) return value.error();
  into = *value;
  return {};
}

struct Answer {
  std::optional<ByteView> says;
  std::optional<ByteView> tag;
};

Result<Answer> read_answer(ByteView body) {
  Answer answer;
  cbor::Reader reader(body);
  const auto take = [&](std::string_view key) -> Result<void> {
    if (key == "says") return store(answer.says, reader.read_bytes());
    if (key == "mac") return store(answer.tag, reader.read_bytes());
    return reader.skip();
  };
  if (auto read = for_each_key(reader, take); !read) return read.error();
  if (auto finished = reader.finish(); !finished) return finished.error();
  if (!answer.says) return Error{Errc::invalid, "no \"says\""};
  return answer;
}

struct Claims {
  std::optional<std::uint64_t> version;
  std::optional<std::string_view> identity;
  std::optional<std::int64_t> algorithm;
  std::optional<ByteView> key_id;
  std::optional<ByteView> nonce;
  std::optional<std::size_t> images;
};

/// The images themselves are not believed from here: Inspect asks for them.
Result<void> skip_images(cbor::Reader& reader, std::optional<std::size_t>& count) {
  cbor::Reader ahead = reader;
  if (auto counted = store(count, ahead.enter_array()); !counted) return counted;
  return reader.skip();
}

Result<Claims> read_claims(ByteView says) {
  Claims claims;
  cbor::Reader reader(says);
  const auto take = [&](std::string_view key) -> Result<void> {
    if (key == "v") return store(claims.version, reader.read_uint());
    if (key == "id") return store(claims.identity, reader.read_text());
    if (key == "alg") return store(claims.algorithm, reader.read_int());
    if (key == "kid") return store(claims.key_id, reader.read_bytes());
    if (key == "nonce") return store(claims.nonce, reader.read_bytes());
    if (key == "images") return skip_images(reader, claims.images);
    return reader.skip();
  };
  if (auto read = for_each_key(reader, take); !read) return read.error();
  if (auto finished = reader.finish(); !finished) return finished.error();
  return claims;
}

Result<void> check_form(const Claims& claims) {
  if (claims.version != kVersion) return Error{Errc::invalid, "\"v\" is not 1"};
  if (!claims.identity || claims.identity->empty() || claims.identity->size() > kMostIdentity) {
    return Error{Errc::invalid, "\"id\" has not 1 to 64 bytes"};
  }
  if (!claims.images || *claims.images > kMostImages)
    return Error{Errc::invalid, "\"images\" is not at most 8 of them"};
  if (!claims.nonce || claims.nonce->size() < kLeastNonce || claims.nonce->size() > kMostNonce) {
    return Error{Errc::invalid, "\"nonce\" has not 16 to 32 bytes"};
  }
  if (!claims.key_id || claims.key_id->empty() || claims.key_id->size() > kMostKeyId) {
    return Error{Errc::invalid, "\"kid\" has not 1 to 32 bytes"};
  }
  return {};
}

Result<void> check_key(const Claims& claims, KitAlgorithm algorithm, std::string_view key_id) {
  if (claims.algorithm != static_cast<std::int64_t>(algorithm)) {
    return Error{Errc::unauthenticated, "the child names another algorithm than that of its key"};
  }
  if (!std::ranges::equal(*claims.key_id, as_bytes(key_id))) {
    return Error{Errc::unauthenticated, "the child names another key than \"" + std::string(key_id) + '"'};
  }
  return {};
}

/// What the child's MAC or signature covers.
Bytes evidence_message(ByteView nonce, ByteView says) {
  Bytes message;
  cbor::Writer(message).array(3).text(kChildContext).bytes(nonce).bytes(says);
  return message;
}

}  // namespace

Result<KitClaims> read_evidence(ByteView body, ByteView nonce, KitAlgorithm algorithm, std::string_view key_id,
                                const KitCheck& is_of_child) {
  if (body.size() > kMostEvidence) return Error{Errc::too_large, "an answer of more than 1024 bytes"};
  const auto answer = read_answer(body);
  if (!answer) return answer.error();
  if (!answer->tag) return Error{Errc::unauthenticated, "the child only claims who it is: no MAC or signature"};
  if (!is_of_child(evidence_message(nonce, *answer->says), *answer->tag)) {
    return Error{Errc::unauthenticated, "the MAC or signature is not of the child's key over this nonce"};
  }
  const auto claims = read_claims(*answer->says);
  if (!claims) return claims.error().within("\"says\"");
  if (auto checked = check_form(*claims); !checked) return checked.error().within("\"says\"");
  if (auto checked = check_key(*claims, algorithm, key_id); !checked) return checked.error();
  return KitClaims{std::string(*claims->identity), Bytes(claims->nonce->begin(), claims->nonce->end())};
}

Bytes proof_message(ByteView key_id, ByteView nonce, const KitClaims& claims) {
  Bytes message;
  cbor::Writer(message)
      .array(5)
      .text(kGatewayContext)
      .bytes(key_id)
      .bytes(nonce)
      .bytes(claims.nonce)
      .text(claims.identity);
  return message;
}

Bytes proof_body(ByteView key_id, ByteView tag) {
  Bytes body;
  cbor::Writer(body).map(2).text("kid").bytes(key_id).text("mac").bytes(tag);
  return body;
}

}  // namespace hg::crypto
