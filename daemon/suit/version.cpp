// SPDX-License-Identifier: Apache-2.0
#include "suit/version.hpp"

#include <array>

#include "suit/limits.hpp"

namespace hg::suit {
namespace {

constexpr std::array<const char*, 3> kMarks = {"-rc", "-beta", "-alpha"};  // -1, -2, -3

}  // namespace

Result<Version> read_version(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto count = reader.enter_array();
  if (!count) return count.error();
  if (*count == 0 || *count > kMaxVersionParts) {
    return cbor::Reader::error_at(offset, Errc::invalid, "a version of " + std::to_string(*count) + " parts");
  }
  Version version;
  bool has_mark = false;
  for (std::size_t i = 0; i < *count; ++i) {
    const std::size_t part_offset = reader.offset();
    const auto part = reader.read_int();
    if (!part) return part.error();
    const bool is_mark = *part < 0;
    if (is_mark && (i == 0 || has_mark || *part < -static_cast<std::int64_t>(kMarks.size()))) {
      return cbor::Reader::error_at(part_offset, Errc::invalid, "version part " + std::to_string(*part));
    }
    has_mark = has_mark || is_mark;
    version.push_back(*part);
  }
  return version;
}

std::string version_text(const Version& version) {
  std::string text;
  for (const std::int64_t part : version) {
    if (part < 0) {
      text += kMarks[static_cast<std::size_t>(-1 - part)];
    } else {
      if (!text.empty()) text += '.';
      text += std::to_string(part);
    }
  }
  return text;
}

}  // namespace hg::suit
