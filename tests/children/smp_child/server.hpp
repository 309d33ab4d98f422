// SPDX-License-Identifier: Apache-2.0
// The SMP server (smp.md 1): a request packet in, an answer packet out, in the dialect of this child. Used by the
// child.
#pragma once

#include <optional>

#include "image_group.hpp"
#include "os_group.hpp"

namespace smp_child {

class Server {
 public:
  /// An answer, and what happens with it.
  struct Outcome {
    Bytes answer;
    Duration takes{};
    bool reset = false;
    bool crash = false;
  };

  Server(const Options& options, Board& board)
      : options_(options), os_(options, board.record()), image_(options, board) {}

  /// Nothing for a packet that gets no answer.
  std::optional<Outcome> handle(ByteView packet);

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
