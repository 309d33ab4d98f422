// SPDX-License-Identifier: Apache-2.0
#include "image_group.hpp"

#include <algorithm>
#include <string>

#include "image_errors.hpp"
#include "image_list.hpp"

namespace smp_child {
namespace {

enum Command : std::uint8_t { kState = 0, kUpload = 1, kErase = 5, kSlotInfo = 6 };

}  // namespace

Status ImageGroup::handle(Exchange& exchange) {
  if (exchange.is(kWrite, kUpload)) return upload_.handle(exchange);
  if (exchange.is(kRead, kState)) return list(exchange);
  if (exchange.is(kWrite, kState)) return set_state(exchange);
  if (exchange.is(kWrite, kErase)) return erase(exchange);
  if (exchange.is(kRead, kSlotInfo)) return slot_info(exchange);
  return Rc::not_supported;
}

Status ImageGroup::list(Exchange& exchange) const {
  write_rows(exchange.answer, image_rows(board_, options_), board_, options_);
  return {};
}

/// Answers the list after the change; one that is known to be wrong shows what was before.
Status ImageGroup::set_state(Exchange& exchange) {
  const auto before = image_rows(board_, options_);
  const Status status =
      change_state(exchange.request.bytes("hash").value_or(ByteView{}), exchange.request.flag("confirm"));
  if (!status.ok()) return status;
  if (!options_.quirks.stale_flags) return list(exchange);
  write_rows(exchange.answer, before, board_, options_);
  return {};
}

Status ImageGroup::change_state(ByteView hash, bool confirm) {
  if (ignored_ < options_.quirks.ignore_marks) {
    ++ignored_;
    board_.record().event("fault: state write ignored");
    return {};
  }
  if (hash.empty()) return confirm ? confirm_every_running() : image_error::kInvalidHash;
  if (hash.size() != options_.boot.sha_size) return image_error::kInvalidHash;
  const auto place = find(hash);
  return place ? mark(*place, confirm) : image_error::kHashNotFound;
}

/// The first slot of all with this hash, as Zephyr searches it.
std::optional<ImageGroup::Place> ImageGroup::find(ByteView hash) const {
  for (std::size_t n = 0; n < board_.images().size(); ++n) {
    for (std::size_t slot = 0; slot < mode_.slots; ++slot) {
      const auto info = board_.image_in(board_.images()[n].slots[slot]);
      if (info && std::ranges::equal(info->hash, hash)) return Place{n, slot};
    }
  }
  return std::nullopt;
}

/// The repeat rules of smp.md 4.2.
Status ImageGroup::mark(Place place, bool confirm) {
  Image& image = board_.images()[place.image];
  const Mark wanted = confirm ? Mark::permanent : Mark::test;
  const bool is_running = place.slot == image.active;
  if (is_running && confirm) return confirm_running(place.image);
  if (image.testing) return image_error::kAlreadyPending;
  if (image.mark != Mark::none) {
    return !is_running && image.mark == wanted ? Status{} : image_error::kAlreadyPending;
  }
  if (is_running) return image_error::kTestOfActiveDenied;
  if (mode_.strategy == Strategy::fixed) return image_error::kInvalidSlot;
  if (mode_.strategy == Strategy::choose && !mode_.reverts) return {};  // the version alone decides
  image.mark = wanted;
  board_.save();
  board_.record().count(confirm ? "permanents" : "tests");
  board_.record().event("image " + std::to_string(place.image) + (confirm ? " marked permanent" : " marked for test"));
  return {};
}

Status ImageGroup::confirm_running(std::size_t number) {
  Image& image = board_.images()[number];
  if (image.mark != Mark::none) return image_error::kAlreadyPending;
  const bool allowed = number == 0 || options_.server.confirm_any || options_.server.confirm_all;
  if (!allowed || options_.server.refuse_confirm) return image_error::kConfirmationDenied;
  if (!image.testing) return {};
  image.testing = false;
  board_.save();
  board_.record().count("confirms");
  board_.record().event("image " + std::to_string(number) + " confirmed");
  return {};
}

/// Confirm without a hash: the running image, which is that of image 0 on a stock Zephyr.
Status ImageGroup::confirm_every_running() {
  const std::size_t count = options_.server.confirm_all ? board_.images().size() : 1;
  for (std::size_t n = 0; n < count; ++n) {
    if (const Status status = confirm_running(n); !status.ok()) return status;
  }
  return {};
}

Status ImageGroup::erase(Exchange& exchange) {
  const std::uint64_t index = exchange.request.integer("slot").value_or(1 - board_.images()[0].active);
  if (index / 2 >= board_.images().size()) return image_error::kInvalidSlot;
  Image& image = board_.images()[index / 2];
  const bool in_use = index % 2 == image.active || image.mark != Mark::none || image.testing;
  if (in_use || !mode_.takes_upload) return image_error::kNoFreeSlot;
  upload_.erased();
  if (image.other().erased()) return {};
  image.other().erase();
  exchange.takes += options_.server.erase;
  board_.record().count("erases");
  board_.record().event("slot " + std::to_string(index) + " erased");
  return {};
}

Status ImageGroup::slot_info(Exchange& exchange) const {
  if (!options_.server.slot_info) return Rc::not_supported;
  const auto slot_size = static_cast<std::int64_t>(options_.boot.slot_size);
  cbor::Writer& answer = exchange.answer;
  answer.key("images");
  answer.begin_array();
  for (std::int64_t n = 0; n < static_cast<std::int64_t>(board_.images().size()); ++n) {
    answer.begin_map();
    answer.put_integer("image", n);
    answer.key("slots");
    answer.begin_array();
    for (std::int64_t slot = 0; slot < static_cast<std::int64_t>(mode_.slots); ++slot) {
      answer.begin_map();
      answer.put_integer("slot", slot);
      answer.put_integer("size", slot_size);
      const bool takes_upload = slot != static_cast<std::int64_t>(board_.images()[static_cast<std::size_t>(n)].active);
      if (takes_upload && mode_.takes_upload) answer.put_integer("upload_image_id", n);
      answer.end();
    }
    answer.end();
    answer.put_integer("max_image_size", slot_size - static_cast<std::int64_t>(options_.boot.trailer_size));
    answer.end();
  }
  answer.end();
  return {};
}

}  // namespace smp_child
