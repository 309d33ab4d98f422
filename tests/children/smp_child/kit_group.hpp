// SPDX-License-Identifier: Apache-2.0
// The child kit (group 18503, docs/child-protocol.md) on this device: plugins/childkit in C, as firmware would use it,
// and what it needs of a platform. The only part of smp_child that is not a second implementation. Used by the server.
#pragma once

#include <optional>

#include "board.hpp"
#include "childkit/headgate_child.h"
#include "exchange.hpp"
#include "kit_key.hpp"
#include "options.hpp"

namespace smp_child {

class KitGroup : public Group {
 public:
  KitGroup(const Options& options, Board& board);
  KitGroup(const KitGroup&) = delete;
  KitGroup& operator=(const KitGroup&) = delete;

  Status handle(Exchange& exchange) override;
  void restart() override;

  /// An upload before the gateway has proven itself, where that is required.
  [[nodiscard]] bool refuses_uploads() const;

 private:
  static KitGroup& of(void* user) { return *static_cast<KitGroup*>(user); }
  static bool give_random(void* user, std::uint8_t* out, std::size_t size);
  static bool sign(void* user, const std::uint8_t* message, std::size_t size, std::uint8_t* tag);
  static hg_child_verdict verify(void* user, const std::uint8_t* key_id, std::size_t key_id_size,
                                 const std::uint8_t* message, std::size_t size, const std::uint8_t* tag,
                                 std::size_t tag_size);
  static std::uint32_t boots(void* user);
  static bool running_image(void* user, std::size_t index, hg_child_image* image);
  static void tell_status(void* user, hg_child_status* status);
  static void decide(void* user, const hg_child_offer* offer, hg_child_decision* decision);
  static std::uint32_t hear_notice(void* user, const hg_child_notice* notice);
  static bool may_confirm(void* user, std::uint8_t number);
  static bool confirm(void* user, std::uint8_t number);

  [[nodiscard]] Millis busy_for() const;
  void count(const Exchange& exchange);

  const Options& options_;
  Board& board_;
  KitKey key_;
  hg_child_platform platform_{};
  hg_child child_{};
  Clock::time_point started_ = Clock::now();
  std::optional<Clock::time_point> first_offer_;
  unsigned starts_ = 0;  // since the power came on
};

}  // namespace smp_child
