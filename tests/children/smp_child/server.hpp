// SPDX-License-Identifier: Apache-2.0
// The SMP server (smp.md 1): a request packet in, an answer packet out, in the dialect of this child. Used by the
// child.
#pragma once

#include "image_group.hpp"
#include "os_group.hpp"
#include "responder.hpp"

namespace smp_child {

class Server : public Responder {
 public:
  Server(const Options& options, Board& board)
      : options_(options), os_(options, board.record()), image_(options, board) {}

  std::optional<Outcome> handle(ByteView packet) override;
  [[nodiscard]] std::optional<Outcome> no_memory(ByteView packet) const override;

  /// A reset: what was only in RAM is gone.
  void restart() { image_.restart(); }

 private:
  [[nodiscard]] bool refuses(const Header& header) const;
  [[nodiscard]] bool speaks_v2(const Header& header) const;
  Status dispatch(Exchange& exchange);
  [[nodiscard]] Bytes error_body(const Header& header, const Status& status) const;
  [[nodiscard]] Bytes packet(const Header& request, const Bytes& body) const;

  const Options& options_;
  OsGroup os_;
  ImageGroup image_;
};

}  // namespace smp_child
