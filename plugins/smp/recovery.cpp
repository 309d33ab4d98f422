// SPDX-License-Identifier: Apache-2.0
#include "smp/recovery.hpp"

#include <algorithm>
#include <utility>

namespace hg::smp {
namespace asio = boost::asio;
namespace {

/// The list may come without hashes, and without images that are encrypted: only another hash says no.
bool is_another(const wire::Slot* slot, const Digest& digest) {
  return slot != nullptr && !slot->digest.empty() && slot->digest != digest;
}

}  // namespace

Result<void> Recovery::check(std::span<const wire::Move> moves, const Slots& slots) {
  for (const wire::Move& move : moves) {
    if (!is_another(first_slot(slots, move.image), move.goal)) continue;
    return Error{Errc::not_found, name_of_image(move.image) + ": the child would start another image from recovery"};
  }
  return {};
}

asio::awaitable<Result<void>> Recovery::upload(plugin::Job job, wire::Deliver request, UploadSource source) {
  auto sized = co_await pace_.find(*session_, *clock_, true);
  if (!sized) co_return sized.error();
  Upload upload(*session_, pace_, *clock_, *profile_);
  const auto end = co_await upload.run(source, job.progress);
  if (!end) co_return end.error();
  const auto slots = co_await inquiry_->list(inquiry_->patience(SteadyTime::max()));
  if (!slots) co_return slots.error();
  const wire::Slot* const slot = first_slot(*slots, request.image_number);
  if (is_another(slot, request.after)) {
    co_return Error{Errc::mismatch, "sent in recovery, but the child lists " + slot->digest.hex()};
  }
  // Without a hash the complete upload is the proof, and what starts afterwards.
  const bool is_listed = slot != nullptr && slot->digest == request.after;
  if (*end == UploadEnd::complete || is_listed) co_return Result<void>{};
  co_return Error{Errc::io, "the child loses the upload at its end"};
}

asio::awaitable<Result<void>> Recovery::deliver(Sight sight, plugin::Job job, wire::Deliver request,
                                                plugin::ImageView image) {
  const std::uint8_t number = request.image_number;
  const wire::Slot* const slot = first_slot(sight.slots, number);
  const bool is_there = slot != nullptr && slot->digest == request.after && brought_->vouches_for(request);
  if (is_there) co_return Result<void>{};
  const auto sizes = co_await inquiry_->slot_sizes(SteadyTime::max());
  if (!sizes) co_return sizes.error();
  if (auto fits = check_fits(*sizes, number, 0, request.size); !fits) co_return fits;
  const UploadSource source{std::move(image), request.size, request.image, upload_number(*sizes, number, 0), true};
  brought_->begin(request);
  auto delivered = co_await upload(std::move(job), request, source);
  if (delivered) {
    brought_->end(request);
    co_return delivered;
  }
  const bool was_reset = co_await restart_->leave_recovery(number);
  if (was_reset) co_return delivered;
  Error error = delivered.error();
  error.message +=
      "; the child shows no image that could boot, and stays in its bootloader's recovery for the next one";
  co_return error;
}

}  // namespace hg::smp
