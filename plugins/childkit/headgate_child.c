/* SPDX-License-Identifier: Apache-2.0 */
#include "headgate_child.h"

#include <string.h>

#include "headgate_cbor.h"

/* Errors of SMP itself (mcumgr_err_t). */
#define RC_UNKNOWN 1u
#define RC_INVALID 3u
#define RC_NO_ENTRY 5u
#define RC_BAD_STATE 6u
#define RC_TOO_LARGE 7u
#define RC_NOT_SUPPORTED 8u
#define RC_DENIED 11u

/* Bits of "can". */
#define CAN_IDENTIFY 1u
#define CAN_OFFER 2u
#define CAN_NOTICE 4u
#define CAN_CONFIRM_ALL 8u

static const char child_context[] = "headgate child 1";
static const char gateway_context[] = "headgate gateway 1";

/* The longest that stands before the child's claims in what it signs: array, context, nonce, head of the claims. */
#define ROOM_BEFORE_CLAIMS (1u + sizeof child_context + 2u + HG_CHILD_MAX_NONCE + 3u)
/* What a gateway signs: array, context, and four strings with heads of two bytes. */
#define MAX_GATEWAY_MESSAGE \
  (1u + sizeof gateway_context + 4u * 2u + HG_CHILD_MAX_KEY_ID + HG_CHILD_MAX_NONCE + HG_CHILD_NONCE + HG_CHILD_MAX_ID)

/* ------------------------------------------------------------------------------------------------------- answers */

static struct hg_child_answer well(const struct hg_cbor_writer* writer) {
  struct hg_child_answer answer = {0, 0, 0, -1};

  if (writer->full) {
    answer.rc = RC_TOO_LARGE;
  } else {
    answer.length = writer->length;
  }
  return answer;
}

static struct hg_child_answer smp_error(uint16_t rc) {
  struct hg_child_answer answer = {0, 0, 0, -1};

  answer.rc = rc;
  return answer;
}

uint16_t hg_child_rc(uint16_t error) {
  switch ((enum hg_child_error)error) {
    case HG_CHILD_INVALID:
    case HG_CHILD_TOO_NEW:
      return RC_INVALID;
    case HG_CHILD_UNPROVEN:
    case HG_CHILD_WRONG_PROOF:
      return RC_DENIED;
    case HG_CHILD_NO_KEY:
      return RC_NOT_SUPPORTED;
    case HG_CHILD_NO_CHALLENGE:
    case HG_CHILD_MISMATCH:
      return RC_BAD_STATE;
    case HG_CHILD_OTHER_KEY:
      return RC_NO_ENTRY;
    case HG_CHILD_OK:
      return 0;
    case HG_CHILD_FAILED:
    case HG_CHILD_NOT_CONFIRMED:
      break;
  }
  return RC_UNKNOWN;
}

static struct hg_child_answer group_error(enum hg_child_error error) {
  struct hg_child_answer answer = {0, 0, 0, -1};

  answer.rc = hg_child_rc((uint16_t)error);
  answer.error = (uint16_t)error;
  return answer;
}

static struct hg_child_answer image_error(enum hg_child_error error, uint8_t number) {
  struct hg_child_answer answer = group_error(error);

  answer.image = number;
  return answer;
}

size_t hg_child_error_body(const struct hg_child_answer* answer, uint8_t smp_version, uint8_t* out, size_t out_size) {
  struct hg_cbor_writer writer;

  hg_cbor_start(&writer, out, out_size);
  hg_cbor_put_map(&writer, answer->image >= 0 ? 2 : 1);
  if (smp_version >= 1 && answer->error != 0) {
    hg_cbor_put_text(&writer, "err");
    hg_cbor_put_map(&writer, 2);
    hg_cbor_put_text(&writer, "group");
    hg_cbor_put_uint(&writer, HG_CHILD_GROUP);
    hg_cbor_put_text(&writer, "rc");
    hg_cbor_put_uint(&writer, answer->error);
  } else {
    hg_cbor_put_text(&writer, "rc");
    hg_cbor_put_uint(&writer, answer->rc);
  }
  if (answer->image >= 0) {
    hg_cbor_put_text(&writer, "image");
    hg_cbor_put_uint(&writer, (uint64_t)answer->image);
  }
  return writer.full ? 0 : writer.length;
}

/* ------------------------------------------------------------------------------------------------------ requests */

