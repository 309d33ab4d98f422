// SPDX-License-Identifier: Apache-2.0
// Children with flash and a bootloader that swaps, tests and reverts (smp.md 4.7), one or several images of each, with
// a recovery for when nothing boots, and a configuration; and a Transport that carries out steps on them as a plugin
// would: it looks again before each order, and answers for what the child then says. The children outlive the
// transport, as real ones outlive the daemon. Faults are members that a test sets.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ports/clock.hpp"
#include "ports/transport.hpp"

namespace hg::fakes {

class FlashChild {
 public:
  struct Held {
    std::string version;
    Digest digest;
  };

  explicit FlashChild(Held factory) : FlashChild(std::vector<Held>{std::move(factory)}) {}
  /// By image number.
  explicit FlashChild(std::vector<Held> factory) {
    for (Held& held : factory) images_.push_back({.first = std::move(held), .second = {}});
  }

  [[nodiscard]] core::Inspection listing() const {
    core::Inspection seen;
    for (std::uint8_t number = 0; number < images_.size(); ++number) list(number, seen.slots);
    seen.revert_class = is_in_recovery_ ? core::RevertClass::unstageable : core::RevertClass::self_reverting;
    seen.staging = is_in_recovery_ ? core::Staging::in_place : core::Staging::aside;
    return seen;
  }

  /// Beside what runs; in recovery in its place.
  void stage(Held image, std::uint8_t number = 0) {
    Image& one = images_.at(number);
    if (is_in_recovery_) {
      one.first = std::move(image);
      one.is_broken = false;
      one.is_confirmed = true;
    } else {
      one.second = std::move(image);
      one.is_marked = false;
    }
  }
  bool mark(const Digest& digest, std::uint8_t number = 0) {
    Image& one = images_.at(number);
    if (is_in_recovery_ || !one.second || one.second->digest != digest || !one.is_confirmed) return false;
    return one.is_marked = true;
  }
  void confirm() {
    for (Image& one : images_) one.is_confirmed = true;
  }

  /// A reset of any kind, as MCUboot takes it.
  void reset() {
    ++resets;
    for (std::uint8_t number = 0; number < images_.size(); ++number) boot(number);
    is_in_recovery_ = std::exchange(is_held_in_recovery, false) || std::ranges::any_of(images_, &Image::is_broken);
  }
  /// What it would run no longer boots: its recovery answers.
  void brick() {
    images_.front().is_broken = true;
    reset();
  }
  [[nodiscard]] bool is_in_recovery() const { return is_in_recovery_; }

  unsigned resets = 0;
  bool refuses_images = false;                ///< its bootloader erases what was marked
  std::optional<std::uint8_t> refuses_image;  ///< the same for one image number
  bool confirms_itself = false;
  bool answers = true;
  bool is_held_in_recovery = false;         ///< somebody holds the button at the next reset
  std::string configuration;                ///< empty: there is nothing to be saved
  std::optional<std::string> migrated{};    ///< what a new image makes of it when it first runs
  std::vector<std::string> written_back{};  ///< what restores brought, in order
  bool refuses_restore = false;

 private:
  struct Image {
    Held first;
    std::optional<Held> second;
    bool is_confirmed = true;
    bool is_marked = false;
    bool is_broken = false;
  };

  void list(std::uint8_t number, std::vector<core::Slot>& slots) const {
    const Image& one = images_[number];
    core::Slot first{.image = number, .version = one.first.version, .digest = one.first.digest, .bootable = true};
    first.active = !is_in_recovery_;
    first.confirmed = !is_in_recovery_ && one.is_confirmed;
    slots.push_back(first);
    if (!one.second) return;
    core::Slot second{.image = number, .slot = 1, .version = one.second->version, .digest = one.second->digest};
    second.bootable = true;
    second.pending = one.is_marked;
    second.confirmed = !is_in_recovery_ && !one.is_confirmed;
    slots.push_back(second);
  }

