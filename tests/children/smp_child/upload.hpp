// SPDX-License-Identifier: Apache-2.0
// The image upload (smp.md 4.3). Its state, (image, length, offset, sha), is only in RAM: a reset forgets it. The
// faults of an upload are here too. Used by the image group.
#pragma once

#include <optional>

#include "board.hpp"
#include "exchange.hpp"

namespace smp_child {

class Upload {
 public:
  Upload(const Options& options, Board& board) : options_(options), board_(board) {}

  Status handle(Exchange& exchange);
  void forget() {
    session_.reset();
    broken_ = false;
  }

  /// The slot was erased by command: the end of an upload, unless this child forgets that (smp.md 8: 5).
  void erased() {
    if (!options_.quirks.erase_keeps_upload) forget();
  }

 private:
  struct Session {
    std::size_t image;
    std::uint64_t length;
    std::uint64_t offset;
    Bytes sha;
  };

  Status first(Exchange& exchange, ByteView data);
  Status fail(std::uint64_t offset);
  Status next(Exchange& exchange, std::uint64_t offset, ByteView data);
  [[nodiscard]] Status check_header(const cbor::Map& request, ByteView data) const;
  [[nodiscard]] Status check_slot(const cbor::Map& request, std::uint64_t length, ByteView data) const;
  [[nodiscard]] bool is_same_as_running(const cbor::Map& request) const;
  [[nodiscard]] bool holds(const Slot& slot, const cbor::Map& request) const;
  void begin(Exchange& exchange, std::uint64_t length);
  Status store(Exchange& exchange, ByteView data);
  void write(Slot& slot, std::uint64_t offset, ByteView data) const;
  void finish(Exchange& exchange);
  void crash_at(Exchange& exchange, std::uint64_t offset);

  const Options& options_;
  Board& board_;
  std::optional<Session> session_;
  bool broken_ = false;   // after a write error: no progress until an erase
  bool failed_ = false;   // --write-error-at has happened
  bool lost_ = false;     // --lose-upload-state-at has happened
  bool crashed_ = false;  // --reboot-at has happened
};

}  // namespace smp_child
