// SPDX-License-Identifier: Apache-2.0
#include "smp/refusal.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "smp/answer_map.hpp"
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

constexpr std::array<std::string_view, 7> kOs = {"no error",
                                                 "unknown error",
                                                 "invalid format",
                                                 "no answer to this query",
                                                 "the clock is not set",
                                                 "the clock failed",
                                                 "invalid answer to the query"};

constexpr std::array<std::string_view, 9> kSettings = {"no error",
                                                       "unknown error",
                                                       "the key is too long",
                                                       "no such key",
                                                       "reading is not supported",
                                                       "no such root of keys",
                                                       "writing is not supported",
                                                       "deleting is not supported",
                                                       "saving is not supported"};

constexpr std::array<std::string_view, 17> kFs = {"no error",
                                                  "unknown error",
                                                  "invalid name",
                                                  "no such file",
                                                  "a directory",
                                                  "open failed",
                                                  "seek failed",
                                                  "read failed",
                                                  "truncate failed",
                                                  "delete failed",
                                                  "write failed",
                                                  "invalid offset",
                                                  "offset beyond the end of the file",
                                                  "no such hash",
                                                  "no such mount point",
                                                  "read-only file system",
                                                  "the file is empty"};

constexpr std::array<std::string_view, 11> kKit = {"no error",
                                                   "the child failed",
                                                   "not what the command asks for",
                                                   "the child speaks an older kit",
                                                   "the gateway must prove itself first",
                                                   "the child has no key",
                                                   "nothing to prove",
                                                   "the proof does not hold",
                                                   "the child has another key",
                                                   "this is not what runs",
                                                   "the child does not confirm"};

constexpr std::int64_t kNoEntry = 5;

template <std::size_t N>
std::string_view name_in(const std::array<std::string_view, N>& names, std::int64_t code) {
  return code >= 0 && code < static_cast<std::int64_t>(N) ? names[static_cast<std::size_t>(code)] : "unknown code";
}

Result<void> read_err(LooseReader& reader, Refusal& refusal) {
  refusal.group = std::uint16_t{0};
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "rc") return store(reader.read_int(), refusal.code);
    if (key == "group") return store_number(reader.read_int(), 0xFFFF, refusal.group.emplace());
    return false;
  };
  return read_map(reader, read);
}

}  // namespace

Result<std::optional<Refusal>> refusal_in(ByteView body) {
  LooseReader reader(body);
  Refusal refusal;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "rc" && !refusal.group) return store(reader.read_int(), refusal.code);
    if (key == "err") {
      const auto taken = read_err(reader, refusal);
      return taken ? Result<bool>{true} : Result<bool>{taken.error()};
    }
    LooseReader ahead = reader;  // details that cannot be read are no reason to fail
    if (key == "image") {
      if (const auto image = ahead.read_int(); image && *image >= 0 && *image <= 255) {
        refusal.image = static_cast<std::uint8_t>(*image);
      }
    }
    if (key != "rsn") return false;
    if (auto reason = ahead.read_text(kLongestReason)) refusal.reason = std::move(*reason);
    return false;
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error();
  if (refusal.code == 0) return std::optional<Refusal>{};
  return std::optional<Refusal>{std::move(refusal)};
}

namespace {

/// "image error 28 (an image is pending already)".
std::string text_of(const Refusal& refusal) {
  const std::string code = "error " + std::to_string(refusal.code);
  const auto named = [&](std::string_view group, std::string_view name) {
    return std::string(group) + code + " (" + std::string(name) + ")";
  };
  if (!refusal.group) return named("", name_in(kCommon, refusal.code));
  switch (*refusal.group) {
    case kOsGroup:
      return named("os ", name_in(kOs, refusal.code));
    case kImageGroup:
      return named("image ", name_in(kImage, refusal.code));
    case kSettingsGroup:
      return named("settings ", name_in(kSettings, refusal.code));
    case kFsGroup:
      return named("fs ", name_in(kFs, refusal.code));
    case kKitGroup:
      return named("kit ", name_in(kKit, refusal.code));
    default:
      return "group " + std::to_string(*refusal.group) + " " + code;
  }
}

Errc code_of(const Refusal& refusal) {
  if (!refusal.group) {
    if (refusal.code == kNotSupported) return Errc::unsupported;
    if (refusal.code == kBusy || refusal.code == kNoMemory) return Errc::busy;
    return refusal.code == kNoEntry ? Errc::not_found : Errc::denied;
  }
  constexpr std::array<std::pair<std::uint16_t, std::int64_t>, 6> kAbsent = {{{kImageGroup, 8},     // HASH_NOT_FOUND
                                                                              {kSettingsGroup, 3},  // KEY_NOT_FOUND
                                                                              {kSettingsGroup, 5},  // ROOT_KEY_...
                                                                              {kFsGroup, 3},        // NOT_FOUND
                                                                              {kFsGroup, 13},       // no such hash
                                                                              {kFsGroup, 14}}};     // MOUNT_POINT_...
  const auto is_it = [&](const auto& one) { return one.first == *refusal.group && one.second == refusal.code; };
  return std::ranges::any_of(kAbsent, is_it) ? Errc::not_found : Errc::denied;
}

}  // namespace

Error error_from(const Refusal& refusal) {
  std::string text = "the child refuses: " + text_of(refusal);
  if (refusal.image) text += " for image " + std::to_string(*refusal.image);
  if (!refusal.reason.empty()) text += ": " + refusal.reason;
  return Error{code_of(refusal), std::move(text)};
}

}  // namespace hg::smp
