// SPDX-License-Identifier: Apache-2.0
#include "adapters/storage/row.hpp"

#include <algorithm>

namespace hg::storage {

std::string Row::text(int column) {
  if (!has(column)) fail(column);
  return std::string(statement_->text(column));
}

std::string Row::name(int column) {
  std::string value = text(column);
  if (value.empty()) fail(column);
  return value;
}

bool Row::flag(int column) {
  return bounded(column, 1) == 1;
}

std::uint64_t Row::number(int column) {
  return std::bit_cast<std::uint64_t>(integer(column));
}

std::uint64_t Row::bounded(int column, std::uint64_t most) {
  const std::uint64_t value = number(column);
  if (value > most) fail(column);
  return value > most ? 0 : value;
}

std::int64_t Row::integer(int column) {
  if (!has(column)) fail(column);
  return statement_->integer(column);
}

Instant Row::instant(int column) {
  return Instant{Duration{integer(column)}};
}

std::optional<std::uint64_t> Row::optional_number(int column) {
  return has(column) ? std::optional(number(column)) : std::nullopt;
}

std::optional<Instant> Row::optional_instant(int column) {
  return has(column) ? std::optional(instant(column)) : std::nullopt;
}

Bytes Row::bytes(int column) {
  const auto value = from_hex(text(column));
  if (!value) fail(column);
  return value.value_or(Bytes{});
}

Bytes Row::bytes(int column, std::size_t most) {
  Bytes value = bytes(column);
  if (value.size() <= most) return value;
  fail(column);
  return {};
}

Version Row::version(int column) {
  const std::string value = text(column);
  const auto version = value.empty() ? Version{} : version_from(value);
  if (!version) fail(column);
  return version.value_or(Version{});
}

std::size_t Row::index(int column, std::size_t size) {
  const std::uint64_t value = number(column);
  if (value >= size) fail(column);
  return value;
}

std::string Row::checked(int column, bool (*is_good)(std::string_view)) {
  std::string value = text(column);
  if (!is_good(value)) fail(column);
  return value;
}

Digest Row::digest(int column) {
  const auto value = Digest::from_text(text(column));
  if (!value) fail(column);
  return value.value_or(Digest{});
}

core::Uuid Row::uuid(int column) {
  core::Uuid value{};
  const auto bytes = from_hex(text(column));
  if (!bytes || bytes->size() != value.size()) {
    fail(column);
    return value;
  }
  std::ranges::copy(*bytes, value.begin());
  return value;
}

Result<void> Row::finish() const {
  if (error_) return *error_;
  return {};
}

void Row::fail(int column) {
  if (error_) return;
  constexpr std::size_t kShown = 64;
  std::string what = "value '";
  what.append(statement_->text(column).substr(0, kShown)).append("' cannot be read");
  error_ = Error{Errc::invalid, std::move(what)}
               .within("column " + std::string(statement_->name(column)))
               .within("row " + key_)
               .within("table " + table_);
}

}  // namespace hg::storage
