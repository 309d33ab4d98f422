// SPDX-License-Identifier: Apache-2.0
#include "service/deliver.hpp"

#include <algorithm>

#include "core/standing.hpp"

namespace hg::service {

namespace asio = boost::asio;

Deliver::Deliver(asio::any_io_executor executor, Driver& driver, ports::Transport& transport, ports::Blobs& blobs,
                 ports::Clock& clock, Sha256 sha256)
    : driver_(driver),
      transport_(transport),
      blobs_(blobs),
      clock_(clock),
      sha256_(std::move(sha256)),
      tasks_(std::move(executor)) {}

void Deliver::start(core::Action action) {
  if (const auto old = running_.find(action.child); old != running_.end()) {
    tasks_.cancel(old->second);
    running_.erase(old);
  }
  if (std::holds_alternative<core::Idle>(action.step)) return;
  const core::ChildId child = action.child;
  if (const core::Wait* wait_step = std::get_if<core::Wait>(&action.step))
    running_[child] = tasks_.spawn(wait(child, action.number, wait_step->at));
  else
    running_[child] = tasks_.spawn(perform(child, action.number, std::move(action.step)));
}

ports::TransferProgress Deliver::progress(core::Epoch epoch) const {
  const auto found = progress_.find(epoch);
  return found == progress_.end() ? ports::TransferProgress{} : found->second;
}

asio::awaitable<void> Deliver::stop() {
  tasks_.cancel_all();
  co_await tasks_.join();
}

asio::awaitable<void> Deliver::wait(core::ChildId child, core::StepNumber number, Instant at) {
  const Instant now = clock_.now();
  if (const Result<void> slept = co_await clock_.sleep_for(at > now ? at - now : Duration{0}); !slept) co_return;
  driver_.post(core::TimePassed{std::move(child), number});
}

/// The sealed bytes that go with a step; none for most.
Result<UniqueFd> Deliver::blob_for(const core::Step& step) const {
  const core::Deliver* deliver = std::get_if<core::Deliver>(&step);
  const core::Restore* restore = std::get_if<core::Restore>(&step);
  if (deliver == nullptr && restore == nullptr) return UniqueFd{};
  const Digest& name = deliver != nullptr ? deliver->image : restore->saved;
  Result<UniqueFd> blob = blobs_.open(name);
  if (!blob)
    return blob.error().within((deliver != nullptr ? "open the sealed image " : "open the backup ") + name.hex());
  return blob;
}

/// Of several images the progress is that of all.
ports::Transport::Progress Deliver::reporter_for(const core::Child& child) {
  const bool has_update = child.update.has_value();
  const core::Epoch epoch = has_update ? child.update->epoch : 0;
  const std::uint64_t before = has_update ? size_delivered(driver_.state(), *child.update) : 0;
  const std::uint64_t whole = has_update ? size_of_change(driver_.state(), *child.update) : 0;
  return [this, id = child.enrollment.id, epoch, before, whole](std::uint64_t done, std::uint64_t total) {
    const ports::TransferProgress sum{before + done, std::max(before + total, whole)};
    progress_[epoch] = sum;
    driver_.progressed(id, epoch, sum.done, sum.total);
  };
}

/// What was saved of a child may hold its secrets. The store lets nobody read it but the daemon itself (0440 in
/// directories of 0750, and nobody else is in its group), and a plugin gets it back only for the child it came from.
asio::awaitable<core::StepAnswer> Deliver::keep_saved(ports::Transport::Outcome outcome) {
  auto* answer = std::get_if<core::BackedUp>(&outcome.answer);
  if (answer == nullptr || outcome.saved.empty()) co_return outcome.answer;
  const Digest digest = sha256_(outcome.saved);
  answer->saved = digest;
  if (blobs_.has(digest)) co_return *answer;
  Result<std::unique_ptr<ports::Intake>> intake = blobs_.receive(digest, outcome.saved.size());
  if (!intake) co_return core::StepFailed{intake.error().within("keep the backup")};
  if (const Result<void> written = (*intake)->append(outcome.saved); !written)
    co_return core::StepFailed{written.error().within("keep the backup")};
  const Result<void> sealed = co_await (*intake)->seal();
  if (!sealed) co_return core::StepFailed{sealed.error().within("keep the backup")};
  co_return *answer;
}

asio::awaitable<void> Deliver::perform(core::ChildId child, core::StepNumber number, core::Step step) {
  const auto found = driver_.state().children.find(child);
  if (found == driver_.state().children.end()) co_return;
  const core::Enrollment enrollment = found->second.enrollment;
  const core::Epoch epoch = found->second.update ? found->second.update->epoch : 0;
  Result<UniqueFd> blob = blob_for(step);
  if (!blob) {
    driver_.post(core::StepEnded{child, number, core::StepFailed{blob.error()}});
    co_return;
  }
  ports::Transport::Progress report = reporter_for(found->second);
  ports::Transport::Outcome outcome =
      co_await transport_.perform(enrollment, std::move(step), epoch, std::move(*blob), std::move(report));
  progress_.erase(epoch);
  core::StepAnswer answer = co_await keep_saved(std::move(outcome));
  driver_.post(core::StepEnded{std::move(child), number, std::move(answer)});
}

}  // namespace hg::service
