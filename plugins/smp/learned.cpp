// SPDX-License-Identifier: Apache-2.0
#include "smp/learned.hpp"

#include <array>
#include <charconv>
#include <fstream>
#include <optional>

namespace hg::smp {
namespace {

constexpr std::string_view kHead = "headgate-learned 1\n";
constexpr std::string_view kEnding = ".learned";
constexpr std::size_t kLongestText = 256;
constexpr std::uint64_t kLargestPacket = 64 * 1024;
constexpr std::uint64_t kWidestWindow = 255;  // sequence numbers, less one
constexpr std::uint64_t kLongestGap = 1000;

/// Takes "name number\n" off the front of `text`.
std::optional<std::uint64_t> take_line(std::string_view& text, std::string_view name, std::uint64_t most) {
  if (!text.starts_with(name) || text.substr(name.size(), 1) != " ") return std::nullopt;
  const char* const begin = text.data() + name.size() + 1;
  const char* const end = text.data() + text.size();
  std::uint64_t value = 0;
  const auto [after, failure] = std::from_chars(begin, end, value);
  if (failure != std::errc{} || after == end || *after != '\n' || value > most) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(after - text.data()) + 1);
  return value;
}

bool is_plain(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '-' || character == '_';
}

}  // namespace

std::string text_of(const Learned& learned) {
  std::string text(kHead);
  text.append("packet ").append(std::to_string(learned.packet));
  text.append("\nwindow ").append(std::to_string(learned.window));
  text.append("\nline_gap_ms ").append(std::to_string(learned.line_gap.count())).append("\n");
  return text;
}

Result<Learned> learned_from(std::string_view text) {
  const Error error{Errc::invalid, "not what was learned of a child"};
  if (text.size() > kLongestText || !text.starts_with(kHead)) return error;
  text.remove_prefix(kHead.size());
  const auto packet = take_line(text, "packet", kLargestPacket);
  const auto window = take_line(text, "window", kWidestWindow);
  const auto gap = take_line(text, "line_gap_ms", kLongestGap);
  if (!packet || !window || !gap || !text.empty()) return error;
  return Learned{static_cast<std::size_t>(*packet), static_cast<unsigned>(*window), Milliseconds{*gap}};
}

std::filesystem::path LearnedStore::file_of(const std::string& child) const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name;
  name.reserve(3 * child.size() + kEnding.size());
  for (const char character : child) {
    const auto byte = static_cast<unsigned char>(character);
    if (is_plain(character)) {
      name += character;
    } else {
      name.push_back('%');
      name.push_back(kDigits[byte >> 4U]);
      name.push_back(kDigits[byte & 0x0FU]);
    }
  }
  return directory_ / name.append(kEnding);
}

Learned LearnedStore::load(const std::string& child) const {
  if (directory_.empty()) return {};
  std::ifstream file(file_of(child), std::ios::binary);
  std::array<char, kLongestText + 1> text{};
  file.read(text.data(), text.size());
  const auto learned = learned_from({text.data(), static_cast<std::size_t>(file.gcount())});
  return learned ? *learned : Learned{};
}

void LearnedStore::save(const std::string& child, const Learned& learned) const {
  if (directory_.empty() || load(child) == learned) return;
  const std::filesystem::path path = file_of(child);
  std::filesystem::path fresh = path;
  fresh += ".new";
  std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
  file << text_of(learned);
  file.close();
  std::error_code ignored;
  if (file) {
    std::filesystem::rename(fresh, path, ignored);
  } else {
    std::filesystem::remove(fresh, ignored);
  }
}

}  // namespace hg::smp
