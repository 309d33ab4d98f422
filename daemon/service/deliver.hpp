// SPDX-License-Identifier: Apache-2.0
// Carries out the steps that the engine derived: waits, opens the sealed blob for a transfer, hands the step to the
// transport, has content keys wrapped and children identified, seals what was saved of a child, and brings the answer
// back as an event. One step for a child at a time: a
// new one ends the old one. Decides nothing about what comes next. Made by gateway.
#pragma once

#include <functional>
#include <map>

#include "ports/blobs.hpp"
#include "ports/clock.hpp"
#include "ports/control.hpp"
#include "ports/key_safe.hpp"
#include "ports/transport.hpp"
#include "service/driver.hpp"
#include "service/tasks.hpp"

namespace hg::service {

class Deliver {
 public:
  using Sha256 = std::function<Digest(ByteView)>;

  /// `safe`: null if this gateway has no key of its own; core then asks for nothing that needs it, but for a child
  /// whose keys are from an earlier run.
  Deliver(boost::asio::any_io_executor executor, Driver& driver, ports::Transport& transport, ports::Blobs& blobs,
          ports::Clock& clock, ports::KeySafe* safe, Sha256 sha256);

  /// Given to Driver::on_action.
  void start(core::Action action);

  /// How far the transfer of an update is; zeros when none is under way.
  [[nodiscard]] ports::TransferProgress progress(core::Epoch epoch) const;

  /// Gives up all steps and returns when they have ended.
  [[nodiscard]] boost::asio::awaitable<void> stop();

 private:
  boost::asio::awaitable<void> wait(core::ChildId child, core::StepNumber number, Instant at);
  boost::asio::awaitable<void> perform(core::ChildId child, core::StepNumber number, core::Step step);
  boost::asio::awaitable<core::StepAnswer> carry_out(core::Child child, core::Step step, UniqueFd blob);
  boost::asio::awaitable<core::StepAnswer> prepare(core::ChildId child, core::Prepare order, UniqueFd blob);
  boost::asio::awaitable<core::StepAnswer> identify(core::Enrollment child, core::ChildKey key);
  [[nodiscard]] Result<UniqueFd> blob_for(const core::Step& step) const;
  [[nodiscard]] ports::Transport::Progress reporter_for(const core::Child& child);
  boost::asio::awaitable<core::StepAnswer> keep_saved(ports::Transport::Outcome outcome);

  Driver& driver_;
  ports::Transport& transport_;
  ports::Blobs& blobs_;
  ports::Clock& clock_;
  ports::KeySafe* safe_;
  Sha256 sha256_;
  Tasks tasks_;
  std::map<core::ChildId, Tasks::Number> running_;
  std::map<core::Epoch, ports::TransferProgress> progress_;
};

}  // namespace hg::service
