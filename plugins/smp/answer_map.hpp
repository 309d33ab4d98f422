// SPDX-License-Identifier: Apache-2.0
// How the groups of SMP take the map of an answer apart: each key that is known is read, all others are skipped, and
// what is out of its range is an error with the key's name. Used by os_group, image_group, settings_group, fs_group
// and kit_group; the reader beneath is loose_cbor.
#pragma once

#include <string>
#include <utility>

#include "base/bytes.hpp"
#include "base/cbor.hpp"
#include "base/error.hpp"
#include "sdk/loose_cbor.hpp"

namespace hg::smp {

using plugin::LooseReader;

/// Walks a map: `read(key)` reads the value of a key that it knows and says so (Result<bool>), or returns false to have
/// it skipped.
template <class Read>
Result<void> read_map(LooseReader& reader, const Read& read) {
  auto map = reader.enter_map();
  if (!map) return map.error();
  for (;;) {
    const auto another = reader.more(*map);
    if (!another) return another.error();
    if (!*another) return {};
    const auto key = reader.read_key();
    if (!key) return key.error();
    const Result<bool> known = read(*key);
    if (!known) return known.error().within("\"" + *key + "\"");
    if (*known) continue;
    if (auto skipped = reader.skip(); !skipped) return skipped;
  }
}

/// For the lambdas of read_map: stores a value that was read, or passes its error on.
template <class T, class Member>
Result<bool> store(Result<T> value, Member& member) {
  if (!value) return value.error();
  member = std::move(*value);
  return true;
}

/// A number from 0 to `most`.
template <class Member>
Result<bool> store_number(const Result<std::int64_t>& value, std::int64_t most, Member& member) {
  if (!value) return value.error();
  if (*value < 0 || *value > most) return Error{Errc::invalid, "number out of range"};
  member = static_cast<Member>(*value);
  return true;
}

/// A text; one that is no UTF-8 is stored as a question mark.
inline Result<bool> store_text(Result<std::string> value, std::string& member) {
  if (!value) return value.error();
  member = cbor::is_utf8(as_bytes(*value)) ? std::move(*value) : "?";
  return true;
}

}  // namespace hg::smp
