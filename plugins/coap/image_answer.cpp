// SPDX-License-Identifier: Apache-2.0
#include "coap/image_answer.hpp"

#include <algorithm>

#include "coap/message.hpp"

namespace hg::coap {
namespace {

/// Later blocks keep the size that their number counts in.
Block block_for(const Served& served, const std::optional<Block>& asked) {
  const std::uint8_t own = Block::szx_of(served.block);
  if (!asked) return {0, false, own};
  if (asked->number == 0) return {0, false, std::min(asked->szx, own)};
  return {asked->number, false, asked->szx};
}

void add_options(const Served& served, const Block& block, coap_pdu_t* response) {
  coap_add_option(response, COAP_OPTION_ETAG, served.etag.size(), served.etag.data());
  add_number(response, COAP_OPTION_CONTENT_FORMAT, static_cast<std::uint64_t>(Format::opaque));
  add_number(response, COAP_OPTION_BLOCK2, block.value());
  if (block.number == 0) add_number(response, COAP_OPTION_SIZE2, served.size);
}

}  // namespace

Result<std::uint32_t> answer_block(const Served& served, const BlockRequest& request, coap_pdu_t* response) {
  if (request.is_bad) {
    set_code(response, Code::bad_option);
    return 0U;
  }
  Block block = block_for(served, request.block);
  const std::uint64_t at = block.offset();
  if (at >= served.size && block.number != 0) {
    set_code(response, Code::bad_request);
    return 0U;
  }
  const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(block.size(), served.size - at));
  block.more = at + size < served.size;
  set_code(response, Code::content);
  add_options(served, block, response);
  if (size == 0) return 0U;
  std::uint8_t* into = coap_add_data_after(response, size);
  if (into == nullptr) return Error{Errc::too_large, "the block does not fit into a datagram"};
  if (auto read = served.image.read(at, {into, size}); !read) return read.error();
  return size;
}

}  // namespace hg::coap
