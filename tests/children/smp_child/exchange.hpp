// SPDX-License-Identifier: Apache-2.0
// One request on its way through a group to its answer: header, request map, the answer being written, and what the
// handler wants to happen besides (time that passes, a reset). Used by the server and its groups.
#pragma once

#include <cstdint>

#include "cbor.hpp"
#include "loop.hpp"

namespace smp_child {

inline constexpr std::size_t kHeaderSize = 8;
enum Op : std::uint8_t { kRead = 0, kWrite = 2 };

/// The 8-byte SMP header (smp.md 1), without the length.
struct Header {
  std::uint8_t op;
  std::uint8_t version;  // 0: v1, 1: v2
  std::uint16_t group;
  std::uint8_t sequence;
  std::uint8_t command;
};

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
  busy = 10
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
  cbor::Writer& answer;  // an open map
  Duration takes{};      // time that the child is busy before it answers
  bool reset = false;    // after the answer
  bool crash = false;    // now, without an answer

  [[nodiscard]] bool is(Op op, std::uint8_t command) const { return header.op == op && header.command == command; }
};

}  // namespace smp_child
