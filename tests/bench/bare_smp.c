/* SPDX-License-Identifier: Apache-2.0
   The straightforward way to upload an image over a tty, in plain C: encode a packet, write it, read the answer,
   decode it, go to the offset that it names. One packet at a time, no retries, no checks that a child need not fear.
   What the plugin's rate is compared with by line_rate.py.
     bare_smp TTY IMAGE PACKET_BYTES */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { LARGEST = 8192, RAW_PER_LINE = 93, ANSWER_MS = 10000 };

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static uint16_t crc16(const uint8_t* bytes, size_t size) {
  static uint16_t table[256];
  uint16_t crc = 0;
  if (table[1] == 0) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      unsigned value = byte << 8;
      for (int bit = 0; bit < 8; ++bit) value = value & 0x8000 ? value << 1 ^ 0x1021 : value << 1;
      table[byte] = (uint16_t)value;
    }
  }
  for (size_t i = 0; i < size; ++i) crc = (uint16_t)(crc << 8 ^ table[crc >> 8 ^ bytes[i]]);
  return crc;
}

/* The packet as lines; returns their length. */
static size_t frame(const uint8_t* packet, size_t size, char* lines) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint8_t raw[LARGEST + 4];
  const uint16_t crc = crc16(packet, size);
  char* out = lines;
  raw[0] = (uint8_t)((size + 2) >> 8);
  raw[1] = (uint8_t)(size + 2);
  memcpy(raw + 2, packet, size);
  raw[size + 2] = (uint8_t)(crc >> 8);
  raw[size + 3] = (uint8_t)crc;
  for (size_t at = 0; at < size + 4; at += RAW_PER_LINE) {
    const size_t end = at + RAW_PER_LINE < size + 4 ? at + RAW_PER_LINE : size + 4;
    *out++ = at == 0 ? 0x06 : 0x04;
    *out++ = at == 0 ? 0x09 : 0x14;
    for (size_t i = at; i < end; i += 3) {
      const size_t left = end - i;
      const uint32_t group =
          (uint32_t)raw[i] << 16 | (left > 1 ? (uint32_t)raw[i + 1] << 8 : 0) | (left > 2 ? raw[i + 2] : 0);
      *out++ = digits[group >> 18];
      *out++ = digits[group >> 12 & 63];
      *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
      *out++ = left > 2 ? digits[group & 63] : '=';
    }
    *out++ = '\n';
  }
  return (size_t)(out - lines);
}

static size_t put_uint(uint8_t* out, uint8_t kind, uint32_t value) {
  if (value < 24) {
    out[0] = (uint8_t)(kind | value);
    return 1;
  }
  if (value < 256) {
    out[0] = kind | 24;
    out[1] = (uint8_t)value;
    return 2;
  }
  if (value < 65536) {
    out[0] = kind | 25;
    out[1] = (uint8_t)(value >> 8);
    out[2] = (uint8_t)value;
    return 3;
  }
  out[0] = kind | 26;
  for (int i = 0; i < 4; ++i) out[1 + i] = (uint8_t)(value >> (24 - 8 * i));
  return 5;
}

/* An upload request of at most `limit` bytes; *carried gets how much of the image is in it. */
static size_t upload_request(const uint8_t* image, size_t size, size_t offset, size_t limit, uint8_t sequence,
                             uint8_t* packet, size_t* carried) {
  uint8_t* out = packet + 8;
  size_t room;
  if (offset == 0) {
    *out++ = 0xa4;
    memcpy(out, "\x63len", 4);
    out += 4;
    out += put_uint(out, 0, (uint32_t)size);
    memcpy(out, "\x63sha\x58\x20", 6);
    memset(out + 6, 0x5a, 32); /* a tag; the child compares it with nothing */
    out += 38;
  } else {
    *out++ = 0xa2;
  }
  memcpy(out, "\x63off", 4);
  out += 4;
  out += put_uint(out, 0, (uint32_t)offset);
  memcpy(out,
         "\x64"
         "data",
         5);
  out += 5;
  room = limit - (size_t)(out - packet) - 3;
  *carried = size - offset < room ? size - offset : room;
  out += put_uint(out, 0x40, (uint32_t)*carried);
  memcpy(out, image + offset, *carried);
  out += *carried;
  packet[0] = 0x0a;
  packet[1] = 0;
  packet[2] = (uint8_t)((size_t)(out - packet - 8) >> 8);
  packet[3] = (uint8_t)(out - packet - 8);
  packet[4] = 0;
  packet[5] = 1;
  packet[6] = sequence;
  packet[7] = 1;
  return (size_t)(out - packet);
}

