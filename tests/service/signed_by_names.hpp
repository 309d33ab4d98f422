// SPDX-License-Identifier: Apache-2.0
// A vendor for tests on virtual time: roots, records and deliverables whose signatures are the signers' names
// (fakes/names_ring.hpp).
#pragma once

#include "core/suit_draft.hpp"
#include "core/trust_draft.hpp"
#include "fakes/names_ring.hpp"
#include "service/virtual_gateway.hpp"

namespace hg::service::test {

namespace draft = trust::draft;

/// A gateway whose administrator put the vendor's first root in place: rita for roots, anna for deliverables, hugo for
/// heads, dora for grants.
struct Vendor : World {
  Vendor() {
    rings = &maker;
    source = TrustSource{"/etc/root", record_of(root(1)), {}};
    web.put("https://fw.example/a", to_bytes("image"));
  }

  [[nodiscard]] trust::Root root(std::uint64_t version, std::string author = "anna") const {
    using trust::Role;
    trust::Root made;
    made.version = version;
    made.issued = clock.now() - std::chrono::hours{24};
    made.keys = {draft::key("rita", {Role::root}), draft::key(std::move(author), {Role::author}),
                 draft::key("hugo", {Role::head}), draft::key("dora", {Role::director})};
    return made;
  }

  static Bytes record_of(const trust::Root& root, const draft::Names& signers = {"rita"}) {
    return draft::record(trust::RecordKind::root, trust::write_root(root), signers);
  }

  [[nodiscard]] Bytes permit(std::uint8_t id = 0x44) const {
    const trust::Permit permit{Bytes(16, id), "app", 9, 7, "boiler", clock.now() + std::chrono::hours{240}};
    return draft::record(trust::RecordKind::permit, trust::write_permit(permit), {"anna"});
  }

  static Bytes to_bytes(std::string_view text) { return {text.begin(), text.end()}; }

  /// A deliverable for "app", whose image stands at https://fw.example/a.
  static suit::draft::Draft deliverable(std::string_view signer, std::int64_t sequence = 1) {
    suit::draft::Draft made;
    made.blocks = {suit::draft::Draft::block("ok", {{4, suit::draft::string(as_bytes(signer))}})};
    made.parameters[3] = suit::draft::string(suit::draft::digest_of(as_bytes("image")));
    made.manifest[2] = suit::draft::number(sequence);
    return made;
  }

  /// The same with a second image, in the manifest `other` that stands at dep.suit beside it.
  static suit::draft::Draft with_dependency(std::string_view signer, const suit::draft::Draft& other) {
    using namespace suit::draft;
    const Bytes digest = string(digest_of(other.manifest_bytes()));
    Draft made = deliverable(signer);
    made.common[1] = map({{1, map({{1, array({string(as_bytes("other"))})}})}});
    made.common[4] =
        commands({number(12), number(0), number(20), map(made.parameters), number(1), kPolicy, number(2), kPolicy});
    made.manifest[15] = commands({number(12), number(1), number(20), map({{3, digest}, {21, text("dep.suit")}}),
                                  number(21), kPolicy, number(3), kPolicy});
    made.install = {number(12), number(1), number(20), map({{3, digest}}),
                    number(7),  kPolicy,   number(11), kPolicy,
                    number(12), number(0), number(20), map({{21, text("https://fw.example/a")}}),
                    number(21), kPolicy,   number(3),  kPolicy};
    return made;
  }

  /// What becomes of `bytes` when they are announced, in words.
  static std::string arrive(Session& session, World& world, const std::string& url, Bytes bytes) {
    world.web.put(url, std::move(bytes));
    const ports::Arrival line = session.arrive(url);
    switch (line.state) {
      case ports::ArrivalState::sealed:
        return "sealed";
      case ports::ArrivalState::accepted:
        return "accepted " + line.text;
      case ports::ArrivalState::known:
        return "known " + line.text;
      default:
        return line.text;
    }
  }

  fakes::NamesMaker maker;
};

}  // namespace hg::service::test
