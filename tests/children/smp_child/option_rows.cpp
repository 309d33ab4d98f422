// SPDX-License-Identifier: Apache-2.0
#include "option_rows.hpp"

#include <charconv>
#include <stdexcept>

namespace smp_child {
namespace {

template <typename T>
T parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::invalid_argument("not a number: " + std::string(text));
  }
  return value;
}

template <typename T>
auto number(T& target) {
  return [&target](std::string_view text) { target = parse_number<T>(text); };
}

template <typename T>
auto duration(T& target) {
  return [&target](std::string_view text) { target = T(parse_number<unsigned>(text)); };
}

auto flag(bool& target, bool value = true) {
  return [&target, value](std::string_view) { target = value; };
}

template <typename T>
auto string(T& target) {
  return [&target](std::string_view text) { target = std::string(text); };
}

Dialect parse_dialect(std::string_view text) {
  if (text == "v2") return Dialect::v2;
  if (text == "v1") return Dialect::v1;
  if (text == "v1-echo") return Dialect::v1_echo;
  throw std::invalid_argument("--smp is v2, v1 or v1-echo");
}

Framing parse_framing(std::string_view text) {
  if (text == "console") return Framing::console;
  if (text == "raw") return Framing::raw;
  throw std::invalid_argument("--framing is console or raw");
}

std::string parse_power(std::string_view text) {
  if (text == "mains" || text == "battery") return std::string(text);
  throw std::invalid_argument("--power is mains or battery");
}

OfferAnswer parse_offer_answer(std::string_view text) {
  constexpr std::string_view kLater = "later:";
  if (text == "yes") return {};
  if (text == "no") return {false, {}};
  if (text.starts_with(kLater)) return {true, Millis(parse_number<unsigned>(text.substr(kLater.size())))};
  throw std::invalid_argument("--answer-offer is yes, no or later:MS");
}

RecoveryEntry parse_entry(std::string_view text) {
  if (text == "off") return RecoveryEntry::off;
  if (text == "auto") return RecoveryEntry::automatic;
  if (text == "only") return RecoveryEntry::only;
  throw std::invalid_argument("--recovery is off, auto or only");
}

auto repeated(std::vector<std::string>& target) {
  return [&target](std::string_view text) { target.emplace_back(text); };
}

BootOptions::Provision parse_provision(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || text.find_first_not_of("0123456789") != equals) return {0, text};
  return {parse_number<std::size_t>(text.substr(0, equals)), text.substr(equals + 1)};
}

std::vector<OptionRow> general_rows(Options& o) {
  return {
      {"--state", "DIR", "flash, boot state, counters and log (required)", string(o.state)},
      {"--link", "PATH", "symlink to the tty, replaced atomically", string(o.link.link)},
      {"--die-with-parent", "", "end when the parent process ends", flag(o.die_with_parent)},
      {"--verbose", "", "the log on stderr too", flag(o.verbose)},
      {"--log-packets", "", "every packet that came in, unframed, in DIR/packets", flag(o.log_packets)},
      {"--help", "", "this list", flag(o.help)},
  };
}

std::vector<OptionRow> link_rows(LinkOptions& o) {
  return {
      {"--udp", "PORT", "UDP on 127.0.0.1 and ::1 instead of a tty (0: any port)",
       [&o](std::string_view text) { o.udp = parse_number<std::uint16_t>(text); }},
      {"--seqpacket", "PATH", "a SOCK_SEQPACKET socket instead of a tty: one message, one packet", string(o.seqpacket)},
      {"--usb", "", "the tty vanishes at each reset and returns under another number", flag(o.usb)},
      {"--framing", "console|raw", "raw: packets without markers, Base64, length and CRC (console)",
       [&o](std::string_view text) { o.framing = parse_framing(text); }},
      {"--raw-timeout-ms", "MS", "silence after which half a raw packet is forgotten (3000; 0: never)",
       duration(o.raw_timeout)},
      {"--line-buffer", "BYTES", "longest line received, newline included (128)", number(o.line_buffer)},
      {"--line-buffers", "N", "lines held until drained, the surplus is lost (0: any number)", number(o.line_buffers)},
      {"--drain-us", "US", "time until received lines are taken out of their buffers (1000)", duration(o.drain)},
      {"--buf-size", "BYTES", "SMP buffer; on a console a packet is at most 4 less (1024; UDP: 2048)",
       number(o.buf_size)},
      {"--buf-count", "N", "packets held at a time, the one in work included (2)", number(o.buf_count)},
      {"--baud", "N", "pace both directions to this line rate (0: unpaced)", number(o.baud)},
      {"--noise", "", "log lines, prompts and ANSI sequences between the SMP lines", flag(o.noise)},
  };
}

