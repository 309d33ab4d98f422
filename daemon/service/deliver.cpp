// SPDX-License-Identifier: Apache-2.0
#include "service/deliver.hpp"

namespace hg::service {

namespace asio = boost::asio;

Deliver::Deliver(asio::any_io_executor executor, Driver& driver, ports::Transport& transport, ports::Blobs& blobs,
                 ports::Clock& clock)
    : driver_(driver), transport_(transport), blobs_(blobs), clock_(clock), tasks_(std::move(executor)) {}

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

Result<UniqueFd> Deliver::image_for(const core::Step& step) const {
  const core::Deliver* deliver = std::get_if<core::Deliver>(&step);
  if (deliver == nullptr) return UniqueFd{};
  Result<UniqueFd> image = blobs_.open(deliver->image);
  if (!image) return image.error().within("open the sealed image " + deliver->image.hex());
  return image;
}

asio::awaitable<void> Deliver::perform(core::ChildId child, core::StepNumber number, core::Step step) {
  const auto found = driver_.state().children.find(child);
  if (found == driver_.state().children.end()) co_return;
  const core::Enrollment enrollment = found->second.enrollment;
  const core::Epoch epoch = found->second.update ? found->second.update->epoch : 0;
  Result<UniqueFd> image = image_for(step);
  if (!image) {
    driver_.post(core::StepEnded{child, number, core::StepFailed{image.error()}});
    co_return;
  }
  const ports::Transport::Progress report = [this, child, epoch](std::uint64_t done, std::uint64_t total) {
    progress_[epoch] = {done, total};
    driver_.progressed(child, epoch, done, total);
  };
  core::StepAnswer answer = co_await transport_.perform(enrollment, std::move(step), epoch, std::move(*image), report);
  progress_.erase(epoch);
  driver_.post(core::StepEnded{std::move(child), number, std::move(answer)});
}

}  // namespace hg::service
