// SPDX-License-Identifier: Apache-2.0
// Questions and answers with one child: one sequence counter for the whole connection, answers matched, late and
// doubled ones dropped, version 2 with a fall back to version 1, refusals turned into errors. ask() has one request on
// the way and repeats it; send() and next() have several and repeat nothing. What may be asked again, and how many
// requests the child can take at once, is the caller's to know: it says so with each call. It notices when another
// application may have come up, and finds the version anew then; pace goes by it too.
#pragma once

#include <array>
#include <optional>

#include "smp/link.hpp"
#include "smp/packet.hpp"
#include "smp/profile.hpp"
#include "smp/refusal.hpp"

namespace hg::smp {

/// How long and how often.
struct Patience {
  Milliseconds answer{2500};  ///< for one attempt, from when the link has sent it
  unsigned attempts = 1;      ///< more than one only for what may be repeated
  SteadyTime deadline = SteadyTime::max();
};

/// What came back for one request of send().
struct Answer {
  std::uint8_t sequence = 0;  ///< as send() returned it
  /// The body; else error_from(refusal), or Errc::invalid for what is no CBOR map.
  Result<Bytes> body;
  std::optional<Refusal> refusal;
};

class Session {
 public:
  Session(Link& link, Clock& clock, Speaks speaks = Speaks::either);

  /// Sends `packet` (kHeaderSize bytes of room, then the body; the caller keeps it alive) and returns the body of the
  /// answer. Errc::timed_out: no answer in all attempts; Errc::unavailable: no link; Errc::cancelled; Errc::invalid:
  /// not CBOR; else the child's refusal (refusal.hpp). Not to be called while another call runs.
  boost::asio::awaitable<Result<Bytes>> ask(Command command, std::span<std::uint8_t> packet, Patience patience);

  /// Sends a packet as ask() does and returns its sequence number; next() brings the answer. Each call takes a number
  /// of its own, one whose former answers cannot come any more. Errors of Link::write().
  boost::asio::awaitable<Result<std::uint8_t>> send(Command command, std::span<std::uint8_t> packet,
                                                    SteadyTime deadline);

  /// The next answer to a request of send(), each at most once, also one that its sender has given up by now (its
  /// number tells). Errors of Link::read().
  boost::asio::awaitable<Result<Answer>> next(SteadyTime deadline);

  [[nodiscard]] Link& link() { return *link_; }

  /// Changes whenever somebody else may have come up at the other end: with each opening of the link, each reset that
  /// was asked for, and each read request that stayed without an answer, since a child can restart by itself. What was
  /// learned of it before is no longer certain then. (Echoes do not count: they get lost for being too large.)
  [[nodiscard]] std::uint64_t start();

 private:
  /// What a sequence number was used for last.
  struct Use {
    Command command;
    unsigned unanswered = 0;  // how often it was sent, less the answers
    bool is_sent = false;     // by send(), not by ask()
    SteadyTime at{};          // sent last
  };
  struct Received {
    std::uint8_t sequence = 0;
    Bytes body;
  };

  std::uint8_t take_number();
  boost::asio::awaitable<Result<void>> put(Command command, std::span<std::uint8_t> packet, std::uint8_t sequence,
                                           SteadyTime deadline);
  boost::asio::awaitable<Result<Received>> receive(SteadyTime deadline);
  boost::asio::awaitable<Result<Bytes>> attempt(Command command, std::span<std::uint8_t> packet, std::uint8_t sequence,
                                                Patience patience);
  boost::asio::awaitable<Result<Answer>> ask_in_version(Command command, std::span<std::uint8_t> packet,
                                                        Patience patience);
  /// The other version, where the present one is refused or nobody knows it.
  boost::asio::awaitable<Result<Answer>> ask_in_either(Command command, std::span<std::uint8_t> packet,
                                                       Patience patience);
  /// Once, before version 1 is believed in.
  boost::asio::awaitable<Result<Answer>> try_version_2(Command command, std::span<std::uint8_t> packet,
                                                       Patience patience);
  boost::asio::awaitable<Result<Answer>> ask_in_some(Command command, std::span<std::uint8_t> packet,
                                                     Patience patience);
  Answer judge(Received received);
  void notice_opening();
  void begin_anew();
  void doubt();

  Link* link_;
  Clock* clock_;
  Speaks speaks_;
  std::array<Use, 256> uses_{};
  std::uint8_t sequence_;        // the next to be tried
  std::uint8_t version_;         // the header's: 1 is SMP v2
  bool has_answered_ = false;    // since the last start, in this version
  bool owes_version_2_ = false;  // version 1 was taken for a silence, in which the child may have been starting
  std::uint64_t opening_ = 0;
  std::uint64_t start_ = 0;
};

}  // namespace hg::smp
