// SPDX-License-Identifier: Apache-2.0
#include "service/control.hpp"

namespace hg::service {

namespace asio = boost::asio;

/// A key may have been taken away, or have ended, since its deliverable was sealed: what begins now is judged now.
Result<void> Control::check_signers(const core::DeliverableId& id) const {
  const auto found = state().deliverables.find(id);
  if (found == state().deliverables.end()) return {};  // core answers that
  const core::Deliverable& deliverable = found->second;
  std::vector<std::string> components;
  for (const core::Image& image : deliverable.images) components.push_back(image.component);
  const Result<void> may =
      parts_.roots.authority().may_release(deliverable.signers, deliverable.product, components, parts_.roots.time());
  if (!may) return may.error().within("deliverable " + id + " may no longer be released");
  return {};
}

asio::awaitable<Result<core::RolloutId>> Control::start_rollout(core::RolloutRequested request) {
  if (const Result<void> may = check_signers(request.deliverable); !may) co_return may.error();
  core::Event event = std::move(request);
  co_return co_await parts_.driver.ask(std::move(event));
}

asio::awaitable<Result<void>> Control::close_rollout(core::RolloutId rollout, std::uint32_t uid) {
  core::Event request = core::RolloutClosed{rollout, uid};
  const Result<core::RolloutId> done = co_await parts_.driver.ask(std::move(request));
  if (!done) co_return done.error();
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Control::abort(core::Epoch epoch) {
  core::Event request = core::UpdateAborted{epoch};
  const Result<core::RolloutId> done = co_await parts_.driver.ask(std::move(request));
  if (!done) co_return done.error();
  co_return Result<void>{};
}

asio::awaitable<Result<std::string>> Control::import_record(Bytes record, std::uint32_t uid) {
  Result<std::string> kind = co_await parts_.records.take(std::move(record));
  const std::string who = "imported by uid " + std::to_string(uid);
  if (kind)
    parts_.journal.write(ports::Level::notice, {}, *kind + " " + who + ": accepted");
  else
    parts_.journal.write(ports::Level::warning, {}, "trust record " + who + ": refused: " + kind.error().message);
  co_return kind;
}

}  // namespace hg::service