enum kind { NUMBER, TEXT, BYTES, LIST };

/* A key of a request: for numbers `least` and `most` bound the value, for strings their bytes. */
struct field {
  const char* key;
  enum kind kind;
  bool required;
  uint64_t least;
  uint64_t most;
};

struct value {
  bool is_there;
  uint64_t number;
  struct hg_cbor_string string; /* of a list: its encoding */
};

#define VERSION_FIELD \
  { "v", NUMBER, false, 1, UINT64_MAX }

/* The value of one key. False: it is not what the field asks for. */
static bool read_value(struct hg_cbor_reader* reader, const struct field* field, struct value* value) {
  const uint8_t* begin = reader->next;
  uint64_t measure;
  bool well_formed;

  if (value->is_there) return false;
  value->is_there = true;
  switch (field->kind) {
    case NUMBER:
      well_formed = hg_cbor_read_uint(reader, &value->number);
      measure = value->number;
      break;
    case TEXT:
      well_formed = hg_cbor_read_text(reader, &value->string);
      measure = value->string.size;
      break;
    case BYTES:
      well_formed = hg_cbor_read_bytes(reader, &value->string);
      measure = value->string.size;
      break;
    default:
      well_formed = hg_cbor_skip(reader);
      value->string.data = begin;
      value->string.size = (size_t)(reader->next - begin);
      return well_formed;
  }
  return well_formed && measure >= field->least && measure <= field->most;
}

static size_t find_field(const struct hg_cbor_string* key, const struct field* fields, size_t count) {
  size_t i;

  for (i = 0; i < count; ++i) {
    if (strlen(fields[i].key) == key->size && memcmp(fields[i].key, key->data, key->size) == 0) return i;
  }
  return count;
}

/* One map: the values of the fields, each key at most once; other keys and keys that are no text are skipped. False: it
 * is not such a map. */
static bool read_map(struct hg_cbor_reader* reader, const struct field* fields, size_t count, struct value* values) {
  struct hg_cbor_list map;
  struct hg_cbor_string key;
  size_t i;

  memset(values, 0, count * sizeof *values);
  if (!hg_cbor_enter_map(reader, &map)) return false;
  while (hg_cbor_more(reader, &map)) {
    i = count;
    if (!hg_cbor_next_is_text(reader)) {
      (void)hg_cbor_skip(reader);
    } else if (hg_cbor_read_text(reader, &key)) {
      i = find_field(&key, fields, count);
    }
    if (i == count) {
      (void)hg_cbor_skip(reader);
    } else if (!read_value(reader, &fields[i], &values[i])) {
      return false;
    }
  }
  for (i = 0; i < count; ++i) {
    if (fields[i].required && !values[i].is_there) return false;
  }
  return !reader->failed;
}

/* The body of a request whose first field is the version. */
static enum hg_child_error read_request(const uint8_t* body, size_t length, const struct field* fields, size_t count,
                                        struct value* values) {
  static const uint8_t no_keys[1] = {0xA0};
  struct hg_cbor_reader reader;

  hg_cbor_begin(&reader, length > 0 ? body : no_keys, length > 0 ? length : sizeof no_keys);
  if (!read_map(&reader, fields, count, values)) return HG_CHILD_INVALID;
  if (values[0].is_there && values[0].number > HG_CHILD_VERSION) return HG_CHILD_TOO_NEW;
  return HG_CHILD_OK;
}

/* -------------------------------------------------------------------------------------------- identify and prove */

static size_t tag_size_of(int32_t algorithm) {
  return algorithm == HG_CHILD_HMAC_SHA256 ? 32 : 64;
}

static bool has_key(const struct hg_child* child) {
  return child->platform->algorithm != HG_CHILD_NO_ALGORITHM;
}

/* Overwrites in a way that the compiler keeps. */
static void wipe(uint8_t* bytes, size_t size) {
  volatile uint8_t* at = bytes;

  while (size-- > 0) *at++ = 0;
}

/* Takes the same time wherever they differ. */
static bool is_equal(const uint8_t* a, const uint8_t* b, size_t size) {
  volatile uint8_t difference = 0;
  size_t i;

  for (i = 0; i < size; ++i) difference = (uint8_t)(difference | (a[i] ^ b[i]));
  return difference == 0;
}

