// SPDX-License-Identifier: Apache-2.0
#include "coap/message.hpp"

#include <algorithm>

namespace hg::coap {
namespace {

constexpr std::size_t kLongestNumber = 4;  // bytes of what is read as 32 bits
constexpr std::size_t kMostQueries = 16;
constexpr std::uint16_t kSize1 = COAP_OPTION_SIZE1;

std::optional<std::uint32_t> number_from(ByteView value) {
  if (value.size() > kLongestNumber) return std::nullopt;
  std::uint32_t number = 0;
  for (const std::uint8_t byte : value) number = number << 8U | byte;
  return number;
}

std::optional<Format> format_from(ByteView value) {
  const auto number = number_from(value);
  if (!number || *number > 0xFFFF) return std::nullopt;
  return static_cast<Format>(*number);
}

void add_path(coap_pdu_t* pdu, std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    add_text(pdu, COAP_OPTION_URI_PATH, path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
}

void add_options(coap_pdu_t* pdu, const Outbound& request) {
  if (request.observe) add_number(pdu, COAP_OPTION_OBSERVE, *request.observe);
  add_path(pdu, request.path);
  if (request.format) add_number(pdu, COAP_OPTION_CONTENT_FORMAT, static_cast<std::uint64_t>(*request.format));
  if (request.query != nullptr) {
    for (const std::string& query : *request.query) add_text(pdu, COAP_OPTION_URI_QUERY, query);
  }
  if (request.accept) add_number(pdu, COAP_OPTION_ACCEPT, static_cast<std::uint64_t>(*request.accept));
  if (request.block2) add_number(pdu, COAP_OPTION_BLOCK2, request.block2->value());
  if (request.block1) add_number(pdu, COAP_OPTION_BLOCK1, request.block1->value());
  if (request.size1) add_number(pdu, kSize1, *request.size1);
}

}  // namespace

Message::Message(const coap_pdu_t& pdu)
    : type(coap_pdu_get_type(&pdu)),
      code(static_cast<std::uint8_t>(coap_pdu_get_code(&pdu))),
      mid(coap_pdu_get_mid(&pdu)) {
  const coap_bin_const_t told = coap_pdu_get_token(&pdu);
  token = {told.s, told.length};
  std::size_t size = 0;
  const std::uint8_t* data = nullptr;
  if (coap_get_data(&pdu, &size, &data) != 0) body = {data, size};
  coap_opt_iterator_t options;
  coap_option_iterator_init(&pdu, &options, COAP_OPT_ALL);
  while (const coap_opt_t* option = coap_option_next(&options)) {
    take(options.number, {coap_opt_value(option), coap_opt_length(option)});
  }
}

void Message::take(std::uint16_t number, ByteView value) {
  switch (number) {
    case COAP_OPTION_URI_PATH:
      return take_segment(value);
    case COAP_OPTION_URI_QUERY:
      if (query.size() < kMostQueries) query.emplace_back(value.begin(), value.end());
      return;
    case COAP_OPTION_CONTENT_FORMAT:
      format = format_from(value);
      return;
    case COAP_OPTION_OBSERVE:
      observe = number_from(value);
      return;
    case COAP_OPTION_BLOCK1:
      return take_block(block1, value);
    case COAP_OPTION_BLOCK2:
      return take_block(block2, value);
    case kSize1:
      size1 = number_from(value);
      return;
    case COAP_OPTION_ETAG:
      etag = value;
      return;
    default:
      return;
  }
}

void Message::take_segment(ByteView segment) {
  const std::size_t slash = path_size_ == 0 ? 0 : 1;
  const bool fits = path_size_ + slash + segment.size() <= path_.size();
  has_plain_path = has_plain_path && fits && std::ranges::find(segment, '/') == segment.end();
  if (!has_plain_path) return;
  if (slash != 0) path_[path_size_++] = '/';
  std::ranges::copy(segment, path_.begin() + static_cast<std::ptrdiff_t>(path_size_));
  path_size_ += segment.size();
}

void Message::take_block(std::optional<Block>& into, ByteView value) {
  const auto number = number_from(value);
  if (number && value.size() < kLongestNumber) into = Block::from(*number);
  has_bad_block = has_bad_block || !into;
}

void add_number(coap_pdu_t* pdu, std::uint16_t option, std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes{};
  const unsigned size = coap_encode_var_safe8(bytes.data(), bytes.size(), value);
  coap_add_option(pdu, option, size, bytes.data());
}

void add_text(coap_pdu_t* pdu, std::uint16_t option, std::string_view value) {
  const ByteView bytes = as_bytes(value);
  coap_add_option(pdu, option, bytes.size(), bytes.data());
}

coap_pdu_t* compose(const Outbound& request, coap_mid_t mid, const Token& token, std::size_t largest) {
  coap_pdu_t* pdu = coap_pdu_init(COAP_MESSAGE_CON, static_cast<coap_pdu_code_t>(request.method), mid, largest);
  if (pdu == nullptr) return nullptr;
  bool is_whole = coap_add_token(pdu, token.size(), token.data()) != 0;
  add_options(pdu, request);
  is_whole = is_whole && (request.body.empty() || coap_add_data(pdu, request.body.size(), request.body.data()) != 0);
  if (is_whole) return pdu;
  coap_delete_pdu(pdu);
  return nullptr;
}

}  // namespace hg::coap
