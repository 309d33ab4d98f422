// SPDX-License-Identifier: Apache-2.0
// The gateway's side of the child kit, headgate's SMP group 18503 (docs/child-protocol.md): bodies out, values in. What
// a child says is read leniently and bounded to what the plugin wire carries; what identifies it is relayed and not
// judged, because the daemon has the keys. A child without the kit refuses the group with rc 8 (Errc::unsupported).
// Pure; the steps of updater call it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "wire/frames.hpp"

namespace hg::smp {

inline constexpr std::size_t kLeastKitNonce = 16;  ///< bytes
inline constexpr std::size_t kMostKitNonce = 32;

// All requests are packets to be filled: room for the header, then the body.

/// Errc::invalid unless the nonce has 16 to 32 bytes.
Result<Bytes> identify_request(ByteView nonce);
/// The child's evidence, to be relayed: "says" and, if it is there, "mac", untouched, in a map with definite lengths
/// and shortest heads. Errc::too_large: a body of more than wire::kMaxProof bytes.
Result<Bytes> evidence_in(ByteView body);

/// `proof` is the whole body, as the daemon made it: a CBOR map of at most wire::kMaxProof bytes, else Errc::invalid.
Result<Bytes> prove_request(ByteView proof);

/// Why a child started last, as far as it knows.
enum class KitReset : std::uint8_t { unknown, power_on, pin, software, watchdog, brownout, fault, wake };

struct KitStatus {
  std::string id;    ///< as the child claims; empty: it does not say; "?": no UTF-8
  std::string unit;  ///< the product it says it is built into; empty: it does not say, or what is no name
  bool can_identify = false;
  bool can_offer = false;
  bool can_notice = false;
  bool can_confirm_all = false;
  bool must_prove = false;             ///< the gateway must identify and prove before the child does anything for it
  std::optional<std::uint64_t> boots;  ///< its own count of its starts
  KitReset reset = KitReset::unknown;
  std::optional<std::uint8_t> battery_percent;
  wire::Power power = wire::Power::unknown;
  bool busy = false;
  std::uint64_t busy_ms = 0;  ///< when busy: for about this long; 0: it does not say
  /// How the link that it was asked over is protected, as the child says: level 1 to 4 of Bluetooth's LE security mode
  /// 1
  std::optional<std::uint8_t> link_level;
};
Bytes kit_status_request();
Result<KitStatus> kit_status_in(ByteView body);

struct KitOffer {
  std::uint8_t image_number = 0;
  std::string version;     ///< at most 64 bytes; what is beyond is left out
  std::uint64_t size = 0;  ///< bytes of the file
  wire::Urgency urgency = wire::Urgency::minor;
};
struct KitDecision {
  wire::Willing willing = wire::Willing::yes;
  std::uint64_t wait_ms = 0;  ///< when later: ask again after this time
  std::string text;           ///< why, for people
};
Bytes offer_request(const KitOffer& offer);
Result<KitDecision> decision_in(ByteView body);

enum class KitLoss : std::uint8_t { reset, slow };

/// A loss of service that is ahead.
struct KitNotice {
  KitLoss what = KitLoss::reset;
  std::uint32_t in_ms = 0;   ///< from now
  std::uint32_t for_ms = 0;  ///< for about this long; 0: not known
};
Bytes notice_request(const KitNotice& notice);
/// 0: the child is content; else: not now, ask again after so many milliseconds.
Result<std::uint64_t> notice_answer_in(ByteView body);

/// Confirms all running images or none: `guards` must name each of them with its hash.
Bytes confirm_all_request(std::span<const wire::Guard> guards);

}  // namespace hg::smp
