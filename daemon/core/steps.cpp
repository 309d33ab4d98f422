// SPDX-License-Identifier: Apache-2.0
// Which step follows from what is known of a child: next_step(). It changes nothing, so that after a crash the same
// step is derived again.
#include <algorithm>

#include "core/content_keys.hpp"
#include "core/preflight.hpp"
#include "core/protection_judgement.hpp"
#include "core/transaction.hpp"
#include "core/turn.hpp"

namespace hg::core {

namespace {

Digest active_of(const Child& child, const Part& part) {
  const Slot* active = child.seen ? child.seen->active(part.image_number) : nullptr;
  return active == nullptr ? Digest{} : active->digest;
}

/// All images that change, marked together, then one reset.
Step activate(const State& state, const Child& child) {
  const Update& u = *child.update;
  Activate order{u.epoch, {}, size_of_change(state, u)};
  for (const Part& part : u.parts)
    if (changes(part)) order.moves.push_back({part.image_number, active_of(child, part), part.after});
  return order;
}

/// What runs the new image: all of it, but where one has fallen back after COMMIT.
Step confirm(const Child& child) {
  Confirm order{child.update->epoch, {}};
  for (const Part& part : child.update->parts)
    if (active_of(child, part) == part.after) order.guards.push_back({part.image_number, part.after});
  return order;
}

Step revert(const State& state, const Child& child) {
  const Update& u = *child.update;
  Revert order{u.epoch, {}, size_of_change(state, u)};
  for (const Part& part : u.parts) order.moves.push_back({part.image_number, active_of(child, part), part.before});
  return order;
}

/// Sends an image, or first makes what the child gets in its place; none while nothing protects it as it must be.
std::optional<Step> bring(const State& state, const Child& child, const Image& image, std::uint8_t image_number,
                          const Digest& after, Staging staging) {
  if (protected_by(state, child, image).cause.reason != Reason::none) return std::nullopt;
  Deliver deliver{image.digest, image.size, image_number, after, staging};
  if (!is_rewrapped(state, child, image)) return deliver;
  const View* view = view_for(state, child, image);
  if (view == nullptr)
    return Prepare{image.digest, image.size, *image.sealing, *held_key(state, image.digest),
                   *wrap_key(child, *image.sealing)};
  deliver.view = *view;
  return deliver;
}

/// Of an image that the child lists: of two copies that are wrapped for different keys it reports the same, and it
/// opens only one that was made for the key that it has now.
bool can_open_copy(const State& state, const Child& child, const Image& image) {
  return !is_rewrapped(state, child, image) || view_for(state, child, image) != nullptr;
}

/// The next of the old images that the child needs before it can be told to go back: of one that keeps none. What is
/// marked is played through first.
std::optional<Step> reinstall(const State& state, const Child& child) {
  const Inspection& seen = *child.seen;
  if (!may_be_reinstalled(state, child) || seen.staging != Staging::aside) return std::nullopt;
  for (const Part& part : child.update->parts) {
    if (!changes(part) || active_of(child, part) == part.before || seen.anything_pending(part.image_number)) continue;
    const Image& image = *rollback_image(state, child, part);
    if (seen.standby(part.image_number, part.before) && can_open_copy(state, child, image)) continue;
    return bring(state, child, image, part.image_number, part.before, seen.staging);
  }
  return std::nullopt;
}

Step give_order(const State& state, const Child& child) {
  switch (child.update->order) {
    case Order::activate:
      return activate(state, child);
    case Order::confirm:
      return confirm(child);
    case Order::revert:
      if (const auto first = reinstall(state, child)) return *first;
      return revert(state, child);
    case Order::none:
      break;
  }
  return Inspect{};
}

/// One for the whole update: the child answers for all of it.
Step offer(const State& state, const Child& child) {
  const Update& u = *child.update;
  const auto deliverable = state.deliverables.find(u.deliverable);
  const auto part = std::ranges::find_if(u.parts, changes);
  if (deliverable == state.deliverables.end() || part == u.parts.end()) return Inspect{};
  const Urgency urgency = urgency_of(deliverable->second.priority, state.policy.urgency);
  return Offer{part->image_number, deliverable->second.version, size_of_change(state, u), urgency};
}

/// Whether all that is to be brought may still go to the child, over its link as it is now.
bool is_protected(const State& state, const Child& child) {
  return std::ranges::all_of(child.update->parts, [&](const Part& part) {
    const Image* image = image_of(state, *child.update, part);
    return image != nullptr && protected_by(state, child, *image).cause.reason == Reason::none;
  });
}

/// The next of the images that change.
Step deliver(const State& state, const Child& child) {
  const Update& u = *child.update;
  std::size_t before = u.delivered;
  for (const Part& part : u.parts) {
    if (!changes(part) || before-- > 0) continue;
    const Image* image = image_of(state, u, part);
    if (image == nullptr) break;
    const Staging staging = child.seen ? child.seen->staging : Staging::aside;
    if (const auto step = bring(state, child, *image, part.image_number, part.after, staging)) return *step;
    break;
  }
  return Inspect{};
}

Step identify(const Child& child) {
  return Identify{child.keys.at(KeyUse::identify)};
}

/// What waits for the other members is looked at again from time to time.
bool waits_for_others(const Child& child) {
  const Update& u = *child.update;
  const bool holds_still = u.decision == Decision::pivot && !u.pivot;
  return child.gate != Gate::none || holds_still;
}

bool is_going_back(const Step& step) {
  return std::holds_alternative<Revert>(step) || std::holds_alternative<Deliver>(step) ||
         std::holds_alternative<Prepare>(step);
}

Step next_step_of_update(const State& state, const Child& child) {
  const Update& u = *child.update;
  if (!child.in_doubt && waits_for_others(child)) return Wait{child.last_seen + child.enrollment.patience.look_again};
  switch (u.phase) {
    case Phase::offered:
      return is_protected(state, child) ? offer(state, child) : Inspect{};
    case Phase::backing_up:
      return is_protected(state, child) ? Step{Backup{}} : Inspect{};
    case Phase::transferring:
      return u.decision == Decision::pivot && child.in_doubt ? Step{Inspect{}} : deliver(state, child);
    case Phase::staged:
      return !child.in_doubt && must_identify(child) ? identify(child) : Step{Inspect{}};
    case Phase::preflight:
      if (!child.in_doubt && u.order == Order::none && must_identify(child)) return identify(child);
      if (!child.in_doubt && is_to_restore(child)) return Restore{u.backup};
      return child.in_doubt ? Step{Inspect{}} : give_order(state, child);
    case Phase::reverting:
      // What is on its way to the child is not called back because another member answers again.
      if (!child.in_doubt && !is_going_back(child.step) && !may_go_back(state, child)) return Idle{};
      [[fallthrough]];
    case Phase::activating:
      return child.in_doubt ? Step{Inspect{}} : give_order(state, child);
    case Phase::testing: {
      if (child.in_doubt) return Inspect{};
      if (u.order != Order::none) return give_order(state, child);
      if (must_identify(child)) return identify(child);
      return Wait{u.since + child.enrollment.patience.health};
    }
    default:
      return Inspect{};
  }
}

/// Whether it is for nobody but the child: it carries something to it, reads something out of it, or keeps an image for
/// good. A mark, a reset and the way back are guarded by what runs.
bool is_confidential(const Step& step) {
  return std::holds_alternative<Offer>(step) || std::holds_alternative<Backup>(step) ||
         std::holds_alternative<Deliver>(step) || std::holds_alternative<Confirm>(step) ||
         std::holds_alternative<Restore>(step);
}

Step next_step_of(const State& state, const Child& child) {
  if (!child.enrolled || !child.online) {
    const bool is_awaited = child.update && awaits_report(child);
    return is_awaited ? Step{Wait{child.update->until}} : Idle{};
  }
  if (child.quiet_until != Instant{}) return Wait{child.quiet_until};
  const bool waits = child.update && waits_for_time(*child.update);
  if (!child.update || is_over(*child.update) || waits) {
    if (child.in_doubt) return Inspect{};
    if (is_to_restore(child)) return Restore{child.update->backup};
    if (waits) return Wait{child.update->until};
    return Wait{child.last_seen + child.enrollment.patience.look_again};
  }
  return next_step_of_update(state, child);
}

}  // namespace

Step next_step(const State& state, const Child& child) {
  Step step = next_step_of(state, child);
  return is_confidential(step) && must_identify(child) ? identify(child) : step;
}

}  // namespace hg::core
