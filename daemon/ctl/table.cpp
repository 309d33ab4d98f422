// SPDX-License-Identifier: Apache-2.0
#include "ctl/table.hpp"

#include <algorithm>

#include "ctl/text.hpp"

namespace hg::ctl {
namespace {

constexpr std::size_t kGap = 2;

std::string shown(const std::string& value) {
  return value.empty() ? "-" : clean(value);
}

std::string padding(std::string_view text, std::size_t width) {
  return std::string(width - width_of(text) + kGap, ' ');
}

}  // namespace

void Table::add(const std::vector<std::string>& cells) {
  std::vector<std::string>& row = rows_.emplace_back();
  std::ranges::transform(cells, std::back_inserter(row), shown);
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], width_of(row[column]));
    }
  }
  for (const auto& row : rows_) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      out << row[column];
      if (column + 1 < row.size()) out << padding(row[column], widths[column]);
    }
    out << '\n';
  }
}

void Facts::add(const std::string& name, const std::string& value) {
  facts_.emplace_back(name + ':', shown(value));
}

void Facts::print(std::ostream& out) const {
  std::size_t width = 0;
  for (const auto& [name, value] : facts_) width = std::max(width, name.size());
  for (const auto& [name, value] : facts_) out << name << padding(name, width) << value << '\n';
}

}  // namespace hg::ctl
