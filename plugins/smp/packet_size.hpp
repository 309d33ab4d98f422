// SPDX-License-Identifier: Apache-2.0
// How large a packet to a child may be. What a child does not take it drops silently, and only one of its limits can be
// asked for (os params), so echoes of growing length find out, and an upload whose packets get lost goes down a step.
// upload uses it; the profile can name a size instead.
#pragma once

#include "smp/session.hpp"

namespace hg::smp {

class PacketSize {
 public:
  /// `configured` 0: find out.
  explicit PacketSize(std::size_t configured) : configured_(configured), current_(configured) {}

  /// Makes sure that a size is known for this opening of the link. `answer`: patience for one question.
  boost::asio::awaitable<Result<void>> find(Session& session, Patience patience);

  /// Bytes, header included.
  [[nodiscard]] std::size_t current() const { return current_; }

  /// One step down, after packets of this size were not answered; false when there is none.
  bool step_down();

 private:
  boost::asio::awaitable<Result<bool>> passes(Session& session, std::size_t size, Patience patience);

  std::size_t configured_;
  std::size_t current_;
  std::uint64_t opening_ = 0;
};

}  // namespace hg::smp
