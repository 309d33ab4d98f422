// SPDX-License-Identifier: Apache-2.0
// The way to the children: carries out one step for one child and says what came of it. It decides nothing and
// remembers nothing. adapters/transport brings the steps to the plugin processes; service/deliver calls it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "base/digest.hpp"
#include "base/secret.hpp"
#include "base/unique_fd.hpp"
#include "core/engine.hpp"
#include "ports/radio.hpp"

namespace hg::ports {

class Transport {
 public:
  virtual ~Transport() = default;

  /// Bytes that the child has, of how many. Called on the loop.
  using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

  /// What a step came to. `saved`: the child's configuration, for BackedUp, at most 1 MiB; whoever asked seals it.
  struct Outcome {
    core::StepAnswer answer;
    Bytes saved;
  };

  /// Carries out a step (never Idle or Wait). `blob` is the sealed blob, for Deliver and Restore only. Has a deadline
  /// of its own from the child's patience, so it always returns. Cancelling the coroutine tells the plugin to stop; an
  /// order that is already on the wire is then in doubt. Failures come as core::StepFailed: Errc::unavailable (no
  /// plugin, no link), Errc::timed_out, Errc::cancelled, and what the plugin names.
  [[nodiscard]] virtual boost::asio::awaitable<Outcome> perform(core::Enrollment child, core::Step step,
                                                                core::Epoch epoch, UniqueFd blob,
                                                                Progress progress) = 0;

  /// The two halves of the child kit's mutual identification, relayed by the plugin. Errors: those of perform();
  /// Errc::unsupported: plugin or child cannot; Errc::denied: the child does not take the proof.
  [[nodiscard]] virtual boost::asio::awaitable<Result<Bytes>> identify(core::Enrollment child, Bytes nonce) = 0;
  [[nodiscard]] virtual boost::asio::awaitable<Result<void>> prove(core::Enrollment child, Bytes proof) = 0;

  /// Children whom plugins have met or lost sight of, and who are not enrolled. Called on the loop; a lost plugin loses
  /// sight of all of its own.
  using Meeting = std::variant<core::ChildDiscovered, core::ChildVanished>;
  using MeetingListener = std::function<void(Meeting)>;
  virtual void listen_for_strangers(MeetingListener listener) = 0;

  /// The children that plugins may serve, all of them, at start and at reload.
  virtual void enroll(std::span<const core::Enrollment> children) = 0;

  /// The key that a child and this gateway end their link with, in the clear: it goes to the child's plugin, into its
  /// memory, and nowhere else.
  struct LinkKey {
    enum class Kind : std::uint8_t { none, psk, certificate, passkey };
    Kind kind = Kind::none;
    std::string identity{};  ///< of a PSK, 1 to 64 bytes
    Secret secret{0};        ///< of a PSK, 16 to 64 bytes; of a passkey its six digits
    Digest certificate{};    ///< SHA-256 of the child's own, in DER
  };
  /// Asked on the loop each time that a key is to be handed over. It does not wait.
  using LinkKeySource = std::function<LinkKey(const core::ChildId& child)>;
  /// Where they come from; before the first enroll(). A plugin that can hold keys is told those of its children, with
  /// each of them and when it connects anew.
  virtual void take_link_keys_from(LinkKeySource source) = 0;
  /// There is another one, or none any more: the child's plugin is told at once.
  virtual void link_key_changed(const core::ChildId& child) = 0;

  /// How the child's radio link is, as its plugin said last; nothing: it has none, or its plugin is not there.
  [[nodiscard]] virtual std::optional<Radio> radio(const core::ChildId& child) const = 0;

  /// Links that come and go: called on the loop, also when a plugin is lost (once for each of its children).
  using LinkListener = std::function<void(core::LinkChanged)>;
  virtual void listen(LinkListener listener) = 0;
};

}  // namespace hg::ports