  void boot(std::uint8_t number) {
    Image& one = images_[number];
    if (one.is_marked && (refuses_images || refuses_image == number)) {
      one.second.reset();
      one.is_marked = false;
    } else if (one.is_marked || !one.is_confirmed) {
      std::swap(one.first, *one.second);
      if (one.is_marked && migrated) configuration = *migrated;
      one.is_confirmed = !one.is_marked || confirms_itself;
      one.is_marked = false;
      one.is_broken = false;
    }
  }

  std::vector<Image> images_;
  bool is_in_recovery_ = false;
};

using FlashChildren = std::map<core::ChildId, FlashChild>;

class FlashTransport final : public ports::Transport {
 public:
  /// Each step takes `latency`, a transfer ten times as long.
  FlashTransport(FlashChildren& children, ports::Clock& clock, Duration latency = Duration{10})
      : children_(children), clock_(clock), latency_(latency) {}

  void enroll(std::span<const core::Enrollment> children) override {
    for (const core::Enrollment& child : children) link_key_changed(child.id);
    for (const core::Enrollment& child : children)
      if (listener_ && children_.contains(child.id)) listener_(core::LinkChanged{child.id, true, {}});
  }
  void listen(LinkListener listener) override { listener_ = std::move(listener); }
  void link(const core::ChildId& child, bool up) { listener_(core::LinkChanged{child, up, up ? "" : "unplugged"}); }

  [[nodiscard]] boost::asio::awaitable<Outcome> perform(core::Enrollment child, core::Step step, core::Epoch,
                                                        UniqueFd blob, Progress progress) override {
    steps.emplace_back(core::name_of(step));
    FlashChild& flash = children_.at(child.id);
    if (const Result<void> slept = co_await clock_.sleep_for(latency_); !slept) co_return failed(slept.error());
    if (!flash.answers) co_return failed({Errc::timed_out, "no answer"});
    if (const auto* deliver = std::get_if<core::Deliver>(&step)) {
      if (!blob) co_return failed({Errc::internal, "no image was handed over"});
      for (std::uint64_t part = 1; part <= 10; ++part) {
        if (const Result<void> slept = co_await clock_.sleep_for(latency_); !slept) co_return failed(slept.error());
        progress(deliver->size * part / 10, deliver->size);
      }
      flash.stage({"2.0.0", deliver->after}, deliver->image_number);
      co_return Outcome{core::Delivered{}, {}};
    }
    if (std::holds_alternative<core::Backup>(step)) {
      const ByteView saved = as_bytes(flash.configuration);
      co_return Outcome{core::BackedUp{}, Bytes(saved.begin(), saved.end())};
    }
    if (std::holds_alternative<core::Restore>(step)) co_return restore(flash, blob);
    co_return Outcome{order(flash, step), {}};
  }

  /// No child kit.
  [[nodiscard]] boost::asio::awaitable<Result<Bytes>> identify(core::Enrollment, Bytes) override {
    co_return Error{Errc::unsupported, "the child has no kit"};
  }
  [[nodiscard]] boost::asio::awaitable<Result<void>> prove(core::Enrollment, Bytes) override {
    co_return Error{Errc::unsupported, "the child has no kit"};
  }
  void take_link_keys_from(LinkKeySource source) override { key_source_ = std::move(source); }
  [[nodiscard]] std::optional<ports::Radio> radio(const core::ChildId&) const override { return std::nullopt; }
  void link_key_changed(const core::ChildId& child) override {
    if (!key_source_) return;
    link_keys.insert_or_assign(child, key_source_(child));
    ++keys_told;
  }
  void listen_for_strangers(MeetingListener listener) override { meeting_listener_ = std::move(listener); }
  void meet(Meeting meeting) { meeting_listener_(std::move(meeting)); }

  std::vector<std::string> steps;              ///< what was asked for, in order
  std::map<core::ChildId, LinkKey> link_keys;  ///< as a plugin was told them last
  unsigned keys_told = 0;

