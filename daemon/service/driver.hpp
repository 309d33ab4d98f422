// SPDX-License-Identifier: Apache-2.0
// The only owner of State. It takes the queued events, applies them, commits all their changes in one transaction,
// and only then lets the steps begin and tells those who watch. While a commit fails nothing is acted on: the same
// changes are tried again. It knows nothing of bus, plugins or files; app connects it to them.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/engine.hpp"
#include "ports/catalogue.hpp"
#include "ports/clock.hpp"
#include "ports/journal.hpp"
#include "ports/watcher.hpp"

namespace hg::service {

class Driver {
 public:
  /// Called for each action after its commit; a later action for the same child replaces an earlier one.
  using Start = std::function<void(core::Action)>;

  Driver(boost::asio::any_io_executor executor, ports::Catalogue& catalogue, ports::Clock& clock,
         ports::Journal& journal);

  /// Takes over what was remembered, before run(), which begins with what follows from it. Most of the children's steps
  /// follow when their links come up.
  Result<void> recover();

  void on_action(Start start) { start_ = std::move(start); }
  /// Called after the commit for each sealed blob that nothing refers to any more.
  void on_unneeded(std::function<void(const Digest&)> remove) { remove_ = std::move(remove); }
  /// Asked before each batch of events: whether the clock can be held against an expiry. Nobody polls it.
  void judge_time_by(std::function<bool()> is_time_known) { is_time_known_ = std::move(is_time_known); }
  /// `watcher` must outlive the driver.
  void watch(ports::Watcher& watcher) { watchers_.push_back(&watcher); }

  /// Takes events until stop().
  [[nodiscard]] boost::asio::awaitable<void> run();

  /// No event is taken any more; run() returns after the commit that is under way.
  void stop();

  void post(core::Event event) { post(std::move(event), nullptr); }
  /// `refused` is called after the batch when the engine does not accept the event.
  using Refused = std::function<void(const Error&)>;
  void post(core::Event event, Refused refused);

  /// As post(), and returns what came of it once that is durable: the rollout's number (0 for other events), or the
  /// engine's refusal.
  [[nodiscard]] boost::asio::awaitable<Result<core::RolloutId>> ask(core::Event event);

  /// Progress is not state: it goes to the watchers and nowhere else.
  void progressed(const core::ChildId& child, core::Epoch epoch, std::uint64_t done, std::uint64_t total);

  [[nodiscard]] const core::State& state() const { return state_; }

 private:
  struct Asked {
    explicit Asked(const boost::asio::any_io_executor& executor)
        : answered(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::steady_timer answered;
    std::optional<Result<core::RolloutId>> answer;
  };
  struct Queued {
    core::Event event;
    std::shared_ptr<Asked> asked;
    Refused refused{};
  };
  struct Batch;

  void judge_time();
  void drop_overtaken(const core::Event& event);
  Batch take_batch();
  boost::asio::awaitable<bool> commit(std::vector<core::Change> changes);
  void finish(Batch batch);
  void say_trouble(const std::string& text);
  static void answer(Asked& asked, Result<core::RolloutId> answer);

  boost::asio::any_io_executor executor_;
  ports::Catalogue& catalogue_;
  ports::Clock& clock_;
  ports::Journal& journal_;
  core::State state_;
  std::optional<core::Output> resumed_;  // of recover(), until run() has taken it
  std::deque<Queued> queue_;
  boost::asio::steady_timer arrived_;  // never expires; cancelled when an event comes in
  Start start_;
  std::function<void(const Digest&)> remove_;
  std::function<bool()> is_time_known_;
  std::vector<ports::Watcher*> watchers_;
  std::string trouble_;
  bool stopping_ = false;
};

}  // namespace hg::service
