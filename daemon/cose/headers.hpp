// SPDX-License-Identifier: Apache-2.0
// What all COSE messages have in common (RFC 9052 §2, §3): a tag, an array, and headers in two maps. Reads both maps
// into one set of values and decides what may stand in them; what must is for the reader of each message. Private to
// cose.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/cbor.hpp"

namespace hg::cose {

/// The headers of one message, signature or recipient that matter to us; others are skipped unless they are critical.
struct Headers {
  std::size_t offset = 0;     ///< of the protected header, for messages
  ByteView protected_header;  ///< the content of the bstr; empty where it is h'' or h'a0'
  std::optional<std::int64_t> algorithm;
  bool is_algorithm_protected = false;
  std::optional<std::string_view> content_type;  ///< text, from the protected header only
  ByteView key_id;
  ByteView iv;
  bool is_iv_protected = false;
  std::optional<cbor::Reader> ephemeral;  ///< at the value of -1
  ByteView salt;
  bool has_party = false;  ///< one of -21 to -26: names and nonces that the key derivation would have to cover

  /// The algorithm, which must stand in the protected header.
  [[nodiscard]] Result<std::int64_t> protected_algorithm() const;
};

/// The protected header and the unprotected one after it. Refused: a label twice in either or in both together, labels
/// that are neither integers nor text, "crit", a Partial IV, values of the wrong type.
Result<Headers> read_headers(cbor::Reader& reader);

/// Enters the array of exactly `count` elements that `what` consists of.
Result<void> enter_array_of(cbor::Reader& reader, std::size_t count, std::string_view what);

/// The tag of a COSE message, one of `accepted`; others are unsupported by name.
Result<std::uint64_t> read_message_tag(cbor::Reader& reader, std::span<const std::uint64_t> accepted);

/// A byte string, or nothing for nil.
Result<std::optional<ByteView>> read_content(cbor::Reader& reader);

/// {1: algorithm}, the content of a protected header.
Bytes header_with(std::int64_t algorithm);

inline constexpr std::int64_t kHeaderAlgorithm = 1;  // RFC 9052 §3.1
inline constexpr std::int64_t kHeaderCritical = 2;
inline constexpr std::int64_t kHeaderContentType = 3;
inline constexpr std::int64_t kHeaderKeyId = 4;
inline constexpr std::int64_t kHeaderIv = 5;
inline constexpr std::int64_t kHeaderPartialIv = 6;
inline constexpr std::int64_t kHeaderEphemeral = -1;  // RFC 9053 §6.3.1
inline constexpr std::int64_t kHeaderSalt = -20;      // RFC 9053 §5.1
inline constexpr std::int64_t kHeaderFirstParty = -26;
inline constexpr std::int64_t kHeaderLastParty = -21;

inline constexpr std::uint64_t kTagMac0 = 17;
inline constexpr std::uint64_t kTagSign1 = 18;
inline constexpr std::uint64_t kTagEncrypt = 96;
inline constexpr std::uint64_t kTagSign = 98;

}  // namespace hg::cose
