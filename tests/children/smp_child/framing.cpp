// SPDX-License-Identifier: Apache-2.0
#include "framing.hpp"

#include <algorithm>
#include <array>

#include "base64.hpp"

namespace smp_child {
namespace {

constexpr std::string_view kFirst = "\x06\x09";
constexpr std::string_view kNext = "\x04\x14";
constexpr std::size_t kRawPerLine = 93;  // 124 characters of Base64: 127 with marker and newline
constexpr std::size_t kTextPerLine = 124;
constexpr std::size_t kLengthSize = 2;
constexpr std::size_t kCrcSize = 2;

constexpr std::array<std::uint16_t, 256> make_crc_table() {
  std::array<std::uint16_t, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = static_cast<std::uint32_t>(i) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021u : 0u);
    table[i] = static_cast<std::uint16_t>(crc);
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

/// Where in a line the marker stands; log text or a prompt may precede it.
std::size_t find_marker(std::string_view line) {
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    const std::string_view here = line.substr(i, 2);
    if (here == kFirst || here == kNext) return i;
  }
  return std::string_view::npos;
}

Bytes with_length_and_crc(ByteView packet) {
  Bytes stream;
  stream.reserve(packet.size() + kLengthSize + kCrcSize);
  append_big_endian(stream, packet.size() + kCrcSize, kLengthSize);
  append(stream, packet);
  append_big_endian(stream, crc16(packet), kCrcSize);
  return stream;
}

}  // namespace

std::uint16_t crc16(ByteView bytes) {
  std::uint16_t crc = 0;
  for (const std::uint8_t byte : bytes) {
    crc = static_cast<std::uint16_t>((crc << 8) ^ kCrcTable[static_cast<std::uint8_t>((crc >> 8) ^ byte)]);
  }
  return crc;
}

void LineBuffers::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    if (newline == std::string_view::npos) return add_to_line(bytes);
    add_to_line(bytes.substr(0, newline + 1));
    end_line();
    bytes.remove_prefix(newline + 1);
  }
}

void LineBuffers::add_to_line(std::string_view piece) {
  const bool no_buffer = current_.empty() && count_ != 0 && lines_.size() >= count_;
  ignoring_ = ignoring_ || no_buffer || current_.size() + piece.size() > size_;
  if (!ignoring_) current_ += piece;
}

void LineBuffers::end_line() {
  if (ignoring_) {
    ++lost_;
  } else {
    current_.pop_back();
    lines_.push_back(std::move(current_));
  }
  current_.clear();
  ignoring_ = false;
}

std::optional<std::string> LineBuffers::pop() {
  if (lines_.empty()) return std::nullopt;
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

void LineBuffers::clear() {
  lines_.clear();
  current_.clear();
  ignoring_ = false;
}

std::optional<Bytes> Assembler::take(std::string_view line) {
  const std::size_t marker = find_marker(line);
  if (marker == std::string_view::npos) return std::nullopt;
  if (line.substr(marker, 2) == kFirst) {
    buffer_.clear();
    started_ = true;
  }
  if (!started_) return std::nullopt;
  if (!append_decoded_base64(buffer_, line.substr(marker + 2)) || buffer_.size() > buffer_size_) return drop();
  if (buffer_.size() < kLengthSize) return std::nullopt;
  const std::size_t wanted = kLengthSize + big_endian(ByteView(buffer_).first(kLengthSize));
  if (buffer_.size() < wanted) return std::nullopt;
  return buffer_.size() == wanted ? finish() : drop();
}

std::optional<Bytes> Assembler::finish() {
  const ByteView content = ByteView(buffer_).subspan(kLengthSize);
  if (content.size() < kCrcSize || crc16(content) != 0) return drop();  // the CRC of P || CRC(P) is 0
  started_ = false;
  return Bytes(content.begin(), content.end() - kCrcSize);
}

std::nullopt_t Assembler::drop() {
  started_ = false;
  ++dropped_;
  return std::nullopt;
}

std::vector<std::string> frame(ByteView packet) {
  const Bytes stream = with_length_and_crc(packet);
  std::vector<std::string> lines;
  for (ByteView rest = stream; !rest.empty();) {
    std::size_t count = std::min(kRawPerLine, rest.size());
    if (rest.size() - count == 1) --count;
    std::string& line = lines.emplace_back(lines.empty() ? kFirst : kNext);
    append_base64(line, rest.first(count));
    line += '\n';
    rest = rest.subspan(count);
  }
  return lines;
}

std::vector<std::string> frame_as_mcuboot(ByteView packet) {
  std::string text;
  append_base64(text, with_length_and_crc(packet));
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size(); at += kTextPerLine) {
    std::string& line = lines.emplace_back(lines.empty() ? kFirst : kNext);
    line += text.substr(at, kTextPerLine) + "\n";
  }
  return lines;
}

}  // namespace smp_child
