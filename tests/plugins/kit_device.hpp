// SPDX-License-Identifier: Apache-2.0
// A device with the child kit in it: everything that the kit asks of a platform, answered as docs/child-protocol.md's
// example has it (random numbers that count, an HMAC key of OpenSSL's), and what it was told. Used by the tests of the
// kit.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "childkit/headgate_child.h"

namespace hg::test {

inline constexpr std::size_t kRoom = 512;
inline constexpr std::uint8_t kUntouched = 0x5A;

inline Bytes hex(std::string_view digits) {
  return *from_hex(digits);
}

inline Bytes count_from(std::uint8_t first, std::size_t size) {
  Bytes bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(first + i));
  return bytes;
}

inline Bytes hmac(const Bytes& key, ByteView message) {
  Bytes tag(32);
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), tag.data(), nullptr);
  return tag;
}

inline Bytes sha256(std::string_view text) {
  Bytes digest(32);
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

/// A device: what the kit asks of it, and what it was told.
struct Device {
  hg_child_platform platform{};
  hg_child child{};
  Bytes key = count_from(0, 32);
  Bytes key_id = {'k', '1'};
  std::uint8_t next_random = 0x20;
  bool random_works = true;
  bool key_works = true;
  std::vector<hg_child_image> images;
  hg_child_status status{87, HG_CHILD_BATTERY, true, 90000, HG_CHILD_RESET_WATCHDOG, HG_CHILD_LEVEL_UNKNOWN};
  hg_child_decision decision{HG_CHILD_YES, 0, nullptr};
  std::uint32_t wait_ms = 0;
  int unwilling = -1;  ///< image that it will not confirm
  int broken = -1;     ///< image whose confirmation cannot be written
  std::vector<int> confirmed;
  std::vector<hg_child_offer> offers;
  std::string offered_version;
  std::vector<hg_child_notice> notices;

  Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() = default;

  void without_key() { platform.algorithm = HG_CHILD_NO_ALGORITHM; }
  void add_image(std::uint8_t number, const char* version, const Bytes& hash);
};

inline Device& device(void* user) {
  return *static_cast<Device*>(user);
}

inline bool give_random(void* user, std::uint8_t* out, std::size_t size) {
  Device& it = device(user);
  for (std::size_t i = 0; i < size; ++i) out[i] = it.next_random++;
  return it.random_works;
}

inline bool give_mac(void* user, const std::uint8_t* message, std::size_t size, std::uint8_t* tag) {
  const Bytes mac = hmac(device(user).key, {message, size});
  std::ranges::copy(mac, tag);
  return device(user).key_works;
}

inline bool give_image(void* user, std::size_t index, hg_child_image* image) {
  if (index >= device(user).images.size()) return false;
  *image = device(user).images[index];
  return true;
}

inline void decide(void* user, const hg_child_offer* offer, hg_child_decision* decision) {
  device(user).offers.push_back(*offer);
  device(user).offered_version.assign(offer->version, offer->version_size);
  *decision = device(user).decision;
}

inline std::uint32_t hear_notice(void* user, const hg_child_notice* notice) {
  device(user).notices.push_back(*notice);
  return device(user).wait_ms;
}

inline bool confirm(void* user, std::uint8_t number) {
  if (device(user).broken == number) return false;
  device(user).confirmed.push_back(number);
  return true;
}

inline Device::Device() {
  platform.id = "boiler-7";
  platform.algorithm = HG_CHILD_HMAC_SHA256;
  platform.key_id = key_id.data();
  platform.key_id_size = key_id.size();
  platform.random = give_random;
  platform.sign = give_mac;
  platform.boots = [](void*) -> std::uint32_t { return 12; };
  platform.image = give_image;
  platform.status = [](void* user, hg_child_status* out) { *out = device(user).status; };
  platform.offer = decide;
  platform.notice = hear_notice;
  platform.may_confirm = [](void* user, std::uint8_t number) { return device(user).unwilling != number; };
  platform.confirm = confirm;
  add_image(0, "1.4.0", sha256("boiler 1.4.0"));
  add_image(1, "2.0.1", sha256("radio 2.0.1"));
  hg_child_init(&child, &platform, this);
}

inline void Device::add_image(std::uint8_t number, const char* version, const Bytes& hash) {
  hg_child_image image{};
  image.number = number;
  std::snprintf(image.version, sizeof image.version, "%s", version);
  image.hash_size = static_cast<std::uint8_t>(hash.size());
  std::ranges::copy(hash, image.hash);
  images.push_back(image);
}

struct Outcome {
  hg_child_answer answer{};
  Bytes body;  ///< what would be sent in SMP v2
};

/// Gives the kit a body and a buffer whose sizes ASan knows, and checks that nothing beyond the answer was written.
inline Outcome ask(Device& it, std::uint8_t command, const Bytes& body, std::size_t room = kRoom) {
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[body.size()]);
  std::ranges::copy(body, exact.get());
  const std::unique_ptr<std::uint8_t[]> out(new std::uint8_t[room]);
  std::fill_n(out.get(), room, kUntouched);
  const std::uint8_t op = command == HG_CHILD_STATUS ? HG_CHILD_READ : HG_CHILD_WRITE;
  Outcome outcome;
  outcome.answer = hg_child_handle(&it.child, op, command, exact.get(), body.size(), out.get(), room);
  EXPECT_LE(outcome.answer.length, room);
  EXPECT_NE(outcome.answer.rc == 0, outcome.answer.length == 0);
  outcome.body.assign(out.get(), out.get() + outcome.answer.length);
  if (outcome.answer.rc == 0) return outcome;
  Bytes error(40);
  error.resize(hg_child_error_body(&outcome.answer, 1, error.data(), error.size()));
  outcome.body = error;
  return outcome;
}

inline unsigned error_of(Device& it, std::uint8_t command, const Bytes& body) {
  return ask(it, command, body).answer.error;
}

}  // namespace hg::test
