// SPDX-License-Identifier: Apache-2.0
#include "ctl/screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "ctl/text.hpp"

namespace hg::ctl {
namespace {

constexpr std::size_t kBarWidth = 24;
constexpr std::size_t kStateWidth = 13;

struct Room {
  std::size_t rows = 24;
  std::size_t columns = 80;
};

Room room_of(std::FILE* out) {
  winsize size{};
  if (::ioctl(::fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
  return {size.ws_row, size.ws_col};
}

bool is_terminal(std::FILE* out) {
  const char* kind = std::getenv("TERM");
  return ::isatty(::fileno(out)) == 1 && kind != nullptr && std::string_view{kind} != "dumb";
}

// Exactly `width` columns.
std::string fitted(std::string text, std::size_t width) {
  while (width_of(text) > width) text.pop_back();  // may leave part of a code point: only at the cut
  return text.append(width - width_of(text), ' ');
}

std::string line_of(const Bar& bar, std::size_t name_width) {
  std::string line = fitted(clean(bar.name), name_width) + "  " + fitted(clean(bar.state), kStateWidth);
  if (!bar.known) return line;
  const auto full = static_cast<std::size_t>(std::clamp(bar.progress, 0.0, 1.0) * static_cast<double>(kBarWidth));
  const std::string percent = std::to_string(static_cast<int>(bar.progress * 100));
  return line + "  [" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "] " +
         std::string(3 - std::min<std::size_t>(percent.size(), 3), ' ') + percent + " %";
}

}  // namespace

Screen::Screen(std::FILE* out) : out_(out), terminal_(is_terminal(out)) {}

Screen::~Screen() {
  erase();
  std::fflush(out_);
}

void Screen::erase() {
  if (drawn_ > 0) std::fprintf(out_, "\x1b[%zuA\x1b[J", drawn_);  // up, clear to the end
  drawn_ = 0;
}

void Screen::say(const std::string& text) {
  erase();
  std::fprintf(out_, "%s\n", clean(text).c_str());
  std::fflush(out_);
}

void Screen::draw(const std::vector<Bar>& bars) {
  if (!terminal_) return;
  const Room room = room_of(out_);
  const std::size_t shown = std::min(bars.size(), room.rows - std::min<std::size_t>(room.rows, 2));
  std::size_t name_width = 0;
  for (const Bar& bar : bars) name_width = std::max(name_width, width_of(clean(bar.name)));
  name_width = std::min<std::size_t>(name_width, 24);
  erase();
  for (std::size_t number = 0; number < shown; ++number) {
    std::string line = line_of(bars[number], name_width);
    if (width_of(line) >= room.columns) line = fitted(line, room.columns - 1);
    std::fprintf(out_, "%s\n", line.c_str());
  }
  drawn_ = shown;
  if (shown < bars.size()) {
    std::fprintf(out_, "... and %zu more\n", bars.size() - shown);
    ++drawn_;
  }
  std::fflush(out_);
}

}  // namespace hg::ctl
