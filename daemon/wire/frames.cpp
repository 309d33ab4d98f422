// SPDX-License-Identifier: Apache-2.0
#include "wire/frames.hpp"

#include <algorithm>
#include <array>

#include "base/cbor.hpp"
#include "wire/limits.hpp"

namespace hg::wire {
namespace {

constexpr std::size_t kCertificateDigest = 32;  // bytes: SHA-256

constexpr std::array<std::string_view, std::variant_size_v<Frame>> kNames = {
    "Hello",    "Welcome",   "Refused", "Enroll",      "Forget",   "Link",      "Discovered",  "Vanished",
    "LinkKey",  "Radio",     "Inspect", "Offer",       "Backup",   "Deliver",   "Activate",    "Confirm",
    "Revert",   "Restore",   "Cancel",  "Identify",    "Prove",    "Inspected", "OfferAnswer", "BackedUp",
    "Progress", "Delivered", "Ordered", "GuardFailed", "Restored", "Failed",    "Identified",  "Proven"};

}  // namespace

std::string_view name_of(const Frame& frame) {
  return kNames.at(frame.index());
}

bool operator==(const LinkKey& a, const LinkKey& b) {
  const auto bytes_of = [](const LinkKey& key) { return key.secret ? key.secret->view() : ByteView(); };
  return a.child == b.child && a.kind == b.kind && a.identity == b.identity && a.certificate == b.certificate &&
         equal_in_constant_time(bytes_of(a), bytes_of(b));
}

bool holds_secret(const Frame& frame) {
  const auto* key = std::get_if<LinkKey>(&frame);
  return key != nullptr && key->secret;
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

Result<void> check_patches(const std::vector<Patch>& patches, std::uint64_t size) {
  if (patches.size() > kMaxPatches) {
    return Error{Errc::invalid, std::to_string(patches.size()) + " patches, at most 8 are allowed"};
  }
  std::size_t bytes = 0;
  std::uint64_t free_from = 0;
  for (const Patch& patch : patches) {
    const auto invalid = [&patch](std::string_view why) {
      return Error{Errc::invalid, "patch at offset " + std::to_string(patch.offset) + ": " + std::string(why)};
    };
    bytes += patch.bytes.size();
    if (patch.bytes.empty()) return invalid("patch without bytes");
    if (bytes > kMaxPatchBytes) return invalid("more than 4096 bytes of patches");
    if (patch.offset > size || patch.bytes.size() > size - patch.offset) {
      return invalid("patch beyond the end of the file, which has " + std::to_string(size) + " bytes");
    }
    if (patch.offset < free_from) return invalid("patch before the end of another one");
    free_from = patch.offset + patch.bytes.size();
  }
  return {};
}

Result<void> check_link_key(const LinkKey& key) {
  const bool is_psk = key.kind == LinkKeyKind::psk;
  const bool is_passkey = key.kind == LinkKeyKind::passkey;
  const std::size_t secret = key.secret ? key.secret->size() : 0;
  if (is_passkey && !(key.secret && is_passkey_text(key.secret->view()))) {
    return Error{Errc::invalid, "a passkey has exactly six decimal digits"};
  }
  if (is_psk && (secret < kLeastPsk || secret > kMostPsk)) return Error{Errc::invalid, "a PSK has 16 to 64 bytes"};
  if (is_psk && (key.identity.empty() || key.identity.size() > kMaxIdentity)) {
    return Error{Errc::invalid, "a PSK has an identity of 1 to 64 bytes"};
  }
  if (!is_psk && !key.identity.empty()) return Error{Errc::invalid, "an identity that is no PSK's"};
  if (!is_psk && !is_passkey && secret != 0) return Error{Errc::invalid, "a secret that is no PSK's and no passkey's"};
  const std::size_t wanted = key.kind == LinkKeyKind::certificate ? kCertificateDigest : 0;
  if (key.certificate.bytes().size() != wanted) return Error{Errc::invalid, "not the digest of a certificate"};
  return {};
}

bool is_passkey_text(ByteView text) {
  return text.size() == kPasskeyDigits &&
         std::ranges::all_of(text, [](std::uint8_t c) { return c >= '0' && c <= '9'; });
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
