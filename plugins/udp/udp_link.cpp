// SPDX-License-Identifier: Apache-2.0
#include "udp/udp_link.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

namespace hg::udp {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr smp::Milliseconds kFirstPause = 200ms;  // before the next attempt; doubles until an answer comes
constexpr smp::Milliseconds kLongestPause = 10s;
constexpr smp::Milliseconds kResolveWithin = 10s;
constexpr std::size_t kLargestAnswer = 16 * 1024;
constexpr std::size_t kAnswerIsLonger = 4;  // maps of indefinite length end with a byte of their own
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

/// The child cannot take IP fragments, so none are made: what does not fit is lost, and smaller packets are tried.
void forbid_fragments(int socket, bool is_ipv6) {
  const int always = IP_PMTUDISC_DO;
  const int level = is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
  ::setsockopt(socket, level, is_ipv6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &always, sizeof always);
}

}  // namespace

UdpLink::UdpLink(const asio::any_io_executor& executor, std::string child, UdpAddress address,
                 plugin::LinkReport report)
    : executor_(executor),
      child_(std::move(child)),
      address_(std::move(address)),
      report_(std::move(report)),
      resolver_(executor),
      socket_(executor),
      pause_(executor),
      write_timer_(executor),
      inbox_(executor) {}

void UdpLink::start() {
  asio::co_spawn(executor_, run(shared_from_this()), asio::detached);
}

void UdpLink::close() {
  is_closed_ = true;
  lose("no longer enrolled");
  resolver_.cancel();
  pause_.cancel();
}

const smp::Link::Limits& UdpLink::limits() const {
  // Neither side takes fragments: 1472 bytes fit an Ethernet frame, 1232 any IPv6 link (smp.md 2.4). The answer to an
  // echo may be some bytes longer than the echo, so that much is left.
  static const Limits v4{1472 - kAnswerIsLonger, {128, 256, 512, 1024, 1228, 1468}, 1, true, false};
  static const Limits v6{1232 - kAnswerIsLonger, {128, 256, 512, 1024, 1228}, 1, true, false};
  return is_ipv6_ ? v6 : v4;
}

// ---------------------------------------------------------------------------------------------------------- opening

asio::awaitable<void> UdpLink::run(std::shared_ptr<UdpLink> self) {
  smp::Milliseconds pause = kFirstPause;
  while (!self->is_closed_) {
    const auto opened = co_await self->open();
    if (self->is_closed_) break;
    if (opened) {
      const std::string why = co_await self->read_until_lost();
      if (self->is_closed_) break;
      if (self->has_answered_) pause = kFirstPause;
      self->lose(why);
    } else {
      self->lose(opened.error().message);
    }
    self->pause_.expires_after(pause);
    pause = std::min(2 * pause, kLongestPause);
    co_await self->pause_.async_wait(kToken);
  }
}

asio::awaitable<Result<void>> UdpLink::open() {
  const auto peer = co_await resolve();
  if (!peer) co_return peer.error();
  if (is_closed_) co_return Error{Errc::unavailable, "no longer enrolled"};
  auto connected = connect(*peer);
  if (!connected) co_return connected;
  is_ipv6_ = peer->address().is_v6();
  has_answered_ = false;
  lost_why_.clear();
  opening_ = {opening_.number + 1, std::chrono::steady_clock::now()};
  inbox_.open();
  report_({child_, true, ""});
  co_return Result<void>{};
}

