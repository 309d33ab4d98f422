// SPDX-License-Identifier: Apache-2.0
#include "smp/smp_driver.hpp"

#include <utility>

namespace hg::smp {
namespace asio = boost::asio;
namespace {

Error not_served() {
  return Error{Errc::unavailable, "the child cannot be served: its values are wrong"};
}

}  // namespace

SmpDriver::SmpDriver(asio::any_io_executor executor, OpenLink open_link, plugin::LinkReport report,
                     std::filesystem::path state)
    : clock_(std::make_shared<SteadyClock>(std::move(executor))),
      open_link_(std::move(open_link)),
      report_(std::move(report)),
      learned_(std::move(state)) {}

SmpDriver::~SmpDriver() {
  for (const auto& [name, child] : children_) child->link->close();
}

void SmpDriver::enroll(const wire::Enroll& child) {
  forget(child.child);
  const auto profile = profile_from(child.profile);
  auto link = profile ? open_link_(child) : Result<std::shared_ptr<RunningLink>>{profile.error()};
  if (!link) return report_({child.child, false, link.error().message});
  const auto remember = [store = learned_, name = child.child](const Learned& learned) { store.save(name, learned); };
  const Learned learned = learned_.load(child.child);
  children_[child.child] = std::make_shared<Child>(std::move(*link), clock_, *profile, learned, remember);
}

void SmpDriver::forget(const std::string& child) {
  const auto found = children_.find(child);
  if (found == children_.end()) return;
  found->second->link->close();
  children_.erase(found);
}

std::shared_ptr<SmpDriver::Child> SmpDriver::find(const std::string& child) const {
  const auto found = children_.find(child);
  return found == children_.end() ? nullptr : found->second;
}

asio::awaitable<Result<wire::Seen>> SmpDriver::inspect(plugin::Job job) {
  const auto child = find(job.child);
  if (!child) co_return not_served();
  co_return co_await child->updater.inspect(std::move(job));
}

asio::awaitable<Result<plugin::Outcome>> SmpDriver::deliver(plugin::Job job, wire::Deliver request,
                                                            plugin::ImageView image) {
  const auto child = find(job.child);
  if (!child) co_return not_served();
  co_return co_await child->updater.deliver(std::move(job), std::move(request), std::move(image));
}

asio::awaitable<Result<plugin::Outcome>> SmpDriver::activate(plugin::Job job, wire::Activate request) {
  const auto child = find(job.child);
  if (!child) co_return not_served();
  co_return co_await child->updater.activate(std::move(job), std::move(request));
}

asio::awaitable<Result<plugin::Outcome>> SmpDriver::confirm(plugin::Job job, wire::Confirm request) {
  const auto child = find(job.child);
  if (!child) co_return not_served();
  co_return co_await child->updater.confirm(std::move(job), std::move(request));
}

asio::awaitable<Result<plugin::Outcome>> SmpDriver::revert(plugin::Job job, wire::Revert request) {
  const auto child = find(job.child);
  if (!child) co_return not_served();
  co_return co_await child->updater.revert(std::move(job), std::move(request));
}

asio::awaitable<Result<plugin::Willingness>> SmpDriver::offer(plugin::Job job, wire::Offer request) {
  const auto child = find(job.child);
  if (!child) co_return not_served();
  co_return co_await child->updater.offer(std::move(job), std::move(request));
}

asio::awaitable<Result<plugin::Saved>> SmpDriver::backup(plugin::Job job) {
  const auto child = find(job.child);
  if (!child) co_return not_served();
  co_return co_await child->updater.backup(std::move(job));
}

asio::awaitable<Result<void>> SmpDriver::restore(plugin::Job job, UniqueFd saved) {
  const auto child = find(job.child);
  if (!child) co_return not_served();
  co_return co_await child->updater.restore(std::move(job), saved.get());
}

asio::awaitable<Result<Bytes>> SmpDriver::identify(plugin::Job job, Bytes nonce) {
  const auto child = find(job.child);
  if (!child) co_return not_served();
  co_return co_await child->updater.identify(std::move(job), std::move(nonce));
}

asio::awaitable<Result<void>> SmpDriver::prove(plugin::Job job, Bytes proof) {
  const auto child = find(job.child);
  if (!child) co_return not_served();
  co_return co_await child->updater.prove(std::move(job), std::move(proof));
}

}  // namespace hg::smp
