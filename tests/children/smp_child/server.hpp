// SPDX-License-Identifier: Apache-2.0
// The application's SMP server (smp.md 1): a request packet in, an answer packet out, in the dialect of this child; its
// groups by number. Used by the request queue.
#pragma once

#include <map>

#include "fs_group.hpp"
#include "image_group.hpp"
#include "kit_group.hpp"
#include "os_group.hpp"
#include "responder.hpp"
#include "settings_group.hpp"
#include "small_groups.hpp"

namespace smp_child {

class Server : public Responder {
 public:
  Server(const Options& options, Board& board);

  std::optional<Outcome> handle(ByteView packet) override;
  [[nodiscard]] std::optional<Outcome> no_memory(ByteView packet) const override;

  /// A reset: what was only in RAM is gone.
  void restart();

 private:
  [[nodiscard]] std::map<std::uint16_t, Group*> choose_groups();
  [[nodiscard]] std::vector<std::uint16_t> group_numbers() const;
  [[nodiscard]] bool refuses(const Header& header) const;
  [[nodiscard]] bool speaks_v2(const Header& header) const;
  Status dispatch(Exchange& exchange);
  [[nodiscard]] Bytes error_body(const Header& header, const Status& status, const Exchange* exchange) const;
  [[nodiscard]] Bytes packet(const Header& request, const Bytes& body) const;

  const Options& options_;
  OsGroup os_;
  ImageGroup image_;
  SettingsGroup settings_;
  FsGroup fs_;
  BasicGroup basic_;
  KitGroup kit_;
  std::map<std::uint16_t, Group*> groups_;
  EnumerationGroup enumeration_;
};

}  // namespace smp_child
