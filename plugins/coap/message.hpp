// SPDX-License-Identifier: Apache-2.0
// A datagram of a peer as values, and a request of ours as a datagram: the only place that reads and writes libcoap's
// options. What a message means is conversation's and libcoap_server's, which call it.
#pragma once

#include <coap3/coap.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coap/block.hpp"
#include "coap/exchange.hpp"

namespace hg::coap {

/// Read in one pass over the options. Its views live as long as the pdu; it is not copied.
class Message {
 public:
  static constexpr std::size_t kLongestPath = 255;

  explicit Message(const coap_pdu_t& pdu);
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  coap_pdu_type_t type;
  std::uint8_t code;  ///< of a method or of an answer
  coap_mid_t mid;
  ByteView token;
  ByteView body;
  std::vector<std::string> query;
  std::optional<Format> format;
  std::optional<std::uint32_t> observe;
  std::optional<Block> block1;
  std::optional<Block> block2;
  std::optional<std::uint32_t> size1;
  ByteView etag;
  bool has_bad_block = false;  ///< a Block option that no one may send
  bool has_plain_path = true;  ///< false: longer than kLongestPath, or a segment has '/' in it
  [[nodiscard]] std::string_view path() const { return {path_.data(), path_size_}; }
  [[nodiscard]] bool is_confirmable() const { return type == COAP_MESSAGE_CON; }

 private:
  void take(std::uint16_t number, ByteView value);
  void take_segment(ByteView segment);
  void take_block(std::optional<Block>& into, ByteView value);

  std::array<char, kLongestPath> path_;
  std::size_t path_size_ = 0;
};

/// A request on its way out. Its views live as long as the exchange.
struct Outbound {
  Method method = Method::get;
  std::string_view path{};
  const std::vector<std::string>* query = nullptr;
  std::optional<Format> accept{};
  std::optional<Format> format{};
  std::optional<std::uint32_t> observe{};
  std::optional<Block> block1{};
  std::optional<Block> block2{};
  std::optional<std::uint64_t> size1{};
  ByteView body{};
};

using Token = std::array<std::uint8_t, 8>;

/// Owned by the caller until coap_send() takes it; null: it does not fit into a datagram of this session.
coap_pdu_t* compose(const Outbound& request, coap_mid_t mid, const Token& token, std::size_t largest);

/// Adds an option with an unsigned value (RFC 7252 section 3.2). Options are added in the order of their numbers.
void add_number(coap_pdu_t* pdu, std::uint16_t option, std::uint64_t value);
void add_text(coap_pdu_t* pdu, std::uint16_t option, std::string_view value);

inline void set_code(coap_pdu_t* pdu, Code code) {
  coap_pdu_set_code(pdu, static_cast<coap_pdu_code_t>(code));
}

}  // namespace hg::coap
