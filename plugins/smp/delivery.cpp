// SPDX-License-Identifier: Apache-2.0
#include "smp/delivery.hpp"

#include <algorithm>
#include <utility>

namespace hg::smp {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr unsigned kMaxUploads = 2;
constexpr unsigned kListTries = 4;  // until a fresh upload is listed
constexpr Milliseconds kListPause = 300ms;

const SlotSize* find(const std::vector<SlotSize>& sizes, std::uint8_t image, std::uint8_t slot) {
  const auto is_it = [&](const SlotSize& size) { return size.image == image && size.slot == slot; };
  const auto found = std::ranges::find_if(sizes, is_it);
  return found == sizes.end() ? nullptr : &*found;
}

/// The slot that an upload of this image number goes to: the one that does not run.
std::uint8_t free_slot(const Slots& slots, std::uint8_t image) {
  const wire::Slot* const running = active(slots, image);
  return running != nullptr && running->slot == 1 ? 0 : 1;
}

/// Whether the slot beside what runs is needed: by a mark, or as the way back from a test.
Result<void> check_free(const Slots& slots, std::uint8_t image) {
  if (anything_pending(slots, image)) {
    return Error{Errc::busy, name_of_image(image) +
                                 ": another image is marked and waits in the slot; it has to be "
                                 "played through by a reset first"};
  }
  const auto is_way_back = [&](const auto& slot) { return slot.image == image && !slot.active && slot.confirmed; };
  const wire::Slot* const running = active(slots, image);
  if (running != nullptr && !running->confirmed && std::ranges::any_of(slots, is_way_back)) {
    return Error{Errc::busy, name_of_image(image) +
                                 ": the child runs an image in test, and the slot holds the way "
                                 "back; it has to be confirmed or reverted first"};
  }
  return {};
}

Result<void> check_alone(const Slots& slots, std::uint8_t image, const Digest& after) {
  const wire::Slot* const other = elsewhere(slots, image, after);
  if (other == nullptr) return {};
  return Error{Errc::denied, name_of_image(other->image) + " of the child is the same as the one for " +
                                 name_of_image(image) +
                                 ", of which the child marks only the first: build them with "
                                 "different versions"};
}

Error not_listed(const Slots& slots, std::uint8_t image, const Digest& digest) {
  if (const wire::Slot* const other = elsewhere(slots, image, digest)) {
    return {Errc::mismatch, "sent for " + name_of_image(image) + ", but the child lists it as " +
                                name_of_image(other->image) + ": it is another core's image"};
  }
  return {Errc::mismatch,
          "sent, but the child does not list it. Either it refuses the image, or it has no hash, or the "
          "child drops it from its list by chance of its bytes (zephyr#98747): bump the build number "
          "and build again"};
}

}  // namespace

std::uint8_t upload_number(const std::vector<SlotSize>& sizes, std::uint8_t image, std::uint8_t slot) {
  const SlotSize* const size = find(sizes, image, slot);
  return size == nullptr ? image : size->upload_image.value_or(image);
}

Result<void> check_fits(const std::vector<SlotSize>& sizes, std::uint8_t image, std::uint8_t slot, std::uint64_t size) {
  const SlotSize* const room = find(sizes, image, slot);
  if (room == nullptr) return {};
  const std::uint64_t most = room->largest != 0 ? room->largest : room->size;
  if (most == 0 || size <= most) return {};
  return Error{Errc::too_large, "the image has " + std::to_string(size) + " bytes, the child takes at most " +
                                    std::to_string(most) + " for " + name_of_image(image)};
}

asio::awaitable<Result<void>> Delivery::make_clean(std::uint8_t slot_over_all) {
  Patience patience = inquiry_->once(SteadyTime::max());
  patience.answer = profile_->erase;
  const auto erased = co_await inquiry_->ask(kImageErase, erase_request(slot_over_all), patience);
  if (!erased && is_over(erased.error())) co_return erased.error();
  co_return Result<void>{};  // an option of the child: without it the next attempt shows whether it was needed
}

asio::awaitable<Result<void>> Delivery::prove(std::uint8_t image, Digest digest) {
  Slots slots;
  for (unsigned tries = 0; tries < kListTries; ++tries) {
    if (tries > 0) {
      co_await clock_->sleep_until(clock_->now() + kListPause);
    }
    auto listed = co_await inquiry_->list(inquiry_->patience(SteadyTime::max()));
    if (!listed) co_return listed.error();
    slots = std::move(*listed);
    if (standby(slots, image, digest) != nullptr) co_return Result<void>{};
  }
  co_return not_listed(slots, image, digest);
}

asio::awaitable<Result<void>> Delivery::send(wire::Deliver request, UploadSource source, std::uint8_t slot,
                                             plugin::Job job) {
  const std::uint8_t number = request.image_number;
  for (unsigned made = 1;; ++made) {
    // An upload that goes on where another one stopped may stand on something stale (zephyr#51798).
    std::optional<std::uint64_t> first;
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
      if (!first) first = done;
      if (job.progress) job.progress(done, total);
    };
    Upload upload(*session_, *pace_, *clock_, *profile_);
    const auto end = co_await upload.run(source, progress);
    const bool is_stuck = !end && end.error().code == Errc::io && made < kMaxUploads;
    // A raw line has no check of its own: what arrived damaged is sent once more (reference smp.md 4.3).
    const bool is_damaged = !end && end.error().code == Errc::mismatch && made < kMaxUploads;
    if (!end && !is_stuck && !is_damaged) co_return end.error();
    if (is_damaged) continue;
    if (is_stuck) {
      // A write error leaves some servers broken until the slot is erased (zephyr#44219).
      auto cleaned = co_await make_clean(static_cast<std::uint8_t>(2 * number + slot));
      if (!cleaned) co_return cleaned.error();
      continue;
    }
    auto proven = co_await prove(number, request.after);
    const bool is_absent = !proven && proven.error().code == Errc::mismatch;
    const bool was_resumed = first && *first > pace_->packet();
    const bool is_doubtful = *end == UploadEnd::start_again || was_resumed;
    if (!is_absent || !is_doubtful || made == kMaxUploads) co_return proven;
  }
}

asio::awaitable<Result<void>> Delivery::aside(Sight sight, plugin::Job job, wire::Deliver request,
                                              plugin::ImageView image) {
  const std::uint8_t number = request.image_number;
  // Also when it runs already: an upload would go over the way back.
  const bool is_staged = standby(sight.slots, number, request.after) != nullptr && brought_->vouches_for(request);
  if (is_staged || runs(sight.slots, number, request.after)) co_return Result<void>{};
  const Character character = character_of(sight.bootloader, {});
  if (character.staging == wire::Staging::impossible) co_return Error{Errc::unsupported, character.obstacle};
  if (auto alone = check_alone(sight.slots, number, request.after); !alone) co_return alone;
  if (auto is_free = check_free(sight.slots, number); !is_free) co_return is_free;
  const std::uint8_t slot = free_slot(sight.slots, number);
  const auto sizes = co_await inquiry_->slot_sizes(SteadyTime::max());
  if (!sizes) co_return sizes.error();
  if (auto fits = check_fits(*sizes, number, slot, request.size); !fits) co_return fits;
  auto sized = co_await pace_->find(*session_, *clock_, false);
  if (!sized) co_return sized.error();

  brought_->begin(request);
  UploadSource source{std::move(image), request.size, request.image, upload_number(*sizes, number, slot)};
  auto sent = co_await send(request, std::move(source), slot, std::move(job));
  if (sent) brought_->end(request);
  co_return sent;
}

}  // namespace hg::smp
