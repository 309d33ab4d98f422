// SPDX-License-Identifier: Apache-2.0
// A child in memory, with a time of its own that jumps to the next thing that happens: smp::Link and smp::Clock in one,
// so that the SMP client can be tested with lost packets and lost resets, exactly and without waiting. It has the image
// states of MCUboot (reference smp.md 4.7) for any number of images, its serial recovery, and faults that a test sets.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "base/cbor.hpp"
#include "sdk/loose_cbor.hpp"
#include "smp/image_group.hpp"
#include "smp/os_group.hpp"
#include "smp/session.hpp"

namespace hg::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using smp::Milliseconds;
using smp::SteadyTime;

inline Digest digest_of(std::uint8_t fill) {
  return *Digest::from_bytes(Bytes(32, fill));
}

class MemoryChild : public smp::Link, public smp::Clock {
 public:
  struct Asked {
    smp::Header header;
    Bytes body;
    SteadyTime at;
  };

  // What a test sets.
  std::function<bool(const Asked&)> loses_request = [](const Asked&) { return false; };
  std::function<bool(const Asked&)> loses_answer = [](const Asked&) { return false; };
  std::function<std::optional<Bytes>(const Asked&)> answers_instead = [](const Asked&) { return std::nullopt; };
  Milliseconds answer_time{5};
  Milliseconds reset_delay{250};
  Milliseconds boot_time{400};
  std::size_t largest = 1020;
  bool speaks_v2 = true;
  Milliseconds work_time{0};       ///< for each request, one after the other; answer_time comes on top
  Milliseconds erase_time{0};      ///< the same for the first request of an upload
  std::size_t buffers = 0;         ///< requests that may wait; more are refused with rc 2; 0: any number
  std::size_t line_buffers = 0;    ///< lines of a burst that may wait; packets with more get lost; 0: any number
  Milliseconds line_time{1};       ///< for one of them to be taken out
  unsigned loses_one_byte_in = 0;  ///< of those on the wire, either way; 0: none
  bool doubles_answers = false;
  bool is_recovery = false;            ///< the bootloader answers: nothing runs, an upload begins anew at offset 0
  std::optional<std::uint8_t> broken;  ///< an image number whose slot 0 holds nothing whole: only recovery can start
  std::optional<Limits> limits_are;    ///< of a link other than the serial console
  std::optional<Milliseconds> link_lost_for_after_reset;

  // What it is.
  std::vector<wire::Slot> slots = {{0, 0, "1.0.0", digest_of(1), true, false, true, true, false}};
  Bytes flash;
  std::optional<Digest> uploaded;  ///< becomes slot 1 when `flash` is complete
  bool reverts = true;
  bool overwrites = false;                    ///< mode 2: what is marked replaces what runs, for good
  bool confirms_others = false;               ///< also images other than the first (stock: error 32)
  std::optional<int> mode;                    ///< of its bootloader; none: it does not know the question
  bool lists_flags_in_recovery = false;       ///< built with all options
  Milliseconds listens{0};                    ///< after a reset its bootloader is caught by any packet for so long
  std::function<void()> at_reset = [] {};     ///< what its bootloader does before it looks at the marks
  std::function<void()> after_reset = [] {};  ///< what else a start does

  // What happened.
  std::vector<Asked> asked;
  unsigned resets = 0;
  std::size_t wire_bytes = 0;    ///< of requests, in the console framing
  std::size_t most_waiting = 0;  ///< answers that were not read, at once
  unsigned overruns = 0;         ///< packets that found no line buffer
  Milliseconds line_gap{0};
  std::vector<std::uint8_t> levels_said;  ///< of the link's security, as the kit says

  [[nodiscard]] std::size_t count(smp::Command command) const {
    return static_cast<std::size_t>(std::ranges::count_if(asked, [&](const Asked& one) {
      return one.header.group == command.group && one.header.command == command.id && one.header.op == command.op;
    }));
  }
  void sleep_for(Milliseconds time) { pass_until(now_ + time); }
  wire::Slot* active(std::uint8_t image = 0) { return find(image, true); }
  wire::Slot* standby(std::uint8_t image = 0) { return find(image, false); }
  void stage(const Digest& digest, std::uint8_t image = 0) {
    slots.push_back({image, 1, "1.1.0", digest, true, false, false, false, false});
  }
  /// The link goes down until reopen().
  void close() {
    inbox_.clear();
    is_closed_ = true;
  }
  void reopen() {
    inbox_.clear();
    is_closed_ = false;
    opening_ = {opening_.number + 1, now_};
  }

