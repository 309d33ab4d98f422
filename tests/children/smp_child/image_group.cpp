// SPDX-License-Identifier: Apache-2.0
#include "image_group.hpp"

#include <algorithm>
#include <string>

#include "image_errors.hpp"

namespace smp_child {
namespace {

enum Command : std::uint8_t { kState = 0, kUpload = 1, kErase = 5, kSlotInfo = 6 };
constexpr std::size_t kHashSize = 32;

/// What the list says of a slot (the table in smp.md 4.7).
struct Flags {
  bool pending, confirmed, active, permanent;
};

Flags flags_of(const Image& image, std::size_t slot) {
  if (slot == 0) return {false, !image.testing, true, false};
  return {image.mark != Mark::none, image.testing, false, image.mark == Mark::permanent};
}

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
  cbor::Writer& answer = exchange.answer;
  answer.key("images");
  answer.begin_array();
  for (std::size_t n = 0; n < board_.images().size(); ++n) {
    for (std::size_t slot = 0; slot < 2; ++slot) {
      const auto info = read_image(board_.images()[n].slots[slot]);
      if (info) list_slot(answer, {n, slot}, *info);
    }
  }
  answer.end();
  if (!options_.server.frugal) answer.put_integer("splitStatus", 0);
  return {};
}

void ImageGroup::list_slot(cbor::Writer& answer, Place place, const ImageInfo& info) const {
  const auto [pending, confirmed, active, permanent] = flags_of(board_.images()[place.image], place.slot);
  const auto put_flag = [&](std::string_view name, bool value) {
    if (value || !options_.server.frugal) answer.put_boolean(name, value);
  };
  answer.begin_map();
  if (place.image != 0 || (board_.images().size() > 1 && !options_.server.frugal)) {
    answer.put_integer("image", static_cast<std::int64_t>(place.image));
  }
  answer.put_integer("slot", static_cast<std::int64_t>(place.slot));
  answer.put_text("version", info.version.text());
  answer.put_bytes("hash", info.hash);
  put_flag("bootable", info.bootable);
  put_flag("pending", pending);
  put_flag("confirmed", confirmed);
  put_flag("active", active);
  put_flag("permanent", permanent);
  answer.end();
}

Status ImageGroup::set_state(Exchange& exchange) {
  const bool confirm = exchange.request.flag("confirm");
  const ByteView hash = exchange.request.bytes("hash").value_or(ByteView{});
  Status status;
  if (hash.empty()) {
    status = confirm ? confirm_every_running() : image_error::kInvalidHash;
  } else if (hash.size() != kHashSize) {
    status = image_error::kInvalidHash;
  } else {
    const auto place = find(hash);
    status = place ? mark(*place, confirm) : image_error::kHashNotFound;
  }
  return status.ok() ? list(exchange) : status;
}

/// The first slot of all with this hash, as Zephyr searches it.
std::optional<ImageGroup::Place> ImageGroup::find(ByteView hash) const {
  for (std::size_t n = 0; n < board_.images().size(); ++n) {
    for (std::size_t slot = 0; slot < 2; ++slot) {
      const auto info = read_image(board_.images()[n].slots[slot]);
      if (info && std::ranges::equal(info->hash, hash)) return Place{n, slot};
    }
  }
  return std::nullopt;
}

/// The repeat rules of smp.md 4.2.
Status ImageGroup::mark(Place place, bool confirm) {
  Image& image = board_.images()[place.image];
  const Mark wanted = confirm ? Mark::permanent : Mark::test;
  if (place.slot == 0 && confirm) return confirm_running(place.image);
  if (image.testing) return image_error::kAlreadyPending;
  if (image.mark != Mark::none) {
    return place.slot == 1 && image.mark == wanted ? Status{} : image_error::kAlreadyPending;
  }
  if (place.slot == 0) return image_error::kTestOfActiveDenied;
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
  const std::uint64_t index = exchange.request.integer("slot").value_or(1);
  if (index / 2 >= board_.images().size()) return image_error::kInvalidSlot;
  Image& image = board_.images()[index / 2];
  const bool in_use = index % 2 == 0 || image.mark != Mark::none || image.testing;
  if (in_use) return image_error::kNoFreeSlot;
  upload_.forget();
  if (image.slots[1].erased()) return {};
  image.slots[1].erase();
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
    for (std::int64_t slot = 0; slot < 2; ++slot) {
      answer.begin_map();
      answer.put_integer("slot", slot);
      answer.put_integer("size", slot_size);
      if (slot == 1) answer.put_integer("upload_image_id", n);
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
