// SPDX-License-Identifier: Apache-2.0
// Children with flash and a bootloader that swaps, tests and reverts (smp.md 4.7), and a Transport that carries out
// steps on them as a plugin would: it looks again before each order, and answers for what the child then says. The
// children outlive the transport, as real ones outlive the daemon. Faults are members that a test sets.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <optional>
#include <string>
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

  explicit FlashChild(Held factory) : active_(std::move(factory)) {}

  [[nodiscard]] core::Inspection listing() const {
    core::Inspection seen;
    core::Slot first;
    first.version = active_.version;
    first.digest = active_.digest;
    first.bootable = first.active = true;
    first.confirmed = confirmed_;
    seen.slots.push_back(first);
    if (standby_) {
      core::Slot second;
      second.slot = 1;
      second.version = standby_->version;
      second.digest = standby_->digest;
      second.bootable = true;
      second.pending = marked_;
      second.confirmed = !confirmed_;
      seen.slots.push_back(second);
    }
    seen.revert_class = core::RevertClass::self_reverting;
    return seen;
  }

  void stage(Held image) {
    standby_ = std::move(image);
    marked_ = false;
  }
  bool mark(const Digest& digest) {
    if (!standby_ || standby_->digest != digest || !confirmed_) return false;
    return marked_ = true;
  }
  void confirm() { confirmed_ = true; }

  /// A reset of any kind, as MCUboot takes it.
  void reset() {
    ++resets;
    if (marked_ && refuses_images) {
      standby_.reset();
      marked_ = false;
    } else if (marked_ || !confirmed_) {
      std::swap(active_, *standby_);
      confirmed_ = !marked_ || confirms_itself;
      marked_ = false;
    }
  }

  unsigned resets = 0;
  bool refuses_images = false;  ///< its bootloader erases what was marked
  bool confirms_itself = false;
  bool answers = true;

 private:
  Held active_;
  std::optional<Held> standby_;
  bool confirmed_ = true;
  bool marked_ = false;
};

using FlashChildren = std::map<core::ChildId, FlashChild>;

class FlashTransport final : public ports::Transport {
 public:
  /// Each step takes `latency`, a transfer ten times as long.
  FlashTransport(FlashChildren& children, ports::Clock& clock, Duration latency = Duration{10})
      : children_(children), clock_(clock), latency_(latency) {}

  void enroll(std::span<const core::Enrollment> children) override {
    for (const core::Enrollment& child : children)
      if (listener_ && children_.contains(child.id)) listener_(core::LinkChanged{child.id, true, {}});
  }
  void listen(LinkListener listener) override { listener_ = std::move(listener); }
  void link(const core::ChildId& child, bool up) { listener_(core::LinkChanged{child, up, up ? "" : "unplugged"}); }

  [[nodiscard]] boost::asio::awaitable<core::StepAnswer> perform(core::Enrollment child, core::Step step, core::Epoch,
                                                                 UniqueFd image, Progress progress) override {
    steps.emplace_back(core::name_of(step));
    FlashChild& flash = children_.at(child.id);
    if (const Result<void> slept = co_await clock_.sleep_for(latency_); !slept) co_return failed(slept.error());
    if (!flash.answers) co_return failed({Errc::timed_out, "no answer"});
    if (const auto* deliver = std::get_if<core::Deliver>(&step)) {
      if (!image) co_return failed({Errc::internal, "no image was handed over"});
      for (std::uint64_t part = 1; part <= 10; ++part) {
        if (const Result<void> slept = co_await clock_.sleep_for(latency_); !slept) co_return failed(slept.error());
        progress(deliver->size * part / 10, deliver->size);
      }
      flash.stage({"2.0.0", deliver->after});
      co_return core::Delivered{};
    }
    co_return order(flash, step);
  }

  std::vector<std::string> steps;  ///< what was asked for, in order

 private:
  static core::StepFailed failed(Error error) { return core::StepFailed{std::move(error)}; }

  static core::StepAnswer order(FlashChild& flash, const core::Step& step) {
    const core::Inspection before = flash.listing();
    const Digest active = before.active(0)->digest;
    if (std::holds_alternative<core::Inspect>(step)) return before;
    if (std::holds_alternative<core::Offer>(step)) return core::OfferAnswer{};
    if (std::holds_alternative<core::Backup>(step)) return core::BackedUp{};
    if (const auto* activate = std::get_if<core::Activate>(&step)) {
      if (active == activate->moves.front().goal) return core::Ordered{before};
      if (active != activate->moves.front().active) return core::GuardFailed{before};
      if (!before.anything_pending(0) && !flash.mark(activate->moves.front().goal))
        return failed({Errc::denied, "the child does not mark it"});
      flash.reset();
    }
    if (const auto* confirm = std::get_if<core::Confirm>(&step)) {
      if (active != confirm->guards.front().active) return core::GuardFailed{before};
      flash.confirm();
    }
    if (const auto* revert = std::get_if<core::Revert>(&step)) {
      if (active != revert->moves.front().active) return core::GuardFailed{before};
      if (active != revert->moves.front().goal || before.anything_pending(0)) flash.reset();
    }
    return core::Ordered{flash.listing()};
  }

  FlashChildren& children_;
  ports::Clock& clock_;
  Duration latency_;
  LinkListener listener_;
};

}  // namespace hg::fakes
