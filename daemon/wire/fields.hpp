// SPDX-License-Identifier: Apache-2.0
// The keys of each frame, once, for both directions: fields(visitor, frame) calls visitor(key, name, member, limit) in
// ascending order of the keys, or visitor.unless_default() for a key that is left out when its member is as it begins.
// The visitors are the writer and the reader in codec.cpp; nobody else includes this.
#pragma once

#include <concepts>
#include <type_traits>

#include "wire/frames.hpp"
#include "wire/limits.hpp"

namespace hg::wire {

/// `M` or `const M`: the reader fills what the writer only reads.
template <class Given, class M>
concept Is = std::same_as<std::remove_const_t<Given>, M>;

inline constexpr std::uint64_t kAnyNumber = ~std::uint64_t{0};
inline constexpr std::uint64_t kAnyByte = 0xFF;
inline constexpr std::uint64_t kAnyTwoBytes = 0xFFFF;

/// Of a number that may be negative.
struct Range {
  std::int64_t least;
  std::int64_t most;
};

/// Names of children, transports and units; checked against is_name() too.
struct NameLimit {};

template <class V, class T>
void task_fields(V& v, T& task) {
  v(1, "request", task.request, kAnyNumber);
  v(2, "child", task.child, NameLimit{});
  v(3, "epoch", task.epoch, kAnyNumber);
  v(4, "deadline", task.deadline_ms, kMaxDeadlineMs);
}
template <class V, class T>
void reply_fields(V& v, T& reply) {
  v(1, "request", reply.request, kAnyNumber);
  v(2, "child", reply.child, NameLimit{});
}

template <class V>
void fields(V& v, Is<Hello> auto& m) {
  v(1, "lowest version", m.lowest_version, kAnyNumber);
  v(2, "highest version", m.highest_version, kAnyNumber);
  v(3, "transport", m.transport, NameLimit{});
  v(4, "capabilities", m.capabilities, kAnyNumber);
  v(5, "software", m.software, kMaxText);
}
template <class V>
void fields(V& v, Is<Welcome> auto& m) {
  v(1, "version", m.version, kAnyNumber);
  v(2, "daemon", m.daemon, kMaxText);
}
template <class V>
void fields(V& v, Is<Refused> auto& m) {
  v(1, "code", m.code, 0);
  v(2, "text", m.text, kMaxText);
}
template <class V>
void fields(V& v, Is<Enroll> auto& m) {
  v(1, "child", m.child, NameLimit{});
  v(2, "address", m.address, kMaxAddress);
  v(3, "profile", m.profile, kMaxProfileValues);
}
template <class V>
void fields(V& v, Is<Forget> auto& m) {
  v(1, "child", m.child, NameLimit{});
}
template <class V>
void fields(V& v, Is<Link> auto& m) {
  v(1, "child", m.child, NameLimit{});
  v(2, "up", m.up, 0);
  v(3, "text", m.text, kMaxText);
  v.unless_default(4, "security", m.security, 0);
}
template <class V>
void fields(V& v, Is<Discovered> auto& m) {
  v(1, "name", m.name, NameLimit{});
  v(2, "address", m.address, kMaxAddress);
  v(3, "vendor", m.vendor, 0);
  v(4, "class", m.device_class, 0);
  v(5, "text", m.text, kMaxText);
}
template <class V>
void fields(V& v, Is<Vanished> auto& m) {
  v(1, "name", m.name, NameLimit{});
}

template <class V>
void fields(V& v, Is<LinkKey> auto& m) {
  v(1, "child", m.child, NameLimit{});
  v(2, "kind", m.kind, 0);
  v.unless_default(3, "identity", m.identity, kMaxIdentity);
  v.unless_default(4, "secret", m.secret, kMostPsk);
  v.unless_default(5, "certificate", m.certificate, Digest::kMaxSize);
}

template <class V>
void fields(V& v, Is<Radio> auto& m) {
  v(1, "child", m.child, NameLimit{});
  v(2, "adapter", m.adapter, kMaxName);
  v(3, "rssi", m.rssi_dbm, Range{kLeastRssi, kMostRssi});
  v(4, "mtu", m.mtu, kAnyTwoBytes);
  v(5, "airtime", m.airtime_ms, kAnyNumber);
  v(6, "breaks", m.breaks, kAnyNumber);
}

template <class V, class M>
requires Is<M, Inspect> || Is<M, Backup> || Is<M, Restore>
void fields(V& v, M& m) {
  task_fields(v, m.task);
}
template <class V>
void fields(V& v, Is<Offer> auto& m) {
  task_fields(v, m.task);
  v(5, "image number", m.image_number, kAnyByte);
  v(6, "version", m.version, kMaxVersionText);
  v(7, "size", m.size, kMaxImageSize);
  v(8, "urgency", m.urgency, 0);
}
template <class V>
void fields(V& v, Is<Deliver> auto& m) {
  task_fields(v, m.task);
  v(5, "image", m.image, Digest::kMaxSize);
  v(6, "size", m.size, kMaxImageSize);
  v(7, "image number", m.image_number, kAnyByte);
  v(8, "after", m.after, Digest::kMaxSize);
  v(9, "staging", m.staging, 0);
  v.unless_default(10, "patches", m.patches, kMaxPatches);
  v.unless_default(11, "record", m.record, kMaxRecord);
}
template <class V>
void fields(V& v, Is<Guard> auto& m) {
  v(1, "image", m.image, kAnyByte);
  v(2, "active", m.active, Digest::kMaxSize);
}
template <class V>
void fields(V& v, Is<Move> auto& m) {
  v(1, "image", m.image, kAnyByte);
  v(2, "active", m.active, Digest::kMaxSize);
  v(3, "goal", m.goal, Digest::kMaxSize);
}
template <class V, class M>
requires Is<M, Activate> || Is<M, Revert>
void fields(V& v, M& m) {
  task_fields(v, m.task);
  v(5, "moves", m.moves, kMaxMoves);
}
template <class V>
void fields(V& v, Is<Confirm> auto& m) {
  task_fields(v, m.task);
  v(5, "guards", m.guards, kMaxMoves);
}
template <class V>
void fields(V& v, Is<Identify> auto& m) {
  task_fields(v, m.task);
  v(5, "nonce", m.nonce, kMaxProof);
}
template <class V>
void fields(V& v, Is<Prove> auto& m) {
  task_fields(v, m.task);
  v(5, "proof", m.proof, kMaxProof);
}
template <class V>
void fields(V& v, Is<Cancel> auto& m) {
  v(1, "request", m.request, kAnyNumber);
}

template <class V>
void fields(V& v, Is<Slot> auto& m) {
  v(1, "image", m.image, kAnyByte);
  v(2, "slot", m.slot, kAnyByte);
  v(3, "version", m.version, kMaxVersionText);
  v(4, "digest", m.digest, Digest::kMaxSize);
  v(5, "bootable", m.bootable, 0);
  v(6, "pending", m.pending, 0);
  v(7, "confirmed", m.confirmed, 0);
  v(8, "active", m.active, 0);
  v(9, "permanent", m.permanent, 0);
}
template <class V>
void fields(V& v, Is<Seen> auto& m) {
  v(1, "slots", m.slots, kMaxSlots);
  v(2, "revert class", m.revert_class, 0);
  v(3, "bootloader", m.bootloader, kMaxText);
  v(4, "battery", m.battery_percent, std::uint64_t{100});
  v(5, "busy", m.busy, 0);
  v(6, "staging", m.staging, 0);
  v(7, "obstacle", m.obstacle, kMaxText);
  v(8, "busy for", m.busy_ms, kMaxDeadlineMs);
  v(9, "power", m.power, 0);
  v(10, "identity", m.identity, kMaxName);
  v(11, "boots", m.boots, kAnyNumber);
  v(12, "unit", m.unit, NameLimit{});
  v.unless_default(13, "evidence", m.evidence, 0);
}
template <class V, class M>
requires Is<M, Inspected> || Is<M, Ordered> || Is<M, GuardFailed>
void fields(V& v, M& m) {
  reply_fields(v, m.reply);
  v(3, "seen", m.seen, 0);
}
template <class V>
void fields(V& v, Is<OfferAnswer> auto& m) {
  reply_fields(v, m.reply);
  v(3, "willing", m.willing, 0);
  v(4, "wait", m.wait_ms, kMaxDeadlineMs);
  v(5, "text", m.text, kMaxText);
}
template <class V, class M>
requires Is<M, Delivered> || Is<M, Restored> || Is<M, Proven>
void fields(V& v, M& m) {
  reply_fields(v, m.reply);
}
template <class V>
void fields(V& v, Is<BackedUp> auto& m) {
  reply_fields(v, m.reply);
  v(3, "text", m.text, kMaxText);
}
template <class V>
void fields(V& v, Is<Progress> auto& m) {
  reply_fields(v, m.reply);
  v(3, "done", m.done, kMaxImageSize);
  v(4, "total", m.total, kMaxImageSize);
}
template <class V>
void fields(V& v, Is<Identified> auto& m) {
  reply_fields(v, m.reply);
  v(3, "evidence", m.evidence, kMaxProof);
}
template <class V>
void fields(V& v, Is<Failed> auto& m) {
  reply_fields(v, m.reply);
  v(3, "code", m.code, 0);
  v(4, "text", m.text, kMaxText);
}

}  // namespace hg::wire
