// SPDX-License-Identifier: Apache-2.0
// The gateway's CoAP endpoint: libcoap on the plugin's loop. Hears requests of children and hands them to an Inlet,
// serves images block by block out of its shelf, and makes a Peer of each session so that children can be asked. Keeps
// the limits of sessions, handshakes and requests. Knows no LwM2M. Made by coap_driver.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <filesystem>

#include "coap/exchange.hpp"
#include "coap/image_shelf.hpp"
#include "sdk/link_key.hpp"

namespace hg::coap {

/// A request of a child. Valid during the call.
struct Incoming {
  Method method = Method::get;
  std::string_view path;  ///< as in Request
  std::vector<std::string> query;
  std::optional<Format> format;
  ByteView body;
};
struct Outgoing {
  Code code = Code::none;
  std::vector<std::string> location{};  ///< Location-Path, segment by segment
  std::optional<Format> format{};
  Bytes body{};
};

/// What answers the requests that are not for images.
class Inlet {
 public:
  virtual ~Inlet() = default;
  /// Called on the loop, from within libcoap: asks nothing of a peer before the next turn of the loop (coap.md 0.6).
  virtual Outgoing receive(const std::shared_ptr<Peer>& from, const Incoming& request) = 0;
  /// Any datagram of this peer that was understood: it is awake. Cheap.
  virtual void heard(const std::shared_ptr<Peer>& peer) = 0;
  /// The peer's session has gone. Not called for those that the server closes itself.
  virtual void lost(const std::shared_ptr<Peer>& peer, std::string why) = 0;
};

struct ServerLimits {
  unsigned handshakes = 100;              ///< under way at a time
  unsigned idle_sessions = 4096;          ///< that no registration holds
  unsigned own_requests_per_second = 20;  ///< of one address and port to the Inlet, so that it spends nobody else's
  unsigned own_burst = 60;
  unsigned requests_per_second = 100;  ///< of one address to the Inlet, after `burst`; more: 4.29, then silence
  unsigned burst = 400;
  Milliseconds idle{300'000};
};

struct ServerSettings {
  std::string listen = "::";            ///< address
  std::uint16_t port = 5683;            ///< 0: no plain endpoint
  std::uint16_t secure_port = 5684;     ///< 0: none
  std::filesystem::path certificate{};  ///< PEM; with key and ca: certificates are taken beside PSKs
  std::filesystem::path key{};
  std::filesystem::path authorities{};  ///< PEM of the CAs that sign children's certificates
  ServerLimits limits{};
};

class Server {
 public:
  /// `inlet` outlives it. Errors: a port that is taken, a certificate that cannot be read.
  static Result<std::unique_ptr<Server>> open(boost::asio::any_io_executor executor, const ServerSettings& settings,
                                              Inlet& inlet, plugin::Log log);
  virtual ~Server() = default;

  [[nodiscard]] virtual ImageShelf& shelf() = 0;

  /// The key of this child from now on; `key` of kind none takes it away. Sessions under another key of this child end.
  virtual void set_key(const std::string& child, plugin::LinkKey key) = 0;

  /// Keeps a peer's session while the result lives: a registered child's does not end by idleness (coap.md 0.9).
  [[nodiscard]] virtual std::shared_ptr<void> hold(const std::shared_ptr<Peer>& peer) = 0;

  /// A peer at an address that has not spoken: "192.0.2.7:5683". Plain: from our own port if that can be, so that the
  /// child knows us. With `key`: a DTLS client with that child's PSK.
  virtual boost::asio::awaitable<Result<std::shared_ptr<Peer>>> reach(std::string host_and_port,
                                                                      std::optional<std::string> key_of_child) = 0;

  /// Ends a session: a child that has come with another one.
  virtual void drop(const std::shared_ptr<Peer>& peer) = 0;

  /// The ports that it has: for tests with port 0... and for URIs.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual std::uint16_t secure_port() const = 0;
};

}  // namespace hg::coap
