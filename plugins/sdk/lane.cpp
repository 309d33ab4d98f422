// SPDX-License-Identifier: Apache-2.0
#include "sdk/lane.hpp"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>

#include "wire/limits.hpp"

namespace hg::plugin {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kProgressInterval = 100ms;  // the contract: at most ten a second

Answer failed(const wire::Reply& reply, const Error& error) {
  return {wire::Failed{reply, error.code, wire::bounded_text(error.message)}, {}};
}

/// The daemon would take the whole frame for hostile.
wire::Seen without_bad_unit(wire::Seen seen) {
  if (seen.unit && !wire::is_name(*seen.unit)) seen.unit.reset();
  return seen;
}

Answer from(const wire::Reply& reply, Result<wire::Seen> seen) {
  if (!seen) return failed(reply, seen.error());
  return {wire::Inspected{reply, without_bad_unit(std::move(*seen))}, {}};
}

Answer from(const wire::Reply& reply, Result<Outcome> outcome) {
  if (!outcome) return failed(reply, outcome.error());
  wire::Seen seen = without_bad_unit(std::move(outcome->seen));
  if (!outcome->guard_held) return {wire::GuardFailed{reply, std::move(seen)}, {}};
  return {wire::Ordered{reply, std::move(seen)}, {}};
}

Answer from(const wire::Reply& reply, Result<Willingness> willingness) {
  if (!willingness) return failed(reply, willingness.error());
  return {wire::OfferAnswer{reply, willingness->willing, static_cast<std::uint64_t>(willingness->wait.count()),
                            wire::bounded_text(willingness->text)},
          {}};
}

Answer from(const wire::Reply& reply, Result<Saved> saved) {
  if (!saved) return failed(reply, saved.error());
  return {wire::BackedUp{reply, wire::bounded_text(saved->text)}, std::move(saved->file)};
}

Answer from(const wire::Reply& reply, Result<Bytes> evidence) {
  if (!evidence) return failed(reply, evidence.error());
  if (evidence->size() > wire::kMaxProof) return failed(reply, {Errc::too_large, "the child's evidence is too long"});
  return {wire::Identified{reply, std::move(*evidence)}, {}};
}

template <class Done>
Answer from(const wire::Reply& reply, const Result<void>& result) {
  if (!result) return failed(reply, result.error());
  return {Done{reply}, {}};
}

asio::awaitable<Answer> carry_out(Driver* driver, wire::Deliver request, UniqueFd fd, Job job, wire::Reply reply) {
  if (!fd) co_return failed(reply, Error{Errc::invalid, "Deliver without a descriptor"});
  ImageView image(std::move(fd), request.patches);
  auto delivered = co_await driver->deliver(std::move(job), std::move(request), std::move(image));
  if (!delivered) co_return failed(reply, delivered.error());
  if (!delivered->guard_held)
    co_return Answer{wire::GuardFailed{reply, without_bad_unit(std::move(delivered->seen))}, {}};
  co_return Answer{wire::Delivered{reply}, {}};
}

asio::awaitable<Answer> carry_out(Driver* driver, wire::Restore, UniqueFd fd, Job job, wire::Reply reply) {
  if (!fd) co_return failed(reply, Error{Errc::invalid, "Restore without a descriptor"});
  const auto restored = co_await driver->restore(std::move(job), std::move(fd));
  co_return from<wire::Restored>(reply, restored);
}

asio::awaitable<Answer> carry_out(Driver* driver, wire::Inspect, UniqueFd, Job job, wire::Reply reply) {
  co_return from(reply, co_await driver->inspect(std::move(job)));
}

asio::awaitable<Answer> carry_out(Driver* driver, wire::Offer request, UniqueFd, Job job, wire::Reply reply) {
  co_return from(reply, co_await driver->offer(std::move(job), std::move(request)));
}

asio::awaitable<Answer> carry_out(Driver* driver, wire::Backup, UniqueFd, Job job, wire::Reply reply) {
  co_return from(reply, co_await driver->backup(std::move(job)));
}

asio::awaitable<Answer> carry_out(Driver* driver, wire::Activate request, UniqueFd, Job job, wire::Reply reply) {
  co_return from(reply, co_await driver->activate(std::move(job), std::move(request)));
}

asio::awaitable<Answer> carry_out(Driver* driver, wire::Confirm request, UniqueFd, Job job, wire::Reply reply) {
  co_return from(reply, co_await driver->confirm(std::move(job), std::move(request)));
}

asio::awaitable<Answer> carry_out(Driver* driver, wire::Revert request, UniqueFd, Job job, wire::Reply reply) {
  co_return from(reply, co_await driver->revert(std::move(job), std::move(request)));
}

asio::awaitable<Answer> carry_out(Driver* driver, wire::Identify request, UniqueFd, Job job, wire::Reply reply) {
  co_return from(reply, co_await driver->identify(std::move(job), std::move(request.nonce)));
}

asio::awaitable<Answer> carry_out(Driver* driver, wire::Prove request, UniqueFd, Job job, wire::Reply reply) {
  const auto proven = co_await driver->prove(std::move(job), std::move(request.proof));
  co_return from<wire::Proven>(reply, proven);
}

asio::awaitable<Answer> unknown(wire::Reply reply) {
  co_return failed(reply, Error{Errc::unsupported, "unknown request"});
}

/// Runs one request and makes its answer.
asio::awaitable<Answer> carry_out(Driver* driver, wire::Frame request, UniqueFd fd, Job job) {
  co_await asio::this_coro::throw_if_cancelled(false);
  const wire::Reply reply{wire::task_of(request)->request, job.child};
  auto begin = [&](auto& value) -> asio::awaitable<Answer> {
    if constexpr (requires { carry_out(driver, std::move(value), std::move(fd), std::move(job), reply); })
      return carry_out(driver, std::move(value), std::move(fd), std::move(job), reply);
    else
      return unknown(reply);
  };
  asio::awaitable<Answer> answer = std::visit(begin, request);
  co_return co_await std::move(answer);
}

}  // namespace

