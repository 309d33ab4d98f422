// SPDX-License-Identifier: Apache-2.0
#include "coap/remembered.hpp"

#include <fstream>
#include <iterator>

#include "base/bytes.hpp"

namespace hg::coap {
namespace {

std::string escaped(std::string_view value) {
  std::string text;
  for (const char character : value) {
    const auto byte = static_cast<std::uint8_t>(character);
    if (byte > 0x20 && byte < 0x7F && character != '%') {
      text += character;
    } else {
      text.append("%").append(to_hex(std::span(&byte, 1)));
    }
  }
  return text;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string value;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      value += text[at];
      continue;
    }
    const auto byte = from_hex(text.substr(at + 1, 2));
    if (!byte || byte->size() != 1) return std::nullopt;
    value += static_cast<char>(byte->front());
    at += 2;
  }
  return value;
}

}  // namespace

std::string text_of(std::string_view head, const Facts& facts) {
  std::string text(head);
  text += '\n';
  for (const auto& [name, value] : facts) text.append(name).append(" ").append(escaped(value)).append("\n");
  return text;
}

Facts facts_from(std::string_view head, std::string_view text) {
  if (!text.starts_with(head) || text.substr(head.size(), 1) != "\n") return {};
  text.remove_prefix(head.size() + 1);
  Facts facts;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t space = line.find(' ');
    if (end == std::string_view::npos || space == std::string_view::npos) return {};
    auto value = unescaped(line.substr(space + 1));
    if (!value) return {};
    facts.emplace_back(line.substr(0, space), std::move(*value));
    text.remove_prefix(end + 1);
  }
  return facts;
}

Facts recall(const std::filesystem::path& file, std::string_view head) {
  if (file.empty()) return {};
  std::ifstream stream(file, std::ios::binary);
  std::string text(kLongestRemembered + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text.size() > kLongestRemembered ? Facts() : facts_from(head, text);
}

bool remember(const std::filesystem::path& file, std::string_view head, const Facts& facts) {
  const std::string text = text_of(head, facts);
  if (file.empty()) return false;
  if (text.size() > kLongestRemembered) return forget(file), false;
  std::filesystem::path fresh = file;
  fresh += ".new";
  std::ofstream stream(fresh, std::ios::binary | std::ios::trunc);
  stream << text;
  stream.close();
  std::error_code failure;
  if (stream) {
    std::filesystem::rename(fresh, file, failure);
    return !failure;
  }
  std::filesystem::remove(fresh, failure);
  forget(file);  // what stood there is no longer so
  return false;
}

void forget(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!file.empty()) std::filesystem::remove(file, ignored);
}

std::string_view fact(const Facts& facts, std::string_view name) {
  for (const auto& [key, value] : facts) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace hg::coap
