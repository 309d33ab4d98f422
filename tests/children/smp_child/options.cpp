// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <stdexcept>
#include <string_view>

namespace smp_child {
namespace {

struct Row {
  std::string_view name;
  std::string_view argument;  // empty: a flag
  std::string_view help;
  std::function<void(std::string_view)> set;
};

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

BootOptions::Provision parse_provision(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || text.find_first_not_of("0123456789") != equals) return {0, text};
  return {parse_number<std::size_t>(text.substr(0, equals)), text.substr(equals + 1)};
}

std::vector<Row> general_rows(Options& o) {
  return {
      {"--state", "DIR", "flash, boot state, counters and log (required)", string(o.state)},
      {"--link", "PATH", "symlink to the tty, replaced atomically", string(o.link.link)},
      {"--die-with-parent", "", "end when the parent process ends", flag(o.die_with_parent)},
      {"--verbose", "", "the log on stderr too", flag(o.verbose)},
      {"--help", "", "this list", flag(o.help)},
  };
}

std::vector<Row> link_rows(LinkOptions& o) {
  return {
      {"--udp", "PORT", "UDP on 127.0.0.1 and ::1 instead of a tty (0: any port)",
       [&o](std::string_view text) { o.udp = parse_number<std::uint16_t>(text); }},
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

std::vector<Row> server_rows(ServerOptions& o) {
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

std::vector<Row> boot_rows(BootOptions& o) {
  return {
      {"--image", "[N=]FILE", "slot 0 of image N, if the state is new (repeatable)",
       [&o](std::string_view text) { o.provisions.push_back(parse_provision(text)); }},
      {"--images", "N", "number of images (highest provisioned + 1)", number(o.images)},
      {"--slot-size", "BYTES", "size of every slot (430080)", number(o.slot_size)},
      {"--trailer-size", "BYTES", "end of a slot that MCUboot keeps for itself (8192)", number(o.trailer_size)},
      {"--mode", "N", "as bootloader info says it; 2 overwrites, all others swap (3)", number(o.mode)},
      {"--no-downgrade", "", "the bootloader refuses a lower version", flag(o.no_downgrade)},
      {"--self-confirm", "", "the application confirms itself at boot", flag(o.self_confirm)},
      {"--reject-image", "", "the next marked image counts as wrongly signed", flag(o.reject_image)},
      {"--come-back-old", "", "every marked image counts as wrongly signed", flag(o.come_back_old)},
      {"--keep-cancelled-marks", "", "upgrades cancelled by a dependency stay pending", flag(o.keep_cancelled_marks)},
      {"--boot-ms", "MS", "deaf time of a boot (20)", duration(o.boot)},
      {"--swap-ms", "MS", "deaf time of a boot that moves images (100)", duration(o.swap)},
  };
}

std::vector<Row> fault_rows(FaultOptions& o) {
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
      {"--corrupt-at", "OFFSET", "this byte of an upload is written wrong", number(o.corrupt_at)},
  };
}

std::vector<Row> all_rows(Options& o) {
  std::vector<Row> rows;
  for (auto& part :
       {general_rows(o), link_rows(o.link), server_rows(o.server), boot_rows(o.boot), fault_rows(o.faults)}) {
    rows.insert(rows.end(), part.begin(), part.end());
  }
  return rows;
}

const Row& find_row(const std::vector<Row>& rows, std::string_view name) {
  for (const Row& row : rows) {
    if (row.name == name) return row;
  }
  throw std::invalid_argument("unknown option " + std::string(name));
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  const std::vector<Row> rows = all_rows(options);
  for (int i = 1; i < argc; ++i) {
    const Row& row = find_row(rows, argv[i]);
    if (row.argument.empty()) {
      row.set("");
    } else if (++i < argc) {
      row.set(argv[i]);
    } else {
      throw std::invalid_argument(std::string(row.name) + " needs " + std::string(row.argument));
    }
  }
  if (options.link.buf_size == 0) options.link.buf_size = options.link.udp ? 2048 : 1024;
  if (options.link.noise && options.link.framing == Framing::raw) {
    throw std::invalid_argument("--noise needs a console: raw framing does not share the line");
  }
  if (options.state.empty() && !options.help) throw std::invalid_argument("--state DIR is required");
  return options;
}

std::string usage() {
  Options options;
  std::string text = "usage: smp_child --state DIR [OPTION...]\n";
  for (const Row& row : all_rows(options)) {
    std::string left = "  " + std::string(row.name) + " " + std::string(row.argument);
    left.resize(std::max<std::size_t>(left.size() + 1, 36), ' ');
    text += left + std::string(row.help) + "\n";
  }
  return text;
}

}  // namespace smp_child
