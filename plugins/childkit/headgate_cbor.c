/* SPDX-License-Identifier: Apache-2.0 */
#include "headgate_cbor.h"

#include <string.h>

enum major { UNSIGNED = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, TAG = 6, SIMPLE = 7 };

#define BREAK 0xFFu
#define INDEFINITE 31u
#define IS_FALSE 20u
#define IS_TRUE 21u

struct head {
  enum major major;
  bool indefinite;
  uint64_t argument;
};

/* ------------------------------------------------------------------------------------------------------- reading */

void hg_cbor_begin(struct hg_cbor_reader* reader, const uint8_t* input, size_t size) {
  reader->next = input;
  reader->left = size;
  reader->failed = false;
}

static bool fail(struct hg_cbor_reader* reader) {
  reader->failed = true;
  return false;
}

static void advance(struct hg_cbor_reader* reader, size_t bytes) {
  reader->next += bytes;
  reader->left -= bytes;
}

static bool read_head(struct hg_cbor_reader* reader, struct head* head) {
  uint8_t low;
  size_t width = 0;
  size_t i;

  if (reader->failed || reader->left == 0) return fail(reader);
  head->major = (enum major)(reader->next[0] >> 5);
  low = reader->next[0] & 0x1Fu;
  head->indefinite = low == INDEFINITE;
  head->argument = low;
  if (head->indefinite) {
    /* A break is no item, and only strings, arrays and maps can be of indefinite length. */
    if (head->major < BYTES || head->major > MAP) return fail(reader);
  } else if (low > 27) {
    return fail(reader);
  } else if (low >= 24) {
    width = (size_t)1 << (low - 24u);
    if (reader->left < 1 + width) return fail(reader);
    head->argument = 0;
    for (i = 1; i <= width; ++i) head->argument = head->argument << 8 | reader->next[i];
  }
  advance(reader, 1 + width);
  return true;
}

/* What follows a head of a list. `per_element` items make an element, each of at least a byte, so that a loop over them
 * is bounded by the input. */
static bool open_list(struct hg_cbor_reader* reader, const struct head* head, size_t per_element,
                      struct hg_cbor_list* list) {
  list->left = 0;
  list->indefinite = head->indefinite;
  if (head->indefinite) return true;
  if (head->argument > reader->left / per_element) return fail(reader);
  list->left = (size_t)head->argument;
  return true;
}

static bool enter(struct hg_cbor_reader* reader, enum major major, struct hg_cbor_list* list) {
  struct head head;

  list->left = 0;
  list->indefinite = false;
  if (!read_head(reader, &head) || head.major != major) return fail(reader);
  return open_list(reader, &head, major == MAP ? 2 : 1, list);
}

bool hg_cbor_enter_map(struct hg_cbor_reader* reader, struct hg_cbor_list* list) {
  return enter(reader, MAP, list);
}

bool hg_cbor_enter_array(struct hg_cbor_reader* reader, struct hg_cbor_list* list) {
  return enter(reader, ARRAY, list);
}

bool hg_cbor_more(struct hg_cbor_reader* reader, struct hg_cbor_list* list) {
  if (reader->failed) return false;
  if (!list->indefinite) {
    if (list->left == 0) return false;
    --list->left;
    return true;
  }
  if (reader->left == 0) return fail(reader);
  if (reader->next[0] != BREAK) return true;
  advance(reader, 1);
  return false;
}

bool hg_cbor_read_uint(struct hg_cbor_reader* reader, uint64_t* value) {
  struct head head;

  if (!read_head(reader, &head) || head.major != UNSIGNED) return fail(reader);
  *value = head.argument;
  return true;
}

static bool read_string(struct hg_cbor_reader* reader, enum major major, struct hg_cbor_string* value) {
  struct head head;

  if (!read_head(reader, &head) || head.major != major || head.indefinite) return fail(reader);
  if (head.argument > reader->left) return fail(reader);
  value->data = reader->next;
  value->size = (size_t)head.argument;
  advance(reader, value->size);
  return true;
}

bool hg_cbor_read_text(struct hg_cbor_reader* reader, struct hg_cbor_string* value) {
  return read_string(reader, TEXT, value);
}

bool hg_cbor_read_bytes(struct hg_cbor_reader* reader, struct hg_cbor_string* value) {
  return read_string(reader, BYTES, value);
}