std::vector<OptionRow> server_rows(ServerOptions& o) {
  return {
      {"--smp", "v2|v1|v1-echo", "v1: answers Ver 0 with rc; v1-echo: the same under the request's Ver (v2)",
       [&o](std::string_view text) { o.dialect = parse_dialect(text); }},
      {"--unsupported-version", "RC", "12: refuse v1 requests, 13: refuse v2 requests", number(o.unsupported_version)},
      {"--definite", "", "definite-length maps and arrays in answers", flag(o.definite)},
      {"--no-params", "", "os params answers rc 8", flag(o.params, false)},
      {"--no-bootloader-info", "", "bootloader info answers rc 8", flag(o.bootloader_info, false)},
      {"--slot-info", "", "image slot info is there (else rc 8)", flag(o.slot_info)},
      {"--os-info", "TEXT", "os info answers this (else rc 8)", string(o.os_info)},
      {"--frugal", "", "the image list leaves out what is false or zero", flag(o.frugal)},
      {"--image-check", "", "\"match\" in the last upload answer; the same data again is complete at once",
       flag(o.image_check)},
      {"--refuse-confirm", "", "confirming the running image answers 32", flag(o.refuse_confirm)},
      {"--confirm-any", "", "slot 0 of image 1 and up may be confirmed (else 32)", flag(o.confirm_any)},
      {"--confirm-all", "", "confirm without hash confirms every image", flag(o.confirm_all)},
      {"--refuse-resets", "N", "the first N resets without force answer rc 10", number(o.refuse_resets)},
      {"--reset-delay-ms", "MS", "from the answer to the reset (250)", duration(o.reset_delay)},
      {"--erase-ms", "MS", "busy time of erasing a slot that is not empty (0)", duration(o.erase)},
      {"--work-us", "US", "time that every request takes (0)", duration(o.work)},
  };
}

std::vector<OptionRow> boot_rows(BootOptions& o) {
  return {
      {"--image", "[N=]FILE", "slot 0 of image N, if the state is new (repeatable)",
       [&o](std::string_view text) { o.provisions.push_back(parse_provision(text)); }},
      {"--images", "N", "number of images (highest provisioned + 1)", number(o.images)},
      {"--slot-size", "BYTES", "size of every slot (430080)", number(o.slot_size)},
      {"--trailer-size", "BYTES", "end of a slot that MCUboot keeps for itself (8192)", number(o.trailer_size)},
      {"--mode", "N", "MCUboot's mode, as bootloader info says it (3)", number(o.mode)},
      {"--no-downgrade", "", "the bootloader refuses a lower version", flag(o.no_downgrade)},
      {"--self-confirm", "", "the application confirms itself at boot", flag(o.self_confirm)},
      {"--reject-image", "", "the next marked image counts as wrongly signed", flag(o.reject_image)},
      {"--come-back-old", "", "every marked image counts as wrongly signed", flag(o.come_back_old)},
      {"--keep-cancelled-marks", "", "upgrades cancelled by a dependency stay pending", flag(o.keep_cancelled_marks)},
      {"--enc-key", "FILE", "own decryption key: P-256 or X25519 in PEM, or 16 or 32 raw bytes", string(o.enc_key)},
      {"--security-counter", "", "the security counter is kept, a lower one refused", flag(o.security_counter)},
      {"--sha-size", "32|48|64", "the kind of image hash that it is built for (32)", number(o.sha_size)},
      {"--one-revert-per-reset", "", "of several images in test only one reverts at a reset",
       flag(o.one_revert_per_reset)},
      {"--boot-ms", "MS", "deaf time of a boot (20)", duration(o.boot)},
      {"--swap-ms", "MS", "deaf time of a boot that moves images (100)", duration(o.swap)},
  };
}

std::vector<OptionRow> recovery_rows(RecoveryOptions& o) {
  return {
      {"--recovery", "off|auto|only", "serial recovery: auto when nothing can boot, only: always (off)",
       [&o](std::string_view text) { o.entry = parse_entry(text); }},
      {"--boot-mode", "", "reset with boot_mode 1 enters it", flag(o.boot_mode)},
      {"--wait-for-dfu-ms", "MS", "a packet in this time after a reset enters it (0)", duration(o.wait_for_dfu)},
      {"--recovery-echo", "", "it answers echo; else it is silent", flag(o.echo)},
      {"--recovery-options", "", "it has params, state, slot info and flags", flag(o.options)},
      {"--recovery-hashless", "", "its list has no hashes", flag(o.hashless)},
      {"--recovery-direct-upload", "", "\"image\" of its upload is a slot, from 1", flag(o.direct_upload)},
  };
}

std::vector<OptionRow> group_rows(ServerOptions& o) {
  return {
      {"--settings", "ROOT", "settings group with this subtree (repeatable)", repeated(o.settings_roots)},
      {"--setting", "NAME=VALUE", "saved, if the state is new (repeatable)", repeated(o.settings)},
      {"--settings-name-len", "N", "longest name (32)", number(o.settings_name)},
      {"--settings-value-len", "N", "longest value (32)", number(o.settings_value)},
      {"--settings-veto", "NAME", "the application denies access to it: rc 11", string(o.settings_veto)},
      {"--fs", "MOUNT", "fs group; MOUNT/x is DIR/fs/x", string(o.fs_mount)},
      {"--fs-chunk", "BYTES", "of a download answer (as the buffer allows)", number(o.fs_chunk)},
      {"--enumeration", "", "group 10, which lists the groups", flag(o.enumeration)},
  };
}

