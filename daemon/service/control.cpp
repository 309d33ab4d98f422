// SPDX-License-Identifier: Apache-2.0
#include "service/control.hpp"

namespace hg::service {

namespace asio = boost::asio;

asio::awaitable<Result<core::RolloutId>> Control::start_rollout(core::DeliverableId deliverable,
                                                                std::vector<core::ChildId> children,
                                                                std::uint32_t uid) {
  core::Event request = core::RolloutRequested{std::move(deliverable), std::move(children), uid};
  co_return co_await driver_.ask(std::move(request));
}

asio::awaitable<Result<void>> Control::abort(core::Epoch epoch) {
  core::Event request = core::UpdateAborted{epoch};
  const Result<core::RolloutId> done = co_await driver_.ask(std::move(request));
  if (!done) co_return done.error();
  co_return Result<void>{};
}

}  // namespace hg::service
