// SPDX-License-Identifier: Apache-2.0
#include "suit/version.hpp"

#include <array>

#include "suit/limits.hpp"

namespace hg::suit {
namespace {

constexpr std::int64_t kLowestMark = -3;  // alpha

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
    if (is_mark && (i == 0 || has_mark || *part < kLowestMark)) {
      return cbor::Reader::error_at(part_offset, Errc::invalid, "version part " + std::to_string(*part));
    }
    has_mark = has_mark || is_mark;
    version.push_back(*part);
  }
  return version;
}

Result<VersionCondition> read_version_condition(cbor::Reader& reader) {
  const std::size_t offset = reader.offset();
  const auto count = reader.enter_array();
  if (!count) return count.error();
  if (*count != 2) return cbor::Reader::error_at(offset, Errc::invalid, "a version condition is [comparison, version]");
  const std::size_t op_offset = reader.offset();
  const auto op = reader.read_uint();
  if (!op) return op.error().within("comparison");
  if (*op == 0 || *op > static_cast<std::uint64_t>(VersionOp::lesser)) {
    return cbor::Reader::error_at(op_offset, Errc::invalid, "comparison " + std::to_string(*op));
  }
  auto version = read_version(reader);
  if (!version) return version.error();
  return VersionCondition{static_cast<VersionOp>(*op), std::move(*version)};
}

std::string condition_text(const VersionCondition& condition) {
  constexpr std::array<const char*, 5> kSigns = {"> ", ">= ", "= ", "<= ", "< "};
  return kSigns[static_cast<std::size_t>(condition.op) - 1] + to_text(condition.version);
}

}  // namespace hg::suit
