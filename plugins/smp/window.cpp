// SPDX-License-Identifier: Apache-2.0
#include "smp/window.hpp"

#include <algorithm>

namespace hg::smp {

void Window::begin(unsigned start, unsigned bound) {
  is_pinned_ = false;
  bound_ = std::max(bound, 1U);
  proven_ = std::clamp(start, 1U, bound_);
  wait_ = 1;
  rate_ = 0;
  go_to(proven_);
}

void Window::pin(unsigned width) {
  begin(width, width);
  is_pinned_ = true;
}

void Window::go_to(unsigned width) {
  width_ = width;
  spans_ = 0;
  settling_ = width;
}

void Window::put_off(unsigned factor) {
  wait_ = std::min(wait_ * factor, kMostWait);
}

void Window::passed(std::size_t bytes, SteadyTime now) {
  if (settling_ > 0) {
    packets_ = 0;
    bytes_ = 0;
    begun_ = now;
    --settling_;
    return;
  }
  ++packets_;
  bytes_ += bytes;
  if (packets_ < kSpan) return;
  const std::chrono::duration<double> time = std::max(now - begun_, SteadyTime::duration{1});
  const double rate = static_cast<double>(bytes_) / time.count();
  packets_ = 0;
  bytes_ = 0;
  begun_ = now;
  end_span(rate);
}

void Window::end_span(double rate) {
  if (is_trying()) {
    if (rate >= kPays * rate_) {
      proven_ = width_;
      rate_ = rate;
    } else {
      put_off(4);
    }
    return go_to(proven_);
  }
  rate_ = rate;
  if (++spans_ < wait_ || width_ >= bound_ || is_pinned_) return;
  go_to(std::min(2 * width_, bound_));
}

void Window::lost() {
  if (is_pinned_) return;
  if (is_trying()) {
    put_off(4);
  } else if (width_ > 1) {
    proven_ = width_ / 2;
    put_off(2);
  }
  go_to(proven_);
}

void Window::refused() {
  bound_ = std::max(width_ - 1, 1U);
  proven_ = is_trying() ? proven_ : std::max(width_ / 2, 1U);
  put_off(4);
  go_to(proven_);
}

}  // namespace hg::smp
