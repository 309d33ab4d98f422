// SPDX-License-Identifier: Apache-2.0
#include "wire/frames.hpp"

#include <algorithm>
#include <array>

#include "base/cbor.hpp"
#include "wire/limits.hpp"

namespace hg::wire {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<Frame>> kNames = {
    "Hello",     "Welcome",  "Refused",     "Enroll",    "Forget",      "Link",       "Inspect",
    "Offer",     "Backup",   "Deliver",     "Activate",  "Confirm",     "Revert",     "Restore",
    "Cancel",    "Identify", "Prove",       "Inspected", "OfferAnswer", "BackedUp",   "Progress",
    "Delivered", "Ordered",  "GuardFailed", "Restored",  "Failed",      "Identified", "Proven"};

}  // namespace

std::string_view name_of(const Frame& frame) {
  return kNames.at(frame.index());
}

bool carries_descriptor(const Frame& frame) {
  return std::holds_alternative<Deliver>(frame) || std::holds_alternative<Restore>(frame);
}

bool may_carry_descriptor(const Frame& frame) {
  return carries_descriptor(frame) || std::holds_alternative<BackedUp>(frame);
}

const Task* task_of(const Frame& frame) {
  const auto find = [](const auto& value) -> const Task* {
    if constexpr (requires { value.task; }) return &value.task;
    return nullptr;
  };
  return std::visit(find, frame);
}

const Reply* reply_of(const Frame& frame) {
  const auto find = [](const auto& value) -> const Reply* {
    if constexpr (requires { value.reply; }) return &value.reply;
    return nullptr;
  };
  return std::visit(find, frame);
}

bool is_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, is_plain);
}

std::string bounded_text(std::string_view text) {
  return bounded_text(text, kMaxText);
}

std::string bounded_text(std::string_view text, std::size_t most) {
  std::string bounded(text.substr(0, most));
  if (text.size() > most) {
    const auto is_continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
    std::size_t end = most;
    while (end > 0 && is_continuation(text[end])) --end;
    bounded.resize(end);
  }
  if (!cbor::is_utf8(as_bytes(bounded))) {
    const auto is_foreign = [](char c) { return static_cast<unsigned char>(c) >= 0x80U; };
    std::ranges::replace_if(bounded, is_foreign, '?');
  }
  return bounded;
}

}  // namespace hg::wire
