// SPDX-License-Identifier: Apache-2.0
#include "service/driver.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iterator>
#include <map>

namespace hg::service {

namespace asio = boost::asio;

namespace {

/// Events that one transaction takes: enough to share a flush, few enough to keep each answer quick.
constexpr std::size_t kMaxBatch = 256;
constexpr Duration kFirstRetry = std::chrono::seconds{1};
constexpr Duration kLongestRetry = std::chrono::minutes{1};

asio::awaitable<void> wait_for_cancel(asio::steady_timer& timer) {
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace

struct Driver::Batch {
  std::vector<core::Change> changes;
  std::map<core::ChildId, core::Action> actions;
  std::vector<core::ChildId> touched;
  std::vector<Digest> unneeded;
  std::vector<std::pair<std::shared_ptr<Asked>, Result<core::RolloutId>>> answers;
  std::vector<std::pair<Refused, Error>> refusals;

  /// All of it but what is for whoever asked. Of a child only the last action counts.
  void add(core::Output& out) {
    std::ranges::move(out.changes, std::back_inserter(changes));
    std::ranges::move(out.touched, std::back_inserter(touched));
    std::ranges::move(out.unneeded, std::back_inserter(unneeded));
    for (core::Action& action : out.actions) actions.insert_or_assign(action.child, std::move(action));
  }
};

Driver::Driver(asio::any_io_executor executor, ports::Catalogue& catalogue, ports::Clock& clock,
               ports::Journal& journal)
    : executor_(std::move(executor)),
      catalogue_(catalogue),
      clock_(clock),
      journal_(journal),
      arrived_(executor_, asio::steady_timer::time_point::max()) {}

Result<void> Driver::recover() {
  Result<core::State> remembered = catalogue_.load();
  if (!remembered) return remembered.error().within("load the catalogue");
  state_ = std::move(*remembered);
  resumed_ = core::resume(state_, clock_.now());
  return {};
}

asio::awaitable<void> Driver::run() {
  while (!stopping_) {
    if (queue_.empty() && !resumed_) {
      co_await wait_for_cancel(arrived_);
      continue;
    }
    Batch batch = take_batch();
    // Kept here until the transaction is durable: a copy goes to the catalogue, since a failed one is tried again.
    bool durable = batch.changes.empty();
    if (!durable) durable = co_await commit(batch.changes);
    if (!durable) {
      for (auto& [asked, reply] : batch.answers) answer(*asked, Error{Errc::cancelled, "the daemon is stopping"});
      break;
    }
    finish(std::move(batch));
  }
  for (Queued& queued : queue_)
    if (queued.asked) answer(*queued.asked, Error{Errc::cancelled, "the daemon is stopping"});
  queue_.clear();
}

void Driver::stop() {
  stopping_ = true;
  arrived_.cancel();
}

/// Of a link only the last words count, one of each direction and in their order, so that a plugin cannot fill the
/// queue while the disk is full.
void Driver::drop_overtaken(const core::Event& event) {
  const auto* change = std::get_if<core::LinkChanged>(&event);
  if (change == nullptr) return;
  std::erase_if(queue_, [&](const Queued& queued) {
    const auto* earlier = std::get_if<core::LinkChanged>(&queued.event);
    return earlier != nullptr && earlier->child == change->child && earlier->up == change->up;
  });
}

void Driver::post(core::Event event, Refused refused) {
  drop_overtaken(event);
  queue_.push_back(Queued{std::move(event), nullptr, std::move(refused)});
  arrived_.cancel();
}

asio::awaitable<Result<core::RolloutId>> Driver::ask(core::Event event) {
  const auto asked = std::make_shared<Asked>(executor_);
  queue_.push_back(Queued{std::move(event), asked});
  arrived_.cancel();
  if (stopping_) co_return Error{Errc::cancelled, "the daemon is stopping"};
  co_await wait_for_cancel(asked->answered);
  if (!asked->answer) co_return Error{Errc::cancelled, "given up"};
  co_return std::move(*asked->answer);
}

void Driver::progressed(const core::ChildId& child, core::Epoch epoch, std::uint64_t done, std::uint64_t total) {
  for (ports::Watcher* watcher : watchers_) watcher->progressed(child, epoch, done, total);
}

void Driver::judge_time() {
  if (!is_time_known_ || is_time_known_() == state_.time_is_known) return;
  const bool is_known = !state_.time_is_known;
  queue_.push_front(Queued{core::TimeJudged{is_known}, nullptr});
  if (is_known)
    journal_.write(ports::Level::notice, {}, "the time is known");
  else
    journal_.write(ports::Level::warning, {},
                   "the time is not known: the clock says " + to_text(clock_.wall_clock()) +
                       ", before what is known to have passed; what has an expiry waits");
}

Driver::Batch Driver::take_batch() {
  judge_time();
  Batch batch;
  if (resumed_) batch.add(*resumed_);
  resumed_.reset();
  for (std::size_t taken = 0; taken < kMaxBatch && !queue_.empty(); ++taken) {
    const Queued queued = std::move(queue_.front());
    queue_.pop_front();
    core::Output out = core::apply(state_, queued.event, clock_.now());
    batch.add(out);
    if (queued.refused && out.refusal) batch.refusals.emplace_back(queued.refused, *out.refusal);
    if (!queued.asked) continue;
    Result<core::RolloutId> answer = out.rollout;
    if (out.refusal) answer = std::move(*out.refusal);
    batch.answers.emplace_back(queued.asked, std::move(answer));
  }
  return batch;
}

/// Returns when the changes are durable: true, or when the daemon stops before that: false.
asio::awaitable<bool> Driver::commit(std::vector<core::Change> changes) {
  Duration pause = kFirstRetry;
  for (;;) {
    const Result<void> committed = co_await catalogue_.commit(changes);
    if (committed) {
      say_trouble({});
      co_return true;
    }
    say_trouble("the catalogue cannot be written, nothing is done until it can: " + committed.error().message);
    // In pieces, so that stop() need not wait for the whole pause.
    for (Duration slept{0}; slept < pause; slept += kFirstRetry) {
      if (stopping_) co_return false;
      if (const Result<void> piece = co_await clock_.sleep_for(kFirstRetry); !piece) co_return false;
    }
    if (stopping_) co_return false;
    pause = std::min(pause * 2, kLongestRetry);
  }
}

void Driver::finish(Batch batch) {
  for (ports::Watcher* watcher : watchers_) watcher->changed(state_, batch.changes, batch.touched);
  if (!stopping_)
    for (auto& [child, action] : batch.actions) start_(std::move(action));
  for (const Digest& blob : batch.unneeded)
    if (remove_ && !core::needs_blob(state_, blob)) remove_(blob);  // a later event may have come back to it
  for (auto& [asked, reply] : batch.answers) answer(*asked, std::move(reply));
  for (const auto& [refused, error] : batch.refusals) refused(error);
}

void Driver::say_trouble(const std::string& text) {
  if (text == trouble_) return;
  trouble_ = text;
  if (text.empty())
    journal_.write(ports::Level::notice, {}, "the catalogue can be written again");
  else
    journal_.write(ports::Level::error, {}, text);
  for (ports::Watcher* watcher : watchers_) watcher->troubled(text);
}

void Driver::answer(Asked& asked, Result<core::RolloutId> answer) {
  asked.answer = std::move(answer);
  asked.answered.cancel();
}

}  // namespace hg::service
