// SPDX-License-Identifier: Apache-2.0
// A child that is not there any more: an smp::Link and smp::Clock that answers as a recording says (docs/recording.md).
// Each request must be the recorded one but for its sequence number, and each question of the client must come where it
// came then; what else happens is an exception that names the file and the line. Time is that of the recording.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "smp/packet.hpp"
#include "smp/smp_driver.hpp"

namespace hg::test {

/// What happened on a link, in the order in which the client saw it.
struct Recorded {
  enum class Kind : std::uint8_t { sent, received, nothing };
  Kind kind = Kind::nothing;
  std::chrono::microseconds at{0};
  Bytes packet;      // sent, received
  std::string text;  // nothing: why
  std::string place;
};

/// What the recorded link carried: "limits 8192 window 1 lossy yes lines yes steps 128 182".
inline std::optional<smp::Link::Limits> limits_from(const std::string& remark) {
  smp::Link::Limits limits;
  std::array<std::string, 5> words;
  std::string lossy;
  std::string lines;
  std::istringstream in(remark);
  in >> words[0] >> limits.largest_packet >> words[1] >> limits.first_window >> words[2] >> lossy >> words[3] >>
      lines >> words[4];
  if (!in || words != std::array<std::string, 5>{"limits", "window", "lossy", "lines", "steps"}) return std::nullopt;
  limits.is_lossy_on_overrun = lossy == "yes";
  limits.has_lines = lines == "yes";
  for (std::size_t step = 0; in >> step;) limits.steps.push_back(step);
  return limits;
}

/// One file, without what is only for people.
inline std::vector<Recorded> read_recording(const std::filesystem::path& path, smp::Link::Limits& limits) {
  constexpr std::string_view kNothing = "nothing received: ";
  std::vector<Recorded> events;
  std::ifstream file(path);
  std::string text;
  if (!std::getline(file, text) || text != "# headgate session 1")
    throw std::runtime_error(path.native() + ": no recording");
  for (std::size_t number = 2; std::getline(file, text); ++number) {
    Recorded event;
    event.place = path.filename().native() + ":" + std::to_string(number);
    std::string_view rest = text;
    const bool is_remark = rest.starts_with("# ");
    if (is_remark) rest.remove_prefix(2);
    std::int64_t microseconds = 0;
    const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), microseconds);
    rest = {end, text.data() + text.size()};
    const bool has_time = failure == std::errc{} && rest.starts_with(' ');
    if (has_time) rest.remove_prefix(1);
    event.at = std::chrono::microseconds(microseconds);
    if (is_remark) {
      if (auto found = limits_from(std::string(rest))) limits = *found;
      if (!has_time || !rest.starts_with(kNothing)) continue;
      event.text = rest.substr(kNothing.size());
    } else {
      const auto packet = rest.size() > 2 ? from_hex(rest.substr(2)) : std::nullopt;
      const bool is_sent = rest.starts_with("> ");
      if (!has_time || !packet || (!is_sent && !rest.starts_with("< ")))
        throw std::runtime_error(event.place + ": no event");
      event.kind = is_sent ? Recorded::Kind::sent : Recorded::Kind::received;
      event.packet = *packet;
    }
    events.push_back(std::move(event));
  }
  return events;
}

class ReplayLink : public smp::RunningLink, public smp::Clock {
 public:
  /// The openings of one child's link, in their order.
  explicit ReplayLink(const std::vector<std::filesystem::path>& files) {
    for (const auto& file : files) openings_.push_back(read_recording(file, limits_));
    begin_opening();
  }

  /// Everything that was recorded has been asked for.
  [[nodiscard]] bool is_over() const { return openings_.size() <= 1 && next_ == events().size(); }
  /// Where it stands, for a failing test.
  [[nodiscard]] std::string place() const { return next_ < events().size() ? events()[next_].place : "the end"; }

  // ---------------------------------------------------------------------------------------------------- Link
  boost::asio::awaitable<Result<void>> write(ByteView packet, smp::SteadyTime) override {
    if (is_lost_) co_return Error{Errc::unavailable, "the link is down"};
    const Recorded& event = take(Recorded::Kind::sent);
    Bytes sent(packet.begin(), packet.end());
    if (sent.size() < smp::kHeaderSize || event.packet.size() < smp::kHeaderSize) throw wrong(event, "half a packet");
    numbers_[event.packet[kNumber]] = std::exchange(sent[kNumber], event.packet[kNumber]);
    if (sent != event.packet) {
      const auto differs = std::ranges::mismatch(sent, event.packet).in1 - sent.begin();
      throw wrong(event, "another request was recorded: differs at byte " + std::to_string(differs) + " of " +
                             std::to_string(sent.size()) + ", " +
                             to_hex(ByteView(sent).first(std::min(sent.size(), kShown))));
    }
    co_return Result<void>{};
  }
  boost::asio::awaitable<Result<Bytes>> read(smp::SteadyTime deadline) override {
    if (is_lost_) co_return Error{Errc::unavailable, "the link is down"};
    if (next_ == events().size()) throw std::runtime_error("more is asked than was recorded");
    if (events()[next_].kind == Recorded::Kind::nothing) co_return nothing(deadline);
    Bytes packet = take(Recorded::Kind::received).packet;
    if (packet.size() >= smp::kHeaderSize) packet[kNumber] = numbers_[packet[kNumber]];
    co_return packet;
  }
  [[nodiscard]] const Limits& limits() const override { return limits_; }
  [[nodiscard]] Opening opening() const override { return opening_; }
  void close() override {}

  // --------------------------------------------------------------------------------------------------- Clock
  [[nodiscard]] smp::SteadyTime now() const override { return now_; }
  boost::asio::awaitable<void> sleep_until(smp::SteadyTime time) override {
    now_ = std::max(now_, time);
    come_back();
    co_return;
  }

 private:
  static constexpr std::size_t kNumber = 6;  // of the sequence, in the header
  static constexpr std::size_t kShown = 24;  // bytes of a request in a text

  [[nodiscard]] const std::vector<Recorded>& events() const { return openings_.front(); }
  static std::runtime_error wrong(const Recorded& event, const std::string& why) {
    return std::runtime_error(event.place + ": " + why);
  }

  const Recorded& take(Recorded::Kind kind) {
    if (next_ == events().size()) throw std::runtime_error("more is asked than was recorded");
    const Recorded& event = events()[next_++];
    if (event.kind != kind) throw wrong(event, "something else was recorded to happen here");
    now_ = std::max(now_, opening_.at + event.at);
    return event;
  }
  Result<Bytes> nothing(smp::SteadyTime deadline) {
    const Recorded& event = take(Recorded::Kind::nothing);
    if (event.text == "no answer") {
      now_ = std::max(now_, deadline);
      return Error{Errc::timed_out, event.text};
    }
    is_lost_ = true;
    return Error{Errc::unavailable, event.text};
  }
  /// After a loss the client pauses; then the next opening is there.
  void come_back() {
    if (!is_lost_ || openings_.size() < 2) return;
    openings_.pop_front();
    begin_opening();
  }
  void begin_opening() {
    next_ = 0;
    is_lost_ = false;
    opening_ = {opening_.number + 1, now_};
  }

  Limits limits_;
  std::deque<std::vector<Recorded>> openings_;
  std::size_t next_ = 0;
  bool is_lost_ = false;
  std::array<std::uint8_t, 256> numbers_{};  // recorded sequence number -> the client's
  smp::SteadyTime now_ = smp::SteadyTime{} + std::chrono::hours{1};
  Opening opening_;
};

}  // namespace hg::test
