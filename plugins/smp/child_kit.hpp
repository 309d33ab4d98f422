// SPDX-License-Identifier: Apache-2.0
// What a child with headgate's child kit can be asked besides (docs/child-protocol.md): how it is, whether it wants an
// image, a warning before a reset, the confirmation of all its images in one, and the two halves of the mutual
// identification, which are relayed and not judged. Whether a child has the kit is learned once in each opening of the
// link (of one that is opened on demand: after each reset); a child without it costs one question and is never an error
// for that. Bodies are kit_group's. updater and marking call it.
#pragma once

#include "smp/inquiry.hpp"
#include "smp/kit_group.hpp"

namespace hg::smp {

class ChildKit {
 public:
  ChildKit(Inquiry& inquiry, Link& link, Clock& clock) : inquiry_(&inquiry), link_(&link), clock_(&clock) {}

  /// Nothing: the child has no kit. The link hears what the child says of it. Only Errc::unavailable and
  /// Errc::cancelled are errors.
  boost::asio::awaitable<Result<std::optional<KitStatus>>> status(SteadyTime deadline);
  /// What status() said last in this opening.
  [[nodiscard]] bool can_confirm_all() const { return last_ && last_->can_confirm_all; }

  /// Yes, where the child cannot say.
  boost::asio::awaitable<Result<plugin::Willingness>> offer(wire::Offer offer, SteadyTime deadline);

  /// Tells the child that a reset is ahead and gives it the time that it asks for, within bounds. Errc::busy: it asks
  /// for more.
  boost::asio::awaitable<Result<void>> announce_reset(SteadyTime deadline);

  /// Confirms exactly these running images, all or none. The child's refusals.
  boost::asio::awaitable<Result<void>> confirm_all(std::vector<wire::Guard> running, SteadyTime deadline);

  /// As they came and go. Errc::unsupported: the child has no kit.
  boost::asio::awaitable<Result<Bytes>> identify(Bytes nonce, SteadyTime deadline);
  boost::asio::awaitable<Result<void>> prove(Bytes proof, SteadyTime deadline);

 private:
  void notice_opening();

  Inquiry* inquiry_;
  Link* link_;
  Clock* clock_;
  std::uint64_t opening_ = 0;  // of the link, or since which reset
  bool is_silent_ = false;     // in this opening it did not answer: it is not asked again
  std::optional<KitStatus> last_;
};

}  // namespace hg::smp