  // --------------------------------------------------------------------------------------------------- Clock
  [[nodiscard]] SteadyTime now() const override { return now_; }
  asio::awaitable<void> sleep_until(SteadyTime time) override {
    pass_until(time);
    co_return;
  }

  // ---------------------------------------------------------------------------------------------------- Link
  asio::awaitable<Result<void>> write(ByteView packet, SteadyTime) override {
    if (is_closed_ || (now_ < deaf_until_ && link_lost_for_after_reset)) co_return Error{Errc::unavailable, "down"};
    const auto header = smp::header_of(packet);
    if (!header) throw std::runtime_error("the client sent no packet");
    Asked one{*header, Bytes(packet.begin() + smp::kHeaderSize, packet.end()), now_};
    asked.push_back(one);
    wire_bytes += wire_size(packet.size());
    const bool arrives = arrive(packet.size()) && !loses_bytes(packet.size());
    if (resets > 0 && now_ >= deaf_until_ && now_ < deaf_until_ + listens) is_recovery = true;
    if (now_ >= deaf_until_ && packet.size() <= largest && arrives && !loses_request(one)) take(one);
    co_return Result<void>{};
  }
  asio::awaitable<Result<Bytes>> read(SteadyTime deadline) override {
    if (is_closed_) co_return Error{Errc::unavailable, "down"};
    if (inbox_.empty() || inbox_.front().first > deadline) {
      pass_until(deadline);
      co_return Error{Errc::timed_out, "no answer"};
    }
    pass_until(inbox_.front().first);
    if (inbox_.empty()) co_return Error{Errc::unavailable, "down"};
    Bytes packet = std::move(inbox_.front().second);
    inbox_.pop_front();
    co_return packet;
  }
  [[nodiscard]] Opening opening() const override { return opening_; }
  [[nodiscard]] const Limits& limits() const override { return limits_are ? *limits_are : Link::limits(); }
  void set_line_gap(Milliseconds gap) override { line_gap = gap; }
  void child_says_level(std::uint8_t level) override { levels_said.push_back(level); }

  /// Bytes of a packet in the console framing.
  static std::size_t wire_size(std::size_t packet) {
    const std::size_t stream = packet + 4;
    const std::size_t lines = (stream + 92) / 93;
    const std::size_t last = stream - 93 * (lines - 1);
    return (lines - 1) * 127 + 3 + (last + 2) / 3 * 4;
  }

 private:
  /// The lines of a packet come, `line_gap` apart; whether each found a buffer.
  bool arrive(std::size_t packet) {
    bool is_whole = true;
    for (std::size_t left = (packet + 4 + 92) / 93; left > 0; --left) {
      while (!lines_until_.empty() && lines_until_.front() <= now_) lines_until_.pop_front();
      if (line_buffers != 0 && lines_until_.size() >= line_buffers) {
        is_whole = false;
      } else {
        lines_until_.push_back(std::max(now_, lines_until_.empty() ? now_ : lines_until_.back()) + line_time);
      }
      if (left > 1) pass_until(now_ + line_gap);
    }
    if (!is_whole) ++overruns;
    return is_whole;
  }
  bool loses_bytes(std::size_t packet) {
    if (loses_one_byte_in == 0) return false;
    chance_ = chance_ * 6364136223846793005U + 1442695040888963407U;
    const double all_pass = std::pow(1.0 - 1.0 / loses_one_byte_in, static_cast<double>(wire_size(packet)));
    return static_cast<double>(chance_ >> 33U) / static_cast<double>(1U << 31U) >= all_pass;
  }

  wire::Slot* find(std::uint8_t image, bool is_active) {
    const auto is_it = [&](const wire::Slot& slot) { return slot.image == image && slot.active == is_active; };
    const auto found = std::ranges::find_if(slots, is_it);
    return found == slots.end() ? nullptr : &*found;
  }
  static Bytes error(unsigned code) {
    Bytes body;
    cbor::Writer(body).map(1).text("err").map(2).text("group").uint(1).text("rc").uint(code);
    return body;
  }

  void pass_until(SteadyTime time) {
    if (time == SteadyTime::max()) throw std::runtime_error("the client waits for ever");
    if (reset_at_ && *reset_at_ <= time) {
      now_ = std::max(now_, *reset_at_);
      reset();
    }
    now_ = std::max(now_, time);
  }

