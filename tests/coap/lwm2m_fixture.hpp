// SPDX-License-Identifier: Apache-2.0
// What the tests of the LwM2M server and its steps share: the server over a MemoryServer, one enrolled child that is
// scripted, what was reported of it, and another process in the place of the first.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/version_mark.hpp"
#include "coap/lwm2m_server.hpp"
#include "coap/scripted_child.hpp"
#include "plugins/loop.hpp"

namespace hg::test {

class Lwm2mTest : public testing::Test, public coap::Inlet {
 protected:
  Lwm2mTest() {
    profile_.poll = 5s;
    start();
  }

  // ---- the inlet that the child speaks to is whichever process runs
  coap::Outgoing receive(const std::shared_ptr<coap::Peer>& from, const coap::Incoming& request) override {
    return made_->receive(from, request);
  }
  void heard(const std::shared_ptr<coap::Peer>& peer) override { made_->heard(peer); }
  void lost(const std::shared_ptr<coap::Peer>& peer, std::string why) override { made_->lost(peer, std::move(why)); }

  void start() {
    coap::Lwm2mServer::Parts parts;
    parts.executor = time_->io.get_executor();
    parts.report = [this](const wire::Link& link) { links_.push_back(link); };
    parts.meet = [this](plugin::Meeting meeting) { meetings_.push_back(std::move(meeting)); };
    parts.log = [this](std::string_view line) { lines_.emplace_back(line); };
    parts.state = directory_.path;
    parts.clock = time_;
    made_ = coap::Lwm2mServer::make(std::move(parts));
    made_->use(server_);
    enroll();
  }
  void enroll() { steps_ = made_->enroll("pump", "pump-7", profile_); }
  /// Another process: everything but the state directory is forgotten, and sessions are gone.
  void restart_plugin() {
    steps_.reset();
    made_.reset();
    time_->settle();
    if (child_.peer) child_.peer->lose();
    links_.clear();
    start();
    time_->settle();
  }
  void come() {
    ASSERT_EQ(child_.registers().code, coap::Code::created);
    time_->settle();
  }
  [[nodiscard]] const wire::Link& link() const { return links_.back(); }

  // ---- steps
  plugin::Job job(Milliseconds patience = 60s) {
    const auto progress = [this](std::uint64_t done, std::uint64_t) { progress_.push_back(done); };
    return {"pump", 1, time_->now() + patience, progress};
  }
  Result<wire::Seen> inspect(Milliseconds patience = 60s) { return time_->wait(steps_->inspect(job(patience))); }
  wire::Deliver delivery(const Digest& after, std::uint8_t content = 0xAB) {
    wire::Deliver request;
    request.size = kSize;
    request.image = view_of(content);
    request.after = after;
    return request;
  }
  static plugin::ImageView image(std::uint8_t content = 0xAB) {
    UniqueFd file(::memfd_create("image", MFD_CLOEXEC));
    const Bytes bytes(kSize, content);
    EXPECT_EQ(::write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    return plugin::ImageView(std::move(file));
  }
  static Digest view_of(std::uint8_t content) { return *Digest::from_bytes(Bytes(32, content)); }
  Result<plugin::Outcome> deliver(std::uint8_t content = 0xAB) {
    return time_->wait(steps_->deliver(job(), delivery(kNew, content), image(content)));
  }
  /// Begins, and leaves the outcome where it will be.
  std::shared_ptr<std::optional<Result<plugin::Outcome>>> begin_delivery() {
    const auto outcome = std::make_shared<std::optional<Result<plugin::Outcome>>>();
    time_->start<Result<plugin::Outcome>>(
        steps_->deliver(job(), delivery(kNew), image()),
        [outcome](Result<plugin::Outcome> value) { *outcome = std::move(value); }, stop_.slot());
    return outcome;
  }
  Result<plugin::Outcome> activate(const Digest& active = kOld, const Digest& goal = kNew,
                                   Milliseconds patience = 120s) {
    return time_->wait(steps_->activate(job(patience), wire::Activate{{}, {{0, active, goal}}}));
  }
  Result<plugin::Outcome> revert(const Digest& active, const Digest& goal) {
    return time_->wait(steps_->revert(job(), wire::Revert{{}, {{0, active, goal}}}));
  }
  void expect_delivered(const Result<plugin::Outcome>& outcome, std::uint8_t content = 0xAB) {
    ASSERT_TRUE(outcome) << outcome.error().message;
    EXPECT_TRUE(outcome->guard_held);
    EXPECT_EQ(child_.package, Bytes(kSize, content));
    EXPECT_EQ(child_.state, 2);
  }
  static Digest active(const wire::Seen& seen) { return seen.slots.at(0).digest; }
  static Digest standby(const wire::Seen& seen) { return seen.slots.size() < 2 ? Digest() : seen.slots[1].digest; }

  static constexpr std::size_t kSize = 100'000;
  inline static const Digest kOld = version_mark(0, "1.0");
  inline static const Digest kNew = version_mark(0, "2.0");

  std::shared_ptr<VirtualTime> time_ = std::make_shared<VirtualTime>();
  Directory directory_;
  MemoryServer server_;
  coap::Profile profile_;
  std::vector<wire::Link> links_;
  std::vector<plugin::Meeting> meetings_;
  std::vector<std::string> lines_;
  std::vector<std::uint64_t> progress_;
  asio::cancellation_signal stop_;
  std::unique_ptr<coap::Lwm2mServer> made_;
  std::shared_ptr<coap::ChildSteps> steps_;
  ScriptedChild child_{*time_, server_, *this};
};

}  // namespace hg::test
