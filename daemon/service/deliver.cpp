// SPDX-License-Identifier: Apache-2.0
#include "service/deliver.hpp"

#include <algorithm>

#include "core/standing.hpp"

namespace hg::service {

namespace asio = boost::asio;

namespace {

Error no_key(std::string_view what) {
  return {Errc::unsupported, std::string(what) + ": this gateway has no key of its own: set keys.gateway_credential"};
}

}  // namespace

Deliver::Deliver(asio::any_io_executor executor, Driver& driver, ports::Transport& transport, ports::Blobs& blobs,
                 ports::Clock& clock, ports::KeySafe* safe, Sha256 sha256)
    : driver_(driver),
      transport_(transport),
      blobs_(blobs),
      clock_(clock),
      safe_(safe),
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
  const Digest* image = nullptr;
  if (const auto* deliver = std::get_if<core::Deliver>(&step)) image = &deliver->image;
  if (const auto* prepare = std::get_if<core::Prepare>(&step)) image = &prepare->image;
  const auto* restore = std::get_if<core::Restore>(&step);
  if (image == nullptr && restore == nullptr) return UniqueFd{};
  const Digest& name = image != nullptr ? *image : restore->saved;
  Result<UniqueFd> blob = blobs_.open(name);
  if (!blob)
    return blob.error().within((image != nullptr ? "open the sealed image " : "open the backup ") + name.hex());
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

asio::awaitable<core::StepAnswer> Deliver::prepare(core::ChildId child, core::Prepare order, UniqueFd blob) {
  if (safe_ == nullptr) co_return core::StepFailed{no_key("wrap a content key")};
  Result<core::View> view = co_await safe_->wrap_for_child(std::move(child), std::move(order), std::move(blob));
  if (!view) co_return core::StepFailed{view.error().within("wrap the content key for the child")};
  co_return core::Prepared{std::move(*view)};
}

/// The child first: a gateway that proves itself to anybody who asks would be an oracle. A child that cannot be shown a
/// proof has none to ask for.
asio::awaitable<core::StepAnswer> Deliver::identify(core::Enrollment child, core::ChildKey key) {
  if (safe_ == nullptr) co_return core::StepFailed{no_key("identify a child")};
  const core::ChildId id = child.id;
  const Result<Bytes> nonce = safe_->nonce();
  if (!nonce) co_return core::StepFailed{nonce.error().within("identify")};
  const Result<Bytes> shown = co_await transport_.identify(child, *nonce);
  if (!shown) co_return core::StepFailed{shown.error().within("identify")};
  const Result<ports::KitEvidence> evidence = safe_->check_evidence(id, key, *nonce, *shown);
  if (!evidence) co_return core::StepFailed{evidence.error().within("identify")};
  Result<Bytes> proof = co_await safe_->proof(id, key, *nonce, *evidence);
  if (!proof && proof.error().code == Errc::unsupported) co_return core::Proven{evidence->identity};
  if (!proof) co_return core::StepFailed{proof.error().within("prove")};
  const Result<void> proven = co_await transport_.prove(std::move(child), std::move(*proof));
  if (!proven && proven.error().code != Errc::unsupported) co_return core::StepFailed{proven.error().within("prove")};
  co_return core::Proven{evidence->identity};
}

asio::awaitable<core::StepAnswer> Deliver::carry_out(core::Child child, core::Step step, UniqueFd blob) {
  if (auto* order = std::get_if<core::Prepare>(&step))
    co_return co_await prepare(child.enrollment.id, std::move(*order), std::move(blob));
  if (auto* order = std::get_if<core::Identify>(&step))
    co_return co_await identify(std::move(child.enrollment), std::move(order->key));
  const core::Epoch epoch = child.update ? child.update->epoch : 0;
  ports::Transport::Progress report = reporter_for(child);
  ports::Transport::Outcome outcome = co_await transport_.perform(std::move(child.enrollment), std::move(step), epoch,
                                                                  std::move(blob), std::move(report));
  progress_.erase(epoch);
  co_return co_await keep_saved(std::move(outcome));
}

asio::awaitable<void> Deliver::perform(core::ChildId child, core::StepNumber number, core::Step step) {
  const auto found = driver_.state().children.find(child);
  if (found == driver_.state().children.end()) co_return;
  core::Child as_it_is = found->second;
  Result<UniqueFd> blob = blob_for(step);
  if (!blob) {
    driver_.post(core::StepEnded{child, number, core::StepFailed{blob.error()}});
    co_return;
  }
  core::StepAnswer answer = co_await carry_out(std::move(as_it_is), std::move(step), std::move(*blob));
  driver_.post(core::StepEnded{std::move(child), number, std::move(answer)});
}

}  // namespace hg::service
