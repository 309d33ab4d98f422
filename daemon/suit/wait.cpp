// SPDX-License-Identifier: Apache-2.0
#include "suit/wait.hpp"

#include <algorithm>

#include "suit/limits.hpp"

namespace hg::suit {
namespace {

Result<void> read_authorization(cbor::Reader& reader, Wait& wait) {
  const auto level = reader.read_int();
  if (!level) return level.error();
  wait.needs_authorization = true;
  return {};
}

Result<void> read_time(cbor::Reader& reader, Wait& wait) {
  const auto seconds = reader.read_uint();
  if (!seconds) return seconds.error();
  wait.not_before = *seconds;
  return {};
}

Result<std::string> read_target(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto name = reader.read_bytes();
  if (!name) return name.error();
  const bool is_printable = std::ranges::all_of(*name, [](std::uint8_t c) { return c > ' ' && c <= '~'; });
  if (name->empty() || name->size() > kMaxTargetNameBytes || !is_printable) {
    return cbor::Reader::error_at(offset, Errc::invalid, "a target's name that is empty, long or not printable");
  }
  return std::string(name->begin(), name->end());
}

/// [id, [+ [op, version]]]
Result<void> read_other_device(cbor::Reader& reader, Wait& wait) {
  const std::size_t offset = reader.offset();
  const auto pair = reader.enter_array();
  if (!pair) return pair.error();
  if (*pair != 2) return cbor::Reader::error_at(offset, Errc::invalid, "it is [id, [+ version condition]]");
  auto target = read_target(reader);
  if (!target) return target.error();
  const std::size_t list_offset = reader.offset();
  const auto count = reader.enter_array();
  if (!count) return count.error();
  if (*count == 0 || *count > kMaxVersionConditions) {
    return cbor::Reader::error_at(list_offset, Errc::invalid, std::to_string(*count) + " version conditions");
  }
  wait.after = TargetVersion{std::move(*target), {}};
  for (std::size_t i = 0; i < *count; ++i) {
    auto condition = read_version_condition(reader);
    if (!condition) return condition.error();
    wait.after->versions.push_back(std::move(*condition));
  }
  return {};
}

struct Event {
  std::int64_t key;
  std::string_view name;
  Result<void> (*read)(cbor::Reader&, Wait&);  ///< none: not ours to wait for
};

constexpr Event kEvents[] = {
    {1, "authorization", read_authorization},
    {2, "power", nullptr},
    {3, "network", nullptr},
    {4, "other-device-version", read_other_device},
    {5, "time", read_time},
    {6, "time-of-day", nullptr},
    {7, "day-of-week", nullptr},
    {8, "time-of-day-utc", nullptr},
    {9, "day-of-week-utc", nullptr},
};

Result<void> read_event(std::int64_t key, std::size_t key_offset, cbor::Reader& reader, Wait& wait) {
  const auto* event = std::ranges::find(kEvents, key, &Event::key);
  if (event == std::end(kEvents)) {
    return cbor::Reader::error_at(key_offset, Errc::unsupported, "unknown event " + std::to_string(key));
  }
  const std::string name = "event " + std::string(event->name) + " (" + std::to_string(key) + ")";
  if (event->read == nullptr) return cbor::Reader::error_at(key_offset, Errc::unsupported, name + " is not supported");
  if (auto read = event->read(reader, wait); !read) return read.error().within(name);
  return {};
}

}  // namespace

Result<Wait> read_wait(cbor::Reader& reader) {
  Wait wait;
  const std::size_t start = reader.offset();
  auto keys = cbor::MapKeys::enter(reader);
  if (!keys) return keys.error();
  if (keys->count() == 0) return cbor::Reader::error_at(start, Errc::invalid, "no event to wait for");
  for (;;) {
    const std::size_t offset = reader.offset();
    const auto key = keys->next_integer();
    if (!key) return key.error();
    if (!key->has_value()) return wait;
    if (auto read = read_event(**key, offset, reader, wait); !read) return read.error();
  }
}

}  // namespace hg::suit
