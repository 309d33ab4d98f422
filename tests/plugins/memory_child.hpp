// SPDX-License-Identifier: Apache-2.0
// A child in memory, with a time of its own that jumps to the next thing that happens: smp::Link and smp::Clock in one,
// so that the SMP client can be tested with lost packets and lost resets, exactly and without waiting. It has the image
// states of MCUboot (reference smp.md 4.7) for one image, and faults that a test sets.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "base/cbor.hpp"
#include "smp/groups.hpp"
#include "smp/loose_cbor.hpp"
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
  std::optional<Milliseconds> link_lost_for_after_reset;

  // What it is.
  std::vector<wire::Slot> slots = {{0, 0, "1.0.0", digest_of(1), true, false, true, true, false}};
  Bytes flash;
  std::optional<Digest> uploaded;  ///< becomes slot 1 when `flash` is complete
  bool reverts = true;

  // What happened.
  std::vector<Asked> asked;
  unsigned resets = 0;

  [[nodiscard]] std::size_t count(smp::Command command) const {
    return static_cast<std::size_t>(std::ranges::count_if(asked, [&](const Asked& one) {
      return one.header.group == command.group && one.header.command == command.id && one.header.op == command.op;
    }));
  }
  wire::Slot* active() { return find(true); }
  wire::Slot* standby() { return find(false); }
  void reopen() {
    inbox_.clear();
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
    if (now_ < deaf_until_ && link_lost_for_after_reset) co_return Error{Errc::unavailable, "down"};
    const auto header = smp::header_of(packet);
    if (!header) throw std::runtime_error("the client sent no packet");
    Asked one{*header, Bytes(packet.begin() + smp::kHeaderSize, packet.end()), now_};
    asked.push_back(one);
    if (now_ >= deaf_until_ && packet.size() <= largest && !loses_request(one)) take(one);
    co_return Result<void>{};
  }
  asio::awaitable<Result<Bytes>> read(SteadyTime deadline) override {
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

 private:
  wire::Slot* find(bool is_active) {
    const auto found = std::ranges::find(slots, is_active, &wire::Slot::active);
    return found == slots.end() ? nullptr : &*found;
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
    Bytes body;
    if (auto instead = answers_instead(one)) {
      body = std::move(*instead);
    } else {
      body = answer(one);
    }
    if (loses_answer(one)) return;
    Bytes packet(smp::kHeaderSize);
    packet.insert(packet.end(), body.begin(), body.end());
    const auto op = static_cast<smp::Op>(static_cast<int>(one.header.op) + 1);
    smp::put_header(packet, {op, one.header.group, one.header.command}, one.header.version, one.header.sequence);
    inbox_.emplace_back(now_ + answer_time, std::move(packet));
  }

  Bytes answer(const Asked& one) {
    const auto is = [&](smp::Command command) {
      return one.header.group == command.group && one.header.command == command.id && one.header.op == command.op;
    };
    if (is(smp::kImageList)) return list();
    if (is(smp::kImageState)) return write_state(one.body);
    if (is(smp::kImageUpload)) return upload(one.body);
    if (is(smp::kReset)) {
      reset_at_ = now_ + reset_delay;
      return *from_hex("a0");
    }
    if (is(smp::kEcho)) return *from_hex("a0");
    return *from_hex("bf62726308ff");
  }

  Bytes list() const {
    Bytes body;
    cbor::Writer writer(body);
    writer.map(1).text("images").array(slots.size());
    for (const wire::Slot& slot : slots) {
      writer.map(7).text("slot").uint(slot.slot).text("hash").bytes(slot.digest.bytes());
      writer.text("version").text(slot.version).text("active").boolean(slot.active);
      writer.text("pending").boolean(slot.pending).text("confirmed").boolean(slot.confirmed);
      writer.text("bootable").boolean(true);
    }
    return body;
  }

  Bytes write_state(const Bytes& body) {
    smp::LooseReader reader(body);
    auto map = reader.enter_map().value();
    Bytes hash;
    bool confirm = false;
    while (reader.more(map).value()) {
      const auto key = reader.read_key().value();
      if (key == "hash") hash = reader.read_bytes(64).value();
      if (key == "confirm") confirm = reader.read_bool().value();
    }
    if (confirm) {
      active()->confirmed = true;
      if (standby() != nullptr) standby()->confirmed = false;
      return list();
    }
    if (standby() == nullptr || standby()->digest != Digest::from_bytes(hash)) return *from_hex("a162726305");
    standby()->pending = true;
    return list();
  }

  Bytes upload(const Bytes& body) {
    smp::LooseReader reader(body);
    auto map = reader.enter_map().value();
    std::int64_t offset = 0;
    Bytes data;
    while (reader.more(map).value()) {
      const auto key = reader.read_key().value();
      if (key == "off") {
        offset = reader.read_int().value();
      } else if (key == "data") {
        data = reader.read_bytes(16384).value();
      } else if (key == "len") {
        length_ = static_cast<std::size_t>(reader.read_int().value());
      } else {
        static_cast<void>(reader.skip());
      }
    }
    if (static_cast<std::size_t>(offset) == flash.size()) flash.insert(flash.end(), data.begin(), data.end());
    const std::size_t next = flash.size();
    if (next == length_ && uploaded) {
      slots.resize(1);
      slots.push_back({0, 1, "1.1.0", *uploaded, true, false, false, false, false});
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
    wire::Slot* const other = standby();
    if (other == nullptr) return;
    const bool marked = other->pending;
    const bool away = reverts && !active()->confirmed;
    if (!marked && !away) return;
    std::swap(active()->digest, other->digest);
    std::swap(slots[0].version, slots[1].version);
    active()->confirmed = away;
    other->confirmed = marked;
    other->pending = false;
  }

  SteadyTime now_ = SteadyTime{} + 1h;
  SteadyTime deaf_until_{};
  std::optional<SteadyTime> reset_at_;
  std::deque<std::pair<SteadyTime, Bytes>> inbox_;
  Opening opening_{1, SteadyTime{} + 1h};
  std::size_t length_ = 0;
};

}  // namespace hg::test