Lane::Lane(asio::any_io_executor executor, Driver& driver)
    : executor_(std::move(executor)), driver_(&driver), first_deadline_(executor_), clear_by_(executor_) {}

void Lane::Entry::fail(const Error& error) const {
  answer(failed({task().request, task().child}, error).frame);
}

void Lane::Running::fail(const Error& error) {
  if (!std::exchange(answered, true)) entry.fail(error);
}

void Lane::add(wire::Frame request, UniqueFd fd, std::shared_ptr<wire::Channel> channel) {
  Entry entry{std::move(request), std::move(fd), std::move(channel), {}};
  entry.deadline = Clock::now() + std::chrono::milliseconds{entry.task().deadline_ms};
  if (waiting_.size() == kMaxWaiting) return entry.fail({Errc::busy, "too many requests for one child"});
  waiting_.push_back(std::move(entry));
  start_next();
}

// ----------------------------------------------------------------------------------------------------- giving up

void Lane::cancel(std::uint64_t request) {
  const auto is_it = [request](const Entry& entry) { return entry.task().request == request; };
  if (const auto found = std::ranges::find_if(waiting_, is_it); found != waiting_.end()) {
    found->fail({Errc::cancelled, "cancelled before it was begun"});
    waiting_.erase(found);
  } else if (running_ && is_it(running_->entry)) {
    const auto running = running_;  // the emission may end it
    running->stop.emit(asio::cancellation_type::terminal);
  }
}

void Lane::cancel_all() {
  for (const Entry& entry : std::exchange(waiting_, {})) {
    entry.fail({Errc::cancelled, "cancelled before it was begun"});
  }
  if (const auto running = running_) running->stop.emit(asio::cancellation_type::terminal);
}

