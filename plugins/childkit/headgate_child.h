/* SPDX-License-Identifier: Apache-2.0 */
/* The child kit: the device's side of headgate's SMP group 18503, which tells a gateway what plain SMP does not (who
 * the child is, battery, busy, deferral) and confirms all running images at once. docs/child-protocol.md is its
 * specification, README.md beside this file the way into a Zephyr application.
 *
 * Portable C99: no heap, no recursion, no global, nothing of libc but string.h. The SMP server hands each request of
 * the group to hg_child_handle(); all that depends on the device comes through struct hg_child_platform. Not reentrant:
 * one request at a time for one struct hg_child. */
#ifndef HEADGATE_CHILD_H
#define HEADGATE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HG_CHILD_GROUP 18503u /* 0x4847, "HG" */
#define HG_CHILD_VERSION 1u   /* of the protocol */

enum hg_child_command {
  HG_CHILD_IDENTIFY = 0,
  HG_CHILD_PROVE = 1,
  HG_CHILD_STATUS = 2,
  HG_CHILD_OFFER = 3,
  HG_CHILD_NOTICE = 4,
  HG_CHILD_CONFIRM_ALL = 5
};
#define HG_CHILD_COMMANDS 6u

/* Operations of SMP. */
#define HG_CHILD_READ 0u
#define HG_CHILD_WRITE 2u

/* The group's own errors, as SMP v2 carries them. */
enum hg_child_error {
  HG_CHILD_OK = 0,
  HG_CHILD_FAILED = 1,        /* the device failed: random numbers, key, flash */
  HG_CHILD_INVALID = 2,       /* the body is not what the command asks for */
  HG_CHILD_TOO_NEW = 3,       /* a version of the protocol that this child does not speak */
  HG_CHILD_UNPROVEN = 4,      /* the gateway must prove itself first */
  HG_CHILD_NO_KEY = 5,        /* prove, of a child that has no key */
  HG_CHILD_NO_CHALLENGE = 6,  /* prove without an identify before it, or after a wrong proof */
  HG_CHILD_WRONG_PROOF = 7,   /* MAC or signature does not hold */
  HG_CHILD_OTHER_KEY = 8,     /* no such key here */
  HG_CHILD_MISMATCH = 9,      /* confirm_all: not what runs; the answer names the image */
  HG_CHILD_NOT_CONFIRMED = 10 /* confirm_all: the child will not confirm; the answer names the image */
};

/* Limits, in bytes unless said otherwise. */
#define HG_CHILD_MIN_NONCE 16u
#define HG_CHILD_MAX_NONCE 32u
#define HG_CHILD_NONCE 16u /* of the child's own */
#define HG_CHILD_MAX_ID 64u
#define HG_CHILD_MAX_UNIT 64u
#define HG_CHILD_MAX_KEY_ID 32u
#define HG_CHILD_MAX_TAG 64u
#define HG_CHILD_MAX_VERSION 32u /* of a running image's version, zero byte included */
#define HG_CHILD_MAX_HASH 64u
#define HG_CHILD_MAX_TEXT 64u
#define HG_CHILD_MAX_IMAGES 8u /* images */
/* What `out` must hold at least for anything but an error. Identify needs room for its answer (docs/child-protocol.md,
 * Sizes) and up to 9 bytes more; without a key up to 47. A unit needs 7 bytes and its length more. */
#define HG_CHILD_MIN_ANSWER 144u

/* Algorithms by their COSE numbers. */
#define HG_CHILD_HMAC_SHA256 5
#define HG_CHILD_ES256 (-7) /* r and s of 32 bytes each, as in COSE */
#define HG_CHILD_EDDSA (-8) /* Ed25519 */
#define HG_CHILD_NO_ALGORITHM 0

/* An image that runs. */
struct hg_child_image {
  uint8_t number;
  char version[HG_CHILD_MAX_VERSION]; /* "1.2.3", ended by a zero byte */
  uint8_t hash[HG_CHILD_MAX_HASH];    /* as the image list has it */
  uint8_t hash_size;
};

enum hg_child_power { HG_CHILD_POWER_UNKNOWN = 0, HG_CHILD_MAINS = 1, HG_CHILD_BATTERY = 2 };

enum hg_child_reset {
  HG_CHILD_RESET_UNKNOWN = 0,
  HG_CHILD_RESET_POWER_ON = 1,
  HG_CHILD_RESET_PIN = 2,
  HG_CHILD_RESET_SOFTWARE = 3,
  HG_CHILD_RESET_WATCHDOG = 4,
  HG_CHILD_RESET_BROWNOUT = 5,
  HG_CHILD_RESET_FAULT = 6,
  HG_CHILD_RESET_WAKE = 7
};

#define HG_CHILD_BATTERY_UNKNOWN 255u
#define HG_CHILD_LEVEL_UNKNOWN 0u
#define HG_CHILD_MAX_LEVEL 4u /* LE security mode 1 */

struct hg_child_status {
  uint8_t battery_percent; /* 0 to 100, or HG_CHILD_BATTERY_UNKNOWN */
  enum hg_child_power power;
  bool busy;
  uint32_t busy_ms; /* for about this long; 0: it cannot tell */
  enum hg_child_reset reset;
  /* How the Bluetooth LE link is protected that this request came over: the level of security mode 1, which is what
   * Zephyr's bt_conn_get_security() returns for the connection. 1 not encrypted, 2 encrypted, 3 also authenticated,
   * 4 authenticated by LE Secure Connections; HG_CHILD_LEVEL_UNKNOWN: another kind of link. */
  uint8_t link_level;
};

enum hg_child_urgency { HG_CHILD_MINOR = 0, HG_CHILD_MAJOR = 1, HG_CHILD_EMERGENCY = 2 };

