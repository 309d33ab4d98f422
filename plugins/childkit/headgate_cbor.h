/* SPDX-License-Identifier: Apache-2.0 */
/* The small part of CBOR (RFC 8949) that the child kit needs: a reader of foreign bytes that copies nothing, and a
 * writer into a buffer of the caller. No heap, no recursion, nothing of libc but string.h. Both remember their first
 * failure, so that a row of calls may be checked once at its end. What the items mean is headgate_child's. */
#ifndef HEADGATE_CBOR_H
#define HEADGATE_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How deep lists and maps may stand in one another inside one item that is skipped. */
#define HG_CBOR_MAX_DEPTH 6u

/* A text or byte string inside the input: lives as long as the input. Texts are not checked for UTF-8. */
struct hg_cbor_string {
  const uint8_t* data;
  size_t size;
};

struct hg_cbor_reader {
  const uint8_t* next;
  size_t left;
  bool failed; /* from the first flaw on; nothing is read any more then */
};

/* An entered array or map: how much of it is still to come. */
struct hg_cbor_list {
  size_t left;
  bool indefinite;
};

void hg_cbor_begin(struct hg_cbor_reader* reader, const uint8_t* input, size_t size);

/* Definite and indefinite lengths alike. False, and the reader failed, when something else is next. */
bool hg_cbor_enter_map(struct hg_cbor_reader* reader, struct hg_cbor_list* list);
bool hg_cbor_enter_array(struct hg_cbor_reader* reader, struct hg_cbor_list* list);

/* Whether another pair or element follows. False at the end, whose break it takes, and after a failure. */
bool hg_cbor_more(struct hg_cbor_reader* reader, struct hg_cbor_list* list);

bool hg_cbor_read_uint(struct hg_cbor_reader* reader, uint64_t* value);
/* Strings in pieces (indefinite length) are a failure. */
bool hg_cbor_read_text(struct hg_cbor_reader* reader, struct hg_cbor_string* value);
bool hg_cbor_read_bytes(struct hg_cbor_reader* reader, struct hg_cbor_string* value);

/* Whether a text of definite length is next. */
bool hg_cbor_next_is_text(const struct hg_cbor_reader* reader);

/* Steps over one item of any kind, tags, floats and strings in pieces included. */
bool hg_cbor_skip(struct hg_cbor_reader* reader);

struct hg_cbor_writer {
  uint8_t* out;
  size_t size;   /* bytes that `out` has */
  size_t length; /* bytes written */
  bool full;     /* something did not fit; nothing is written any more then */
};

void hg_cbor_start(struct hg_cbor_writer* writer, uint8_t* out, size_t size);

/* Shortest heads, definite lengths. The caller keeps the counts that it announces. */
void hg_cbor_put_map(struct hg_cbor_writer* writer, size_t pairs);
void hg_cbor_put_array(struct hg_cbor_writer* writer, size_t elements);
void hg_cbor_put_uint(struct hg_cbor_writer* writer, uint64_t value);
void hg_cbor_put_int(struct hg_cbor_writer* writer, int32_t value);
void hg_cbor_put_bool(struct hg_cbor_writer* writer, bool value);
/* `text` ends with a zero byte, which is not written. */
void hg_cbor_put_text(struct hg_cbor_writer* writer, const char* text);
void hg_cbor_put_bytes(struct hg_cbor_writer* writer, const uint8_t* bytes, size_t size);
/* Only the head of a byte string; its content follows by other means. */
void hg_cbor_put_bytes_head(struct hg_cbor_writer* writer, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* HEADGATE_CBOR_H */
