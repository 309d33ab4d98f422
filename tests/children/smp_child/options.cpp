// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "option_rows.hpp"

namespace smp_child {
namespace {

const OptionRow& find_row(const std::vector<OptionRow>& rows, std::string_view name) {
  for (const OptionRow& row : rows) {
    if (row.name == name) return row;
  }
  throw std::invalid_argument("unknown option " + std::string(name));
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  const std::vector<OptionRow> rows = option_rows(options);
  for (int i = 1; i < argc; ++i) {
    const OptionRow& row = find_row(rows, argv[i]);
    if (row.argument.empty()) {
      row.set("");
    } else if (++i < argc) {
      row.set(argv[i]);
    } else {
      throw std::invalid_argument(std::string(row.name) + " needs " + std::string(row.argument));
    }
  }
  if (options.link.buf_size == 0) options.link.buf_size = options.link.udp ? 2048 : 1024;
  if (options.link.udp && !options.link.seqpacket.empty()) {
    throw std::invalid_argument("--udp and --seqpacket are two links: choose one");
  }
  if (options.link.noise && options.link.framing == Framing::raw) {
    throw std::invalid_argument("--noise needs a console: raw framing does not share the line");
  }
  if (options.state.empty() && !options.help) throw std::invalid_argument("--state DIR is required");
  return options;
}

std::string usage() {
  Options options;
  std::string text = "usage: smp_child --state DIR [OPTION...]\n";
  for (const OptionRow& row : option_rows(options)) {
    std::string left = "  " + std::string(row.name) + " " + std::string(row.argument);
    left.resize(std::max<std::size_t>(left.size() + 1, 36), ' ');
    text += left + std::string(row.help) + "\n";
  }
  return text;
}

}  // namespace smp_child
