// SPDX-License-Identifier: Apache-2.0
#include "coap/request_body.hpp"

namespace hg::coap {

Code RequestBody::take(Method method, std::string_view path, const Block& block, ByteView bytes) {
  if (block.number == 0) {
    method_ = method;
    path_ = path;
    bytes_.clear();
  }
  const std::uint64_t at = block.offset();
  if (method != method_ || path != path_) return refuse(Code::incomplete);
  // The block before once more: its answer was lost.
  if (at < bytes_.size() && at == last_) bytes_.resize(static_cast<std::size_t>(at));
  if (at != bytes_.size()) return refuse(Code::incomplete);
  const bool fits = block.more ? bytes.size() == block.size() : bytes.size() <= block.size();
  if (!fits) return refuse(Code::bad_request);
  if (bytes_.size() + bytes.size() > kMost) return refuse(Code::too_large);
  last_ = at;
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return block.more ? Code::go_on : Code::none;
}

Code RequestBody::refuse(Code code) {
  bytes_ = {};
  path_.clear();
  return code;
}

}  // namespace hg::coap
