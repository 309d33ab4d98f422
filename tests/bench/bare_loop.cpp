// SPDX-License-Identifier: Apache-2.0
// The quickest way to upload an image to a child on a tty: packets that were made beforehand, sent one after the
// other as soon as the last one is answered, and nothing else. What the gateway's rate is compared with.
//   bare_loop TTY IMAGE PACKET_BYTES
#include <fcntl.h>
#include <openssl/sha.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "children/smp_child/cbor.hpp"
#include "children/smp_child/framing.hpp"

namespace {

using smp_child::Bytes;
using smp_child::ByteView;

constexpr int kAnswerTimeoutMs = 10000;

Bytes read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(std::string("cannot read ") + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// One upload request (image group, command 1); the first one says what is coming.
Bytes upload_packet(ByteView image, std::size_t offset, std::size_t size, std::uint8_t sequence) {
  smp_child::cbor::Writer writer(true);
  writer.begin_map();
  if (offset == 0) {
    std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
    SHA256(image.data(), image.size(), digest.data());
    writer.put_integer("image", 0);
    writer.put_integer("len", static_cast<std::int64_t>(image.size()));
    writer.put_bytes("sha", digest);
  }
  writer.put_integer("off", static_cast<std::int64_t>(offset));
  writer.put_bytes("data", image.subspan(offset, size));
  writer.end();
  const Bytes body = writer.take();
  Bytes packet{0x0A, 0};  // write request of SMP version 2
  smp_child::append_big_endian(packet, body.size(), 2);
  smp_child::append_big_endian(packet, 1, 2);
  packet.push_back(sequence);
  packet.push_back(1);
  smp_child::append(packet, body);
  return packet;
}

/// The lines of all packets, each as long as `packet_bytes` allows.
std::vector<std::string> all_packets(ByteView image, std::size_t packet_bytes) {
  std::vector<std::string> packets;
  std::uint8_t sequence = 0;
  for (std::size_t offset = 0; offset < image.size();) {
    std::size_t size = std::min(packet_bytes, image.size() - offset);
    Bytes packet = upload_packet(image, offset, size, sequence);
    if (packet.size() > packet_bytes) {
      size -= packet.size() - packet_bytes;
      packet = upload_packet(image, offset, size, sequence);
    }
    ++sequence;
    offset += size;
    std::string text;
    for (const std::string& line : smp_child::frame(packet)) text += line;
    packets.push_back(std::move(text));
  }
  return packets;
}

int open_tty(const char* path) {
  const int tty = ::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios settings{};
  if (tty < 0 || ::tcgetattr(tty, &settings) != 0) throw std::runtime_error(std::string("cannot open ") + path);
  ::cfmakeraw(&settings);
  ::tcsetattr(tty, TCSANOW, &settings);
  return tty;
}

void send(int tty, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(tty, text.data(), text.size());
    if (written <= 0) throw std::runtime_error("write failed");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void wait_for_answer(int tty, smp_child::LineBuffers& lines, smp_child::Assembler& assembler) {
  std::array<char, 4096> buffer{};
  for (;;) {
    while (const auto line = lines.pop())
      if (assembler.take(*line)) return;
    pollfd wanted{tty, POLLIN, 0};
    if (::poll(&wanted, 1, kAnswerTimeoutMs) != 1) throw std::runtime_error("no answer");
    const ssize_t got = ::read(tty, buffer.data(), buffer.size());
    if (got <= 0) throw std::runtime_error("read failed");
    lines.feed({buffer.data(), static_cast<std::size_t>(got)});
  }
}

void run(const char* tty_path, const char* image_path, std::size_t packet_bytes) {
  const Bytes image = read_file(image_path);
  const std::vector<std::string> packets = all_packets(image, packet_bytes);
  const int tty = open_tty(tty_path);
  smp_child::LineBuffers lines(4096, 0);
  smp_child::Assembler assembler(4096);
  for (const std::string& packet : packets) {
    send(tty, packet);
    wait_for_answer(tty, lines, assembler);
  }
  ::close(tty);
  std::cout << packets.size() << " packets\n";
}

}  // namespace

int main(int count, char** words) {
  try {
    if (count != 4) throw std::runtime_error("usage: bare_loop TTY IMAGE PACKET_BYTES");
    run(words[1], words[2], std::stoul(words[3]));
    return 0;
  } catch (const std::exception& failure) {
    std::cerr << "bare_loop: " << failure.what() << "\n";
    return 1;
  }
}
