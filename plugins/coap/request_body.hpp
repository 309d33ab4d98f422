// SPDX-License-Identifier: Apache-2.0
// A request's body that comes in blocks, in order, put together (RFC 7959 section 2.5): a long Register. Pure; each
// conversation has one while such a request is under way.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "coap/block.hpp"
#include "coap/exchange.hpp"

namespace hg::coap {

class RequestBody {
 public:
  static constexpr std::size_t kMost = 4096;  ///< bytes

  /// Takes one block; block 0 begins anew. Code::none: the body is whole; Code::go_on: there is more to come; else the
  /// error to answer with, and what was there is dropped.
  Code take(Method method, std::string_view path, const Block& block, ByteView bytes);
  [[nodiscard]] ByteView bytes() const { return bytes_; }

 private:
  Code refuse(Code code);

  Method method_ = Method::post;
  std::string path_;
  std::uint64_t last_ = 0;  // where the block that came last begins
  Bytes bytes_;
};

}  // namespace hg::coap
