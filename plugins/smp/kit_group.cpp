// SPDX-License-Identifier: Apache-2.0
#include "smp/kit_group.hpp"

#include <algorithm>

#include "base/cbor.hpp"
#include "sdk/loose_cbor.hpp"
#include "smp/answer_map.hpp"
#include "smp/packet.hpp"
#include "wire/limits.hpp"

namespace hg::smp {
namespace {

constexpr std::size_t kLongestText = 64;
constexpr std::int64_t kHighestLevel = 4;  // of LE security mode 1
constexpr std::int64_t kCanIdentify = 1;
constexpr std::int64_t kCanOffer = 2;
constexpr std::int64_t kCanNotice = 4;
constexpr std::int64_t kCanConfirmAll = 8;

Bytes packet_with_room() {
  return Bytes(kHeaderSize);
}

/// A duration or a count: a negative one is 0, one beyond the wire's longest is that.
Result<std::uint64_t> read_bounded(LooseReader& reader, std::uint64_t most) {
  const auto value = reader.read_int();
  if (!value) return value.error();
  return std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(*value, 0)), most);
}

/// The case of an enumeration with that number; `unknown` for numbers that no version of the protocol had yet.
template <class Case>
Result<bool> read_case(LooseReader& reader, Case last, Case unknown, Case& member) {
  const auto number = reader.read_int();
  if (!number) return number.error();
  const bool is_known = *number >= 0 && *number <= static_cast<std::int64_t>(last);
  member = is_known ? static_cast<Case>(*number) : unknown;
  return true;
}

Result<bool> read_abilities(LooseReader& reader, KitStatus& status) {
  const auto bits = reader.read_int();
  if (!bits) return bits.error();
  status.can_identify = (*bits & kCanIdentify) != 0;
  status.can_offer = (*bits & kCanOffer) != 0;
  status.can_notice = (*bits & kCanNotice) != 0;
  status.can_confirm_all = (*bits & kCanConfirmAll) != 0;
  return true;
}

Result<bool> read_battery(LooseReader& reader, KitStatus& status) {
  const auto percent = reader.read_int();
  if (!percent) return percent.error();
  if (*percent >= 0 && *percent <= 100) status.battery_percent = static_cast<std::uint8_t>(*percent);
  return true;
}

Result<bool> read_level(LooseReader& reader, KitStatus& status) {
  const auto level = reader.read_int();
  if (!level) return level.error();
  if (*level >= 1 && *level <= kHighestLevel) status.link_level = static_cast<std::uint8_t>(*level);
  return true;
}

Result<bool> read_unit(LooseReader& reader, KitStatus& status) {
  auto unit = reader.read_text(kLongestText);
  if (!unit) return unit.error();
  if (wire::is_name(*unit)) status.unit = std::move(*unit);
  return true;
}

Result<bool> read_status_key(LooseReader& reader, const std::string& key, KitStatus& status) {
  if (key == "id") return store_text(reader.read_text(kLongestText), status.id);
  if (key == "unit") return read_unit(reader, status);
  if (key == "can") return read_abilities(reader, status);
  if (key == "prove") return store(reader.read_bool(), status.must_prove);
  if (key == "boots") return store(read_bounded(reader, UINT64_MAX), status.boots);
  if (key == "reset") return read_case(reader, KitReset::wake, KitReset::unknown, status.reset);
  if (key == "battery") return read_battery(reader, status);
  if (key == "power") return read_case(reader, wire::Power::battery, wire::Power::unknown, status.power);
  if (key == "busy") return store(reader.read_bool(), status.busy);
  if (key == "ms") return store(read_bounded(reader, wire::kMaxDeadlineMs), status.busy_ms);
  if (key == "level") return read_level(reader, status);
  return false;
}

}  // namespace

// ---------------------------------------------------------------------------------------------- identify and prove

Result<Bytes> identify_request(ByteView nonce) {
  if (nonce.size() < kLeastKitNonce || nonce.size() > kMostKitNonce) {
    return Error{Errc::invalid, "a nonce of " + std::to_string(nonce.size()) + " bytes"};
  }
  Bytes packet = packet_with_room();
  cbor::Writer(packet).map(1).text("nonce").bytes(nonce);
  return packet;
}