std::vector<OptionRow> kit_rows(KitOptions& o) {
  return {
      {"--kit", "", "the child kit is there (else rc 8)", flag(o.is_there)},
      {"--kit-id", "TEXT", "who the child says it is (smp-child)", string(o.id)},
      {"--kit-unit", "TEXT", "which product it says it is built into (none)", string(o.unit)},
      {"--kit-key", "FILE", "hexadecimal HMAC key, or private PEM key of P-256 or Ed25519 (none)", string(o.key)},
      {"--kit-key-id", "TEXT", "which key that is (k1)", string(o.key_id)},
      {"--kit-gateway-key", "FILE", "the gateway's public PEM key, of the key id \"gateway\"", string(o.gateway_key)},
      {"--battery", "PERCENT", "what status says (not known)", number(o.battery)},
      {"--power", "mains|battery", "what status says (not known)",
       [&o](std::string_view text) { o.power = parse_power(text); }},
      {"--kit-link-level", "1..4", "what status says of the link: a level of LE security mode 1 (not said)",
       number(o.link_level)},
      {"--busy-ms", "MS", "busy for so long after each start; puts notices off until then", duration(o.busy)},
      {"--answer-offer", "yes|no|later:MS", "later: yes after this time from the first offer on",
       [&o](std::string_view text) { o.offer = parse_offer_answer(text); }},
      {"--kit-no-confirm-all", "", "the kit has no confirm_all", flag(o.confirm_all, false)},
      {"--require-proof", "", "nothing, nor an upload (rc 11), before the gateway has proven itself",
       flag(o.require_proof)},
  };
}

std::vector<OptionRow> quirk_rows(QuirkOptions& o) {
  return {
      {"--silent-params", "", "os params is not answered", flag(o.silent_params)},
      {"--silent-unknown", "", "what would be rc 8 is not answered", flag(o.silent_unknown)},
      {"--stale-hash", "", "an image without hash is listed with that of the row before", flag(o.stale_hash)},
      {"--hide", "HEX", "images whose hash begins so are not listed", string(o.hide)},
      {"--erase-keeps-upload", "", "the upload state outlives an erase", flag(o.erase_keeps_upload)},
      {"--ignore-marks", "N", "the first N state writes are answered and not carried out", number(o.ignore_marks)},
      {"--stale-flags", "", "a state write answers the list from before", flag(o.stale_flags)},
      {"--wrong-confirmed", "", "an image in test is listed as confirmed", flag(o.wrong_confirmed)},
      {"--leftovers", "", "an upload does not erase what is in the slot", flag(o.leftovers)},
  };
}

std::vector<OptionRow> fault_rows(FaultOptions& o) {
  return {
      {"--seed", "N", "of all chances (1)", number(o.seed)},
      {"--lose-bytes-per-million", "N", "bytes lost on the serial line, each direction", number(o.lose_bytes)},
      {"--garble-per-million", "N", "bytes that arrive with a wrong bit, each direction", number(o.garble)},
      {"--drop-rx", "PER_MILLE", "requests lost", number(o.drop_rx)},
      {"--drop-tx", "PER_MILLE", "answers lost, their request executed", number(o.drop_tx)},
      {"--lose-every-answer", "N", "every Nth answer is lost, its request carried out", number(o.lose_every_answer)},
      {"--no-spare-buffer", "", "no buffer for the answer: carried out and not answered, instead of rc 2",
       flag(o.no_spare_buffer)},
      {"--hang-on-lost-link", "", "a link lost with an answer pending hangs the server until a reset",
       flag(o.hang_on_lost_link)},
      {"--late-answer-ms", "MS", "answers come late", duration(o.late_answer)},
      {"--late-per-mille", "PER_MILLE", "how many of them (1000)", number(o.late)},
      {"--duplicate-answers", "", "every answer twice", flag(o.duplicate_answers)},
      {"--mute", "", "takes everything, answers nothing", flag(o.mute)},
      {"--mute-after-bytes", "N", "the same after N bytes received on the wire", number(o.mute_after_bytes)},
      {"--stuck-at", "OFFSET", "an upload gets no further", number(o.stuck_at)},
      {"--lose-upload-state-at", "OFFSET", "an upload is forgotten here, once", number(o.lose_upload_state_at)},
      {"--reboot-at", "OFFSET", "a spontaneous reboot here in an upload, once", number(o.reboot_at)},
      {"--write-error-at", "OFFSET", "error 12 here, once; no progress then until an erase or reset",
       number(o.write_error_at)},
      {"--corrupt-at", "OFFSET", "this byte of an upload is written wrong", number(o.corrupt_at)},
  };
}

}  // namespace

std::vector<OptionRow> option_rows(Options& o) {
  std::vector<OptionRow> rows;
  for (auto& part : {general_rows(o), link_rows(o.link), server_rows(o.server), group_rows(o.server), boot_rows(o.boot),
                     recovery_rows(o.boot.recovery), kit_rows(o.kit), fault_rows(o.faults), quirk_rows(o.quirks)}) {
    rows.insert(rows.end(), part.begin(), part.end());
  }
  return rows;
}

}  // namespace smp_child