void Lane::clear(std::chrono::milliseconds within, std::function<void()> then) {
  const auto self = shared_from_this();  // `then` may let go of the lane
  then_ = std::move(then);
  cancel_all();
  if (!running_) return go_on();
  clear_by_.expires_after(within);
  const auto give_up = [self](boost::system::error_code failure) {
    if (failure || Clock::now() < self->clear_by_.expiry()) return;
    if (const auto running = self->running_) running->fail({Errc::cancelled, "given up, but it has not ended yet"});
    self->go_on();
  };
  clear_by_.async_wait(give_up);
}

// ------------------------------------------------------------------------------------------------------ carrying out

/// After the end of a step or of waiting for it: first whoever cleared the lane, then what waits.
void Lane::go_on() {
  clear_by_.cancel();
  if (const auto then = std::exchange(then_, nullptr)) then();
  start_next();
}

void Lane::start_next() {
  expire();
  watch();
  if (running_ || is_clearing() || waiting_.empty()) return;
  const auto running = std::make_shared<Running>(std::move(waiting_.front()));
  waiting_.pop_front();
  running_ = running;
  const wire::Task& task = running->entry.task();
  const auto self = shared_from_this();
  const auto report = [self, weak = std::weak_ptr(running)](std::uint64_t done, std::uint64_t total) {
    if (const auto still = weak.lock()) self->progress(still, done, total);
  };
  Job job{task.child, task.epoch, running->entry.deadline, report};
  const auto end = [self, running](const std::exception_ptr& thrown, Answer answer) {
    self->ended(running, thrown ? std::nullopt : std::optional(std::move(answer)));
  };
  asio::co_spawn(executor_, carry_out(driver_, running->entry.request, std::move(running->entry.fd), std::move(job)),
                 asio::bind_cancellation_slot(running->stop.slot(), end));
}

/// Answers what is late.
void Lane::expire() {
  const auto now = Clock::now();
  const auto is_late = [now](const Entry& entry) { return entry.deadline <= now; };
  while (!waiting_.empty()) {
    const auto late = std::ranges::find_if(waiting_, is_late);
    if (late == waiting_.end()) break;
    late->fail({Errc::timed_out, "its time was over before it could be begun"});
    waiting_.erase(late);
  }
  const auto running = running_;  // the emission may end it
  if (!running || running->answered || !is_late(running->entry)) return;
  running->fail({Errc::timed_out, "not done in time"});
  running->stop.emit(asio::cancellation_type::terminal);
}

/// Calls expire() at the first deadline.
void Lane::watch() {
  auto first = SteadyTime::max();
  if (running_ && !running_->answered) first = running_->entry.deadline;
  for (const Entry& entry : waiting_) first = std::min(first, entry.deadline);
  first_deadline_.cancel();
  if (first == SteadyTime::max()) return;
  first_deadline_.expires_at(first);
  const auto look = [self = shared_from_this()](boost::system::error_code failure) {
    if (failure) return;
    self->expire();
    self->watch();
  };
  first_deadline_.async_wait(look);
}

void Lane::progress(const std::shared_ptr<Running>& running, std::uint64_t done, std::uint64_t total) {
  if (running->answered || done == running->done) return;
  const auto now = Clock::now();
  const wire::Task& task = running->entry.task();
  running->done = done;
  running->entry.deadline = now + std::chrono::milliseconds{task.deadline_ms};
  if (now - running->last_progress < kProgressInterval && done != total) return;
  running->last_progress = now;
  running->entry.answer(wire::Progress{{task.request, task.child}, done, total});
}

void Lane::ended(const std::shared_ptr<Running>& running, std::optional<Answer> answer) {
  if (!answer) running->fail({Errc::internal, "the driver failed"});
  if (!std::exchange(running->answered, true)) running->entry.answer(std::move(answer->frame), std::move(answer->fd));
  running_.reset();
  go_on();
}

}  // namespace hg::plugin
