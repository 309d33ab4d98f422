// SPDX-License-Identifier: Apache-2.0
// Everything that can be chosen on the command line, grouped by the part that it belongs to. README.md tells what
// each option imitates. Made by main, read by all parts.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace smp_child {

using Millis = std::chrono::milliseconds;
using Micros = std::chrono::microseconds;

enum class Framing { console, raw };

/// The tty and its framing, UDP, or a SOCK_SEQPACKET socket.
struct LinkOptions {
  std::string link;
  std::optional<std::uint16_t> udp;  // port; 0: any
  std::string seqpacket;             // path of a socket; empty: none
  bool usb = false;
  Framing framing = Framing::console;
  Millis raw_timeout{3000};
  std::size_t line_buffer = 128;
  std::size_t line_buffers = 0;  // 0: any number
  Micros drain{1000};
  std::size_t buf_size = 0;  // 0, until all options are read: 1024, with UDP 2048
  std::size_t buf_count = 2;
  std::uint32_t baud = 0;  // 0: as fast as it goes
  bool noise = false;
};

enum class Dialect { v2, v1, v1_echo };

/// What the SMP server and its groups can do.
struct ServerOptions {
  Dialect dialect = Dialect::v2;
  int unsupported_version = 0;  // 12: refuses v1, 13: refuses v2
  bool definite = false;
  bool params = true;
  bool bootloader_info = true;
  bool slot_info = false;
  std::string os_info;  // empty: rc 8
  bool frugal = false;
  bool image_check = false;
  bool refuse_confirm = false;
  bool confirm_any = false;
  bool confirm_all = false;
  unsigned refuse_resets = 0;
  Millis reset_delay{250};
  Millis erase{0};
  Micros work{0};
  std::vector<std::string> settings_roots;  // empty: no settings group
  std::vector<std::string> settings;        // NAME=VALUE, if the state is new
  std::size_t settings_name = 32, settings_value = 32;
  std::string settings_veto;
  std::string fs_mount;      // empty: no fs group
  std::size_t fs_chunk = 0;  // 0: as the buffer allows
  bool enumeration = false;
};

enum class RecoveryEntry { off, automatic, only };

/// MCUboot's serial recovery: when it is entered, and what it was built with.
struct RecoveryOptions {
  RecoveryEntry entry = RecoveryEntry::off;
  bool boot_mode = false;  // entered by reset with boot_mode 1
  Millis wait_for_dfu{0};
  bool echo = false;     // answers it; else silence
  bool options = false;  // params, state and slot info
  bool hashless = false;
  bool direct_upload = false;
};

/// Flash and bootloader.
struct BootOptions {
  struct Provision {
    std::size_t image;
    std::filesystem::path file;
  };
  std::vector<Provision> provisions;
  std::filesystem::path enc_key;
  bool security_counter = false;
  std::size_t sha_size = 32;
  std::size_t images = 0;  // 0: as many as are provisioned
  std::uint64_t slot_size = 430080;
  std::uint64_t trailer_size = 8192;
  int mode = 3;
  bool no_downgrade = false;
  bool self_confirm = false;
  bool reject_image = false;
  bool come_back_old = false;
  bool keep_cancelled_marks = false;
  bool one_revert_per_reset = false;
  RecoveryOptions recovery;
  Millis boot{20};
  Millis swap{100};
};

/// What the child answers to an offer: no; yes; or yes after `later` from the first one on.
struct OfferAnswer {
  bool yes = true;
  Millis later{0};
};

/// The child kit (docs/child-protocol.md).
struct KitOptions {
  bool is_there = false;
  std::string id = "smp-child";
  std::string unit;
  std::filesystem::path key;
  std::string key_id = "k1";
  std::filesystem::path gateway_key;
  std::uint8_t battery = 255;  // percent; above 100: not known
  std::string power;
  std::uint8_t link_level = 0;  // LE security mode 1; 0: not said
  Millis busy{0};               // from each start on
  OfferAnswer offer;
  bool confirm_all = true;
  bool require_proof = false;
};

/// What goes wrong, and where. A probability is per mille, of bytes per million.
struct FaultOptions {
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  std::uint32_t seed = 1;
  unsigned lose_bytes = 0, garble = 0;
  unsigned drop_rx = 0, drop_tx = 0;
  unsigned lose_every_answer = 0;  // 0: none
  bool no_spare_buffer = false;
  bool hang_on_lost_link = false;
  Millis late_answer{0};
  unsigned late = 1000;
  bool duplicate_answers = false;
  bool mute = false;
  std::uint64_t mute_after_bytes = kNever;
  std::uint64_t stuck_at = kNever;
  std::uint64_t lose_upload_state_at = kNever;
  std::uint64_t reboot_at = kNever;
  std::uint64_t corrupt_at = kNever;
  std::uint64_t write_error_at = kNever;
};

/// Known faults of servers (smp.md 8).
struct QuirkOptions {
  bool stale_hash = false;
  std::string hide;  // hexadecimal
  bool erase_keeps_upload = false;
  unsigned ignore_marks = 0;
  bool stale_flags = false;
  bool wrong_confirmed = false;
  bool leftovers = false;
  bool silent_params = false;
  bool silent_unknown = false;
};

struct Options {
  std::filesystem::path state;
  bool die_with_parent = false;
  bool verbose = false;
  bool log_packets = false;
  bool help = false;
  LinkOptions link;
  ServerOptions server;
  BootOptions boot;
  KitOptions kit;
  FaultOptions faults;
  QuirkOptions quirks;
};

/// Throws std::invalid_argument with a line for the user.
Options parse_options(int argc, char** argv);

/// All options with their meaning, a line each.
std::string usage();

}  // namespace smp_child