static bool next_image(const struct hg_child* child, size_t index, struct hg_child_image* image) {
  memset(image, 0, sizeof *image);
  if (index >= HG_CHILD_MAX_IMAGES || !child->platform->image(child->user, index, image)) return false;
  image->version[HG_CHILD_MAX_VERSION - 1] = 0;
  if (image->hash_size > HG_CHILD_MAX_HASH) image->hash_size = HG_CHILD_MAX_HASH;
  return true;
}

static void put_images(const struct hg_child* child, struct hg_cbor_writer* writer) {
  struct hg_child_image image;
  const size_t head = writer->length; /* one byte: there are fewer than 24 */
  size_t index;

  hg_cbor_put_array(writer, 0);
  for (index = 0; next_image(child, index, &image); ++index) {
    hg_cbor_put_map(writer, 3);
    hg_cbor_put_text(writer, "image");
    hg_cbor_put_uint(writer, image.number);
    hg_cbor_put_text(writer, "version");
    hg_cbor_put_text(writer, image.version);
    hg_cbor_put_text(writer, "hash");
    hg_cbor_put_bytes(writer, image.hash, image.hash_size);
  }
  if (!writer->full) writer->out[head] = (uint8_t)(writer->out[head] + index);
}

static void put_claims(const struct hg_child* child, struct hg_cbor_writer* writer) {
  const struct hg_child_platform* platform = child->platform;

  hg_cbor_put_map(writer, 3u + (platform->boots ? 1u : 0u) + (has_key(child) ? 3u : 0u));
  hg_cbor_put_text(writer, "v");
  hg_cbor_put_uint(writer, HG_CHILD_VERSION);
  hg_cbor_put_text(writer, "id");
  hg_cbor_put_text(writer, platform->id);
  if (platform->boots) {
    hg_cbor_put_text(writer, "boots");
    hg_cbor_put_uint(writer, platform->boots(child->user));
  }
  if (has_key(child)) {
    hg_cbor_put_text(writer, "alg");
    hg_cbor_put_int(writer, platform->algorithm);
    hg_cbor_put_text(writer, "kid");
    hg_cbor_put_bytes(writer, platform->key_id, platform->key_id_size);
    hg_cbor_put_text(writer, "nonce");
    hg_cbor_put_bytes(writer, child->child_nonce, HG_CHILD_NONCE);
  }
  hg_cbor_put_text(writer, "images");
  put_images(child, writer);
}

/* The MAC or signature over ["headgate child 1", gateway's nonce, claims]. The claims stand at out +
 * ROOM_BEFORE_CLAIMS; what belongs before them is put there, so that all of it lies in one piece. */
static bool sign_claims(const struct hg_child* child, uint8_t* out, size_t claims_size, uint8_t* tag) {
  struct hg_cbor_writer before;
  uint8_t prefix[ROOM_BEFORE_CLAIMS];
  uint8_t* message;

  hg_cbor_start(&before, prefix, sizeof prefix);
  hg_cbor_put_array(&before, 3);
  hg_cbor_put_text(&before, child_context);
  hg_cbor_put_bytes(&before, child->gateway_nonce, child->gateway_nonce_size);
  hg_cbor_put_bytes_head(&before, claims_size);
  message = out + ROOM_BEFORE_CLAIMS - before.length;
  memcpy(message, prefix, before.length);
  return child->platform->sign(child->user, message, before.length + claims_size, tag);
}

static struct hg_child_answer put_identity(const struct hg_child* child, uint8_t* out, size_t out_size) {
  struct hg_cbor_writer claims;
  struct hg_cbor_writer writer;
  uint8_t tag[HG_CHILD_MAX_TAG];

  hg_cbor_start(&claims, out + ROOM_BEFORE_CLAIMS, out_size - ROOM_BEFORE_CLAIMS);
  put_claims(child, &claims);
  if (claims.full) return smp_error(RC_TOO_LARGE);
  if (has_key(child) && !sign_claims(child, out, claims.length, tag)) return group_error(HG_CHILD_FAILED);

  hg_cbor_start(&writer, out, out_size);
  hg_cbor_put_map(&writer, has_key(child) ? 2 : 1);
  hg_cbor_put_text(&writer, "says");
  hg_cbor_put_bytes_head(&writer, claims.length);
  memmove(out + writer.length, claims.out, claims.length);
  writer.length += claims.length;
  if (has_key(child)) {
    hg_cbor_put_text(&writer, "mac");
    hg_cbor_put_bytes(&writer, tag, tag_size_of(child->platform->algorithm));
  }
  return well(&writer);
}

