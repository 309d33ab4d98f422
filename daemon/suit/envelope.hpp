// SPDX-License-Identifier: Apache-2.0
// The outermost map of a deliverable (draft-ietf-suit-manifest-37 §8.2): finds the authentication wrapper, the
// manifest, severed members and integrated payloads as slices. It does not look inside any of them: nothing may be
// interpreted before the signature holds. Called by suit::open.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "suit/element.hpp"

namespace hg::suit {

/// A payload that travels inside the envelope, under a text key that some URI names (§8.6).
struct IntegratedPayload {
  std::string_view name;
  std::size_t offset = 0;  ///< of its first byte, counted as the envelope's are
  ByteView bytes;
};

/// Slices of one envelope, which must outlive this.
struct Envelope {
  Element authentication;
  Element manifest;
  std::map<std::int64_t, Element> severed;  ///< by their key in the manifest: 14, 15, 16, 18, 20, 23
  std::vector<IntegratedPayload> payloads;

  [[nodiscard]] const IntegratedPayload* find_payload(std::string_view name) const;

  /// Refuses what is not tag 107, unknown or reserved keys, and more than kMaxEnvelopeBytes beside the payloads.
  /// `origin` is the offset of bytes[0] in the envelope that these bytes came in.
  static Result<Envelope> parse(ByteView bytes, std::size_t origin = 0);
};

}  // namespace hg::suit