static int digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : 0;
}

/* Reads one line and takes "off" out of the answer in it. */
static size_t read_offset(int tty, uint8_t sequence) {
  char line[512];
  uint8_t raw[384];
  size_t have = 0, size = 0;
  while (memchr(line, '\n', have) == NULL) {
    struct pollfd ready = {tty, POLLIN, 0};
    if (have == sizeof line || poll(&ready, 1, ANSWER_MS) != 1) fail("no answer");
    const ssize_t count = read(tty, line + have, sizeof line - have);
    if (count <= 0) fail("read");
    have += (size_t)count;
  }
  for (size_t i = 2; i + 4 < have; i += 4, size += 3) {
    const uint32_t group =
        (uint32_t)(digit(line[i]) << 18 | digit(line[i + 1]) << 12 | digit(line[i + 2]) << 6 | digit(line[i + 3]));
    raw[size] = (uint8_t)(group >> 16);
    raw[size + 1] = (uint8_t)(group >> 8);
    raw[size + 2] = (uint8_t)group;
  }
  const size_t length = (size_t)raw[0] << 8 | raw[1];
  if (size < length + 2 || length < 10 || crc16(raw + 2, length) != 0 || raw[8] != sequence) fail("not the answer");
  for (size_t i = 10; i + 5 < length; ++i) {
    if (memcmp(raw + i, "\x63off", 4) != 0) continue;
    const uint8_t head = raw[i + 4];
    size_t offset = head & 31;
    if (offset >= 24) {
      const int bytes = 1 << (offset - 24);
      offset = 0;
      for (int k = 0; k < bytes; ++k) offset = offset << 8 | raw[i + 5 + (size_t)k];
    }
    return offset;
  }
  fail("no offset in the answer");
  return 0;
}

static int open_tty(const char* path) {
  struct termios settings;
  const int tty = open(path, O_RDWR | O_NOCTTY);
  if (tty < 0 || tcgetattr(tty, &settings) != 0) fail(path);
  cfmakeraw(&settings);
  if (tcsetattr(tty, TCSANOW, &settings) != 0) fail("tcsetattr");
  return tty;
}

static uint8_t* read_file(const char* path, size_t* size) {
  struct stat about;
  const int file = open(path, O_RDONLY);
  if (file < 0 || fstat(file, &about) != 0) fail(path);
  uint8_t* bytes = malloc((size_t)about.st_size);
  if (bytes == NULL || read(file, bytes, (size_t)about.st_size) != about.st_size) fail("read the image");
  close(file);
  *size = (size_t)about.st_size;
  return bytes;
}

int main(int argc, char** argv) {
  static uint8_t packet[LARGEST];
  static char lines[2 * LARGEST];
  if (argc != 4 || atoi(argv[3]) < 128 || atoi(argv[3]) > LARGEST) {
    fputs("usage: bare_smp TTY IMAGE PACKET_BYTES\n", stderr);
    return 2;
  }
  const int tty = open_tty(argv[1]);
  size_t size, carried, offset = 0;
  uint8_t* image = read_file(argv[2], &size);
  for (uint8_t sequence = 0; offset < size; ++sequence) {
    const size_t length = upload_request(image, size, offset, (size_t)atoi(argv[3]), sequence, packet, &carried);
    const size_t framed = frame(packet, length, lines);
    for (size_t done = 0; done < framed;) {
      const ssize_t count = write(tty, lines + done, framed - done);
      if (count <= 0) fail("write");
      done += (size_t)count;
    }
    const size_t next = read_offset(tty, sequence);
    if (next != offset + carried) fail("another offset than expected");
    offset = next;
  }
  free(image);
  return 0;
}
