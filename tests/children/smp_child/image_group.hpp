// SPDX-License-Identifier: Apache-2.0
// The image group (smp.md 4): the list of images, marking and confirming, erase, slot info; the upload is a class of
// its own. Used by the server.
#pragma once

#include "board.hpp"
#include "exchange.hpp"
#include "image_file.hpp"
#include "upload.hpp"

namespace smp_child {

class ImageGroup {
 public:
  ImageGroup(const Options& options, Board& board) : options_(options), board_(board), upload_(options, board) {}

  Status handle(Exchange& exchange);

  /// A reset: what was only in RAM is gone.
  void restart() { upload_.forget(); }

 private:
  /// A slot of an image: where a hash was found.
  struct Place {
    std::size_t image;
    std::size_t slot;
  };

  Status list(Exchange& exchange) const;
  void list_slot(cbor::Writer& answer, Place place, const ImageInfo& info) const;
  Status set_state(Exchange& exchange);
  [[nodiscard]] std::optional<Place> find(ByteView hash) const;
  Status mark(Place place, bool confirm);
  Status confirm_running(std::size_t number);
  Status confirm_every_running();
  Status erase(Exchange& exchange);
  Status slot_info(Exchange& exchange) const;

  const Options& options_;
  Board& board_;
  Upload upload_;
};

}  // namespace smp_child