bool hg_cbor_next_is_text(const struct hg_cbor_reader* reader) {
  if (reader->failed || reader->left == 0) return false;
  return reader->next[0] >> 5 == TEXT && (reader->next[0] & 0x1Fu) != INDEFINITE;
}

/* Reads one head and what belongs to it alone; `list`, if `entered`, is how many items are inside it. */
static bool step_over(struct hg_cbor_reader* reader, struct hg_cbor_list* list, bool* entered) {
  struct head head;

  *entered = false;
  if (!read_head(reader, &head)) return false;
  if (head.major == BYTES || head.major == TEXT) {
    if (!head.indefinite) {
      if (head.argument > reader->left) return fail(reader);
      advance(reader, (size_t)head.argument);
      return true;
    }
  } else if (head.major == TAG) {
    head.argument = 1;
  } else if (head.major != ARRAY && head.major != MAP) {
    return true;
  }
  if (!open_list(reader, &head, head.major == MAP ? 2 : 1, list)) return false;
  if (head.major == MAP) list->left *= 2;
  *entered = true;
  return true;
}

bool hg_cbor_skip(struct hg_cbor_reader* reader) {
  struct hg_cbor_list open[HG_CBOR_MAX_DEPTH]; /* innermost last */
  struct hg_cbor_list list;
  size_t depth = 0;
  bool entered;

  do {
    if (!step_over(reader, &list, &entered)) return false;
    if (entered) {
      if (depth == HG_CBOR_MAX_DEPTH) return fail(reader);
      open[depth++] = list;
    }
    while (depth > 0 && !hg_cbor_more(reader, &open[depth - 1])) --depth;
  } while (depth > 0);
  return !reader->failed;
}

/* ------------------------------------------------------------------------------------------------------- writing */

void hg_cbor_start(struct hg_cbor_writer* writer, uint8_t* out, size_t size) {
  writer->out = out;
  writer->size = size;
  writer->length = 0;
  writer->full = false;
}

static void put(struct hg_cbor_writer* writer, const uint8_t* bytes, size_t size) {
  if (writer->full || size > writer->size - writer->length) {
    writer->full = true;
    return;
  }
  if (size > 0) memcpy(writer->out + writer->length, bytes, size);
  writer->length += size;
}

static void put_head(struct hg_cbor_writer* writer, enum major major, uint64_t argument) {
  uint8_t head[9];
  size_t width = 0; /* of what follows the first byte */
  uint8_t low = (uint8_t)argument;
  size_t i;

  if (argument >= 24) {
    width = argument <= 0xFFu ? 1 : argument <= 0xFFFFu ? 2 : argument <= 0xFFFFFFFFu ? 4 : 8;
    low = width == 1 ? 24 : width == 2 ? 25 : width == 4 ? 26 : 27;
  }
  head[0] = (uint8_t)((unsigned)major << 5 | low);
  for (i = width; i > 0; --i) {
    head[i] = (uint8_t)argument;
    argument >>= 8;
  }
  put(writer, head, 1 + width);
}

void hg_cbor_put_map(struct hg_cbor_writer* writer, size_t pairs) {
  put_head(writer, MAP, pairs);
}

void hg_cbor_put_array(struct hg_cbor_writer* writer, size_t elements) {
  put_head(writer, ARRAY, elements);
}

void hg_cbor_put_uint(struct hg_cbor_writer* writer, uint64_t value) {
  put_head(writer, UNSIGNED, value);
}

void hg_cbor_put_int(struct hg_cbor_writer* writer, int32_t value) {
  if (value >= 0) {
    put_head(writer, UNSIGNED, (uint64_t)value);
  } else {
    put_head(writer, NEGATIVE, (uint64_t)(-1 - value));
  }
}

void hg_cbor_put_bool(struct hg_cbor_writer* writer, bool value) {
  put_head(writer, SIMPLE, value ? IS_TRUE : IS_FALSE);
}

void hg_cbor_put_text(struct hg_cbor_writer* writer, const char* text) {
  const size_t size = strlen(text);

  put_head(writer, TEXT, size);
  put(writer, (const uint8_t*)text, size);
}

void hg_cbor_put_bytes(struct hg_cbor_writer* writer, const uint8_t* bytes, size_t size) {
  put_head(writer, BYTES, size);
  put(writer, bytes, size);
}

void hg_cbor_put_bytes_head(struct hg_cbor_writer* writer, size_t size) {
  put_head(writer, BYTES, size);
}
