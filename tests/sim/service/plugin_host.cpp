// SPDX-License-Identifier: Apache-2.0
#include "sim/service/plugin_host.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "fakes/memory_blobs.hpp"
#include "sim/service/cloud.hpp"

namespace hg::sim {

namespace asio = boost::asio;

namespace {

ports::Transport::Outcome failed(Error error) {
  return {core::StepFailed{std::move(error)}, {}};
}

/// It is the same all the time, so that what is written back can be held against it.
std::string configuration_of(const core::ChildId& child) {
  return "the configuration of " + child;
}

}  // namespace

/// What the child will hold is told by the bytes, not by what the step says of them.
Result<void> PluginHost::look_at_blob(const core::ChildId& child, core::Step& step, const UniqueFd& blob) {
  auto* deliver = std::get_if<core::Deliver>(&step);
  if (deliver == nullptr && !std::holds_alternative<core::Restore>(step)) return {};
  const Result<Bytes> bytes = read_blob(blob);
  if (!bytes) return bytes.error();
  if (deliver == nullptr) {
    if (!std::ranges::equal(*bytes, as_bytes(configuration_of(child))))
      in_.history.wrong(in_.time.elapsed(), child, "is written back what it never had");
    return {};
  }
  if (fakes::sha256_of(*bytes) != deliver->image || bytes->size() != deliver->size)
    in_.history.wrong(in_.time.elapsed(), child, "is sent other bytes than were sealed");
  deliver->after = running_digest_of(*bytes);
  return {};
}

asio::awaitable<ports::Transport::Outcome> PluginHost::perform(core::Enrollment child, core::Step step, core::Epoch,
                                                               UniqueFd blob, Progress progress) {
  const core::Action action{child.id, ++last_, step};
  if (const Result<void> looked = look_at_blob(child.id, step, blob); !looked) co_return failed(looked.error());
  in_.link.give_up(child.id);
  starting_(action, in_.link.has_order(child.id));
  const auto asked = std::make_shared<Asked>(executor_);
  asked_.emplace(action.number, asked);
  current_[child.id] = action.number;
  in_.link.ask({life_, child.id, action.number, step});
  boost::system::error_code ignored;
  co_await asked->answered.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  asked_.erase(action.number);
  if (!asked->answer) {  // given up: what has not begun does not begin any more
    if (current_[child.id] == action.number) in_.link.give_up(child.id);
    co_return failed({Errc::cancelled, "given up"});
  }
  if (const auto* deliver = std::get_if<core::Deliver>(&step)) progress(deliver->size, deliver->size);
  Outcome outcome{std::move(*asked->answer), {}};
  if (std::holds_alternative<core::Inspection>(outcome.answer)) inspected_(child.id);
  if (std::holds_alternative<core::BackedUp>(outcome.answer)) {
    const std::string saved = configuration_of(child.id);
    outcome.saved.assign(saved.begin(), saved.end());
  }
  co_return outcome;
}

void PluginHost::enroll(std::span<const core::Enrollment> children) {
  for (const core::Enrollment& child : children)
    if (in_.link.is_up(child.id)) listener_(core::LinkChanged{child.id, true, {}});
}

void PluginHost::answered(const Job& job, core::StepAnswer&& answer) {
  if (job.life != life_) return;
  const auto asked = asked_.find(job.number);
  if (asked == asked_.end()) return;
  asked->second->answer = std::move(answer);
  asked->second->answered.cancel();
}

}  // namespace hg::sim
