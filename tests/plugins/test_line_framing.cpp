// SPDX-License-Identifier: Apache-2.0
// How packets stand on a serial line: the console framing and the raw one. Byte strings that are not our own come from
// the specification or from Python's binascii.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smp/console.hpp"
#include "smp/packet.hpp"
#include "smp/raw_framing.hpp"

namespace hg::smp {
namespace {

Bytes hex(std::string_view digits) {
  return *from_hex(digits);
}

std::vector<Bytes> packets_in(ConsoleDecoder& decoder, ByteView received) {
  std::vector<Bytes> packets;
  decoder.feed(received, [&](Bytes packet) { packets.push_back(std::move(packet)); });
  return packets;
}

std::vector<Bytes> packets_in(std::string_view received) {
  ConsoleDecoder decoder;
  return packets_in(decoder, as_bytes(received));
}

std::string framed(const Bytes& packet) {
  Bytes lines;
  encode_console(packet, lines);
  return {lines.begin(), lines.end()};
}

Bytes numbers(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  return bytes;
}

// ---------------------------------------------------------------------------------------------------------- console

TEST(Console, HasTheCrcOfTheSpecification) {
  EXPECT_EQ(crc16(as_bytes("123456789")), 0x31C3);
  EXPECT_EQ(crc16({}), 0);
}

TEST(Console, EncodesAsTheSpecificationSays) {
  // Python: base64(b"\x00\x0b" + P + crc_hqx(P, 0)) of an image list request.
  EXPECT_EQ(framed(hex("0800000100010000a0")),
            "\x06\x09"
            "AAsIAAABAAEAAKCvAQ==\n");
}

TEST(Console, EachSizeComesBackAndNoLineIsTooLong) {
  for (std::size_t size : {8U, 9U, 87U, 88U, 89U, 90U, 91U, 182U, 183U, 1020U, 8192U}) {
    const Bytes packet = numbers(size);
    const std::string lines = framed(packet);
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = lines.find('\n', at) + 1;
      EXPECT_LE(end - at, 127U);
      at = end;
    }
    EXPECT_EQ(lines.find('\r'), std::string::npos);
    EXPECT_THAT(packets_in(lines), testing::ElementsAre(packet)) << size;
  }
}

TEST(Console, ComesInAnyPieces) {
  const Bytes packet = numbers(300);
  ConsoleDecoder decoder;
  std::vector<Bytes> packets;
  for (const char c : framed(packet)) {
    const auto byte = static_cast<std::uint8_t>(c);
    for (Bytes& found : packets_in(decoder, {&byte, 1})) packets.push_back(std::move(found));
  }
  EXPECT_THAT(packets, testing::ElementsAre(packet));
}

TEST(Console, FindsPacketsBetweenForeignText) {
  const Bytes packet = numbers(200);
  std::string lines = framed(packet);
  lines.insert(lines.find('\n') + 1, "[00:00:01.000] <wrn> sensor: \x1b[33mretry\x1b[0m\n\x1b[1;32muart:~$ \x1b[m");
  EXPECT_THAT(packets_in("half a line" + lines), testing::ElementsAre(packet));
  EXPECT_THAT(packets_in("\x06\x09"
                         "AAsI" +
                         framed(packet)),
              testing::ElementsAre(packet));  // a line that lost its newline
}

TEST(Console, TakesCarriageReturnsAndOneLongEncoding) {
  const Bytes packet = numbers(9);
  std::string lines = framed(packet);
  lines.insert(lines.size() - 1, "\r");
  EXPECT_THAT(packets_in(lines), testing::ElementsAre(packet));
}

TEST(Console, DropsWhatIsDamagedAndGoesOn) {
  const Bytes packet = numbers(150);
  const std::string good = framed(packet);
  const std::size_t second = good.find('\n') + 1;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x01);
    EXPECT_LE(packets_in(bad).size(), 1U);
    const auto packets = packets_in(bad + "\n" + good);
    ASSERT_FALSE(packets.empty()) << at;
    for (const Bytes& found : packets) EXPECT_EQ(found, packet);
  }
  EXPECT_THAT(packets_in(good.substr(second) + good), testing::ElementsAre(packet));     // a second line first
  EXPECT_THAT(packets_in(good.substr(0, second) + good), testing::ElementsAre(packet));  // begun, then begun anew
  EXPECT_THAT(packets_in(std::string(5000, 'x') + "\n" + good), testing::ElementsAre(packet));
}

