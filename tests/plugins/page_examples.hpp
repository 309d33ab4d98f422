// SPDX-License-Identifier: Apache-2.0
// The bytes that docs/child-protocol.md shows, so that tests hold code to the page itself. Used by test_childkit and
// test_kit_group.
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "base/bytes.hpp"

namespace hg::test {

/// The block ```hex NAME of the page.
inline Bytes page_example(const std::string& name) {
  std::ifstream file(HEADGATE_SOURCE_DIR "/docs/child-protocol.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  const std::string opening = "```hex " + name + "\n";
  const std::size_t begin = page.find(opening);
  if (begin == std::string::npos) throw std::runtime_error("the page has no block \"hex " + name + "\"");
  std::string digits;
  for (std::size_t at = begin + opening.size(); page[at] != '`'; ++at) {
    if (page[at] != '\n') digits += page[at];
  }
  const auto bytes = from_hex(digits);
  if (!bytes) throw std::runtime_error("\"" + name + "\" is not hexadecimal");
  return *bytes;
}

}  // namespace hg::test