Result<Bytes> evidence_in(ByteView body) {
  if (body.size() > wire::kMaxProof) return Error{Errc::too_large, "identify: more than we relay"};
  LooseReader reader(body);
  std::optional<Bytes> says;
  std::optional<Bytes> mac;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key != "says" && key != "mac") return false;
    auto bytes = reader.read_bytes(wire::kMaxProof);
    if (!bytes) return bytes.error();
    (key == "says" ? says : mac) = Bytes(bytes->begin(), bytes->end());
    return true;
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("identify");
  if (!says) return Error{Errc::invalid, "identify: no \"says\""};
  Bytes evidence;
  cbor::Writer writer(evidence);
  writer.map(mac ? 2 : 1).text("says").bytes(*says);
  if (mac) writer.text("mac").bytes(*mac);
  return evidence;
}

Result<Bytes> prove_request(ByteView proof) {
  if (proof.size() > wire::kMaxProof) return Error{Errc::too_large, "prove: more than we relay"};
  LooseReader reader(proof);
  const auto read = [](const std::string&) -> Result<bool> { return false; };
  if (auto map = read_map(reader, read); !map) return map.error().within("prove");
  Bytes packet = packet_with_room();
  packet.insert(packet.end(), proof.begin(), proof.end());
  return packet;
}

// ----------------------------------------------------------------------------------------- status, offer and notice

Bytes kit_status_request() {
  Bytes packet = packet_with_room();
  cbor::Writer(packet).map(0);
  return packet;
}

Result<KitStatus> kit_status_in(ByteView body) {
  LooseReader reader(body);
  KitStatus status;
  const auto read = [&](const std::string& key) { return read_status_key(reader, key, status); };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("kit status");
  return status;
}

Bytes offer_request(const KitOffer& offer) {
  std::string_view version = offer.version;
  version = version.substr(0, kLongestText);
  while (!cbor::is_utf8(as_bytes(version))) version.remove_suffix(1);
  Bytes packet = packet_with_room();
  cbor::Writer writer(packet);
  writer.map(4).text("image").uint(offer.image_number).text("version").text(version);
  writer.text("size").uint(offer.size).text("urgency").uint(static_cast<std::uint64_t>(offer.urgency));
  return packet;
}

Result<KitDecision> decision_in(ByteView body) {
  LooseReader reader(body);
  KitDecision decision;
  bool is_there = false;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key == "ms") return store(read_bounded(reader, wire::kMaxDeadlineMs), decision.wait_ms);
    if (key == "text") return store_text(reader.read_text(kLongestText), decision.text);
    if (key != "answer") return false;
    is_there = true;
    return read_case(reader, wire::Willing::later, wire::Willing::no, decision.willing);
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("offer");
  if (!is_there) return Error{Errc::invalid, "offer: no \"answer\""};
  return decision;
}

Bytes notice_request(const KitNotice& notice) {
  Bytes packet = packet_with_room();
  cbor::Writer writer(packet);
  writer.map(3).text("what").uint(static_cast<std::uint64_t>(notice.what));
  writer.text("in").uint(notice.in_ms).text("for").uint(notice.for_ms);
  return packet;
}

Result<std::uint64_t> notice_answer_in(ByteView body) {
  LooseReader reader(body);
  std::uint64_t wait_ms = 0;
  const auto read = [&](const std::string& key) -> Result<bool> {
    if (key != "ms") return false;
    return store(read_bounded(reader, wire::kMaxDeadlineMs), wait_ms);
  };
  if (auto taken = read_map(reader, read); !taken) return taken.error().within("notice");
  return wait_ms;
}

// ----------------------------------------------------------------------------------------------------- confirm all

Bytes confirm_all_request(std::span<const wire::Guard> guards) {
  Bytes packet = packet_with_room();
  cbor::Writer writer(packet);
  writer.map(1).text("hashes").array(guards.size());
  for (const wire::Guard& guard : guards) {
    writer.map(2).text("image").uint(guard.image).text("hash").bytes(guard.active.bytes());
  }
  return packet;
}

}  // namespace hg::smp
