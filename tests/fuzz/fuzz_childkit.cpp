// SPDX-License-Identifier: Apache-2.0
// The child kit between a hostile gateway and a hostile child. The input is a byte of what the device can do, then
// requests: operation and command, room for the answer (in fours), length, body. Whatever comes, the kit must keep to
// its buffers, answer nothing or one map, confirm nothing but what runs, and open nothing without a proof; what it
// answers must be readable for the gateway. Each body is also given to the gateway's readers, which must keep to the
// limits of the plugin wire.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/cbor.hpp"
#include "childkit/headgate_child.h"
#include "smp/kit_group.hpp"
#include "wire/codec.hpp"

namespace {

using hg::Bytes;
using hg::ByteView;

enum Ability : std::uint8_t { kKey = 1, kProof = 2, kSilent = 4, kNoConfirm = 8, kVerifies = 16, kRefuses = 32 };

struct Device {
  std::uint8_t abilities = 0;
  hg_child_platform platform{};
  hg_child child{};
  unsigned done = 0;  // offers, notices and confirmations
};

void require(bool holds) {
  if (!holds) std::abort();
}

/// A MAC that a fuzzer can find: each byte is the sum of all bytes of the message.
bool toy_mac(void* /*user*/, const std::uint8_t* message, std::size_t size, std::uint8_t* tag) {
  std::uint8_t sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum = static_cast<std::uint8_t>(sum + message[i]);
  std::fill_n(tag, 32, sum);
  return true;
}

hg_child_verdict toy_verify(void* /*user*/, const std::uint8_t* key_id, std::size_t key_id_size,
                            const std::uint8_t* message, std::size_t size, const std::uint8_t* tag,
                            std::size_t tag_size) {
  std::uint8_t expected[32];
  toy_mac(nullptr, message, size, expected);
  if (key_id_size == 0 || key_id[0] == 'x') return HG_CHILD_KEY_UNKNOWN;
  return tag_size == 32 && std::equal(tag, tag + 32, expected) ? HG_CHILD_HOLDS : HG_CHILD_DOES_NOT_HOLD;
}

bool give_image(void* /*user*/, std::size_t index, hg_child_image* image) {
  if (index > 1) return false;
  image->number = static_cast<std::uint8_t>(index);
  std::copy_n("1.2.3", 6, image->version);
  image->hash_size = 32;
  std::fill_n(image->hash, 32, static_cast<std::uint8_t>(0xA0 + index));
  return true;
}

Device& device(void* user) {
  return *static_cast<Device*>(user);
}

void decide(void* user, const hg_child_offer* offer, hg_child_decision* decision) {
  ++device(user).done;
  const std::string version(offer->version, offer->version_size);
  require(version.size() <= HG_CHILD_MAX_TEXT && offer->urgency <= HG_CHILD_EMERGENCY);
  decision->willing = version.size() % 2 == 0 ? HG_CHILD_LATER : HG_CHILD_NO;
  decision->wait_ms = static_cast<std::uint32_t>(offer->size);
  decision->text = "because";
}

void set_up(Device& it) {
  static const std::uint8_t key_id[] = {'k', '1'};
  it.platform.id = "a child";
  it.platform.requires_proof = (it.abilities & kProof) != 0;
  it.platform.algorithm = (it.abilities & kKey) != 0 ? HG_CHILD_HMAC_SHA256 : HG_CHILD_NO_ALGORITHM;
  it.platform.key_id = key_id;
  it.platform.key_id_size = sizeof key_id;
  it.platform.random = [](void*, std::uint8_t* out, std::size_t size) { return std::fill_n(out, size, 7), true; };
  it.platform.sign = toy_mac;
  it.platform.verify = (it.abilities & kVerifies) != 0 ? toy_verify : nullptr;
  it.platform.image = give_image;
  it.platform.may_confirm = [](void* user, std::uint8_t) { return (device(user).abilities & kRefuses) == 0; };
  if ((it.abilities & kNoConfirm) == 0)
    it.platform.confirm = [](void* user, std::uint8_t) { return ++device(user).done > 0; };
  hg_child_init(&it.child, &it.platform, &it);
  if ((it.abilities & kSilent) != 0) return;
  it.platform.boots = [](void*) -> std::uint32_t { return 1000; };
  it.platform.unit = "HTR-0042";
  it.platform.status = [](void*, hg_child_status* status) {
    *status = {55, HG_CHILD_MAINS, true, 9, HG_CHILD_RESET_PIN, 4};
  };
  it.platform.offer = decide;
  it.platform.notice = [](void* user, const hg_child_notice* notice) { return ++device(user).done, notice->in_ms; };
}

/// What the gateway makes of any bytes is something that the plugin wire can carry.
void read_as_gateway(ByteView body) {
  hg::wire::Seen seen;
  if (const auto status = hg::smp::kit_status_in(body)) {
    seen.identity = status->id;
    seen.boots = status->boots;
    if (!status->unit.empty()) seen.unit = status->unit;
    seen.power = status->power;
    seen.busy = status->busy;
    seen.busy_ms = status->busy_ms;
    seen.battery_percent = status->battery_percent;
    require(!status->link_level || (*status->link_level >= 1 && *status->link_level <= 4));
  }
  require(hg::wire::encode(hg::wire::Inspected{{1, "child"}, seen}).has_value());
  require(!seen.unit || hg::wire::is_name(*seen.unit));
  if (const auto decision = hg::smp::decision_in(body)) {
    const hg::wire::OfferAnswer answer{{1, "child"}, decision->willing, decision->wait_ms, decision->text};
    require(hg::wire::encode(answer).has_value());
  }
  if (const auto evidence = hg::smp::evidence_in(body)) {
    require(hg::wire::encode(hg::wire::Identified{{1, "child"}, *evidence}).has_value());
  }
  static_cast<void>(hg::smp::notice_answer_in(body));
  static_cast<void>(hg::smp::prove_request(body));
}

void check_answer(std::uint8_t command, ByteView answer) {
  hg::cbor::Reader reader(answer);
  require(reader.next_is(hg::cbor::Type::map) && answer[0] < 0xB8);
  require(reader.skip().has_value() && reader.at_end());
  if (command == HG_CHILD_IDENTIFY) require(hg::smp::evidence_in(answer).has_value());
  if (command == HG_CHILD_STATUS) require(hg::smp::kit_status_in(answer).has_value());
  if (command == HG_CHILD_OFFER) require(hg::smp::decision_in(answer).has_value());
  if (command == HG_CHILD_NOTICE) require(hg::smp::notice_answer_in(answer).has_value());
}

void give(Device& it, std::uint8_t op, std::uint8_t command, std::size_t room, ByteView body) {
  const std::unique_ptr<std::uint8_t[]> out(new std::uint8_t[room]);  // of its own size, so that ASan sees its end
  const Bytes exact(body.begin(), body.end());
  const bool was_closed = it.platform.requires_proof && !hg_child_is_proven(&it.child);
  const unsigned done = it.done;
  const hg_child_answer answer = hg_child_handle(&it.child, op, command, exact.data(), exact.size(), out.get(), room);
  require(answer.length <= room && (answer.rc == 0) == (answer.length > 0));
  if (was_closed) require(it.done == done);
  if ((it.abilities & kKey) == 0) require(!hg_child_is_proven(&it.child));
  if (answer.rc == 0) return check_answer(command, {out.get(), answer.length});
  for (const std::uint8_t version : {std::uint8_t{0}, std::uint8_t{1}}) {
    std::uint8_t error[40];
    const std::size_t size = hg_child_error_body(&answer, version, error, sizeof error);
    require(size > 0 && hg::cbor::Reader(ByteView(error, size)).skip().has_value());
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView input(data, size);
  if (input.empty()) return 0;
  Device it;
  it.abilities = input[0];
  set_up(it);
  input = input.subspan(1);
  while (input.size() >= 3) {
    const std::uint8_t what = input[0];
    const std::size_t room = std::size_t{input[1]} * 4;
    const std::size_t length = std::min<std::size_t>(input[2], input.size() - 3);
    const ByteView body = input.subspan(3, length);
    const auto command = static_cast<std::uint8_t>(what & 0x0FU);
    give(it, static_cast<std::uint8_t>(what >> 4U), command, room, body);
    read_as_gateway(body);
    input = input.subspan(3 + length);
  }
  return 0;
}