TEST(Console, TrustsNoLength) {
  EXPECT_TRUE(packets_in("\x06\x09//8=\n").empty());  // 65535 bytes announced
  EXPECT_TRUE(packets_in("\x06\x09"
                         "AAA=\n")
                  .empty());  // 0
  EXPECT_TRUE(packets_in("\x06\x09"
                         "AA==\n")
                  .empty());  // half a length
  ConsoleDecoder decoder;
  for (int i = 0; i < 1000; ++i) {  // announces 16 KiB and never ends: bounded, and the next packet comes through
    packets_in(decoder, as_bytes(i == 0 ? "\x06\x09QAAA\n"
                                        : "\x04\x14"
                                          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"));
  }
  EXPECT_EQ(packets_in(decoder, as_bytes(framed(numbers(9)))).size(), 1U);
}

/// What may stand around the lines of a packet on a console that a shell and a log share with SMP.
struct Around {
  const char* name;
  std::string before;   // the first marker
  std::string behind;   // the Base64 of each line, before its newline
  std::string between;  // two lines
};
class ConsoleAmong : public testing::TestWithParam<Around> {};

TEST_P(ConsoleAmong, ForeignTextThePacketIsFound) {
  const Bytes packet = numbers(200);
  std::string lines;
  for (const char c : framed(packet)) {
    if (c != '\n') {
      lines.push_back(c);
    } else {
      lines.append(GetParam().behind).append("\n").append(GetParam().between);
    }
  }
  const std::string whole = GetParam().before + lines;
  EXPECT_THAT(packets_in(whole + whole), testing::ElementsAre(packet, packet));
}

INSTANTIATE_TEST_SUITE_P(
    Table, ConsoleAmong,
    testing::Values(Around{"Prompt", "uart:~$ ", "", ""}, Around{"Colours", "\x1b[1;32muart:~$ \x1b[m", "\x1b[0m", ""},
                    Around{"CursorAndErase", "\x1b[8D\x1b[J", "\r", "\x1b[1;32muart:~$ \x1b[m"},
                    Around{"LogLines", "[00:00:01.000] <inf> main: up\r\n", "\r",
                           "[00:00:01.250] <wrn> bus: retry\r\n"},
                    Around{"VeryLongLine", std::string(100000, 'A'), "", std::string(5000, '/')},
                    Around{"NoNewlineBeforeTheMarker", "AAsIAAABAAEAAKCvAQ==", "", "half a line"},
                    Around{"LoneMarkers", "\x04\x14\x06\x09\x06\x09\x04\x14", "", ""},
                    Around{"HalfMarkers", "\x06\x06\x09\x09\x14\x04\x06", "", "\x04"},
                    Around{"TextBehindBase64", "", " <dbg> sent", ""}, Around{"Nothing", "", "", ""},
                    Around{"ZeroBytes", std::string(3, '\0'), std::string(1, '\0'), std::string(2, '\0')}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Console, AMarkerEndsThePieceThatLostItsNewline) {
  const Bytes packet = numbers(250);
  std::string lines = framed(packet);
  std::erase(lines, '\n');
  EXPECT_THAT(packets_in(lines + "\n"), testing::ElementsAre(packet));
}

TEST(Console, TextInsideTheBase64CostsThePacketAndNoOther) {
  const Bytes packet = numbers(150);
  const std::string good = framed(packet);
  for (std::size_t at = 3; at + 1 < good.find('\n'); ++at) {
    std::string cut = good;
    cut.insert(at, "<err> x");
    EXPECT_TRUE(packets_in(cut).empty()) << at;
    EXPECT_THAT(packets_in(cut + good), testing::ElementsAre(packet)) << at;
  }
}

// -------------------------------------------------------------------------------------------------------------- raw

std::vector<Bytes> raw_packets_in(RawDecoder& decoder, ByteView received) {
  std::vector<Bytes> packets;
  decoder.feed(received, [&](Bytes packet) { packets.push_back(std::move(packet)); });
  return packets;
}

Bytes answer_of(std::size_t body) {
  Bytes packet = numbers(kHeaderSize + body);
  put_header(packet, {Op::read_answer, 1, 0}, 1, 7);
  return packet;
}

TEST(Raw, PacketsEndWhereTheirLengthSays) {
  Bytes stream;
  std::vector<Bytes> sent;
  for (const std::size_t body : {0U, 1U, 2U, 300U, 1016U, 4000U}) {
    sent.push_back(answer_of(body));
    stream.insert(stream.end(), sent.back().begin(), sent.back().end());
  }
  for (const std::size_t piece : {1U, 3U, 7U, 8U, 64U, 10000U}) {
    RawDecoder decoder;
    std::vector<Bytes> found;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      const ByteView part = ByteView(stream).subspan(at, std::min(piece, stream.size() - at));
      for (Bytes& packet : raw_packets_in(decoder, part)) found.push_back(std::move(packet));
    }
    EXPECT_EQ(found, sent) << piece;
    EXPECT_FALSE(decoder.is_inside());
  }
}

TEST(Raw, HeadersThatNoAnswerHasPutItOutOfStepUntilReset) {
  for (const char* header : {"0800000000000000", "0a00000000000000", "2900000000000000", "1100000000000000", "0b003ff9",
                             "09ffffff", "0d00000000000000", "6869"}) {
    RawDecoder decoder;
    Bytes stream = hex(header);
    stream.resize(kHeaderSize);
    const Bytes good = answer_of(5);
    stream.insert(stream.end(), good.begin(), good.end());
    EXPECT_TRUE(raw_packets_in(decoder, stream).empty()) << header;
    EXPECT_TRUE(decoder.is_out_of_step()) << header;
    EXPECT_TRUE(raw_packets_in(decoder, good).empty()) << header;
    decoder.reset();
    EXPECT_THAT(raw_packets_in(decoder, good), testing::ElementsAre(good)) << header;
  }
}

TEST(Raw, ALostByteIsMadeGoodByAReset) {
  const Bytes good = answer_of(40);
  for (std::size_t lost = 0; lost < good.size(); ++lost) {
    Bytes short_of_one = good;
    short_of_one.erase(short_of_one.begin() + static_cast<std::ptrdiff_t>(lost));
    RawDecoder decoder;
    raw_packets_in(decoder, short_of_one);
    decoder.reset();
    EXPECT_THAT(raw_packets_in(decoder, good), testing::ElementsAre(good)) << lost;
  }
}

TEST(Raw, TheLargestPacketIsBounded) {
  RawDecoder decoder;
  const Bytes largest = answer_of(RawDecoder::kMaxPacket - kHeaderSize);
  EXPECT_THAT(raw_packets_in(decoder, largest), testing::ElementsAre(largest));
  EXPECT_TRUE(raw_packets_in(decoder, answer_of(RawDecoder::kMaxPacket - kHeaderSize + 1)).empty());
  EXPECT_TRUE(decoder.is_out_of_step());
}

}  // namespace
}  // namespace hg::smp
