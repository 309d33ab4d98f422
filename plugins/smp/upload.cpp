// SPDX-License-Identifier: Apache-2.0
#include "smp/upload.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "smp/image_group.hpp"
#include "smp/os_group.hpp"

namespace hg::smp {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr unsigned kMaxSilences = 10;     // requests in a row that nothing came of
constexpr unsigned kMaxLongSilences = 2;  // of a request that had minutes
constexpr unsigned kMaxEchoes = 3;        // while one request is waited for
constexpr unsigned kMaxStuck = 5;         // answers in a row that ask for the same offset again
constexpr unsigned kMaxStepsBack = 16;    // in one upload
constexpr unsigned kMaxBusy = 10;         // "busy" or "out of memory" in a row
constexpr unsigned kMaxRefusals = 3;      // of one piece, for a reason that may pass
constexpr unsigned kMaxGarbled = 8;       // answers in a row that make no sense
constexpr Milliseconds kFirstPause = 200ms;
constexpr Milliseconds kLongestPause = 3000ms;
constexpr std::size_t kLeastAlign = 4;  // costs three bytes and spares old children trouble (reference smp.md 4.3)
constexpr std::size_t kSmall = 16;      // bytes of a packet that only asks whether somebody is there

constexpr std::int64_t kUnknown = 1, kNoMemory = 2;  // of SMP itself; 1 in the image group too
constexpr std::int64_t kImageReadFailed = 11, kImageEraseFailed = 13, kImageNoMemory = 15;  // 12: write failed

bool lacks_memory(const Refusal& refusal) {
  return refusal.code == (refusal.group ? kImageNoMemory : kNoMemory);
}

bool may_pass(const Refusal& refusal) {
  if (refusal.code == kUnknown) return true;
  return refusal.group && refusal.code >= kImageReadFailed && refusal.code <= kImageEraseFailed;
}

/// What the answer to a request is still good for.
enum class Standing {
  current,    ///< it decides
  gone_back,  ///< what was sent after a piece that got lost: still on its way, but the child will not take it
  given_up,   ///< no answer in time; a late one may tell that the child got farther than was thought
};

/// One request on its way.
struct Sent {
  std::uint8_t sequence = 0;
  bool is_echo = false;  // it asks only whether the child has come past what was sent before
  std::uint64_t offset = 0;
  std::size_t carried = 0;  // bytes of the image
  std::size_t size = 0;     // the limit that the packet was made for
  SteadyTime at{};
  Standing standing = Standing::current;

  [[nodiscard]] std::uint64_t end() const { return offset + carried; }
};

/// One upload, from its beginning to its end.
class Course {
 public:
  Course(Session& session, Pace& pace, Clock& clock, const Profile& profile, const UploadSource& source,
         const Upload::Progress& progress)
      : session_(session), pace_(pace), clock_(clock), profile_(profile), source_(source), progress_(progress) {}

  asio::awaitable<Result<UploadEnd>> run();

 private:
  Result<void> prepare();
  asio::awaitable<Result<void>> send_piece();
  asio::awaitable<Result<void>> send_echo();
  asio::awaitable<Result<void>> hear();
  Result<void> expire(const Sent& oldest);
  Result<void> note(Answer answer);
  Result<void> take(const Sent& sent, const Answer& answer, std::size_t lost_size);
  Result<void> take_current(const Sent& sent, std::uint64_t offset, std::size_t lost_size);
  void take_late(const Sent& sent, std::uint64_t offset);
  Result<void> take_refusal(const Refusal& refusal, const Error& error);
  Result<void> take_garbled(const Error& error);
  Result<void> lost_by_child();
  Result<void> step_back();
  void advance(std::uint64_t offset);
  void go_to(std::uint64_t offset, Standing others);

  [[nodiscard]] bool may_send() const;
  [[nodiscard]] const Sent& oldest() const;
  [[nodiscard]] std::optional<Milliseconds> long_patience(const Sent& sent) const;
  [[nodiscard]] SteadyTime due(const Sent& oldest) const;
  [[nodiscard]] Error at_offset(const Error& error) const {
    return error.within("upload at offset " + std::to_string(wanted_));
  }

