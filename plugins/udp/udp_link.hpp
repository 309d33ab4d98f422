// SPDX-License-Identifier: Apache-2.0
// One child behind a UDP port: smp::Link over a connected socket, one packet in each datagram. Nothing retries here and
// nothing is put in order; a datagram that gets lost is an answer that does not come.
//
// A datagram link has no carrier: nobody knows whether a child listens until it answers. The link counts as up once the
// name has an address and the socket has a way there, and as down from when the network says that nobody listens (ICMP)
// until the next attempt, whose pauses grow until an answer comes. Each attempt asks anew what address the name has.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "smp/inbox.hpp"
#include "smp/smp_driver.hpp"
#include "udp/udp_address.hpp"

namespace hg::udp {

class UdpLink final : public smp::RunningLink, public std::enable_shared_from_this<UdpLink> {
 public:
  UdpLink(const boost::asio::any_io_executor& executor, std::string child, UdpAddress address,
          plugin::LinkReport report);

  /// Begins to resolve, to connect and to read; once.
  void start();
  void close() override;

  /// A packet that the path does not take whole is lost like any other: what is too large shows in the answers.
  boost::asio::awaitable<Result<void>> write(ByteView packet, smp::SteadyTime deadline) override;
  /// Answers come from the address that was asked and from no other: the socket is connected.
  boost::asio::awaitable<Result<Bytes>> read(smp::SteadyTime deadline) override;
  [[nodiscard]] const Limits& limits() const override;
  [[nodiscard]] Opening opening() const override { return opening_; }

 private:
  using Udp = boost::asio::ip::udp;

  static boost::asio::awaitable<void> run(std::shared_ptr<UdpLink> self);
  boost::asio::awaitable<Result<void>> open();
  boost::asio::awaitable<Result<Udp::endpoint>> resolve();
  Result<void> connect(const Udp::endpoint& peer);
  boost::asio::awaitable<std::string> read_until_lost();
  boost::asio::awaitable<Result<void>> wait_for_room(smp::SteadyTime deadline);
  [[nodiscard]] std::string why_lost(boost::system::error_code failure) const;
  void lose(const std::string& why);

  boost::asio::any_io_executor executor_;
  std::string child_;
  UdpAddress address_;
  plugin::LinkReport report_;
  Udp::resolver resolver_;
  Udp::socket socket_;
  boost::asio::steady_timer pause_;  // between attempts, and for the resolver
  boost::asio::steady_timer write_timer_;
  smp::Inbox inbox_;
  std::size_t attempt_ = 0;  // each takes the next one of the addresses that the name has
  bool is_ipv6_ = false;
  bool has_answered_ = false;  // in this opening
  std::string lost_why_;       // what the network told the writer and the reader must know
  Opening opening_;
  bool is_closed_ = false;
};

}  // namespace hg::udp
