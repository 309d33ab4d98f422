// SPDX-License-Identifier: Apache-2.0
// Who the child is, and what hides its images on their way: views that are made, keys that change, grants that run out.
// What protects an image is core/protection_judgement's.
#include <algorithm>
#include <numeric>
#include <utility>

#include "core/content_keys.hpp"
#include "core/preflight.hpp"
#include "core/protection_judgement.hpp"
#include "core/turn.hpp"

namespace hg::core {

namespace {

/// What stands against a view of a file of `size` bytes; empty: nothing.
std::string_view fault_of(const View& view, std::uint64_t size) {
  if (view.digest.empty()) return "it has no digest";
  if (view.patches.empty() && view.record.empty()) return "it changes nothing";
  if (view.patches.size() > kMaxPatches || view.record.size() > kMaxRecordBytes) return "it is too large";
  std::uint64_t end = 0;
  std::size_t bytes = 0;
  for (const Patch& patch : view.patches) {
    if (patch.bytes.empty() || patch.offset < end) return "its patches overlap";
    if (patch.offset > size || patch.bytes.size() > size - patch.offset) return "it reaches beyond the end of the file";
    end = patch.offset + patch.bytes.size();
    bytes += patch.bytes.size();
  }
  return bytes > kMaxPatchBytes ? "it is too large" : "";
}

/// Whether trying again changes nothing: the key, the image or the profile must.
bool is_for_good(const Error& error) {
  return error.code == Errc::unauthenticated || error.code == Errc::unsupported || error.code == Errc::invalid ||
         error.code == Errc::mismatch;
}

}  // namespace

void Turn::tell(Cause cause) {
  const bool is_under_way = child_.update && !is_over(update());
  if (is_under_way) return note(std::move(cause));
  out_.changes.emplace_back(PutHistory{now_, child_.enrollment.id, 0, {}, Phase::preflight, std::move(cause)});
}

// ------------------------------------------------------------------------------------------------------------ views

void Turn::prepared(const Prepare& order, const View& view) {
  if (!child_.update) return;
  if (const std::string_view fault = fault_of(view, order.size); !fault.empty())
    return prepare_failed({Errc::invalid, "the wrap for the child cannot be sent: " + std::string(fault)});
  if (view.key != order.child_key.id)
    return prepare_failed({Errc::invalid, "the wrap was made for another key than the child's"});
  update().views.insert_or_assign(order.image, view);
}

/// What will fail again is refused while that is still possible.
void Turn::prepare_failed(const Error& error) {
  const bool is_refused = child_.update && update().phase == Phase::transferring && update().decision == Decision::none;
  if (!is_refused || !is_for_good(error)) return step_failed(error);
  const bool is_about_child = error.code == Errc::unsupported || error.code == Errc::mismatch;
  refuse({is_about_child ? Reason::no_child_key : Reason::content_key_unknown, error.message});
}

void Turn::end_with_grant() {
  if (!child_.update || update().phase != Phase::transferring || update().decision != Decision::none) return;
  const Step next = next_step(state_, child_);
  const auto* prepare = std::get_if<Prepare>(&next);
  if (prepare == nullptr) return;
  Cause cause = judge_grant(state_, prepare->content_key, now_);
  if (cause.reason == Reason::time_unknown) put_off(now_ + patience().look_again, std::move(cause));
  if (cause.reason == Reason::grant_expired) refuse(std::move(cause));
}

void Turn::lose_views(const Cause& cause) {
  if (!child_.update || is_past_activate(update()) || update().views.empty()) return;
  update().views.clear();
  begin_transfer_again(cause);
}

/// What was delivered by a view that is void counts as nothing.
void Turn::begin_transfer_again(const Cause& cause) {
  if (!is_before_activate(update().phase)) return;
  update().delivered = 0;
  child_.in_doubt = true;
  if (is_alone()) return enter(Phase::preflight, cause);
  fail_attempt(Phase::deferred, cause);
}

void Turn::key_changed(KeyUse use, const Cause& cause) {
  if (use == KeyUse::identify) child_.identified = Identified::no;
  if (use != KeyUse::wrap || !child_.update || is_past_activate(update())) return;
  const auto key = child_.keys.find(KeyUse::wrap);
  const Digest present = key == child_.keys.end() ? Digest{} : key->second.id;
  const auto is_void = [&](const auto& view) { return view.second.key != present; };
  if (std::erase_if(update().views, is_void) > 0) begin_transfer_again(cause);
}

/// Why what is on its way must be chosen anew.
Cause Turn::cause_to_choose_again() const {
  const Update& u = *child_.update;
  const auto deliverable = state_.deliverables.find(u.deliverable);
  if (deliverable == state_.deliverables.end()) return {Reason::does_not_fit, "the deliverable is gone"};
  for (const Part& part : u.parts)
    if (const Image* image = image_of(state_, u, part))
      if (Cause cause = protected_by(state_, child_, *image).cause; cause.reason != Reason::none) return cause;
  return {Reason::does_not_fit, "the deliverable has changed"};
}

// ----------------------------------------------------------------------------------------------------- who it is

/// Whether somebody answers of whom an update wants to know who it is: then an answer does not end the silence.
bool Turn::is_nobody_known() const {
  return must_identify(child_) && child_.update && !is_over(*child_.update);
}

void Turn::proven() {
  child_.identified = Identified::yes;
  child_.unanswered = 0;
  child_.quiet_until = {};
  child_.in_doubt = true;  // what it said before it was known who says so
}

/// Before ACTIVATE a wrong one is refused. Later it is not the child that answers: it is silent, as long as that lasts.
void Turn::identify_failed(const Error& error) {
  const bool is_wrong = error.code == Errc::unauthenticated || error.code == Errc::unsupported;
  const bool is_news = is_wrong && std::exchange(child_.identified, Identified::wrong) != Identified::wrong;
  const Reason reason = is_wrong ? Reason::wrong_identity : Reason::not_identified;
  if (is_to_restore(child_) && (is_over(update()) || waits_for_time(update()))) {
    if (is_news) tell({reason, error.message});
    return restore_failed(error);
  }
  const bool is_before = child_.update && !is_over(update()) && !waits_for_time(update());
  if (is_wrong && is_before && update().decision == Decision::none) return refuse({reason, error.message});
  if (is_news) tell({reason, error.message});
  step_failed(error, reason);
}

}  // namespace hg::core