static struct hg_child_answer identify(struct hg_child* child, const uint8_t* body, size_t length, uint8_t* out,
                                       size_t out_size) {
  static const struct field fields[] = {VERSION_FIELD, {"nonce", BYTES, true, HG_CHILD_MIN_NONCE, HG_CHILD_MAX_NONCE}};
  struct value values[2];
  const enum hg_child_error error = read_request(body, length, fields, 2, values);
  struct hg_child_answer answer;

  if (error != HG_CHILD_OK) return group_error(error);
  /* A new challenge ends what the last one was good for. */
  hg_child_forget(child);
  child->gateway_nonce_size = (uint8_t)values[1].string.size;
  memcpy(child->gateway_nonce, values[1].string.data, values[1].string.size);
  if (has_key(child) && !child->platform->random(child->user, child->child_nonce, HG_CHILD_NONCE)) {
    answer = group_error(HG_CHILD_FAILED);
  } else {
    answer = put_identity(child, out, out_size);
  }
  if (answer.rc == 0 && has_key(child)) {
    child->is_challenged = true;
  } else {
    hg_child_forget(child);
  }
  return answer;
}

/* Whether `tag` is the MAC or signature of the gateway over
 * ["headgate gateway 1", key id, gateway's nonce, child's nonce, child's id]. */
static enum hg_child_verdict judge(const struct hg_child* child, const struct hg_cbor_string* key_id,
                                   const struct hg_cbor_string* tag) {
  const struct hg_child_platform* platform = child->platform;
  uint8_t message[MAX_GATEWAY_MESSAGE];
  uint8_t expected[HG_CHILD_MAX_TAG];
  struct hg_cbor_writer writer;
  enum hg_child_verdict verdict = HG_CHILD_DOES_NOT_HOLD;

  hg_cbor_start(&writer, message, sizeof message);
  hg_cbor_put_array(&writer, 5);
  hg_cbor_put_text(&writer, gateway_context);
  hg_cbor_put_bytes(&writer, key_id->data, key_id->size);
  hg_cbor_put_bytes(&writer, child->gateway_nonce, child->gateway_nonce_size);
  hg_cbor_put_bytes(&writer, child->child_nonce, HG_CHILD_NONCE);
  hg_cbor_put_text(&writer, platform->id);
  if (writer.full || tag->size != tag_size_of(platform->algorithm)) return verdict;
  if (platform->verify) {
    return platform->verify(child->user, key_id->data, key_id->size, message, writer.length, tag->data, tag->size);
  }
  if (key_id->size != platform->key_id_size || memcmp(key_id->data, platform->key_id, key_id->size) != 0) {
    return HG_CHILD_KEY_UNKNOWN;
  }
  if (platform->algorithm == HG_CHILD_HMAC_SHA256 && platform->sign(child->user, message, writer.length, expected) &&
      is_equal(expected, tag->data, tag->size)) {
    verdict = HG_CHILD_HOLDS;
  }
  wipe(expected, sizeof expected);
  return verdict;
}

static struct hg_child_answer prove(struct hg_child* child, const uint8_t* body, size_t length, uint8_t* out,
                                    size_t out_size) {
  static const struct field fields[] = {
      VERSION_FIELD, {"kid", BYTES, true, 1, HG_CHILD_MAX_KEY_ID}, {"mac", BYTES, true, 1, HG_CHILD_MAX_TAG}};
  struct value values[3];
  const enum hg_child_error error = read_request(body, length, fields, 3, values);
  struct hg_cbor_writer writer;
  enum hg_child_verdict verdict;

  if (error != HG_CHILD_OK) return group_error(error);
  if (!has_key(child)) return group_error(HG_CHILD_NO_KEY);
  if (!child->is_challenged) return group_error(HG_CHILD_NO_CHALLENGE);
  verdict = judge(child, &values[1].string, &values[2].string);
  if (verdict != HG_CHILD_HOLDS) {
    hg_child_forget(child); /* one guess for each challenge */
    return group_error(verdict == HG_CHILD_KEY_UNKNOWN ? HG_CHILD_OTHER_KEY : HG_CHILD_WRONG_PROOF);
  }
  /* The challenge stays, so that a proof whose answer was lost can be sent again. */
  child->is_proven = true;
  hg_cbor_start(&writer, out, out_size);
  hg_cbor_put_map(&writer, 0);
  return well(&writer);
}

