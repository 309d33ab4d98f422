// SPDX-License-Identifier: Apache-2.0
// A lenient CBOR reader for the answers of children: definite and indefinite lengths at every level, heads of any
// width, unknown keys and values of any kind to be skipped (zcbor in Zephyr writes indefinite maps and arrays). Hostile
// input ends in an error: every loop consumes input, strings are copied up to a limit that the caller names, nesting
// is bounded. The strict reader for the plugin wire is base/cbor. Used by the groups of smp and the SenML of coap.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace hg::plugin {

inline constexpr std::size_t kMaxLooseNesting = 16;

class LooseReader {
 public:
  explicit LooseReader(ByteView input) : input_(input) {}

  [[nodiscard]] bool at_end() const { return position_ == input_.size(); }
  /// In the input, for messages.
  [[nodiscard]] std::size_t offset() const { return position_; }

  /// What comes next, by its head.
  enum class Kind : std::uint8_t { integer, bytes, text, array, map, tag, boolean, real, other };
  [[nodiscard]] Result<Kind> peek() const;

  /// An entered map or array: how much of it is still to come.
  struct Container {
    std::uint64_t left = 0;
    bool indefinite = false;
  };

  Result<Container> enter_map();
  Result<Container> enter_array();
  /// Whether another pair or element follows; takes the break at the end of an indefinite one.
  Result<bool> more(Container& container);

  /// The next map key; "" for one that is no text or longer than any that we know.
  Result<std::string> read_key();

  Result<std::string> read_text(std::size_t limit);
  Result<Bytes> read_bytes(std::size_t limit);
  Result<std::int64_t> read_int();
  /// true, false, and the integers 1 and 0.
  Result<bool> read_bool();
  /// Of half, single or double precision.
  Result<double> read_real();
  Result<void> skip();

 private:
  struct Head {
    std::uint8_t major = 0;
    std::uint64_t argument = 0;
    bool indefinite = false;
  };
  Result<Head> read_head();
  Result<Container> enter(std::uint8_t major);
  Result<Bytes> read_string(std::uint8_t major, std::size_t limit);
  Result<void> append_chunk(const Head& head, Bytes& to, std::size_t limit);
  [[nodiscard]] std::size_t left() const { return input_.size() - position_; }
  [[nodiscard]] Error error(std::string_view what) const;

  ByteView input_;
  std::size_t position_ = 0;
};

}  // namespace hg::plugin