  void take(const Asked& one) {
    if (!speaks_v2 && one.header.version != 0) return;
    std::erase_if(waiting_until_, [this](SteadyTime until) { return until <= now_; });
    const bool has_room = buffers == 0 || waiting_until_.size() < buffers;
    const bool erases = flash.empty() && is_first_upload(one);
    SteadyTime at = now_;
    Bytes body;
    if (!has_room) {
      body = *from_hex("bf62726302ff");
    } else {
      const SteadyTime begins = waiting_until_.empty() ? now_ : std::max(now_, waiting_until_.back());
      at = begins + work_time + (erases ? erase_time : 0ms);
      waiting_until_.push_back(at);
      auto instead = answers_instead(one);
      body = instead ? std::move(*instead) : answer(one);
    }
    if (loses_answer(one) || loses_bytes(body.size() + smp::kHeaderSize)) return;
    Bytes packet(smp::kHeaderSize);
    packet.insert(packet.end(), body.begin(), body.end());
    const auto op = static_cast<smp::Op>(static_cast<int>(one.header.op) + 1);
    smp::put_header(packet, {op, one.header.group, one.header.command}, one.header.version, one.header.sequence);
    const auto later = [](SteadyTime time, const auto& other) { return time < other.first; };
    const auto place = std::upper_bound(inbox_.begin(), inbox_.end(), at + answer_time, later);
    const auto placed = inbox_.emplace(place, at + answer_time, std::move(packet));
    most_waiting = std::max(most_waiting, inbox_.size());
    if (doubles_answers) inbox_.insert(placed, *placed);
  }
  static bool is_first_upload(const Asked& one) {
    const auto& command = smp::kImageUpload;
    if (one.header.group != command.group || one.header.command != command.id) return false;
    const std::string body(one.body.begin(), one.body.end());
    return body.find("len") != std::string::npos && body.find("len") < 40;
  }

  Bytes answer(const Asked& one) {
    const auto is = [&](smp::Command command) {
      return one.header.group == command.group && one.header.command == command.id && one.header.op == command.op;
    };
    if (is(smp::kImageList)) return list();
    if (is(smp::kImageState) && !is_recovery) return write_state(one.body);
    if (is(smp::kImageUpload)) return upload(one.body);
    if (is(smp::kReset)) {
      reset_at_ = now_ + reset_delay;
      return *from_hex("a0");
    }
    if (is(smp::kEcho)) return *from_hex("a0");
    if (is(smp::kConsoleEcho) && is_recovery) return *from_hex("bf62726300ff");
    if (is(smp::kParams) && is_recovery && lists_flags_in_recovery) {
      return *from_hex("a2686275665f73697a65190400696275665f636f756e7401");
    }
    if (is(smp::kBootloaderInfo) && mode && !is_recovery) return bootloader(one.body);
    return *from_hex("bf62726308ff");
  }

  Bytes bootloader(const Bytes& question) const {
    Bytes body;
    if (question.size() > 1) {
      cbor::Writer(body).map(1).text("mode").integer(*mode);
    } else {
      cbor::Writer(body).map(1).text("bootloader").text("MCUboot");
    }
    return body;
  }

  Bytes list() const {
    Bytes body;
    cbor::Writer writer(body);
    const auto is_left_out = [this](const wire::Slot& slot) {
      return is_recovery && slot.active && slot.image == broken;
    };
    const auto left_out = static_cast<std::size_t>(std::ranges::count_if(slots, is_left_out));
    writer.map(1).text("images").array(slots.size() - left_out);
    for (const wire::Slot& slot : slots) {
      if (is_left_out(slot)) continue;
      const bool has_flags = !is_recovery || lists_flags_in_recovery;
      writer.map(3U + (slot.image != 0 ? 1U : 0U) + (has_flags ? 5U : 0U));
      if (slot.image != 0) writer.text("image").uint(slot.image);
      writer.text("slot").uint(slot.slot).text("hash").bytes(slot.digest.bytes()).text("version").text(slot.version);
      if (!has_flags) continue;
      writer.text("active").boolean(slot.active).text("pending").boolean(slot.pending);
      writer.text("confirmed").boolean(slot.confirmed).text("bootable").boolean(true);
      writer.text("permanent").boolean(slot.permanent);
    }
    return body;
  }

