/* SPDX-License-Identifier: Apache-2.0 */
/* The child kit in a program without libc, so that it runs as 32-bit code where no 32-bit libc is installed. Requests on
 * standard input: operation, command, room (2 bytes, big-endian), length (2 bytes), body. Answers on standard output: rc,
 * error, image, length (2 bytes each), and the bytes. The MAC is a sum: what is shown here is that the kit does the same on
 * each machine. Used by test_childkit_portable.py. */
#include <stdint.h>
#include <string.h>

#include "headgate_child.h"

#define MOST 2048u

void *memset(void *to, int value, size_t size) {
  uint8_t *at = to;
  while (size-- > 0) *at++ = (uint8_t)value;
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  uint8_t *out = to;
  const uint8_t *in = from;
  size_t i;
  if (out < in) {
    for (i = 0; i < size; ++i) out[i] = in[i];
  } else {
    for (i = size; i > 0; --i) out[i - 1] = in[i - 1];
  }
  return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) { return memmove(to, from, size); }

int memcmp(const void *a, const void *b, size_t size) {
  const uint8_t *one = a;
  const uint8_t *two = b;
  for (; size > 0; --size, ++one, ++two) {
    if (*one != *two) return *one < *two ? -1 : 1;
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t size = 0;
  while (text[size] != 0) ++size;
  return size;
}

enum { SYSTEM_EXIT, SYSTEM_READ, SYSTEM_WRITE };

static long call_system(int what, long first, void *second, size_t third) {
  long result;
#ifdef __i386__
  static const long numbers[] = {1, 3, 4};
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(numbers[what]), "b"(first), "c"(second), "d"(third) : "memory");
#else
  static const long numbers[] = {60, 0, 1};
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(numbers[what]), "D"(first), "S"(second), "d"(third)
                   : "rcx", "r11", "memory");
#endif
  return result;
}

/* False at the end of the input. */
static bool take(uint8_t *into, size_t size) {
  while (size > 0) {
    const long got = call_system(SYSTEM_READ, 0, into, size);
    if (got <= 0) return false;
    into += got;
    size -= (size_t)got;
  }
  return true;
}

static void give(uint8_t *bytes, size_t size) {
  while (size > 0) {
    const long gone = call_system(SYSTEM_WRITE, 1, bytes, size);
    if (gone <= 0) call_system(SYSTEM_EXIT, 1, NULL, 0);
    bytes += gone;
    size -= (size_t)gone;
  }
}

static uint8_t next_random;

static bool give_random(void *user, uint8_t *out, size_t size) {
  (void)user;
  while (size-- > 0) *out++ = next_random++;
  return true;
}

static bool sum(void *user, const uint8_t *message, size_t size, uint8_t *tag) {
  uint8_t total = 0;
  (void)user;
  while (size-- > 0) total = (uint8_t)(total + *message++);
  memset(tag, total, 32);
  return true;
}

static uint32_t count_boots(void *user) {
  (void)user;
  return UINT32_MAX;
}

static bool give_image(void *user, size_t index, struct hg_child_image *image) {
  (void)user;
  if (index > 1) return false;
  image->number = (uint8_t)index;
  memcpy(image->version, "1.2.3", 6);
  image->hash_size = 32;
  memset(image->hash, 0xA0 + (int)index, 32);
  return true;
}

static void tell_status(void *user, struct hg_child_status *status) {
  (void)user;
  status->battery_percent = 42;
  status->busy = true;
  status->busy_ms = 70000;
}

static void decide(void *user, const struct hg_child_offer *offer, struct hg_child_decision *decision) {
  (void)user;
  decision->willing = offer->size > UINT32_MAX ? HG_CHILD_NO : HG_CHILD_LATER;
  decision->wait_ms = (uint32_t)offer->size;
  decision->text = "later";
}

static uint32_t hear(void *user, const struct hg_child_notice *notice) {
  (void)user;
  return notice->in_ms + notice->for_ms;
}

static bool confirm(void *user, uint8_t number) {
  (void)user;
  return number < 2;
}

static void put_number(uint8_t *at, unsigned number) {
  at[0] = (uint8_t)(number >> 8);
  at[1] = (uint8_t)number;
}

static const uint8_t key_id[] = {'k', '1'};

static const struct hg_child_platform platform = {
    .id = "a child",
    .algorithm = HG_CHILD_HMAC_SHA256,
    .key_id = key_id,
    .key_id_size = sizeof key_id,
    .random = give_random,
    .sign = sum,
    .boots = count_boots,
    .image = give_image,
    .status = tell_status,
    .offer = decide,
    .notice = hear,
    .confirm = confirm,
};

static void serve(void) {
  static uint8_t body[MOST];
  static uint8_t out[MOST];
  struct hg_child child;
  struct hg_child_answer answer;
  uint8_t head[8];
  size_t room;
  size_t length;

  hg_child_init(&child, &platform, NULL);
  while (take(head, 6)) {
    room = (size_t)(head[2] << 8 | head[3]);
    length = (size_t)(head[4] << 8 | head[5]);
    if (room > MOST || length > MOST || !take(body, length)) call_system(SYSTEM_EXIT, 2, NULL, 0);
    answer = hg_child_handle(&child, head[0], head[1], body, length, out, room);
    put_number(head, answer.rc);
    put_number(head + 2, answer.error);
    put_number(head + 4, (unsigned)answer.image & 0xFFFFu);
    put_number(head + 6, (unsigned)answer.length);
    give(head, 8);
    give(out, answer.length);
  }
}

void _start(void) {
#ifndef __i386__
  __asm__ volatile("andq $-16, %rsp");
#endif
  serve();
  call_system(SYSTEM_EXIT, 0, NULL, 0);
}
