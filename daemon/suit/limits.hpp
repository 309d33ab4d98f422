// SPDX-License-Identifier: Apache-2.0
// How much of anything one envelope may ask of us. The draft leaves limits to the recipient; these are headgate's
// (profile v1). Each is checked where the thing is read, so that a hostile envelope costs no more than its size.
#pragma once

#include <cstddef>

namespace hg::suit {

inline constexpr std::size_t kMaxEnvelopeBytes = 64 * 1024;  ///< without integrated payloads
inline constexpr std::size_t kMaxIntegratedPayloads = 64;
inline constexpr std::size_t kMaxAuthenticationBlocks = 8;
inline constexpr std::size_t kMaxComponents = 64;
inline constexpr std::size_t kMaxComponentIdParts = 8;
inline constexpr std::size_t kMaxComponentIdPartBytes = 64;
inline constexpr std::size_t kMaxCommands = 4096;    ///< run symbolically, all sections and repetitions together
inline constexpr std::size_t kMaxSequenceDepth = 8;  ///< command sequences inside one another
inline constexpr std::size_t kMaxUriBytes = 2048;
inline constexpr std::size_t kMaxTextBytes = 16 * 1024;  ///< the text member
inline constexpr std::size_t kMaxVersionParts = 8;

}  // namespace hg::suit
