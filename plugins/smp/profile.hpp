// SPDX-License-Identifier: Apache-2.0
// What a child type's profile says to the SMP client: its patience and the quirks of the child's server and bootloader,
// with the defaults of config/profiles. docs/profiles.md says what each key means. Other values in the same table are
// for the link (baud, for one) and are left alone here. smp_driver reads it when a child is enrolled.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "smp/clock.hpp"
#include "wire/frames.hpp"

namespace hg::smp {

/// Which versions of SMP are spoken.
enum class Speaks : std::uint8_t { either, only_v1, only_v2 };
/// Whether a list in which nothing runs is taken for MCUboot's serial recovery.
enum class Rescue : std::uint8_t { automatic, never };
/// How packets stand on a serial line.
enum class Framing : std::uint8_t { console, raw };

struct Profile {
  std::size_t packet = 0;              ///< packet: bytes of one packet; 0: find out
  unsigned window = 0;                 ///< window: requests in flight in an upload; 0: find out
  std::size_t chunk_align = 1;         ///< chunk_align: data of an upload request is a multiple of this, but the last
  Milliseconds line_gap{0};            ///< line_gap_ms: between two lines of one packet
  Milliseconds reset_delay{250};       ///< reset_delay_ms: between the answer to a reset and the reset
  Milliseconds boot_silence{1500};     ///< boot_silence_ms: nothing is sent while the bootloader listens for a rescuer
  Milliseconds erase{40000};           ///< erase_ms: for the answer to the first request of an upload
  Milliseconds chunk{2500};            ///< chunk_ms: for other answers
  Milliseconds last{20000};            ///< last_ms: for the answer to the last request of an upload
  Milliseconds raw_silence{3300};      ///< raw_silence_ms: after which the child forgets half a packet (framing raw)
  Speaks speaks = Speaks::either;      ///< smp_version: 0, 1, 2
  Rescue rescue = Rescue::automatic;   ///< recovery: "auto", "never"
  Framing framing = Framing::console;  ///< framing: "console", "raw"
  bool confirms_all = false;           ///< confirms_all: all images can be confirmed from outside (tested by somebody)
  bool takes_older = false;            ///< takes_older: the bootloader takes an older image again (tested by somebody)
  bool force_reset = false;            ///< force_reset: a reset that is refused as busy is asked for with force
  std::vector<std::string> backup_settings;  ///< backup_settings: keys whose values are saved
  std::vector<std::string> backup_files;     ///< backup_files: paths that are saved

  friend bool operator==(const Profile&, const Profile&) = default;
};

/// Errc::invalid names the value that is of another type or out of its range.
Result<Profile> profile_from(const wire::ProfileValues& values);

}  // namespace hg::smp