  Session& session_;
  Pace& pace_;
  Clock& clock_;
  const Profile& profile_;
  const UploadSource& source_;
  const Upload::Progress& progress_;

  std::uint64_t wanted_ = 0;  // the next byte that the child wants, as it said last
  std::uint64_t next_ = 0;    // the next byte to be sent
  bool is_begun_ = false;     // the first request has been answered
  bool is_alone_ = true;      // one at a time, until a piece passes
  bool sent_last_ = false;    // the piece that completes it was sent at least once
  std::deque<Sent> sent_;     // in the order of sending, which is the order in which the child works
  Bytes packet_;
  std::optional<Sent> prepared_;  // what stands in packet_, to be sent next
  SteadyTime heard_{};            // any answer, last
  SteadyTime echoed_{};           // an echo was sent, last
  SteadyTime paused_until_{};
  unsigned echoes_ = 0;  // since anything was heard
  unsigned silences_ = 0, long_silences_ = 0;
  unsigned stuck_ = 0, steps_back_ = 0, busy_ = 0, refusals_ = 0, garbled_ = 0;
  std::optional<UploadEnd> end_;
};

asio::awaitable<Result<UploadEnd>> Course::run() {
  while (!end_) {
    const bool is_cancelled = co_await was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
    if (clock_.now() < paused_until_) {
      co_await clock_.sleep_until(paused_until_);
      continue;
    }
    Result<void> done{};
    if (may_send()) {
      done = co_await send_piece();
    } else {
      done = co_await hear();
    }
    if (!done) co_return done.error();
  }
  co_return *end_;
}

// --------------------------------------------------------------------------------------------------------- sending

bool Course::may_send() const {
  if (next_ >= source_.size && is_begun_) return false;
  const auto is_on_the_way = [](const Sent& sent) { return !sent.is_echo && sent.standing != Standing::given_up; };
  const auto count = std::ranges::count_if(sent_, is_on_the_way);
  return count < (is_begun_ && !is_alone_ ? static_cast<std::ptrdiff_t>(pace_.window()) : 1);
}

Result<void> Course::prepare() {
  const std::size_t size = pace_.next_packet();
  if (prepared_ && prepared_->offset == next_ && prepared_->size == size) return {};
  prepared_.reset();
  const auto carried = fill_upload_request(source_, next_, size, std::max(profile_.chunk_align, kLeastAlign), packet_);
  if (!carried) return carried.error();
  prepared_ = Sent{.offset = next_, .carried = *carried, .size = size};
  return {};
}

asio::awaitable<Result<void>> Course::send_piece() {
  if (auto filled = prepare(); !filled) co_return filled;
  Sent sent = *std::exchange(prepared_, std::nullopt);
  const auto sequence = co_await session_.send(kImageUpload, packet_, clock_.now() + profile_.chunk);
  if (!sequence && sequence.error().code != Errc::timed_out) co_return sequence.error();
  if (!sequence) {  // the line takes no bytes
    session_.link().resynchronize();
    if (++silences_ >= kMaxSilences) co_return at_offset(sequence.error());
    co_return Result<void>{};
  }
  sent.sequence = *sequence;
  sent.at = clock_.now();  // a link may keep a silence before it sends
  sent_.push_back(sent);
  pace_.sent(sent.size);
  next_ = sent.end();
  if (next_ == source_.size) sent_last_ = true;
  co_return Result<void>{};
}

asio::awaitable<Result<void>> Course::send_echo() {
  Bytes packet = echo_request(kSmall);
  ++echoes_;
  session_.link().resynchronize();
  const auto sequence = co_await session_.send(kEcho, packet, clock_.now() + profile_.chunk);
  echoed_ = clock_.now();
  if (sequence) sent_.push_back({*sequence, true, 0, 0, kSmall, echoed_, Standing::current});
  if (sequence || sequence.error().code == Errc::timed_out) co_return Result<void>{};
  co_return sequence.error();
}

// --------------------------------------------------------------------------------------------------------- waiting

const Sent& Course::oldest() const {
  const auto is_waited_for = [](const Sent& sent) { return !sent.is_echo && sent.standing != Standing::given_up; };
  return *std::ranges::find_if(sent_, is_waited_for);  // there is one: otherwise a piece may be sent
}

std::optional<Milliseconds> Course::long_patience(const Sent& sent) const {
  if (sent.offset == 0) return profile_.erase;
  if (sent.end() == source_.size) return profile_.last;
  return std::nullopt;
}

SteadyTime Course::due(const Sent& oldest) const {
  const SteadyTime since = std::max({oldest.at, heard_, echoed_});
  const auto patience = long_patience(oldest);
  if (!patience) return since + pace_.timeout(oldest.size, silences_);
  const SteadyTime end = oldest.at + *patience;
  if (echoes_ == kMaxEchoes) return end;
  // Few, and farther apart each time: an erasing child has buffers for one or two, a booting one for none.
  const auto pause = echoes_ == 0 ? pace_.timeout(oldest.size, 0) : profile_.chunk * (echoes_ == 1 ? 1 : 4);
  return std::min(end, since + pause);
}

asio::awaitable<Result<void>> Course::hear() {
  const Sent waited_for = oldest();
  // While the child works on one piece, the next is read from the file.
  if (next_ < source_.size && is_begun_) {
    if (auto filled = prepare(); !filled) co_return filled;
  }
  auto answer = co_await session_.next(due(waited_for));
  if (answer) co_return note(std::move(*answer));
  if (answer.error().code != Errc::timed_out) co_return answer.error();
  const auto patience = long_patience(waited_for);
  const bool has_time = patience && clock_.now() < waited_for.at + *patience;
  // The child may be erasing, or hashing, for minutes. If it answers an echo, it is not, and the request was lost.
  if (has_time) co_return co_await send_echo();
  co_return expire(waited_for);
}

Result<void> Course::expire(const Sent& oldest) {
  session_.link().resynchronize();
  const bool is_long = long_patience(oldest).has_value();
  if (is_long) ++long_silences_;
  if (++silences_ >= kMaxSilences || long_silences_ >= kMaxLongSilences) {
    return at_offset({Errc::timed_out, "the child does not answer"});
  }
  if (is_long) {
    pace_.fall();
  } else {
    pace_.lost(oldest.size);
  }
  go_to(wanted_, Standing::given_up);
  return {};
}

// --------------------------------------------------------------------------------------------------------- hearing

Result<void> Course::note(Answer answer) {
  const auto found = std::ranges::find(sent_, answer.sequence, &Sent::sequence);
  if (found == sent_.end()) return {};
  const Sent sent = *found;
  // Refused for lack of room, before its turn: it does not tell how far the child is.
  const bool is_out_of_turn = sent.is_echo && !answer.body && answer.body.error().code == Errc::busy;
  if (is_out_of_turn) {
    sent_.erase(found);
    return {};
  }
  const auto is_passed_over = [](const Sent& one) { return !one.is_echo && one.standing == Standing::current; };
  const auto lost = std::find_if(sent_.begin(), found, is_passed_over);
  const bool is_lost = lost != found;
  const std::size_t lost_size = is_lost ? lost->size : 0;
  sent_.erase(sent_.begin(), found + 1);
  heard_ = clock_.now();
  echoes_ = 0;
  if (!sent.is_echo) {
    if (!long_patience(sent)) pace_.answered(sent.size, heard_ - sent.at);
    return take(sent, answer, lost_size);
  }
  if (!is_lost) return {};
  if (++silences_ >= kMaxSilences) return at_offset({Errc::timed_out, "the child does not answer"});
  pace_.lost(lost_size);
  go_to(wanted_, Standing::given_up);
  return {};
}

Result<void> Course::take(const Sent& sent, const Answer& answer, std::size_t lost_size) {
  const bool is_current = sent.standing == Standing::current;
  if (!answer.body) {
    if (!is_current) return {};
    return answer.refusal ? take_refusal(*answer.refusal, answer.body.error()) : take_garbled(answer.body.error());
  }
  const auto said = upload_answer_in(*answer.body);
  if (!said) return is_current ? take_garbled(said.error()) : Result<void>{};
  if (said->offset > source_.size) {
    return Error{Errc::invalid,
                 "the child asks for offset " + std::to_string(said->offset) + " of " + std::to_string(source_.size)};
  }
  if (said->offset == source_.size) {
    if (said->match == false) return Error{Errc::mismatch, "the child says that the image arrived damaged"};
    advance(source_.size);
    end_ = UploadEnd::complete;
    return {};
  }
  if (is_current) return take_current(sent, said->offset, lost_size);
  take_late(sent, said->offset);
  return {};
}

Result<void> Course::take_current(const Sent& sent, std::uint64_t offset, std::size_t lost_size) {
  if (offset == 0 && sent.offset != 0) return lost_by_child();
  if (offset > sent.offset) {
    is_begun_ = true;
    is_alone_ = false;
    silences_ = long_silences_ = stuck_ = busy_ = refusals_ = garbled_ = 0;
    pace_.passed(sent.size, sent.carried, heard_);
    // Somewhere else than expected: it resumes, or it had got farther before.
    if (offset != sent.end()) go_to(offset, Standing::gone_back);
    advance(offset);
    return {};
  }
  if (offset == sent.offset) {
    if (++stuck_ >= kMaxStuck) {
      return Error{Errc::io, "no progress at offset " + std::to_string(offset) + ": the child takes no bytes"};
    }
  } else {
    if (lost_size != 0) pace_.lost(lost_size);
    if (offset < wanted_) {
      if (auto stepped = step_back(); !stepped) return stepped;
    }
  }
  go_to(offset, Standing::gone_back);
  return {};
}

void Course::take_late(const Sent& sent, std::uint64_t offset) {
  if (!is_begun_ && sent.offset != 0) return;  // of the upload that the child has lost since
  if (offset >= sent.end()) pace_.came_late(sent.size);
  if (offset <= wanted_) return;
  is_begun_ = true;
  silences_ = long_silences_ = 0;
  if (next_ < offset) next_ = offset;
  advance(offset);
}

Result<void> Course::take_refusal(const Refusal& refusal, const Error& error) {
  if (lacks_memory(refusal) && pace_.refused()) {
    go_to(wanted_, Standing::gone_back);
    return {};
  }
  if (error.code == Errc::busy || lacks_memory(refusal)) {
    if (++busy_ > kMaxBusy) return at_offset(error);
    paused_until_ = clock_.now() + std::min(kFirstPause * (1U << std::min(busy_ - 1, 8U)), kLongestPause);
    go_to(wanted_, Standing::gone_back);
    return {};
  }
  if (!may_pass(refusal)) return at_offset(error);
  if (++refusals_ >= kMaxRefusals) {
    return at_offset({Errc::io, "the child cannot write, again and again: " + error.message});
  }
  go_to(wanted_, Standing::gone_back);
  return {};
}

Result<void> Course::take_garbled(const Error& error) {
  if (++garbled_ >= kMaxGarbled) return at_offset(error);
  go_to(wanted_, Standing::gone_back);
  return {};
}

// ------------------------------------------------------------------------------------------------------ where it is

Result<void> Course::lost_by_child() {
  if (sent_last_) {
    end_ = UploadEnd::start_again;
    return {};
  }
  if (auto stepped = step_back(); !stepped) return stepped;
  go_to(0, Standing::gone_back);
  return {};
}

Result<void> Course::step_back() {
  if (++steps_back_ <= kMaxStepsBack) return {};
  return Error{Errc::io, "no progress at offset " + std::to_string(wanted_) + ": the child goes back again and again"};
}

void Course::advance(std::uint64_t offset) {
  wanted_ = offset;
  if (progress_) progress_(offset, source_.size);
}

void Course::go_to(std::uint64_t offset, Standing others) {
  for (Sent& sent : sent_) {
    if (sent.standing == Standing::current || others == Standing::given_up) sent.standing = others;
  }
  pace_.went_back();
  is_alone_ = true;
  if (offset == 0) is_begun_ = false;
  wanted_ = offset;
  next_ = offset;
}

}  // namespace

asio::awaitable<Result<UploadEnd>> Upload::run(UploadSource source, Progress progress) {
  Course course(*session_, *pace_, *clock_, *profile_, source, progress);
  co_return co_await course.run();
}

}  // namespace hg::smp
