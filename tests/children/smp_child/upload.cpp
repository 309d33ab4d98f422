// SPDX-License-Identifier: Apache-2.0
#include "upload.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "boot_mode.hpp"

#include "image_errors.hpp"
#include "image_file.hpp"

namespace smp_child {
namespace {

constexpr std::size_t kMaxTag = 32;

std::size_t image_number(const cbor::Map& request) {
  return request.integer("image").value_or(0);
}

void answer_offset(Exchange& exchange, std::uint64_t offset) {
  exchange.answer.put_integer("off", static_cast<std::int64_t>(offset));
}

}  // namespace

Status Upload::handle(Exchange& exchange) {
  const auto offset = exchange.request.integer("off");
  const ByteView data = exchange.request.bytes("data").value_or(ByteView{});
  if (!offset) return image_error::kInvalidOffset;
  return *offset == 0 ? first(exchange, data) : next(exchange, *offset, data);
}

Status Upload::first(Exchange& exchange, ByteView data) {
  const cbor::Map& request = exchange.request;
  if (const Status status = check_header(request, data); !status.ok()) return status;
  if (is_same_as_running(request)) {
    board_.record().count("resumes");
    board_.record().event("upload: resumed at " + std::to_string(session_->offset));
    answer_offset(exchange, session_->offset);
    return {};
  }
  const std::uint64_t length = *request.integer("len");
  if (const Status status = check_slot(request, length, data); !status.ok()) return status;
  if (options_.server.image_check && holds(board_.images()[image_number(request)].other(), request)) {
    answer_offset(exchange, length);
    exchange.answer.put_boolean("match", true);
    return {};
  }
  begin(exchange, length);
  return store(exchange, data);
}

Status Upload::next(Exchange& exchange, std::uint64_t offset, ByteView data) {
  if (session_ && session_->offset >= options_.faults.lose_upload_state_at && !lost_) {
    board_.record().event("fault: upload state lost at " + std::to_string(session_->offset));
    lost_ = true;
    session_.reset();
  }
  const std::uint64_t expected = session_ ? session_->offset : 0;
  if (offset == expected) return store(exchange, data);
  answer_offset(exchange, expected);
  return {};
}

Status Upload::check_header(const cbor::Map& request, ByteView data) const {
  if (data.size() < kImageHeaderSize) return image_error::kInvalidHeader;
  if (!request.integer("len")) return image_error::kInvalidLength;
  if (!has_image_magic(data)) return image_error::kInvalidMagic;
  if (request.bytes("sha").value_or(ByteView{}).size() > kMaxTag) return image_error::kInvalidHash;
  return {};
}

Status Upload::check_slot(const cbor::Map& request, std::uint64_t length, ByteView data) const {
  const std::size_t number = image_number(request);
  if (number >= board_.images().size() || !boot_mode(options_.boot.mode).takes_upload) return image_error::kNoFreeSlot;
  const Image& image = board_.images()[number];
  if (image.mark != Mark::none || image.testing) return image_error::kNoFreeSlot;
  if (length > image.other().size()) return image_error::kTooLarge;
  if (data.size() > length) return image_error::kDataOverrun;
  const auto running = board_.image_in(image.running());
  const bool older = running && version_in_header(data).without_build() <= running->version.without_build();
  return request.flag("upgrade") && older ? image_error::kCurrentVersionIsNewer : Status{};
}

/// A first request with the tag of the upload under way asks where to go on.
bool Upload::is_same_as_running(const cbor::Map& request) const {
  const ByteView sha = request.bytes("sha").value_or(ByteView{});
  if (session_ && broken_) return true;
  return session_ && !sha.empty() && std::ranges::equal(sha, session_->sha);
}

/// Whether the slot has all the bytes of which the request names length and SHA-256.
bool Upload::holds(const Slot& slot, const cbor::Map& request) const {
  const ByteView sha = request.bytes("sha").value_or(ByteView{});
  const std::uint64_t length = *request.integer("len");
  return slot.used() >= length && std::ranges::equal(sha, sha256(slot.read(0, length)));
}

void Upload::begin(Exchange& exchange, std::uint64_t length) {
  const std::size_t number = image_number(exchange.request);
  const ByteView sha = exchange.request.bytes("sha").value_or(ByteView{});
  Slot& slot = board_.images()[number].other();
  if (!slot.erased() && !options_.quirks.leftovers) {
    slot.erase();
    exchange.takes += options_.server.erase;
    board_.record().count("erases");
  }
  session_ = Session{number, length, 0, Bytes(sha.begin(), sha.end())};
  board_.record().count("uploads_started");
  board_.record().event("upload: image " + std::to_string(number) + ", " + std::to_string(length) + " bytes");
}

Status Upload::store(Exchange& exchange, ByteView data) {
  const std::uint64_t end = session_->offset + data.size();
  if (end > session_->length) return image_error::kDataOverrun;
  if (end > options_.faults.stuck_at || broken_) {
    answer_offset(exchange, session_->offset);
    return {};
  }
  if (end > options_.faults.write_error_at && !std::exchange(failed_, true)) return fail(session_->offset);
  write(board_.images()[session_->image].other(), session_->offset, data);
  session_->offset = end;
  board_.record().add("upload_bytes", data.size());
  answer_offset(exchange, end);
  crash_at(exchange, end);
  if (end == session_->length) finish(exchange);
  return {};
}

/// A write error, after which nothing but an erase helps (zephyr#44219).
Status Upload::fail(std::uint64_t offset) {
  board_.record().event("fault: flash write error at " + std::to_string(offset));
  broken_ = true;
  return image_error::kWriteFailed;
}

void Upload::write(Slot& slot, std::uint64_t offset, ByteView data) const {
  slot.write(offset, data);
  const std::uint64_t at = options_.faults.corrupt_at;
  if (at < offset || at - offset >= data.size()) return;
  const std::uint8_t wrong = data[at - offset] ^ 1;
  slot.write(at, ByteView(&wrong, 1));
}

/// All bytes are there: the state goes, so that a repeated last chunk is answered with offset 0, as Zephyr does.
void Upload::finish(Exchange& exchange) {
  const Session done = std::move(*session_);
  session_.reset();
  board_.record().count("uploads_completed");
  board_.record().event("upload: complete");
  if (!options_.server.image_check || done.sha.size() != kMaxTag) return;
  const Slot& slot = board_.images()[done.image].other();
  exchange.answer.put_boolean("match", sha256(slot.read(0, done.length)) == done.sha);
}

void Upload::crash_at(Exchange& exchange, std::uint64_t offset) {
  if (crashed_ || offset < options_.faults.reboot_at) return;
  board_.record().event("fault: reboot at " + std::to_string(offset));
  exchange.crash = crashed_ = true;
}

}  // namespace smp_child
