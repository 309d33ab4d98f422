// SPDX-License-Identifier: Apache-2.0
// How much of anything one envelope may ask of us. The draft leaves limits to the recipient; these are headgate's
// (docs/suit-profile.md). Each is checked where the thing is read, so that a hostile envelope costs no more than its
// size.
#pragma once

#include <cstddef>

namespace hg::suit {

inline constexpr std::size_t kMaxEnvelopeBytes = 64 * 1024;  ///< without integrated payloads
inline constexpr std::size_t kMaxIntegratedPayloads = 64;
inline constexpr std::size_t kMaxAuthenticationBlocks = 8;
inline constexpr std::size_t kMaxSignatures = 16;   ///< in all blocks: every believed key may have to judge each
inline constexpr std::size_t kMaxComponents = 64;   ///< of a manifest and its dependencies together
inline constexpr std::size_t kMaxDependencies = 8;  ///< one level deep
inline constexpr std::size_t kMaxComponentIdParts = 8;
inline constexpr std::size_t kMaxComponentIdPartBytes = 64;
inline constexpr std::size_t kMaxCommands = 4096;    ///< run symbolically, all sections, repetitions and branches
inline constexpr std::size_t kMaxSequenceDepth = 8;  ///< command sequences inside one another
inline constexpr std::size_t kMaxBranches = 64;      ///< combinations of try-each alternatives that are possible
inline constexpr std::size_t kMaxImages = 256;       ///< over all branches
inline constexpr std::size_t kMaxUriBytes = 2048;
inline constexpr std::size_t kMaxTextBytes = 16 * 1024;  ///< the text member
inline constexpr std::size_t kMaxContentBytes = 4096;    ///< written from the manifest itself ("10's of bytes")
inline constexpr std::size_t kMaxArgumentBytes = 1024;   ///< for an invoked image, or for a fetch
inline constexpr std::size_t kMaxVersionParts = 8;
inline constexpr std::size_t kMaxVersionConditions = 16;  ///< of one component, and in one wait for another target
inline constexpr std::size_t kMaxImageConditions = 16;    ///< of one component, on what is there before
inline constexpr std::size_t kMaxWaits = 16;              ///< of one component
inline constexpr std::size_t kMaxTargetNameBytes = 64;    ///< of another target that is waited for

}  // namespace hg::suit
