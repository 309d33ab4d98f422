// SPDX-License-Identifier: Apache-2.0
// The buffers and the one thread of an SMP server (smp.md 2.4, 4.4): `buf_count` packets at most are held, the one in
// work included; each takes its time; an answer needs a buffer too. Also what goes wrong with requests and answers on
// the way. Used by the child.
#pragma once

#include <deque>
#include <functional>

#include "chance.hpp"
#include "life.hpp"
#include "link.hpp"
#include "responder.hpp"

namespace smp_child {

class RequestQueue {
 public:
  /// Who is told of a reset that was asked for, and (now) of one that happens.
  struct Resets {
    std::function<void(bool to_recovery)> asked;
    std::function<void()> now;
  };

  RequestQueue(const Options& options, Life& life, Link& link, Record& record, Resets resets)
      : options_(options),
        life_(life),
        link_(link),
        record_(record),
        resets_(std::move(resets)),
        chance_(options.faults.seed) {}

  /// A boot: nothing is held any more, and from now on this one answers.
  void restart(Responder& responder);

  void receive(Packet packet);

  /// Whether a request is in work or its answer not out yet.
  [[nodiscard]] bool has_open() const { return !held_.empty() || link_.sending(); }

  /// The server's thread hangs: nothing is answered until a boot.
  void hang() { hanging_ = true; }

 private:
  void begin_next();
  void carry_out();
  void finish();
  void answer(Packet packet);
  void send(const Packet& packet);
  bool answer_is_lost();

  const Options& options_;
  Life& life_;
  Link& link_;
  Record& record_;
  Resets resets_;
  Chance chance_;
  Responder* responder_ = nullptr;
  std::deque<Packet> held_;  // the first one is in work
  bool hanging_ = false;
  unsigned answers_ = 0;
};

}  // namespace smp_child
