// SPDX-License-Identifier: Apache-2.0
// The container of all trust records: a COSE_Sign (RFC 9052 §4.1, tag 98) with an attached CBOR payload, whose kind
// stands in the protected content type, so that a record of one kind can never be taken for another. Decides which kind
// it is and who signed it; what those signers may do is for authority. docs/trust.md has the formats.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cose/key_ring.hpp"
#include "cose/signed.hpp"

namespace hg::trust {

inline constexpr std::size_t kMaxRecordBytes = 64 * 1024;

enum class RecordKind : std::uint8_t { root, head, permit, grant, enrollment };

/// "root", "head", "permit", "grant", "enrollment"
std::string_view name_of(RecordKind kind);

/// "application/vnd.headgate.root+cbor" and so on.
std::string_view content_type_of(RecordKind kind);

/// Whether the bytes begin as a record does (tag 98) and not as an envelope (tag 107).
bool looks_like_record(ByteView first_bytes);

/// A record in slices of the bytes, which must outlive it; nothing of the payload was read.
struct Record {
  RecordKind kind{};
  ByteView payload;
  std::vector<cose::Signature> signatures;

  /// Refuses unknown content types, detached payloads, trailing bytes and more than kMaxRecordBytes.
  static Result<Record> parse(ByteView bytes);

  /// The name of the key behind each signature, in their order: a key that signed twice is there twice, one that the
  /// ring does not know is "". Errors: those of malformed signatures only.
  [[nodiscard]] Result<std::vector<std::string>> keys_of_signatures(const cose::KeyRing& ring) const;

  /// The names of the distinct keys of the ring that signed it, in the order of the signatures; those of unknown keys
  /// are passed over. May be empty. Errors: those of malformed signatures only.
  [[nodiscard]] Result<std::vector<std::string>> signers(const cose::KeyRing& ring) const;
};

}  // namespace hg::trust
