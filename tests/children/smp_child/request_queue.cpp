// SPDX-License-Identifier: Apache-2.0
#include "request_queue.hpp"

#include <utility>

namespace smp_child {

void RequestQueue::restart(Responder& responder) {
  responder_ = &responder;
  held_.clear();
  hanging_ = false;
}

void RequestQueue::receive(Packet packet) {
  record_.add("packets", 1);
  if (chance_.happens(options_.faults.drop_rx)) return record_.event("fault: request lost");
  if (hanging_) return;
  if (held_.size() >= options_.link.buf_count) {
    record_.add("no_buffer", 1);
    return record_.event("no buffer for a packet");
  }
  held_.push_back(std::move(packet));
  if (held_.size() == 1) begin_next();
}

void RequestQueue::begin_next() {
  if (options_.server.work == Micros::zero()) return carry_out();
  life_.after(options_.server.work, [this] { carry_out(); });
}

/// An answer needs a buffer beside those of the requests that are held (smp.md 4.4: rc 2).
void RequestQueue::carry_out() {
  const std::size_t peer = held_.front().peer;
  const Bytes request = held_.front().bytes;
  const bool spare = held_.size() < options_.link.buf_count || options_.link.buf_count == 1;
  const bool refuses = !spare && !options_.faults.no_spare_buffer;
  if (!spare) record_.count("no_buffer");
  auto outcome = refuses ? responder_->no_memory(request) : responder_->handle(request);
  if (outcome && outcome->crash) return resets_.now();
  if (outcome && outcome->reset) resets_.asked(outcome->to_recovery);
  const bool lost = !outcome || outcome->answer.empty() || (!spare && options_.faults.no_spare_buffer);
  const Duration takes = outcome ? outcome->takes : Duration::zero();
  auto done = [this, lost, packet = Packet{outcome ? std::move(outcome->answer) : Bytes{}, peer}] {
    if (!lost) answer(packet);
    finish();
  };
  if (takes == Duration::zero()) return done();
  life_.after(takes, std::move(done));
}

void RequestQueue::finish() {
  if (!held_.empty()) held_.pop_front();
  if (!held_.empty()) begin_next();
}

void RequestQueue::answer(Packet packet) {
  if (hanging_) return;
  if (answer_is_lost()) return record_.event("fault: answer lost");
  const FaultOptions& faults = options_.faults;
  const bool late = faults.late_answer != Millis::zero() && chance_.happens(faults.late);
  if (!late) return send(packet);
  life_.after(faults.late_answer, [this, packet = std::move(packet)] { send(packet); });
}

void RequestQueue::send(const Packet& packet) {
  link_.send(packet);
  if (options_.faults.duplicate_answers) link_.send(packet);
}

bool RequestQueue::answer_is_lost() {
  ++answers_;
  const unsigned every = options_.faults.lose_every_answer;
  return chance_.happens(options_.faults.drop_tx) || (every != 0 && answers_ % every == 0);
}

}  // namespace smp_child
