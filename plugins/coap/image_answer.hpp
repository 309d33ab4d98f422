// SPDX-License-Identifier: Apache-2.0
// The answer to a GET of an image: one block, made out of nothing but the request (coap.md 4.3). Called by
// libcoap_server.
#pragma once

#include <coap3/coap.h>

#include <optional>

#include "coap/block.hpp"
#include "coap/image_shelf.hpp"

namespace hg::coap {

/// What of a request for an image decides its answer.
struct BlockRequest {
  std::optional<Block> block{};
  bool is_bad = false;  ///< its Block2 is none
};

/// Fills the response; says how many bytes of the image are in it.
Result<std::uint32_t> answer_block(const Served& served, const BlockRequest& request, coap_pdu_t* response);

}  // namespace hg::coap
