// SPDX-License-Identifier: Apache-2.0
#include "smp/upload.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/cbor.hpp"
#include "smp/groups.hpp"

namespace hg::smp {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr unsigned kMaxSilences = 4;    // of one packet, in a row, each after kAttempts
constexpr unsigned kAttempts = 2;       // with the same number, so that an answer to the first is still good
constexpr unsigned kProven = 4;         // packets of a size that passed: then it is the line that loses, not the size
constexpr unsigned kMaxStuck = 5;       // answers in a row that ask for the same offset again
constexpr unsigned kMaxStepsBack = 16;  // in one upload
constexpr unsigned kMaxBusy = 10;       // "busy" or "out of memory" in a row
constexpr auto kBusyPause = 300ms;
constexpr std::size_t kLeastFirstData = 32;  // the child looks at the MCUboot header in the first packet
constexpr std::size_t kDataHead = 3;         // of a byte string below 64 KiB

}  // namespace

/// Where an upload stands.
struct Upload::Course {
  std::uint64_t offset = 0;
  std::size_t carried = 0;  // bytes of the image in the packet
  Bytes packet;
  unsigned silences = 0;
  unsigned passed = 0;  // packets of the current size
  unsigned stuck = 0;
  unsigned steps_back = 0;
  unsigned busy = 0;
  bool sent_last = false;  // the packet that completes it was sent at least once
  std::optional<UploadEnd> end;
};

Result<void> Upload::fill(Course& course, const UploadSource& source) {
  Bytes& packet = course.packet;
  packet.resize(kHeaderSize);
  cbor::Writer writer(packet);
  const bool is_first = course.offset == 0;
  if (is_first) {
    const bool names_image = source.image_number != 0;
    writer.map(names_image ? 5 : 4);
    if (names_image) writer.text("image").uint(source.image_number);
    writer.text("len").uint(source.size).text("sha").bytes(source.sha256.bytes());
  } else {
    writer.map(2);
  }
  writer.text("off").uint(course.offset).text("data");
  const std::size_t head = packet.size();
  const std::size_t limit = std::max(packet_size_->current(), head + kDataHead + (is_first ? kLeastFirstData : 1));
  const std::uint64_t room = limit - head - kDataHead;
  course.carried = static_cast<std::size_t>(std::min(room, source.size - course.offset));
  // The head of the byte string, then the data straight from the file.
  const std::uint8_t kind = 2U << 5U;
  if (course.carried < 24) {
    packet.push_back(static_cast<std::uint8_t>(kind | course.carried));
  } else if (course.carried < 256) {
    packet.push_back(kind | 24U);
    packet.push_back(static_cast<std::uint8_t>(course.carried));
  } else {
    packet.push_back(kind | 25U);
    packet.push_back(static_cast<std::uint8_t>(course.carried >> 8U));
    packet.push_back(static_cast<std::uint8_t>(course.carried));
  }
  const std::size_t data = packet.size();
  packet.resize(data + course.carried);
  for (std::size_t done = 0; done < course.carried;) {
    const ssize_t size = ::pread(source.fd, packet.data() + data + done, course.carried - done,
                                 static_cast<off_t>(course.offset + done));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return from_errno(errno, "read the image");
    if (size == 0) return Error{Errc::io, "the image is shorter than announced"};
    done += static_cast<std::size_t>(size);
  }
  if (course.offset + course.carried == source.size) course.sent_last = true;
  return {};
}

Milliseconds Upload::patience_for(const Course& course, const UploadSource& source) const {
  if (course.offset == 0) return profile_->erase;
  return course.offset + course.carried == source.size ? profile_->last : profile_->chunk;
}

Result<void> Upload::take(Course& course, const UploadSource& source, const Bytes& body) {
  const auto answer = upload_answer_in(body);
  if (!answer) return answer.error();
  if (answer->offset > source.size) {
    return Error{Errc::invalid,
                 "the child asks for offset " + std::to_string(answer->offset) + " of " + std::to_string(source.size)};
  }
  if (answer->offset == source.size) {
    if (answer->match == false) return Error{Errc::mismatch, "the child says that the image arrived damaged"};
    course.end = UploadEnd::complete;
    return {};
  }
  if (answer->offset == 0 && course.offset != 0 && course.sent_last) {
    course.end = UploadEnd::start_again;
    return {};
  }
  if (answer->offset > course.offset) {
    course.stuck = 0;
  } else if (answer->offset < course.offset && ++course.steps_back > kMaxStepsBack) {
    return Error{Errc::io, "the child goes back again and again"};
  } else if (answer->offset == course.offset && ++course.stuck >= kMaxStuck) {
    return Error{Errc::io, "no progress: the child takes no bytes at offset " + std::to_string(course.offset)};
  }
  course.offset = answer->offset;
  return {};
}

asio::awaitable<Result<void>> Upload::recover(Course& course, const Error& error) {
  if (error.code == Errc::timed_out) {
    if (++course.silences >= kMaxSilences) {
      co_return Error(error).within("upload at offset " + std::to_string(course.offset));
    }
    if (course.passed < kProven || course.silences > 1) {
      packet_size_->step_down();
      course.passed = 0;
    }
    co_return Result<void>{};
  }
  if (error.code == Errc::busy && ++course.busy <= kMaxBusy) {
    co_await clock_->sleep_until(clock_->now() + kBusyPause);
    co_return Result<void>{};
  }
  co_return Error(error).within("upload at offset " + std::to_string(course.offset));
}

asio::awaitable<Result<UploadEnd>> Upload::run(UploadSource source, Progress progress) {
  Course course;
  while (!course.end) {
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
    if (auto filled = fill(course, source); !filled) co_return filled.error();
    // The first packet has minutes to be answered in (the child erases), so it is not sent twice in the same size.
    const Patience patience{.answer = patience_for(course, source), .attempts = course.offset == 0 ? 1 : kAttempts};
    auto body = co_await session_->ask(kImageUpload, course.packet, patience);
    if (!body) {
      auto recovered = co_await recover(course, body.error());
      if (!recovered) co_return recovered.error();
      continue;
    }
    course.silences = 0;
    course.busy = 0;
    ++course.passed;
    if (auto taken = take(course, source, *body); !taken) co_return taken.error();
    if (progress) progress(course.end == UploadEnd::complete ? source.size : course.offset, source.size);
  }
  co_return *course.end;
}

}  // namespace hg::smp
