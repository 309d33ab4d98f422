// SPDX-License-Identifier: Apache-2.0
// The frame of SMP (Zephyr "SMP Protocol Specification"): 8 bytes of header in network order, then a CBOR map. Pure;
// how packets travel is the link's, what the maps mean is for the groups
// (os_group and its like) to say. session calls it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"

namespace hg::smp {

inline constexpr std::size_t kHeaderSize = 8;

enum class Op : std::uint8_t { read = 0, read_answer = 1, write = 2, write_answer = 3 };

inline constexpr std::uint16_t kOsGroup = 0;
inline constexpr std::uint16_t kImageGroup = 1;
inline constexpr std::uint16_t kSettingsGroup = 3;
inline constexpr std::uint16_t kFsGroup = 8;
inline constexpr std::uint16_t kEnumerationGroup = 10;
inline constexpr std::uint16_t kKitGroup = 18503;  ///< 0x4847, "HG": docs/child-protocol.md

/// What is asked: operation, group and command.
struct Command {
  Op op = Op::read;
  std::uint16_t group = kOsGroup;
  std::uint8_t id = 0;
};

inline constexpr Command kEcho{Op::write, kOsGroup, 0};
inline constexpr Command kConsoleEcho{Op::write, kOsGroup, 1};
inline constexpr Command kTaskStatistics{Op::read, kOsGroup, 2};
inline constexpr Command kReset{Op::write, kOsGroup, 5};
inline constexpr Command kParams{Op::read, kOsGroup, 6};
inline constexpr Command kOsInfo{Op::read, kOsGroup, 7};
inline constexpr Command kBootloaderInfo{Op::read, kOsGroup, 8};
inline constexpr Command kImageList{Op::read, kImageGroup, 0};
inline constexpr Command kImageState{Op::write, kImageGroup, 0};
inline constexpr Command kImageUpload{Op::write, kImageGroup, 1};
inline constexpr Command kImageErase{Op::write, kImageGroup, 5};
inline constexpr Command kSlotInfo{Op::read, kImageGroup, 6};
inline constexpr Command kSettingRead{Op::read, kSettingsGroup, 0};
inline constexpr Command kSettingWrite{Op::write, kSettingsGroup, 0};
inline constexpr Command kSettingsSave{Op::write, kSettingsGroup, 3};
inline constexpr Command kFileDownload{Op::read, kFsGroup, 0};
inline constexpr Command kFileUpload{Op::write, kFsGroup, 0};
inline constexpr Command kFileStatus{Op::read, kFsGroup, 1};
inline constexpr Command kFileHash{Op::read, kFsGroup, 2};
inline constexpr Command kFileClose{Op::write, kFsGroup, 4};
inline constexpr Command kGroupList{Op::read, kEnumerationGroup, 1};
inline constexpr Command kKitIdentify{Op::write, kKitGroup, 0};
inline constexpr Command kKitProve{Op::write, kKitGroup, 1};
inline constexpr Command kKitStatus{Op::read, kKitGroup, 2};
inline constexpr Command kKitOffer{Op::write, kKitGroup, 3};
inline constexpr Command kKitNotice{Op::write, kKitGroup, 4};
inline constexpr Command kKitConfirmAll{Op::write, kKitGroup, 5};

/// A packet to be filled: room for the header, then an empty map, which is what most questions are.
Bytes empty_request();

struct Header {
  std::uint8_t version = 1;  ///< 0: SMP v1, 1: SMP v2
  Op op = Op::read;
  std::uint16_t length = 0;  ///< bytes after the header
  std::uint16_t group = 0;
  std::uint8_t sequence = 0;
  std::uint8_t command = 0;
};

/// Writes the header over the first kHeaderSize bytes of `packet`, whose size it takes the length from (at most 65543).
void put_header(std::span<std::uint8_t> packet, Command command, std::uint8_t version, std::uint8_t sequence);

/// Nothing for fewer than kHeaderSize bytes, for an op above 3, and when the length is not that of `packet`.
std::optional<Header> header_of(ByteView packet);

/// Whether `answer` is the answer to this command with this sequence number.
bool answers(const Header& answer, Command command, std::uint8_t sequence);

}  // namespace hg::smp
