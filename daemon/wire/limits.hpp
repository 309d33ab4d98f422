// SPDX-License-Identifier: Apache-2.0
// The bounds of the plugin protocol (docs/plugin-protocol.md): everything in a frame has one, and decoding enforces
// it, so that neither side can make the other hold more than this. Used by both ends of the plugin socket.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hg::wire {

/// The protocol versions that this code speaks. The highest one that both sides know is used.
inline constexpr std::uint64_t kLowestVersion = 1;
inline constexpr std::uint64_t kHighestVersion = 1;

inline constexpr std::size_t kMaxFrame = 16 * 1024;   ///< bytes of one encoded frame
inline constexpr std::size_t kMaxName = 64;           ///< bytes of the name of a child, a transport or a profile value
inline constexpr std::size_t kMaxAddress = 256;       ///< bytes of a child's address
inline constexpr std::size_t kMaxVersionText = 64;    ///< bytes of a version
inline constexpr std::size_t kMaxText = 512;          ///< bytes of a text for people
inline constexpr std::size_t kMaxSlots = 32;          ///< slots of one child
inline constexpr std::size_t kMaxProfileValues = 64;  ///< values of one profile
inline constexpr std::size_t kMaxProfileList = 64;    ///< texts in one of them
inline constexpr std::size_t kMaxMoves = 16;          ///< image numbers that one order is about
inline constexpr std::size_t kMaxProof = 1024;        ///< bytes of a nonce, of a proof, of evidence
inline constexpr std::size_t kMaxPatches = 8;         ///< of one Deliver
inline constexpr std::size_t kMaxPatchBytes = 4096;   ///< of all of them
inline constexpr std::size_t kMaxRecord = 1024;       ///< bytes of a delivery record
inline constexpr std::size_t kMaxIdentity = 64;       ///< bytes of a PSK's identity
inline constexpr std::size_t kLeastPsk = 16;          ///< bytes of a PSK
inline constexpr std::size_t kMostPsk = 64;
inline constexpr std::size_t kPasskeyDigits = 6;  ///< of a Bluetooth passkey, leading zeros included
inline constexpr std::int64_t kLeastRssi = -127;  ///< dBm
inline constexpr std::int64_t kMostRssi = 20;
inline constexpr std::size_t kMaxStrangers = 1024;                           ///< that one plugin may have in sight
inline constexpr std::uint64_t kMaxBackup = 1U << 20U;                       ///< bytes of what one child's backup holds
inline constexpr std::uint64_t kMaxImageSize = 1ULL << 40U;                  ///< bytes
inline constexpr std::uint64_t kMaxDeadlineMs = 7ULL * 24 * 60 * 60 * 1000;  ///< of one request

}  // namespace hg::wire
