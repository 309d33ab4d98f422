// SPDX-License-Identifier: Apache-2.0
// How large a packet to a child may be, as packets pass and get lost: a step down when two in a row of the size are
// lost, and up again with care, by a single packet of the next step, the later the more often that failed. What a child
// does not take it drops silently (reference smp.md 2.1), so that nothing else tells. Pure; pace says what the limits
// are and owns one for each child.
#pragma once

#include <cstddef>
#include <vector>

namespace hg::smp {

class PacketSize {
 public:
  /// When a larger packet is tried: after this many that passed.
  static constexpr unsigned kSoon = 4;   ///< sizes that were never tried
  static constexpr unsigned kCare = 64;  ///< sizes that have been lost

  /// Sizes of `steps` (ascending) up to `most`, and `most` itself; `start` is where it stands.
  void begin(std::vector<std::size_t> steps, std::size_t most, std::size_t start, unsigned wait);

  /// Bytes, header included; 0 before begin().
  [[nodiscard]] std::size_t current() const { return current_; }
  [[nodiscard]] std::size_t least() const { return steps_.empty() ? current_ : steps_.front(); }
  /// The next size above; current() when there is none.
  [[nodiscard]] std::size_t larger() const;
  /// For the packet that is sent now: current(), or larger() when that is due to be tried.
  [[nodiscard]] std::size_t next() const { return passed_ >= wait_ && !is_trying_ ? larger() : current_; }
  /// next() was sent with this size.
  void sent(std::size_t size) { is_trying_ = is_trying_ || size > current_; }
  /// What becomes of that packet will tell nothing.
  void stop_trying() { is_trying_ = false; }

  void passed(std::size_t size);
  void lost(std::size_t size);
  /// To the least at once: nothing else tells what is wrong.
  void fall();

 private:
  static constexpr unsigned kMostWait = 4096;
  static constexpr unsigned kMostLost = 2;  // of a size, in a row

  void go_to(std::size_t size);

  std::vector<std::size_t> steps_;  // up to the largest
  std::size_t current_ = 0;
  unsigned wait_ = kCare;
  unsigned passed_ = 0;     // of the current size, since it was gone to or a larger one was tried
  unsigned lost_ = 0;       // of the current size, in a row
  bool is_trying_ = false;  // a larger packet is on its way
};

}  // namespace hg::smp
