// SPDX-License-Identifier: Apache-2.0
#include "smp/refusal.hpp"

#include <array>
#include <string_view>

#include "smp/loose_cbor.hpp"
#include "smp/packet.hpp"

namespace hg::smp {
namespace {

constexpr std::size_t kLongestReason = 200;
constexpr std::int64_t kNoMemory = 2;
constexpr std::int64_t kNotSupported = 8;
constexpr std::int64_t kBusy = 10;

constexpr std::array<std::string_view, 14> kCommon = {"no error",
                                                      "unknown error",
                                                      "out of memory",
                                                      "invalid value",
                                                      "timed out",
                                                      "no such entry",
                                                      "bad state",
                                                      "too large",
                                                      "not supported",
                                                      "corrupt",
                                                      "busy",
                                                      "access denied",
                                                      "the child speaks a newer SMP",
                                                      "the child speaks an older SMP"};

constexpr std::array<std::string_view, 35> kImage = {"no error",
                                                     "unknown error",
                                                     "flash configuration query failed",
                                                     "no image",
                                                     "no TLVs",
                                                     "invalid TLV",
                                                     "several hash TLVs",
                                                     "invalid TLV size",
                                                     "no image with this hash",
                                                     "no free slot",
                                                     "flash open failed",
                                                     "flash read failed",
                                                     "flash write failed",
                                                     "flash erase failed",
                                                     "invalid slot",
                                                     "out of memory",
                                                     "flash context set already",
                                                     "flash context not set",
                                                     "no flash device",
                                                     "invalid page offset",
                                                     "invalid offset",
                                                     "invalid length",
                                                     "invalid image header",
                                                     "no MCUboot image",
                                                     "invalid hash",
                                                     "wrong flash address",
                                                     "no version",
                                                     "the running version is newer",
                                                     "an image is pending already",
                                                     "invalid vector table",
                                                     "the image is larger than the slot",
                                                     "more data than announced",
                                                     "confirming is not allowed",
                                                     "the running image cannot be marked",
                                                     "the active slot is not known"};

template <std::size_t N>
std::string_view name_in(const std::array<std::string_view, N>& names, std::int64_t code) {
  return code >= 0 && code < static_cast<std::int64_t>(N) ? names[static_cast<std::size_t>(code)] : "unknown code";
}

Result<void> read_err(LooseReader& reader, Refusal& refusal) {
  auto map = reader.enter_map();
  if (!map) return map.error();
  refusal.group = std::uint16_t{0};
  for (;;) {
    const auto another = reader.more(*map);
    if (!another) return another.error();
    if (!*another) return {};
    const auto key = reader.read_key();
    if (!key) return key.error();
    if (*key == "group" || *key == "rc") {
      const auto value = reader.read_int();
      if (!value) return value.error();
      if (*key == "rc") {
        refusal.code = *value;
      } else {
        refusal.group = static_cast<std::uint16_t>(*value);
      }
    } else if (auto skipped = reader.skip(); !skipped) {
      return skipped;
    }
  }
}

}  // namespace

Result<std::optional<Refusal>> refusal_in(ByteView body) {
  LooseReader reader(body);
  auto map = reader.enter_map();
  if (!map) return map.error();
  Refusal refusal;
  for (;;) {
    const auto another = reader.more(*map);
    if (!another) return another.error();
    if (!*another) break;
    const auto key = reader.read_key();
    if (!key) return key.error();
    Result<void> taken{};
    if (*key == "rc" && !refusal.group) {
      const auto code = reader.read_int();
      taken = code ? Result<void>{} : Result<void>{code.error()};
      if (code) refusal.code = *code;
    } else if (*key == "err") {
      taken = read_err(reader, refusal);
    } else if (*key == "rsn") {
      LooseReader ahead = reader;
      if (auto reason = ahead.read_text(kLongestReason)) refusal.reason = std::move(*reason);
      taken = reader.skip();
    } else {
      taken = reader.skip();
    }
    if (!taken) return taken.error();
  }
  if (refusal.code == 0) return std::optional<Refusal>{};
  return std::optional<Refusal>{std::move(refusal)};
}

Error error_from(const Refusal& refusal) {
  const bool is_common = !refusal.group;
  const bool is_image = refusal.group == kImageGroup;
  std::string text = "the child refuses: ";
  if (!is_common) text += is_image ? "image " : "group " + std::to_string(*refusal.group) + " ";
  text += "error " + std::to_string(refusal.code);
  if (is_common) text += " (" + std::string(name_in(kCommon, refusal.code)) + ")";
  if (is_image) text += " (" + std::string(name_in(kImage, refusal.code)) + ")";
  if (!refusal.reason.empty()) text += ": " + refusal.reason;
  Errc code = Errc::denied;
  if (is_common && refusal.code == kNotSupported) code = Errc::unsupported;
  if (is_common && (refusal.code == kBusy || refusal.code == kNoMemory)) code = Errc::busy;
  return Error{code, std::move(text)};
}

}  // namespace hg::smp
