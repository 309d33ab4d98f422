// SPDX-License-Identifier: Apache-2.0
// The keys that children and this gateway end their links with, on their way to the plugins: opened by the safe when
// the transport asks, and told anew whenever the catalogue has another one. Keeps none itself. What a child's link is
// worth is for core to judge. A Watcher; service/gateway makes it.
#pragma once

#include <map>

#include "ports/journal.hpp"
#include "ports/key_safe.hpp"
#include "ports/transport.hpp"
#include "ports/watcher.hpp"

namespace hg::service {

class LinkKeys final : public ports::Watcher {
 public:
  /// All outlive it. `safe`: null if this gateway has no key of its own; then no child has a PSK or a passkey.
  LinkKeys(const core::State& state, ports::Transport& transport, ports::Journal& journal, const ports::KeySafe* safe);

  /// As it is now. A secret that does not open is one that nobody knows, or of a passkey
  /// none, and stands in the journal with what to do.
  [[nodiscard]] ports::Transport::LinkKey key_of(const core::ChildId& child);

  void changed(const core::State& state, std::span<const core::Change> changes,
               std::span<const core::ChildId> touched) override;
  void progressed(const core::ChildId&, core::Epoch, std::uint64_t, std::uint64_t) override {}
  void troubled(const std::string&) override {}

 private:
  void look_at(const core::ChildId& child);
  [[nodiscard]] Result<ports::Transport::LinkKey> revealed(const core::ChildId& child, const core::ChildKey& key) const;

  const core::State& state_;
  ports::Transport& transport_;
  ports::Journal& journal_;
  const ports::KeySafe* safe_;
  std::map<core::ChildId, core::ChildKey> known_;  // sealed, as they were told last
};

}  // namespace hg::service