  Bytes write_state(const Bytes& body) {
    plugin::LooseReader reader(body);
    auto map = reader.enter_map().value();
    Bytes hash;
    bool confirm = false;
    while (reader.more(map).value()) {
      const auto key = reader.read_key().value();
      if (key == "hash") hash = reader.read_bytes(64).value();
      if (key == "confirm") confirm = reader.read_bool().value();
    }
    // The first hit over all slots wins (reference smp.md 4.2).
    const auto found = std::ranges::find(slots, *Digest::from_bytes(hash), &wire::Slot::digest);
    wire::Slot* const slot = hash.empty() ? active() : found == slots.end() ? nullptr : &*found;
    if (slot == nullptr) return error(8);
    if (slot->active && !confirm) return error(33);
    if (slot->active && slot->image != 0 && !confirms_others) return error(32);
    if (slot->active) {
      slot->confirmed = true;
      if (standby(slot->image) != nullptr) standby(slot->image)->confirmed = false;
      return list();
    }
    slot->pending = true;
    slot->permanent = slot->permanent || confirm;
    return list();
  }

  Bytes upload(const Bytes& body) {
    plugin::LooseReader reader(body);
    auto map = reader.enter_map().value();
    std::int64_t offset = 0;
    Bytes data;
    bool has_begun = false;
    std::uint8_t image = 0;
    while (reader.more(map).value()) {
      const auto key = reader.read_key().value();
      if (key == "off") {
        offset = reader.read_int().value();
      } else if (key == "data") {
        data = reader.read_bytes(16384).value();
      } else if (key == "len") {
        length_ = static_cast<std::size_t>(reader.read_int().value());
        has_begun = true;
      } else if (key == "image") {
        image = static_cast<std::uint8_t>(reader.read_int().value());
      } else {
        static_cast<void>(reader.skip());
      }
    }
    if (has_begun) image_ = image;
    if (has_begun && is_recovery) {
      flash.clear();  // no resume
      broken = image;
    }
    if (static_cast<std::size_t>(offset) == flash.size()) flash.insert(flash.end(), data.begin(), data.end());
    const std::size_t next = flash.size();
    if (next == length_ && uploaded) {
      if (is_recovery) {
        active()->digest = *uploaded;
        broken.reset();
      } else {
        std::erase_if(slots, [&](const wire::Slot& slot) { return slot.image == image_ && !slot.active; });
        stage(*uploaded, image_);
      }
      flash.clear();
    }
    Bytes answer;
    cbor::Writer(answer).map(1).text("off").uint(next);
    return answer;
  }

  void reset() {
    ++resets;
    inbox_.clear();
    deaf_until_ = now_ + boot_time;
    reset_at_.reset();
    flash.clear();
    if (link_lost_for_after_reset) {
      deaf_until_ = now_ + *link_lost_for_after_reset;
      opening_ = {opening_.number + 1, deaf_until_};
    }
    is_recovery = broken.has_value();
    at_reset();
    for (std::uint8_t image = 0; image < 4; ++image) boot(image);
    after_reset();
  }

  void boot(std::uint8_t image) {
    wire::Slot* const running = active(image);
    wire::Slot* const other = standby(image);
    if (running == nullptr || other == nullptr) return;
    const bool marked = other->pending;
    const bool away = reverts && !running->confirmed;
    if (!marked && !away) return;
    const bool for_good = away || other->permanent || overwrites;
    std::swap(running->digest, other->digest);
    std::swap(running->version, other->version);
    running->confirmed = for_good;
    other->confirmed = marked && !for_good;
    other->pending = false;
    other->permanent = false;
    if (overwrites) std::erase_if(slots, [&](const wire::Slot& slot) { return slot.image == image && !slot.active; });
  }

  SteadyTime now_ = SteadyTime{} + 1h;
  SteadyTime deaf_until_{};
  std::optional<SteadyTime> reset_at_;
  std::deque<std::pair<SteadyTime, Bytes>> inbox_;
  Opening opening_{1, SteadyTime{} + 1h};
  bool is_closed_ = false;
  std::size_t length_ = 0;
  std::uint8_t image_ = 0;
  std::deque<SteadyTime> lines_until_;     // when each line that waits is taken out
  std::vector<SteadyTime> waiting_until_;  // when each request is worked off
  std::uint64_t chance_ = 1;
};

}  // namespace hg::test
