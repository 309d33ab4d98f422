// SPDX-License-Identifier: Apache-2.0
// Questions and answers with one child: one sequence counter for the whole connection, one request at a time, answers
// matched, late ones dropped, version 2 with a fall back to version 1, refusals turned into errors. What may be asked
// again is the caller's decision: it says how many attempts there are.
#pragma once

#include "smp/link.hpp"
#include "smp/packet.hpp"

namespace hg::smp {

/// How long and how often.
struct Patience {
  Milliseconds answer{2500};  ///< for one attempt
  unsigned attempts = 1;      ///< more than one only for what may be repeated
  SteadyTime deadline = SteadyTime::max();
};

class Session {
 public:
  Session(Link& link, Clock& clock) : link_(&link), clock_(&clock) {}

  /// Sends `packet` (kHeaderSize bytes of room, then the body; the caller keeps it alive) and returns the body of the
  /// answer. Errc::timed_out: no answer in all attempts; Errc::unavailable: no link; Errc::cancelled; Errc::invalid:
  /// not CBOR; else the child's refusal (refusal.hpp). Not to be called while another call runs.
  boost::asio::awaitable<Result<Bytes>> ask(Command command, std::span<std::uint8_t> packet, Patience patience);

  [[nodiscard]] Link& link() { return *link_; }

 private:
  boost::asio::awaitable<Result<Bytes>> attempt(Command command, std::span<std::uint8_t> packet, std::uint8_t sequence,
                                                SteadyTime deadline);
  boost::asio::awaitable<Result<Bytes>> ask_in_version(Command command, std::span<std::uint8_t> packet,
                                                       Patience patience);
  void notice_opening();

  Link* link_;
  Clock* clock_;
  std::uint8_t sequence_ = 0;
  std::uint8_t version_ = 1;   // the header's: 1 is SMP v2
  bool has_answered_ = false;  // in this opening, in this version
  std::uint64_t opening_ = 0;
  std::int64_t version_refusal_ = 0;
};

}  // namespace hg::smp