 private:
  static Outcome failed(Error error) { return {core::StepFailed{std::move(error)}, {}}; }

  static Outcome restore(FlashChild& flash, const UniqueFd& blob) {
    if (!blob) return failed({Errc::internal, "no backup was handed over"});
    if (flash.refuses_restore || flash.is_in_recovery()) return failed({Errc::denied, "it takes no configuration"});
    std::string content(static_cast<std::size_t>(::lseek(blob.get(), 0, SEEK_END)), '\0');
    if (::pread(blob.get(), content.data(), content.size(), 0) != static_cast<ssize_t>(content.size()))
      return failed(from_errno(errno, "read the backup"));
    flash.configuration = content;
    flash.written_back.push_back(std::move(content));
    return {core::Restored{}, {}};
  }

  static Digest running(const core::Inspection& seen, std::uint8_t image) {
    const core::Slot* active = seen.active(image);
    return active == nullptr ? Digest{} : active->digest;
  }

  static core::StepAnswer order(FlashChild& flash, const core::Step& step) {
    const core::Inspection before = flash.listing();
    if (std::holds_alternative<core::Inspect>(step)) return before;
    if (std::holds_alternative<core::Offer>(step)) return core::OfferAnswer{};
    if (const auto* order = std::get_if<core::Activate>(&step)) return activate(flash, before, order->moves);
    if (const auto* order = std::get_if<core::Revert>(&step)) return revert(flash, before, order->moves);
    const auto& guards = std::get<core::Confirm>(step).guards;
    const auto holds = [&](const core::Guard& guard) { return running(before, guard.image) == guard.active; };
    if (!std::ranges::all_of(guards, holds)) return core::GuardFailed{before};
    flash.confirm();
    return core::Ordered{flash.listing()};
  }

  static core::StepAnswer activate(FlashChild& flash, const core::Inspection& before,
                                   const std::vector<core::Move>& moves) {
    const auto is_done = [&](const core::Move& move) { return running(before, move.image) == move.goal; };
    const auto holds = [&](const core::Move& move) {
      return is_done(move) || running(before, move.image) == move.active;
    };
    if (std::ranges::all_of(moves, is_done)) return core::Ordered{before};
    if (!std::ranges::all_of(moves, holds)) return core::GuardFailed{before};
    for (const core::Move& move : moves) {
      if (is_done(move) || before.is_in_recovery()) continue;
      if (!before.anything_pending(move.image) && !flash.mark(move.goal, move.image))
        return core::StepFailed{{Errc::denied, "the child does not mark it"}};
    }
    flash.reset();
    return core::Ordered{flash.listing()};
  }

  static core::StepAnswer revert(FlashChild& flash, const core::Inspection& before,
                                 const std::vector<core::Move>& moves) {
    const auto holds = [&](const core::Move& move) { return running(before, move.image) == move.active; };
    const auto is_done = [&](const core::Move& move) {
      return running(before, move.image) == move.goal && !before.anything_pending(move.image);
    };
    if (!std::ranges::all_of(moves, holds)) return core::GuardFailed{before};
    if (std::ranges::all_of(moves, is_done)) return core::Ordered{before};
    for (const core::Move& move : moves)  // what has confirmed itself is marked to go back
      if (!is_done(move) && !before.anything_pending(move.image)) flash.mark(move.goal, move.image);
    flash.reset();
    const core::Inspection after = flash.listing();
    const auto is_back = [&](const core::Move& move) { return running(after, move.image) == move.goal; };
    if (std::ranges::all_of(moves, is_back)) flash.confirm();
    return core::Ordered{flash.listing()};
  }

  FlashChildren& children_;
  ports::Clock& clock_;
  Duration latency_;
  LinkListener listener_;
  LinkKeySource key_source_;
  MeetingListener meeting_listener_;
};

}  // namespace hg::fakes
