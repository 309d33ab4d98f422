// SPDX-License-Identifier: Apache-2.0
// Columns of text under headings, as wide as they need to be. Used by the reading commands.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace hg::ctl {

class Table {
 public:
  explicit Table(std::vector<std::string> headings) : rows_{std::move(headings)} {}

  /// One text for each heading; each is cleaned, and "-" stands for an empty one.
  void add(const std::vector<std::string>& cells);

  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// "Name:  value" lines, values below each other.
class Facts {
 public:
  void add(const std::string& name, const std::string& value);
  void print(std::ostream& out) const;

 private:
  std::vector<std::pair<std::string, std::string>> facts_;
};

}  // namespace hg::ctl
