// SPDX-License-Identifier: Apache-2.0
#include "recovery.hpp"

#include <algorithm>
#include <string>

namespace smp_child {
namespace {

enum Group : std::uint16_t { kOs = 0, kImage = 1 };
enum OsCommand : std::uint8_t { kEcho = 0, kConsoleEcho = 1, kReset = 5, kParams = 6 };
enum ImageCommand : std::uint8_t { kState = 0, kUpload = 1, kSlotInfo = 6 };
constexpr std::int64_t kBufCount = 1;

/// Only some commands say that they succeeded: what has something else to answer does not.
void say_ok(Exchange& exchange) {
  exchange.answer.put_integer("rc", static_cast<int>(Rc::ok));
}

}  // namespace

std::optional<Responder::Outcome> Recovery::handle(ByteView request) {
  const auto header = parse_header(request);
  if (!header || stays_silent(*header)) return std::nullopt;
  const auto map = cbor::Map::parse(request.subspan(kHeaderSize));
  cbor::Writer writer(options_.server.definite);
  writer.begin_map();
  const cbor::Map nothing;
  Exchange exchange{*header, map ? *map : nothing, writer};
  const Rc rc = map ? dispatch(exchange) : Rc::invalid;
  if (rc != Rc::ok) {
    writer = cbor::Writer(options_.server.definite);
    writer.begin_map();
    writer.put_integer("rc", static_cast<int>(rc));
  }
  writer.end();
  return Outcome{answer_packet(*header, header->version, writer.take()), exchange.takes, exchange.reset};
}

std::optional<Responder::Outcome> Recovery::no_memory(ByteView) const {
  return std::nullopt;
}

/// Most MCUboots know the command even where they were built without an answer to it (the newest say rc 8 then).
bool Recovery::stays_silent(const Header& header) const {
  return header.group == kOs && header.command == kEcho && !options_.boot.recovery.echo;
}

Rc Recovery::dispatch(Exchange& exchange) {
  if (exchange.header.group == kOs) return os(exchange);
  if (exchange.header.group != kImage) return Rc::not_supported;
  if (exchange.is(kRead, kState)) return list(exchange);
  if (exchange.is(kWrite, kUpload)) return upload(exchange);
  if (!options_.boot.recovery.options) return Rc::not_supported;
  if (exchange.is(kWrite, kState)) return set_state(exchange);
  if (exchange.is(kRead, kSlotInfo)) return slot_info(exchange);
  return Rc::not_supported;
}

Rc Recovery::os(Exchange& exchange) const {
  switch (exchange.header.command) {
    case kEcho:
      exchange.answer.put_text("r", exchange.request.text("d").value_or(""));
      return Rc::ok;
    case kConsoleEcho:
      say_ok(exchange);
      return Rc::ok;
    case kReset:
      board_.record().count("reset_requests");
      exchange.reset = true;
      say_ok(exchange);
      return Rc::ok;
    case kParams:
      if (!options_.boot.recovery.options) return Rc::not_supported;
      exchange.answer.put_integer("buf_size", static_cast<std::int64_t>(options_.link.buf_size));
      exchange.answer.put_integer("buf_count", kBufCount);
      return Rc::ok;
    default:
      return Rc::not_supported;
  }
}

/// Only what is whole; encrypted images are missing (mcuboot#1864).
Rc Recovery::list(Exchange& exchange) const {
  cbor::Writer& answer = exchange.answer;
  answer.key("images");
  answer.begin_array();
  for (std::size_t n = 0; n < board_.images().size(); ++n) {
    const Image& image = board_.images()[n];
    for (std::size_t slot = 0; slot < image.slots.size(); ++slot) {
      const auto info = board_.image_in(image.slots[slot]);
      if (!info || !hash_is_right(image.slots[slot].content(), *info)) continue;
      answer.begin_map();
      if (board_.images().size() > 1) answer.put_integer("image", static_cast<std::int64_t>(n));
      answer.put_integer("slot", static_cast<std::int64_t>(slot));
      if (!options_.boot.recovery.hashless) answer.put_bytes("hash", info->hash);
      answer.put_text("version", info->version.text());
      if (options_.boot.recovery.options) write_flags(answer, image, slot);
      answer.end();
    }
  }
  answer.end();
  return Rc::ok;
}

void Recovery::write_flags(cbor::Writer& answer, const Image& image, std::size_t slot) const {
  const bool active = slot == image.active;
  answer.put_boolean("bootable", true);
  answer.put_boolean("confirmed", active && !image.testing);
  answer.put_boolean("active", active);
  answer.put_boolean("pending", !active && image.mark != Mark::none);
  answer.put_boolean("permanent", !active && image.mark == Mark::permanent);
}

Rc Recovery::set_state(Exchange& exchange) {
  const ByteView hash = exchange.request.bytes("hash").value_or(ByteView{});
  const bool confirm = exchange.request.flag("confirm");
  for (Image& image : board_.images()) {
    const auto running = board_.image_in(image.running()), other = board_.image_in(image.other());
    const bool is_running = running && (hash.empty() || std::ranges::equal(running->hash, hash));
    if (is_running) {
      image.testing = image.testing && !confirm;
    } else if (other && std::ranges::equal(other->hash, hash)) {
      image.mark = confirm ? Mark::permanent : Mark::test;
    } else {
      continue;
    }
    board_.save();
    return list(exchange);
  }
  return Rc::invalid;
}

Rc Recovery::slot_info(Exchange& exchange) const {
  cbor::Writer& answer = exchange.answer;
  const auto size = static_cast<std::int64_t>(options_.boot.slot_size);
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
      answer.put_integer("size", size);
      if (options_.boot.recovery.direct_upload) answer.put_integer("upload_image_id", 2 * n + slot + 1);
      if (!options_.boot.recovery.direct_upload && slot == 0) answer.put_integer("upload_image_id", n);
      answer.end();
    }
    answer.end();
    answer.put_integer("max_image_size", size - static_cast<std::int64_t>(options_.boot.trailer_size));
    answer.end();
  }
  answer.end();
  return Rc::ok;
}

