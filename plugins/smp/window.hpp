// SPDX-License-Identifier: Apache-2.0
// How many requests of an upload are on their way at once. More than one pays where the child has buffers for them and
// loses every second one where it has not, and nothing tells which (reference smp.md 4.4): so it is measured. Twice as
// many are tried for a while and kept only if bytes pass clearly faster and none is lost; after a trial that failed,
// the next is far away, and farther each time. Pure; pace owns one for each child.
#pragma once

#include <cstddef>

#include "smp/clock.hpp"

namespace hg::smp {

class Window {
 public:
  /// From `start`, anywhere from 1 to `bound`.
  void begin(unsigned start, unsigned bound);
  /// Always `width`, unless the child has no memory for it.
  void pin(unsigned width);

  [[nodiscard]] unsigned current() const { return width_; }
  /// The width that has proved itself.
  [[nodiscard]] unsigned proven() const { return proven_; }
  [[nodiscard]] bool is_trying() const { return width_ > proven_; }

  /// A request that carried so many bytes was taken.
  void passed(std::size_t bytes, SteadyTime now);
  void lost();
  /// The child had no memory for it.
  void refused();

 private:
  static constexpr unsigned kSpan = 16;       // packets that are measured together
  static constexpr unsigned kMostWait = 256;  // spans
  static constexpr double kPays = 1.05;

  void go_to(unsigned width);
  void end_span(double rate);
  void put_off(unsigned factor);

  unsigned width_ = 1;
  unsigned proven_ = 1;
  unsigned bound_ = 1;
  bool is_pinned_ = false;
  unsigned wait_ = 1;      // spans before a trial; grows with each that failed and with each loss
  unsigned spans_ = 0;     // since the last one
  double rate_ = 0;        // of the proven width, bytes a second
  unsigned settling_ = 0;  // packets until the span begins: those of the former width
  unsigned packets_ = 0;   // in the span
  std::size_t bytes_ = 0;
  SteadyTime begun_{};
};

}  // namespace hg::smp