struct hg_child_offer {
  uint8_t image;
  const char* version; /* version_size bytes of text from the gateway, not ended by a zero byte; at most 64 */
  size_t version_size;
  uint64_t size; /* bytes of the file */
  enum hg_child_urgency urgency;
};

enum hg_child_willing { HG_CHILD_YES = 0, HG_CHILD_NO = 1, HG_CHILD_LATER = 2 };

struct hg_child_decision {
  enum hg_child_willing willing;
  uint32_t wait_ms; /* when later: ask again after this time */
  const char* text; /* why, for people, at most HG_CHILD_MAX_TEXT bytes and a zero byte; may be null */
};

enum hg_child_loss { HG_CHILD_WILL_RESET = 0, HG_CHILD_WILL_BE_SLOW = 1 };

struct hg_child_notice {
  enum hg_child_loss what;
  uint32_t in_ms;  /* from now */
  uint32_t for_ms; /* for about this long; 0: not known */
};

enum hg_child_verdict { HG_CHILD_HOLDS, HG_CHILD_DOES_NOT_HOLD, HG_CHILD_KEY_UNKNOWN };

/* What the device brings. `user` is hg_child.user in each call. A function that is null means that the device cannot do
 * this: the command answers "not supported", the key is left out. What every child needs is marked. */
struct hg_child_platform {
  const char* id;      /* needed: 1 to HG_CHILD_MAX_ID bytes of UTF-8, the same for life */
  const char* unit;    /* the product that it is built into: 1 to HG_CHILD_MAX_UNIT of A-Z a-z 0-9 . _ -, or null */
  bool requires_proof; /* offer, notice and confirm_all only for a gateway that has proven itself */

  /* The key. HG_CHILD_NO_ALGORITHM: none; identify is answered without proof, and prove not at all. */
  int32_t algorithm;
  const uint8_t* key_id; /* 1 to HG_CHILD_MAX_KEY_ID bytes */
  size_t key_id_size;

  /* Needed with a key: `size` bytes of a cryptographic random generator. */
  bool (*random)(void* user, uint8_t* out, size_t size);
  /* Needed with a key: the MAC (32 bytes) or signature (64 bytes) over `message`. */
  bool (*sign)(void* user, const uint8_t* message, size_t size, uint8_t* tag);
  /* Needed with a signature key: whether `tag` holds under the gateway's key of that id. Null with HMAC: the kit then
   * makes the MAC again and compares in constant time. */
  enum hg_child_verdict (*verify)(void* user, const uint8_t* key_id, size_t key_id_size, const uint8_t* message,
                                  size_t size, const uint8_t* tag, size_t tag_size);

  /* How often the device has started; never the same number twice. */
  uint32_t (*boots)(void* user);
  /* Needed: the `index`-th running image; false when there are no more. `image` is all zero before. */
  bool (*image)(void* user, size_t index, struct hg_child_image* image);
  /* `status` is all unknown before. */
  void (*status)(void* user, struct hg_child_status* status);
  /* `decision` is yes before. */
  void (*offer)(void* user, const struct hg_child_offer* offer, struct hg_child_decision* decision);
  /* 0: so be it; else: not now, ask again after so many milliseconds. */
  uint32_t (*notice)(void* user, const struct hg_child_notice* notice);

  /* Whether the running image of that number may be confirmed now; null: always. Asked of all before any is. */
  bool (*may_confirm)(void* user, uint8_t number);
  /* Confirms it; one that is confirmed already is no failure. */
  bool (*confirm)(void* user, uint8_t number);
};

/* One for each link on which the child can be reached. */
struct hg_child {
  const struct hg_child_platform* platform;
  void* user;
  uint8_t gateway_nonce[HG_CHILD_MAX_NONCE];
  uint8_t gateway_nonce_size;
  uint8_t child_nonce[HG_CHILD_NONCE];
  bool is_challenged; /* the nonces are those of the last identify */
  bool is_proven;
};

/* What became of a request. */
struct hg_child_answer {
  size_t length;  /* bytes of the answer's map in `out`; 0 for an error */
  uint16_t rc;    /* 0: well; else what SMP v1 calls rc */
  uint16_t error; /* of the group, for SMP v2; 0 when rc is an error of SMP itself (7 too large, 8 not supported) */
  int16_t image;  /* the image number that an error is about; -1: none */
};

/* `platform` and `user` must outlive it. */
void hg_child_init(struct hg_child* child, const struct hg_child_platform* platform, void* user);

/* Answers one request of the group. `body` are the bytes after the SMP header (what follows their map is ignored),
 * `out` is where the answer's map goes, whose head is always one byte; they must not overlap. For an error nothing in
 * `out` is of use: hg_child_error_body() writes what to send. An answer that does not fit is the error 7, and nothing
 * was done. */
struct hg_child_answer hg_child_handle(struct hg_child* child, uint8_t op, uint8_t command, const uint8_t* body,
                                       size_t length, uint8_t* out, size_t out_size);

/* Writes the body of an error for a request of that SMP version (0: v1, 1: v2, as in the header). Its length; 0 when
 * `out` is too small (40 bytes are always enough). */
size_t hg_child_error_body(const struct hg_child_answer* answer, uint8_t smp_version, uint8_t* out, size_t out_size);

/* What SMP v1 calls rc for an error of the group. */
uint16_t hg_child_rc(uint16_t error);

/* Whether the gateway on this link has proven itself since the last identify: for a child that refuses uploads before.
 */
bool hg_child_is_proven(const struct hg_child* child);

/* The link is gone, or somebody else may be on it: a gateway must prove itself again. */
void hg_child_forget(struct hg_child* child);

#ifdef __cplusplus
}
#endif

#endif /* HEADGATE_CHILD_H */