/// A wrong offset is answered with the right one; offset 0 always begins anew. sha and upgrade mean nothing here.
Rc Recovery::upload(Exchange& exchange) {
  const auto offset = exchange.request.integer("off");
  const ByteView data = exchange.request.bytes("data").value_or(ByteView{});
  if (!offset) return Rc::invalid;
  if (*offset == 0) {
    if (const Rc rc = begin(exchange); rc != Rc::ok) return rc;
  }
  if (upload_ && *offset == upload_->offset) {
    if (data.size() > upload_->length - *offset) return Rc::invalid;
    board_.images()[upload_->image].slots[upload_->slot].write(*offset, data);
    upload_->offset += data.size();
    board_.record().add("upload_bytes", data.size());
    if (upload_->offset == upload_->length) {
      board_.record().count("uploads_completed");
      board_.record().event("upload: complete");
    }
  }
  say_ok(exchange);
  exchange.answer.put_integer("off", upload_ ? static_cast<std::int64_t>(upload_->offset) : 0);
  return Rc::ok;
}

/// Erases the whole slot at once, trailer included.
Rc Recovery::begin(Exchange& exchange) {
  const std::uint64_t number = exchange.request.integer("image").value_or(0);
  const auto length = exchange.request.integer("len");
  const bool direct = options_.boot.recovery.direct_upload;
  const std::uint64_t index = !direct ? 2 * number : number == 0 ? 0 : number - 1;
  if (!length || *length > options_.boot.slot_size || index / 2 >= board_.images().size()) return Rc::invalid;
  Image& image = board_.images()[index / 2];
  Slot& slot = image.slots[index % 2];
  if (!slot.erased()) {
    slot.erase();
    exchange.takes += options_.server.erase;
    board_.record().count("erases");
  }
  if (index % 2 == image.active) {
    image.testing = false;
  } else {
    image.mark = Mark::none;
  }
  board_.save();
  upload_ = Upload{static_cast<std::size_t>(index / 2), static_cast<std::size_t>(index % 2), *length, 0};
  board_.record().count("uploads_started");
  board_.record().event("upload: slot " + std::to_string(index) + ", " + std::to_string(*length) + " bytes");
  return Rc::ok;
}

}  // namespace smp_child
