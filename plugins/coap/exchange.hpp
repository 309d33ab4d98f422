// SPDX-License-Identifier: Apache-2.0
// Requests to a child and their answers as values, and Peer: one child's end of a CoAP conversation as it can be
// reached now. What a request means (LwM2M, SUIT) is lwm2m's and suit's; how it travels is server's, which makes the
// peers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "sdk/driver.hpp"

namespace hg::coap {

using plugin::SteadyTime;
using Milliseconds = std::chrono::milliseconds;

/// Method codes (RFC 7252 section 12.1.1, RFC 8132).
enum class Method : std::uint8_t { get = 1, post = 2, put = 3, del = 4, fetch = 5, ipatch = 7 };

/// Response codes as they travel: class in the upper three bits (RFC 7252 section 12.1.2).
enum class Code : std::uint8_t {
  none = 0,
  created = 0x41,
  deleted = 0x42,
  valid = 0x43,
  changed = 0x44,
  content = 0x45,
  go_on = 0x5F,  ///< 2.31 Continue
  bad_request = 0x80,
  unauthorized = 0x81,
  bad_option = 0x82,
  forbidden = 0x83,
  not_found = 0x84,
  not_allowed = 0x85,
  not_acceptable = 0x86,
  incomplete = 0x88,  ///< 4.08 Request Entity Incomplete
  conflict = 0x89,
  precondition_failed = 0x8C,
  too_large = 0x8D,  ///< 4.13 Request Entity Too Large
  unsupported_format = 0x8F,
  too_many = 0x9D,  ///< 4.29 Too Many Requests
  internal_error = 0xA0,
  not_implemented = 0xA1,
  unavailable = 0xA3,
};
constexpr bool is_success(Code code) {
  return (static_cast<unsigned>(code) >> 5U) == 2;
}
/// "4.05 Method Not Allowed", "4.22".
std::string text_of(Code code);

/// Content-Formats (coap.md 1.4).
enum class Format : std::uint16_t {
  text = 0,
  link = 40,
  opaque = 42,
  cbor = 60,
  senml_json = 110,
  senml_cbor = 112,
  tlv = 11542,
};

/// What is asked of a child. Small: images go by Push, or are pulled.
struct Request {
  Method method = Method::get;
  std::string path;                  ///< segments with '/' between them and none before the first: "5/0/3"; not escaped
  std::vector<std::string> query{};  ///< "pmin=1"
  std::optional<Format> accept{};
  std::optional<Format> format{};  ///< of the body
  Bytes body{};                    ///< at most 1024 bytes
};
struct Answer {
  Code code = Code::none;
  std::optional<Format> format{};
  Bytes body{};  ///< whole, also when it came in blocks; at most 16 KiB
};

/// An image on its way by Block1 (RFC 7959), from its first byte. One token for all of it (zephyr#57165).
struct Push {
  std::string path;
  plugin::ImageView image;
  std::uint64_t size = 0;
  std::uint16_t block = 1024;     ///< bytes of a block at first, 16 to 1024: the child may make it smaller
  Milliseconds patience{60'000};  ///< without a block that is accepted, until it is given up
};

/// How an origin of requests is known.
struct Proof {
  bool is_secured = false;  ///< by DTLS
  std::string identity;     ///< of its PSK
  Digest certificate;       ///< SHA-256 of the DER that it has shown
};

/// One child's end of a conversation: a session with one address. Never used again after it is lost.
class Peer {
 public:
  virtual ~Peer() = default;

  /// One at a time to each child (NSTART = 1): further ones wait. Retransmitted as RFC 7252 says. Errors:
  /// Errc::timed_out; Errc::unavailable: the session is gone, the child resets or is unreachable; Errc::cancelled;
  /// Errc::too_large: the answer. A code that is no success is an answer.
  virtual boost::asio::awaitable<Result<Answer>> ask(Request request, SteadyTime deadline) = 0;

  /// The answer to the last block, or the one that ended it before. 4.08 begins again once; 4.13 with a smaller block.
  /// Errors as ask().
  virtual boost::asio::awaitable<Result<Answer>> push(Push push, std::function<void(std::uint64_t)> progress) = 0;

  /// ask() with Observe 0; what is told later goes to `notify`, on the loop, until forget_observations() or until the
  /// peer is lost. One for each path.
  virtual boost::asio::awaitable<Result<Answer>> observe(Request request, SteadyTime deadline,
                                                         std::function<void(Answer)> notify) = 0;
  virtual void forget_observations() = 0;

  [[nodiscard]] virtual bool is_lost() const = 0;
  [[nodiscard]] virtual const Proof& proof() const = 0;
  /// "192.0.2.7:5683", "[2001:db8::7]:5684".
  [[nodiscard]] virtual const std::string& address() const = 0;
  /// Where the child reaches us, as it does now: "192.0.2.1:5683"; for URIs.
  [[nodiscard]] virtual const std::string& local_address() const = 0;
  /// The first wait for an acknowledgement (ACK_TIMEOUT), 1 to 60 s; it doubles with each repetition.
  virtual void set_ack_timeout(Milliseconds timeout) = 0;
};

}  // namespace hg::coap