/* --------------------------------------------------------------------------------------- status, offer and notice */

static unsigned abilities_of(const struct hg_child* child) {
  const struct hg_child_platform* platform = child->platform;

  return (has_key(child) ? CAN_IDENTIFY : 0u) | (platform->offer ? CAN_OFFER : 0u) |
         (platform->notice ? CAN_NOTICE : 0u) | (platform->confirm ? CAN_CONFIRM_ALL : 0u);
}

static bool must_prove(const struct hg_child* child) {
  return child->platform->requires_proof && !child->is_proven;
}

static struct hg_child_answer tell_status(const struct hg_child* child, const uint8_t* body, size_t length,
                                          uint8_t* out, size_t out_size) {
  static const struct field fields[] = {VERSION_FIELD};
  const struct hg_child_platform* platform = child->platform;
  struct hg_child_status status = {HG_CHILD_BATTERY_UNKNOWN, HG_CHILD_POWER_UNKNOWN, false, 0,
                                   HG_CHILD_RESET_UNKNOWN,   HG_CHILD_LEVEL_UNKNOWN};
  struct value values[1];
  const enum hg_child_error error = read_request(body, length, fields, 1, values);
  struct hg_cbor_writer writer;
  bool knows_battery;
  bool knows_until;
  bool knows_level;

  if (error != HG_CHILD_OK) return group_error(error);
  if (platform->status) platform->status(child->user, &status);
  knows_battery = status.battery_percent <= 100;
  knows_until = status.busy && status.busy_ms > 0;
  knows_level = status.link_level != HG_CHILD_LEVEL_UNKNOWN && status.link_level <= HG_CHILD_MAX_LEVEL;

  hg_cbor_start(&writer, out, out_size);
  hg_cbor_put_map(&writer, 7u + (platform->unit ? 1u : 0u) + (platform->boots ? 1u : 0u) + (knows_battery ? 1u : 0u) +
                               (knows_until ? 1u : 0u) + (knows_level ? 1u : 0u));
  hg_cbor_put_text(&writer, "v");
  hg_cbor_put_uint(&writer, HG_CHILD_VERSION);
  hg_cbor_put_text(&writer, "id");
  hg_cbor_put_text(&writer, platform->id);
  if (platform->unit) {
    hg_cbor_put_text(&writer, "unit");
    hg_cbor_put_text(&writer, platform->unit);
  }
  hg_cbor_put_text(&writer, "can");
  hg_cbor_put_uint(&writer, abilities_of(child));
  hg_cbor_put_text(&writer, "prove");
  hg_cbor_put_bool(&writer, must_prove(child));
  if (platform->boots) {
    hg_cbor_put_text(&writer, "boots");
    hg_cbor_put_uint(&writer, platform->boots(child->user));
  }
  hg_cbor_put_text(&writer, "reset");
  hg_cbor_put_uint(&writer, (uint64_t)status.reset);
  if (knows_battery) {
    hg_cbor_put_text(&writer, "battery");
    hg_cbor_put_uint(&writer, status.battery_percent);
  }
  hg_cbor_put_text(&writer, "power");
  hg_cbor_put_uint(&writer, (uint64_t)status.power);
  hg_cbor_put_text(&writer, "busy");
  hg_cbor_put_bool(&writer, status.busy);
  if (knows_until) {
    hg_cbor_put_text(&writer, "ms");
    hg_cbor_put_uint(&writer, status.busy_ms);
  }
  if (knows_level) {
    hg_cbor_put_text(&writer, "level");
    hg_cbor_put_uint(&writer, status.link_level);
  }
  return well(&writer);
}