asio::awaitable<Result<UdpLink::Udp::endpoint>> UdpLink::resolve() {
  boost::system::error_code failure;
  const auto literal = asio::ip::make_address(address_.host, failure);
  if (!failure) co_return Udp::endpoint(literal, address_.port);
  pause_.expires_after(kResolveWithin);
  const auto give_up = [weak = weak_from_this()](boost::system::error_code cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self) self->resolver_.cancel();
  };
  pause_.async_wait(give_up);
  const std::string port = std::to_string(address_.port);
  const auto [trouble, found] = co_await resolver_.async_resolve(address_.host, port, kToken);
  pause_.cancel();
  if (trouble == asio::error::operation_aborted)
    co_return Error{Errc::timed_out, "no answer to the name " + address_.host};
  if (trouble || found.empty()) {
    co_return Error{Errc::unavailable, "find the address of " + address_.host + ": " + trouble.message()};
  }
  auto chosen = found.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(attempt_++ % found.size()));
  co_return chosen->endpoint();
}

Result<void> UdpLink::connect(const Udp::endpoint& peer) {
  const std::string doing = "connect to " + peer.address().to_string();
  boost::system::error_code failure;
  socket_.open(peer.protocol(), failure);
  if (failure) return Error{Errc::unavailable, doing + ": " + failure.message()};
  forbid_fragments(socket_.native_handle(), peer.address().is_v6());
  socket_.non_blocking(true, failure);
  socket_.connect(peer, failure);
  if (failure) return Error{Errc::unavailable, doing + ": " + failure.message()};
  return {};
}

asio::awaitable<std::string> UdpLink::read_until_lost() {
  Bytes buffer(kLargestAnswer + 1);
  for (;;) {
    const auto [failure, size] = co_await socket_.async_receive(asio::buffer(buffer), kToken);
    if (failure == asio::error::operation_aborted && !lost_why_.empty()) co_return lost_why_;
    if (failure) co_return why_lost(failure);
    if (size == 0 || size > kLargestAnswer) continue;
    has_answered_ = true;
    inbox_.put(Bytes(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)));
  }
}

std::string UdpLink::why_lost(boost::system::error_code failure) const {
  if (failure == asio::error::connection_refused) return "nobody listens at port " + std::to_string(address_.port);
  return "the network says: " + failure.message();
}

void UdpLink::lose(const std::string& why) {
  boost::system::error_code ignored;
  socket_.close(ignored);
  inbox_.close(why);
  write_timer_.cancel();
  if (!is_closed_) report_({child_, false, why});
}

// ----------------------------------------------------------------------------------------------------- packets

asio::awaitable<Result<Bytes>> UdpLink::read(smp::SteadyTime deadline) {
  const auto self = shared_from_this();
  co_return co_await inbox_.take(deadline);
}

asio::awaitable<Result<void>> UdpLink::write(ByteView packet, smp::SteadyTime deadline) {
  const auto self = shared_from_this();
  for (;;) {
    if (!inbox_.is_open()) co_return inbox_.down_error();
    const ssize_t size = ::send(socket_.native_handle(), packet.data(), packet.size(), MSG_NOSIGNAL);
    const int failure = size < 0 ? errno : 0;
    if (failure == 0 || failure == EMSGSIZE || failure == ENOBUFS) co_return Result<void>{};
    if (failure == EINTR) continue;
    if (failure != EAGAIN && failure != EWOULDBLOCK) {
      // It is about a datagram before this one, and whoever asks first is told: the reader must hear it too.
      lost_why_ = why_lost({failure, boost::system::system_category()});
      socket_.cancel();
      co_return Error{Errc::unavailable, "the link is down: " + lost_why_};
    }
    auto room = co_await wait_for_room(deadline);
    if (!room) co_return room;
  }
}

asio::awaitable<Result<void>> UdpLink::wait_for_room(smp::SteadyTime deadline) {
  write_timer_.expires_at(deadline);
  const auto wake = [self = shared_from_this()](boost::system::error_code) { self->write_timer_.cancel(); };
  socket_.async_wait(Udp::socket::wait_write, wake);
  co_await write_timer_.async_wait(kToken);
  const bool is_cancelled = co_await smp::was_cancelled();
  if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
  if (std::chrono::steady_clock::now() >= deadline) co_return Error{Errc::timed_out, "the network takes no datagrams"};
  co_return Result<void>{};
}

}  // namespace hg::udp
