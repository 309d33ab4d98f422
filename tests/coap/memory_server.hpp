// SPDX-License-Identifier: Apache-2.0
// A coap::Server in memory: the shelf as a table, and peers that lead to scripted children.
#pragma once

#include <algorithm>
#include <list>
#include <map>
#include <string>

#include "coap/server.hpp"
#include "coap/virtual_time.hpp"

namespace hg::test {

/// What stands behind a MemoryPeer.
class PeerEnd {
 public:
  virtual ~PeerEnd() = default;
  /// Nothing: it does not answer.
  virtual std::optional<coap::Answer> asked(const coap::Request& request) = 0;
  /// One block of a push; nothing: silence; 2.31 to go on.
  virtual std::optional<coap::Answer> pushed(const coap::Push& push, std::uint64_t offset, ByteView block) = 0;
  virtual void observed(const coap::Request& request, std::function<void(coap::Answer)> notify) = 0;
};

class MemoryPeer final : public coap::Peer {
 public:
  MemoryPeer(VirtualTime& time, PeerEnd& end, std::string address, coap::Proof proof)
      : time_(&time), end_(&end), address_(std::move(address)), proof_(std::move(proof)) {}

  asio::awaitable<Result<coap::Answer>> ask(coap::Request request, SteadyTime deadline) override {
    const auto bell = time_->make_bell();
    co_await bell->wait_until(std::min(deadline, time_->now() + 10ms));
    auto answer = is_lost_ ? std::nullopt : end_->asked(request);
    if (!answer && !is_lost_) co_await bell->wait_until(deadline);
    const bool is_cancelled = co_await coap::was_cancelled();
    if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
    if (is_lost_) co_return Error{Errc::unavailable, "the session is gone"};
    if (!answer) co_return Error{Errc::timed_out, "no answer"};
    if (heard) heard();
    co_return std::move(*answer);
  }
  asio::awaitable<Result<coap::Answer>> push(coap::Push push, std::function<void(std::uint64_t)> progress) override {
    const auto bell = time_->make_bell();
    for (std::uint64_t offset = 0;;) {
      co_await bell->wait_until(time_->now() + 10ms);
      Bytes block(std::min<std::uint64_t>(push.block, push.size - offset));
      const auto read = push.image.read(offset, block);
      if (!read) co_return read.error();
      auto answer = is_lost_ ? std::nullopt : end_->pushed(push, offset, block);
      if (!answer && !is_lost_) co_await bell->wait_until(time_->now() + push.patience);
      const bool is_cancelled = co_await coap::was_cancelled();
      if (is_cancelled) co_return Error{Errc::cancelled, "cancelled"};
      if (is_lost_) co_return Error{Errc::unavailable, "the session is gone"};
      if (!answer) co_return Error{Errc::timed_out, "no block was accepted for a while"};
      if (heard) heard();
      offset += block.size();
      progress(offset);
      if (answer->code != coap::Code::go_on) co_return std::move(*answer);
    }
  }
  asio::awaitable<Result<coap::Answer>> observe(coap::Request request, SteadyTime deadline,
                                                std::function<void(coap::Answer)> notify) override {
    end_->observed(request, std::move(notify));
    auto answer = co_await ask(std::move(request), deadline);
    co_return answer;
  }
  void forget_observations() override { ++forgotten; }
  [[nodiscard]] bool is_lost() const override { return is_lost_; }
  [[nodiscard]] const coap::Proof& proof() const override { return proof_; }
  [[nodiscard]] const std::string& address() const override { return address_; }
  [[nodiscard]] const std::string& local_address() const override { return proof_.is_secured ? secure_local_ : local_; }
  void set_ack_timeout(Milliseconds timeout) override { ack_timeout = timeout; }

  void lose() { is_lost_ = true; }
  std::function<void()> heard;
  unsigned forgotten = 0;
  Milliseconds ack_timeout{0};

 private:
  VirtualTime* time_;
  PeerEnd* end_;
  std::string address_;
  coap::Proof proof_;
  std::string local_ = "192.0.2.1:5683";
  std::string secure_local_ = "192.0.2.1:5684";
  bool is_lost_ = false;
};

class MemoryServer final : public coap::Server, public coap::ImageShelf {
 public:
  [[nodiscard]] coap::ImageShelf& shelf() override { return *this; }
  [[nodiscard]] std::shared_ptr<void> put(std::string path, coap::Served served) override {
    const auto at = shelf_.insert(shelf_.end(), {std::move(path), std::move(served)});
    return {this, [this, at](void*) { shelf_.erase(at); }};
  }
  void expect_until(SteadyTime time) override { expected_until = time; }
  void set_key(const std::string&, plugin::LinkKey) override {}
  [[nodiscard]] std::shared_ptr<void> hold(const std::shared_ptr<coap::Peer>& peer) override {
    ++held[peer->address()];
    return {this, [this, address = peer->address()](void*) { --held[address]; }};
  }
  asio::awaitable<Result<std::shared_ptr<coap::Peer>>> reach(std::string address, std::optional<std::string>) override {
    reached.push_back(address);
    if (!reachable) co_return Error{Errc::unavailable, "nobody there"};
    co_return reachable;
  }
  void drop(const std::shared_ptr<coap::Peer>& peer) override {
    dropped.push_back(peer->address());
    std::static_pointer_cast<MemoryPeer>(peer)->lose();
  }
  [[nodiscard]] std::uint16_t port() const override { return 5683; }
  [[nodiscard]] std::uint16_t secure_port() const override { return 5684; }

  /// What a GET of that path by that identity would be answered from.
  [[nodiscard]] const coap::Served* find(const std::string& path, const std::string& identity) const {
    const auto is_it = [&](const auto& entry) { return entry.first == path && entry.second.identity == identity; };
    const auto found = std::ranges::find_if(shelf_, is_it);
    return found == shelf_.end() ? nullptr : &found->second;
  }
  std::map<std::string, int> held;  ///< by address
  std::vector<std::string> dropped;
  std::vector<std::string> reached;
  std::shared_ptr<coap::Peer> reachable;
  SteadyTime expected_until{};

 private:
  std::list<std::pair<std::string, coap::Served>> shelf_;
};

}  // namespace hg::test
