// SPDX-License-Identifier: Apache-2.0
#include "smp/console.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace hg::smp {
namespace {

constexpr std::array<std::uint8_t, 2> kFirstMarker = {0x06, 0x09};
constexpr std::array<std::uint8_t, 2> kNextMarker = {0x04, 0x14};
constexpr std::size_t kRawPerLine = 93;  // 124 characters of Base64, two of the marker, a newline
constexpr std::size_t kLongestLine = 127;
constexpr std::size_t kLengthSize = 2;
constexpr std::size_t kCrcSize = 2;

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}

constexpr std::array<std::uint16_t, 256> make_crc_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned value = byte << 8U;
    for (int bit = 0; bit < 8; ++bit) value = (value & 0x8000U) != 0 ? value << 1U ^ 0x1021U : value << 1U;
    table[byte] = static_cast<std::uint16_t>(value);
  }
  return table;
}

/// What twelve bits become; two look-ups for each three bytes.
constexpr std::array<std::array<std::uint8_t, 2>, 4096> make_pairs() {
  std::array<std::array<std::uint8_t, 2>, 4096> pairs{};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i] = {static_cast<std::uint8_t>(kAlphabet[i >> 6U]), static_cast<std::uint8_t>(kAlphabet[i & 0x3FU])};
  }
  return pairs;
}

constexpr auto kDigits = make_digits();
constexpr auto kTwoCharacters = make_pairs();
constexpr auto kCrcTable = make_crc_table();

/// Of `raw`, at `out`; returns the end of what it wrote, 4 characters for each 3 bytes begun.
std::uint8_t* write_base64(ByteView raw, std::uint8_t* out) {
  const auto put = [&out](std::uint32_t twelve_bits) {
    const auto& two = kTwoCharacters[twelve_bits];
    *out++ = two[0];
    *out++ = two[1];
  };
  std::size_t i = 0;
  for (; i + 3 <= raw.size(); i += 3) {
    put(std::uint32_t{raw[i]} << 4U | std::uint32_t{raw[i + 1]} >> 4U);
    put((std::uint32_t{raw[i + 1]} & 0xFU) << 8U | raw[i + 2]);
  }
  const std::size_t rest = raw.size() - i;
  if (rest == 0) return out;
  const std::uint32_t second = rest == 2 ? raw[i + 1] : 0U;
  put(std::uint32_t{raw[i]} << 4U | second >> 4U);
  put((second & 0xFU) << 8U);
  out[-1] = '=';
  if (rest == 1) out[-2] = '=';
  return out;
}

/// Appends what `text` encodes; false, with an undefined tail in `out`, when it is not Base64 with its padding.
bool append_decoded(ByteView text, Bytes& out) {
  if (text.size() % 4 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool is_last = i + 4 == text.size();
    std::size_t padding = 0;
    if (is_last && text[i + 3] == '=') padding = text[i + 2] == '=' ? 2 : 1;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 4 - padding; ++k) {
      const std::uint8_t value = kDigits[text[i + k]];
      if (value == kNoDigit) return false;
      group |= std::uint32_t{value} << (18U - 6U * k);
    }
    out.push_back(static_cast<std::uint8_t>(group >> 16U));
    if (padding < 2) out.push_back(static_cast<std::uint8_t>(group >> 8U));
    if (padding < 1) out.push_back(static_cast<std::uint8_t>(group));
  }
  return true;
}

}  // namespace

std::uint16_t crc16(ByteView bytes) {
  std::uint16_t crc = 0;
  for (const std::uint8_t byte : bytes) {
    crc = static_cast<std::uint16_t>(crc << 8U ^ kCrcTable[(crc >> 8U ^ byte) & 0xFFU]);
  }
  return crc;
}

void encode_console(ByteView packet, Bytes& lines) {
  const std::uint16_t crc = crc16(packet);
  const std::size_t length = packet.size() + kCrcSize;
  Bytes stream;
  stream.reserve(kLengthSize + length);
  stream.push_back(static_cast<std::uint8_t>(length >> 8U));
  stream.push_back(static_cast<std::uint8_t>(length));
  stream.insert(stream.end(), packet.begin(), packet.end());
  stream.push_back(static_cast<std::uint8_t>(crc >> 8U));
  stream.push_back(static_cast<std::uint8_t>(crc));

  const std::size_t count = (stream.size() + kRawPerLine - 1) / kRawPerLine;
  const std::size_t before = lines.size();
  lines.resize(before + count * kLongestLine);
  std::uint8_t* out = lines.data() + before;
  for (std::size_t at = 0; at < stream.size(); at += kRawPerLine) {
    const auto& marker = at == 0 ? kFirstMarker : kNextMarker;
    out = std::ranges::copy(marker, out).out;
    out = write_base64(ByteView(stream).subspan(at, std::min(kRawPerLine, stream.size() - at)), out);
    *out++ = '\n';
  }
  lines.resize(static_cast<std::size_t>(out - lines.data()));
}

void ConsoleDecoder::reset() {
  *this = ConsoleDecoder{};
}

std::optional<Bytes> ConsoleDecoder::take(std::uint8_t byte) {
  const std::array<std::uint8_t, 2> two = {std::exchange(last_byte_, byte), byte};
  const bool is_first = two == kFirstMarker;
  std::optional<Bytes> packet;
  if (is_first || two == kNextMarker || byte == '\n') {
    packet = end_piece();
    line_.clear();
    is_text_over_ = false;
    piece_ = byte == '\n' ? Piece::none : is_first ? Piece::first : Piece::next;
  } else if (piece_ != Piece::none && !is_text_over_) {
    is_text_over_ = (kDigits[byte] == kNoDigit && byte != '=') || line_.size() == kMaxPiece;
    if (!is_text_over_) line_.push_back(byte);
  }
  return packet;
}

std::optional<Bytes> ConsoleDecoder::end_piece() {
  if (piece_ == Piece::first) {
    packet_.clear();
    is_open_ = true;
  }
  if (piece_ == Piece::none || !is_open_) return std::nullopt;
  const bool is_decoded = append_decoded(line_, packet_);
  const std::size_t length =
      packet_.size() >= kLengthSize ? std::size_t{packet_[0]} << 8U | std::size_t{packet_[1]} : kMaxPacket;
  const std::size_t wanted = kLengthSize + length;
  is_open_ = is_decoded && length <= kMaxPacket + kCrcSize && length >= kCrcSize && packet_.size() <= wanted;
  if (!is_open_ || packet_.size() < wanted) return std::nullopt;
  is_open_ = false;
  return checked_packet();
}

std::optional<Bytes> ConsoleDecoder::checked_packet() {
  const ByteView with_crc = ByteView(packet_).subspan(kLengthSize);
  if (crc16(with_crc) != 0) return std::nullopt;
  const ByteView packet = with_crc.first(with_crc.size() - kCrcSize);
  return Bytes(packet.begin(), packet.end());
}

}  // namespace hg::smp