static struct hg_child_answer offer(struct hg_child* child, const uint8_t* body, size_t length, uint8_t* out,
                                    size_t out_size) {
  static const struct field fields[] = {VERSION_FIELD,
                                        {"image", NUMBER, false, 0, UINT8_MAX},
                                        {"version", TEXT, true, 0, HG_CHILD_MAX_TEXT},
                                        {"size", NUMBER, true, 0, UINT64_MAX},
                                        {"urgency", NUMBER, false, HG_CHILD_MINOR, HG_CHILD_EMERGENCY}};
  struct value values[5];
  const enum hg_child_error error = read_request(body, length, fields, 5, values);
  struct hg_child_offer offered;
  struct hg_child_decision decision = {HG_CHILD_YES, 0, NULL};
  struct hg_cbor_writer writer;
  bool has_text;

  if (error != HG_CHILD_OK) return group_error(error);
  if (must_prove(child)) return group_error(HG_CHILD_UNPROVEN);
  offered.image = (uint8_t)values[1].number;
  offered.version = (const char*)values[2].string.data;
  offered.version_size = values[2].string.size;
  offered.size = values[3].number;
  offered.urgency = (enum hg_child_urgency)values[4].number;
  child->platform->offer(child->user, &offered, &decision);
  has_text = decision.text && strlen(decision.text) <= HG_CHILD_MAX_TEXT;

  hg_cbor_start(&writer, out, out_size);
  hg_cbor_put_map(&writer, 1u + (decision.willing == HG_CHILD_LATER ? 1u : 0u) + (has_text ? 1u : 0u));
  hg_cbor_put_text(&writer, "answer");
  hg_cbor_put_uint(&writer, (uint64_t)decision.willing);
  if (decision.willing == HG_CHILD_LATER) {
    hg_cbor_put_text(&writer, "ms");
    hg_cbor_put_uint(&writer, decision.wait_ms);
  }
  if (has_text) {
    hg_cbor_put_text(&writer, "text");
    hg_cbor_put_text(&writer, decision.text);
  }
  return well(&writer);
}

static struct hg_child_answer notice(struct hg_child* child, const uint8_t* body, size_t length, uint8_t* out,
                                     size_t out_size) {
  static const struct field fields[] = {VERSION_FIELD,
                                        {"what", NUMBER, true, HG_CHILD_WILL_RESET, HG_CHILD_WILL_BE_SLOW},
                                        {"in", NUMBER, false, 0, UINT32_MAX},
                                        {"for", NUMBER, false, 0, UINT32_MAX}};
  struct value values[4];
  const enum hg_child_error error = read_request(body, length, fields, 4, values);
  struct hg_child_notice given;
  struct hg_cbor_writer writer;
  uint32_t wait_ms;

  if (error != HG_CHILD_OK) return group_error(error);
  if (must_prove(child)) return group_error(HG_CHILD_UNPROVEN);
  given.what = (enum hg_child_loss)values[1].number;
  given.in_ms = (uint32_t)values[2].number;
  given.for_ms = (uint32_t)values[3].number;
  wait_ms = child->platform->notice(child->user, &given);

  hg_cbor_start(&writer, out, out_size);
  hg_cbor_put_map(&writer, wait_ms > 0 ? 1 : 0);
  if (wait_ms > 0) {
    hg_cbor_put_text(&writer, "ms");
    hg_cbor_put_uint(&writer, wait_ms);
  }
  return well(&writer);
}

/* --------------------------------------------------------------------------------------------------- confirm_all */

/* Which of the running images `number` is; HG_CHILD_MAX_IMAGES: none. `image` is filled in. */
static size_t find_image(const struct hg_child* child, uint8_t number, struct hg_child_image* image) {
  size_t index;

  for (index = 0; next_image(child, index, image); ++index) {
    if (image->number == number) return index;
  }
  return HG_CHILD_MAX_IMAGES;
}

/* Compares one {image, hash} of the list with what runs, and adds it to the set of those seen. */
static struct hg_child_answer compare_image(const struct hg_child* child, struct hg_cbor_reader* reader,
                                            unsigned* seen) {
  static const struct field fields[] = {{"image", NUMBER, false, 0, UINT8_MAX},
                                        {"hash", BYTES, true, 1, HG_CHILD_MAX_HASH}};
  struct value values[2];
  struct hg_child_image image;
  uint8_t number;
  size_t index;

  if (!read_map(reader, fields, 2, values)) return group_error(HG_CHILD_INVALID);
  number = (uint8_t)values[0].number;
  index = find_image(child, number, &image);
  if (index == HG_CHILD_MAX_IMAGES || values[1].string.size != image.hash_size ||
      memcmp(values[1].string.data, image.hash, image.hash_size) != 0) {
    return image_error(HG_CHILD_MISMATCH, number);
  }
  if ((*seen >> index & 1u) != 0) return group_error(HG_CHILD_INVALID);
  *seen |= 1u << index;
  return smp_error(0);
}

