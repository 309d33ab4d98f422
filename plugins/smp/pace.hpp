// SPDX-License-Identifier: Apache-2.0
// How fast one child can be sent to: the size of a packet, how many at once, the pause between lines, how long to wait
// for an answer. The little that a child tells (os params) is asked for, the rest found by echoes of growing size
// before an upload, and by the upload itself from then on. Updater owns one; upload goes by it and tells it what
// passed and what was lost.
#pragma once

#include "smp/learned.hpp"
#include "smp/packet_size.hpp"
#include "smp/profile.hpp"
#include "smp/round_trip.hpp"
#include "smp/session.hpp"
#include "smp/window.hpp"

namespace hg::smp {

class Pace {
 public:
  /// `learned`: of this child earlier, to begin with; what the profile fixes goes before it.
  explicit Pace(const Profile& profile, const Learned& learned = {});

  /// Makes sure that there is a pace for this start of the child (Session::start()); asks it for nothing that is known.
  /// After a restart what was learned is where it begins, and is verified. In MCUboot's serial recovery packets stay
  /// smaller and alone. Errc::unavailable, Errc::cancelled.
  boost::asio::awaitable<Result<void>> find(Session& session, Clock& clock, bool is_recovery);

  /// Worth remembering after an upload that went through; 0 for what the profile fixes.
  [[nodiscard]] Learned learned() const;

  /// Bytes of a packet that passes, header included; 0 before find().
  [[nodiscard]] std::size_t packet() const { return size_.current(); }
  /// For the packet that is sent now: now and then a larger one is tried.
  [[nodiscard]] std::size_t next_packet() const { return window_.is_trying() ? size_.current() : size_.next(); }
  [[nodiscard]] unsigned window() const { return window_.current(); }
  [[nodiscard]] RoundTrip::Duration timeout(std::size_t size, unsigned silences) const {
    return round_trip_.timeout(size, silences);
  }

  /// A packet of `size` bytes (the limit it was made for) was sent.
  void sent(std::size_t size) { size_.sent(size); }
  /// It was answered after `time`, in time or late.
  void answered(std::size_t size, RoundTrip::Duration time) { round_trip_.took(time, size); }
  /// The child took it, with so many bytes of the image.
  void passed(std::size_t size, std::size_t bytes, SteadyTime now);
  /// It was given up for lost, but the child has taken it: the size is not to blame.
  void came_late(std::size_t size) { size_.passed(size); }
  void lost(std::size_t size);
  /// What is on its way is sent once more: it tells nothing about sizes.
  void went_back() { size_.stop_trying(); }
  /// The child had no memory for it. Whether fewer at once are left to be tried.
  bool refused();
  /// Nothing is answered any more, and nothing tells why.
  void fall() { size_.fall(); }

 private:
  struct Echoed {
    unsigned passed = 0;
    RoundTrip::Duration time{0};  // of the last that passed
    bool is_unsupported = false;
  };

  boost::asio::awaitable<Result<void>> ask_limits(Session& session, Clock& clock, bool is_recovery);
  boost::asio::awaitable<Result<void>> find_size(Session& session, Clock& clock);
  boost::asio::awaitable<Result<void>> find_gap(Session& session, Clock& clock, Echoed without);
  /// Echoes of one size until two have passed, or two were lost.
  boost::asio::awaitable<Result<Echoed>> echo(Session& session, Clock& clock, std::size_t size);

  Profile profile_;
  Learned learned_;
  RoundTrip round_trip_;
  PacketSize size_;
  Window window_;
  Milliseconds line_gap_{0};
  std::size_t most_ = 0;     // bytes of a packet that child and link say they take
  std::uint64_t start_ = 0;  // of the child, that this is for
  bool is_recovery_ = false;
};

}  // namespace hg::smp
