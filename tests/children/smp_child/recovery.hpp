// SPDX-License-Identifier: Apache-2.0
// MCUboot's serial recovery (smp.md 6): v1 only whatever the request says, uploads into the slot that boots, no resume,
// no test. Used by the child when no application runs.
#pragma once

#include "board.hpp"
#include "exchange.hpp"
#include "options.hpp"
#include "responder.hpp"

namespace smp_child {

class Recovery : public Responder {
 public:
  Recovery(const Options& options, Board& board) : options_(options), board_(board) {}

  std::optional<Outcome> handle(ByteView packet) override;
  [[nodiscard]] std::optional<Outcome> no_memory(ByteView packet) const override;

  /// A boot: an upload that was under way is forgotten.
  void restart() { upload_.reset(); }

 private:
  struct Upload {
    std::size_t image, slot;
    std::uint64_t length, offset;
  };

  [[nodiscard]] bool stays_silent(const Header& header) const;
  Rc dispatch(Exchange& exchange);
  Rc os(Exchange& exchange) const;
  Rc list(Exchange& exchange) const;
  Rc set_state(Exchange& exchange);
  Rc slot_info(Exchange& exchange) const;
  Rc upload(Exchange& exchange);
  Rc begin(Exchange& exchange);
  void write_flags(cbor::Writer& answer, const Image& image, std::size_t slot) const;

  const Options& options_;
  Board& board_;
  std::optional<Upload> upload_;
};

}  // namespace smp_child