/* The list must name each running image once, and no other. */
static struct hg_child_answer compare_all(const struct hg_child* child, const struct hg_cbor_string* encoded) {
  struct hg_child_answer answer = smp_error(0);
  struct hg_child_image image;
  struct hg_cbor_reader reader;
  struct hg_cbor_list list;
  unsigned seen = 0;
  size_t index;

  hg_cbor_begin(&reader, encoded->data, encoded->size);
  if (!hg_cbor_enter_array(&reader, &list)) return group_error(HG_CHILD_INVALID);
  while (answer.rc == 0 && hg_cbor_more(&reader, &list)) answer = compare_image(child, &reader, &seen);
  for (index = 0; answer.rc == 0 && next_image(child, index, &image); ++index) {
    if ((seen >> index & 1u) == 0) answer = image_error(HG_CHILD_MISMATCH, image.number);
  }
  return answer;
}

/* Asks all before it confirms one. */
static struct hg_child_answer confirm_images(const struct hg_child* child) {
  const struct hg_child_platform* platform = child->platform;
  struct hg_child_image image;
  size_t index;

  for (index = 0; platform->may_confirm && next_image(child, index, &image); ++index) {
    if (!platform->may_confirm(child->user, image.number)) return image_error(HG_CHILD_NOT_CONFIRMED, image.number);
  }
  for (index = 0; next_image(child, index, &image); ++index) {
    if (!platform->confirm(child->user, image.number)) return image_error(HG_CHILD_FAILED, image.number);
  }
  return smp_error(0);
}

static struct hg_child_answer confirm_all(struct hg_child* child, const uint8_t* body, size_t length, uint8_t* out,
                                          size_t out_size) {
  static const struct field fields[] = {VERSION_FIELD, {"hashes", LIST, true, 0, 0}};
  struct value values[2];
  const enum hg_child_error error = read_request(body, length, fields, 2, values);
  struct hg_child_answer answer;
  struct hg_cbor_writer writer;

  if (error != HG_CHILD_OK) return group_error(error);
  if (must_prove(child)) return group_error(HG_CHILD_UNPROVEN);
  answer = compare_all(child, &values[1].string);
  if (answer.rc == 0) answer = confirm_images(child);
  if (answer.rc != 0) return answer;
  hg_cbor_start(&writer, out, out_size);
  hg_cbor_put_map(&writer, 0);
  return well(&writer);
}

/* ---------------------------------------------------------------------------------------------------- the group */

void hg_child_init(struct hg_child* child, const struct hg_child_platform* platform, void* user) {
  memset(child, 0, sizeof *child);
  child->platform = platform;
  child->user = user;
}

bool hg_child_is_proven(const struct hg_child* child) {
  return child->is_proven;
}

void hg_child_forget(struct hg_child* child) {
  child->is_challenged = false;
  child->is_proven = false;
  child->gateway_nonce_size = 0;
  wipe(child->gateway_nonce, sizeof child->gateway_nonce);
  wipe(child->child_nonce, sizeof child->child_nonce);
}

static bool is_known(const struct hg_child* child, uint8_t op, uint8_t command) {
  const struct hg_child_platform* platform = child->platform;

  if (command == HG_CHILD_STATUS) return op == HG_CHILD_READ;
  if (op != HG_CHILD_WRITE) return false;
  if (command == HG_CHILD_OFFER) return platform->offer != NULL;
  if (command == HG_CHILD_NOTICE) return platform->notice != NULL;
  if (command == HG_CHILD_CONFIRM_ALL) return platform->confirm != NULL;
  return command < HG_CHILD_COMMANDS;
}

struct hg_child_answer hg_child_handle(struct hg_child* child, uint8_t op, uint8_t command, const uint8_t* body,
                                       size_t length, uint8_t* out, size_t out_size) {
  if (!is_known(child, op, command)) return smp_error(RC_NOT_SUPPORTED);
  if (out_size < HG_CHILD_MIN_ANSWER) return smp_error(RC_TOO_LARGE);
  switch (command) {
    case HG_CHILD_IDENTIFY:
      return identify(child, body, length, out, out_size);
    case HG_CHILD_PROVE:
      return prove(child, body, length, out, out_size);
    case HG_CHILD_STATUS:
      return tell_status(child, body, length, out, out_size);
    case HG_CHILD_OFFER:
      return offer(child, body, length, out, out_size);
    case HG_CHILD_NOTICE:
      return notice(child, body, length, out, out_size);
    default:
      return confirm_all(child, body, length, out, out_size);
  }
}
