// SPDX-License-Identifier: Apache-2.0
// One request on its way through a group to its answer: header, request map, the answer being written, and what the
// handler wants to happen besides (time that passes, a reset). Used by the server, the recovery and all groups.
#pragma once

#include <cstdint>
#include <optional>

#include "cbor.hpp"
#include "loop.hpp"
#include "smp_packet.hpp"

namespace smp_child {

/// mcumgr_err_t: what any version calls "rc".
enum class Rc {
  ok = 0,
  unknown = 1,
  no_memory = 2,
  invalid = 3,
  no_entry = 5,
  bad_state = 6,
  too_long = 7,
  not_supported = 8,
  busy = 10,
  access_denied = 11
};

/// How a request ended. A group's own error has its code for v2 and an rc for v1.
struct Status {
  Rc rc = Rc::ok;
  int group_error = 0;

  Status(Rc code = Rc::ok) : rc(code) {}  // NOLINT: meant to convert
  Status(int group_code, Rc code_in_v1) : rc(code_in_v1), group_error(group_code) {}
  [[nodiscard]] bool ok() const { return rc == Rc::ok; }
};

struct Exchange {
  const Header& header;
  const cbor::Map& request;
  cbor::Writer& answer;                         // an open map
  Duration takes{};                             // time that the child is busy before it answers
  bool silent = false;                          // no answer at all
  bool reset = false;                           // after the answer
  bool to_recovery = false;                     // that reset ends in the bootloader's recovery
  bool crash = false;                           // now, without an answer
  std::optional<std::uint64_t> error_length{};  // "len" beside an error
  std::optional<std::uint8_t> error_image{};    // "image" beside an error
  ByteView body{};                              // what `request` was parsed from

  [[nodiscard]] bool is(Op op, std::uint8_t command) const { return header.op == op && header.command == command; }
};

/// A group of commands in the application's server.
class Group {
 public:
  virtual ~Group() = default;
  virtual Status handle(Exchange& exchange) = 0;

  /// A reset: what was only in RAM is gone.
  virtual void restart() {}
};

}  // namespace smp_child
