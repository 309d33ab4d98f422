// SPDX-License-Identifier: Apache-2.0
// The image group (smp.md 4): the list of images, marking and confirming, erase, slot info; the upload and the list
// are elsewhere. Used by the server.
#pragma once

#include "board.hpp"
#include "boot_mode.hpp"
#include "exchange.hpp"
#include "image_file.hpp"
#include "upload.hpp"

namespace smp_child {

class ImageGroup : public Group {
 public:
  ImageGroup(const Options& options, Board& board)
      : options_(options), board_(board), mode_(boot_mode(options.boot.mode)), upload_(options, board) {}

  Status handle(Exchange& exchange) override;
  void restart() override { upload_.forget(); }

 private:
  /// A slot of an image: where a hash was found.
  struct Place {
    std::size_t image;
    std::size_t slot;
  };

  Status list(Exchange& exchange) const;
  Status set_state(Exchange& exchange);
  [[nodiscard]] std::optional<Place> find(ByteView hash) const;
  Status change_state(ByteView hash, bool confirm);
  Status mark(Place place, bool confirm);
  Status confirm_running(std::size_t number);
  Status confirm_every_running();
  Status erase(Exchange& exchange);
  Status slot_info(Exchange& exchange) const;

  const Options& options_;
  Board& board_;
  BootMode mode_;
  Upload upload_;
  unsigned ignored_ = 0;  // state writes that were answered and not carried out
};

}  // namespace smp_child
