// SPDX-License-Identifier: Apache-2.0
#include "trust/prefix.hpp"

#include <algorithm>

namespace hg::trust {

bool fits(std::string_view prefix, std::string_view name) {
  if (prefix.empty() || !name.starts_with(prefix)) return false;
  if (prefix.ends_with('/')) return name.size() > prefix.size();
  return name.size() == prefix.size() || name[prefix.size()] == '/';
}

std::vector<std::string_view> names_in(std::string_view product) {
  std::vector<std::string_view> names;
  for (;;) {
    const std::size_t end = std::min(product.find('+'), product.size());
    names.push_back(product.substr(0, end));
    if (end == product.size()) return names;
    product.remove_prefix(end + 1);
  }
}

}  // namespace hg::trust
