// SPDX-License-Identifier: Apache-2.0
#include "smp/profile.hpp"

#include "sdk/profile_values.hpp"

namespace hg::smp {
namespace {

constexpr std::int64_t kLongestMs = 10 * 60 * 1000;
constexpr std::int64_t kLongestGapMs = 1000;
constexpr std::int64_t kLargestPacket = 16 * 1024;
constexpr std::int64_t kSmallestPacket = 96;  // the first upload request with its digests
constexpr std::int64_t kLargestWindow = 16;
constexpr std::int64_t kLargestAlign = 64;
constexpr std::size_t kLongestSetting = 255;
constexpr std::size_t kLongestPath = 255;

}  // namespace

Result<Profile> profile_from(const wire::ProfileValues& values) {
  Profile profile;
  plugin::ProfileReading read(values);
  read.number("packet", 0, kLargestPacket, profile.packet);
  read.number("window", 0, kLargestWindow, profile.window);
  read.number("chunk_align", 1, kLargestAlign, profile.chunk_align);
  read.ms("line_gap_ms", 0, kLongestGapMs, profile.line_gap);
  read.ms("reset_delay_ms", 0, kLongestMs, profile.reset_delay);
  read.ms("boot_silence_ms", 0, kLongestMs, profile.boot_silence);
  read.ms("erase_ms", 1, kLongestMs, profile.erase);
  read.ms("chunk_ms", 1, kLongestMs, profile.chunk);
  read.ms("last_ms", 1, kLongestMs, profile.last);
  read.ms("raw_silence_ms", 0, kLongestMs, profile.raw_silence);
  read.number("smp_version", 0, 2, profile.speaks);
  read.choice("recovery", {"auto", "never"}, profile.rescue);
  read.choice("framing", {"console", "raw"}, profile.framing);
  read.boolean("confirms_all", profile.confirms_all);
  read.boolean("takes_older", profile.takes_older);
  read.boolean("force_reset", profile.force_reset);
  read.texts("backup_settings", kLongestSetting, profile.backup_settings);
  read.texts("backup_files", kLongestPath, profile.backup_files);
  if (auto result = read.result(); !result) return result.error();
  if (profile.packet != 0 && profile.packet < kSmallestPacket) {
    return plugin::wrong_value("packet", "0 or at least " + std::to_string(kSmallestPacket));
  }
  return profile;
}

}  // namespace hg::smp
