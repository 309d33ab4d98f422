// SPDX-License-Identifier: Apache-2.0
// Who answers requests: the application's SMP server, or the bootloader's serial recovery. Used by the request queue.
#pragma once

#include <optional>

#include "bytes.hpp"
#include "loop.hpp"

namespace smp_child {

class Responder {
 public:
  /// An answer (empty: none), and what happens with it.
  struct Outcome {
    Bytes answer;
    Duration takes{};
    bool reset = false;
    bool to_recovery = false;  // that reset
    bool crash = false;
  };

  virtual ~Responder() = default;

  /// Carries a request out. Nothing for a packet that is no request.
  virtual std::optional<Outcome> handle(ByteView packet) = 0;

  /// The answer to a request for which there is no buffer: rc 2; it is not carried out.
  [[nodiscard]] virtual std::optional<Outcome> no_memory(ByteView packet) const = 0;
};

}  // namespace smp_child
