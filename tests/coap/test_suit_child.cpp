// SPDX-License-Identifier: Apache-2.0
// A child that pulls by a SUIT manifest, in memory: what it is served, and what is made of what it says afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cbor.hpp"
#include "base/version_mark.hpp"
#include "coap/memory_server.hpp"
#include "coap/suit_child.hpp"
#include "plugins/loop.hpp"

namespace hg::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t kSize = 10'000;

/// Pulls its manifest and then the payloads, block by block, as RIOT's does.
class Puller final : public PeerEnd {
 public:
  Puller(VirtualTime& time, MemoryServer& server) : time_(&time), server_(&server) {}

  std::string version = "1.0";
  std::vector<std::string> payloads{"fw/valve.bin"};
  bool refuses = false;  ///< its manifest, once it has it
  bool answers_trigger = true;
  bool tells = true;  ///< the new version, when it has everything
  unsigned triggers = 0;

  std::optional<coap::Answer> asked(const coap::Request& request) override {
    if (request.method == coap::Method::get) {
      const ByteView said = as_bytes(version);
      return coap::Answer{coap::Code::content, coap::Format::text, Bytes(said.begin(), said.end())};
    }
    ++triggers;
    url.assign(request.body.begin(), request.body.end());
    if (!answers_trigger) return std::nullopt;
    time_->after(20ms, [this] { pull("suit/manifest", 0, 0); });
    return coap::Answer{coap::Code::changed, {}, {}};
  }
  std::optional<coap::Answer> pushed(const coap::Push&, std::uint64_t, ByteView) override { return std::nullopt; }
  void observed(const coap::Request&, std::function<void(coap::Answer)>) override {}

  std::string url;
  std::uint64_t got = 0;  ///< of the payloads

 private:
  void pull(const std::string& path, std::size_t next, std::uint64_t offset) {
    const coap::Served* const served = server_->find(path, "");
    if (served == nullptr) return;
    const std::uint64_t count = std::min<std::uint64_t>(served->block, served->size - offset);
    const bool is_last = offset + count >= served->size;
    if (next > 0) got += count;
    served->sent(offset, static_cast<std::uint32_t>(count));
    if (!is_last) return time_->after(20ms, [=, this] { pull(path, next, offset + count); });
    if (next == 0 && refuses) return;
    if (next < payloads.size()) return time_->after(20ms, [=, this] { pull(payloads[next], next + 1, 0); });
    if (tells) time_->after(3s, [this] { version = "2.0"; });
  }

  VirtualTime* time_;
  MemoryServer* server_;
};

class Suit : public testing::Test {
 protected:
  Suit() {
    server_.reachable = std::make_shared<MemoryPeer>(*time_, puller_, "192.0.2.9:5683", coap::Proof{});
    enroll();
  }
  ~Suit() override { end(); }

  void enroll() {
    const coap::SuitLink::Parts parts{time_->io.get_executor(), time_, server_,
                                      [this](const wire::Link& link) { links_.push_back(link); }};
    auto link = std::make_shared<coap::SuitLink>(
        parts, "valve", coap::Address{coap::Address::Kind::suit, "192.0.2.9:5683", false}, profile_);
    suit_ = std::make_unique<coap::SuitChild>(link, time_, server_, profile_, directory_.path / "valve.untold");
    link->start();
    time_->until([this] { return !links_.empty() && links_.back().up; });
  }
  void end() {
    if (!suit_) return;
    suit_->close();
    time_->settle();
    suit_.reset();
    links_.clear();
    server_.reachable = std::make_shared<MemoryPeer>(*time_, puller_, "192.0.2.9:5683", coap::Proof{});
  }
  plugin::Job job() {
    return {"valve", 1, time_->now() + 60s, [this](std::uint64_t done, std::uint64_t) { progress_ = done; }};
  }
  [[nodiscard]] Bytes manifest() const {
    Bytes bytes;
    cbor::Writer out(bytes);
    out.array(puller_.payloads.size());
    for (const std::string& path : puller_.payloads) out.text("coap://gateway/" + path);
    return bytes;
  }
  static plugin::ImageView image(const Bytes& bytes) {
    UniqueFd file(::memfd_create("image", MFD_CLOEXEC));
    EXPECT_EQ(::write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    return plugin::ImageView(std::move(file));
  }
  asio::awaitable<Result<plugin::Outcome>> bringing(std::uint8_t number) {
    const Bytes bytes = number == 0 ? manifest() : Bytes(kSize, number);
    wire::Deliver request;
    request.image_number = number;
    request.size = bytes.size();
    request.image = *Digest::from_bytes(Bytes(32, number));
    request.after = version_mark(number, "2.0");
    return suit_->deliver(job(), request, image(bytes));
  }
  Result<plugin::Outcome> bring(std::uint8_t number) { return time_->wait(bringing(number)); }
  wire::Seen seen() { return time_->wait(suit_->inspect(job())).value(); }

  std::shared_ptr<VirtualTime> time_ = std::make_shared<VirtualTime>();
  Directory directory_;
  MemoryServer server_;
  Puller puller_{*time_, server_};
  coap::Profile profile_;
  std::vector<wire::Link> links_;
  std::uint64_t progress_ = 0;
  std::unique_ptr<coap::SuitChild> suit_;
};

TEST_F(Suit, IsDeliveredWhenItSaysTheNewVersion) {
  ASSERT_TRUE(bring(0));
  EXPECT_EQ(puller_.triggers, 0U) << "not before its last image is there";
  const auto brought = bring(1);
  ASSERT_TRUE(brought) << brought.error().message;
  EXPECT_EQ(puller_.url, "coap://192.0.2.1:5683/suit/manifest");
  EXPECT_EQ(progress_, kSize);
  const wire::Seen now = seen();
  ASSERT_EQ(now.slots.size(), 2U);
  EXPECT_EQ(now.slots[1].digest, version_mark(1, "2.0"));
  EXPECT_EQ(now.revert_class, wire::RevertClass::unstageable);
}

TEST_F(Suit, ARefusedManifestIsAnErrorAndIsServedNoLonger) {
  puller_.refuses = true;
  ASSERT_TRUE(bring(0));
  const auto brought = bring(1);
  ASSERT_FALSE(brought);
  EXPECT_EQ(brought.error().code, Errc::denied);
  EXPECT_EQ(server_.find("fw/valve.bin", ""), nullptr);
  EXPECT_EQ(server_.find("suit/manifest", ""), nullptr);
}

TEST_F(Suit, WhatWasServedWholeAndNotToldIsRememberedUntilItSaysAnotherVersion) {
  puller_.tells = false;
  ASSERT_TRUE(bring(0));
  ASSERT_TRUE(bring(1));
  for (const char* const when : {"at once", "over a restart"}) {
    const wire::Seen now = seen();
    const auto is_pending = [](const wire::Slot& slot) {
      return slot.image == 1 && slot.pending && slot.digest == version_mark(1, "2.0");
    };
    EXPECT_TRUE(std::ranges::any_of(now.slots, is_pending)) << when;
    end();
    enroll();
  }
  puller_.version = "1.1";
  EXPECT_EQ(seen().slots.size(), 2U);
}

TEST_F(Suit, TwoPayloadsAreServedInTheOrderOfTheirUris) {
  end();
  profile_.payloads = 2;
  puller_.payloads = {"fw/a.bin", "fw/b.bin"};
  enroll();
  ASSERT_TRUE(bring(0));
  ASSERT_TRUE(bring(1));
  EXPECT_EQ(puller_.triggers, 0U);
  const auto brought = bring(2);
  ASSERT_TRUE(brought) << brought.error().message;
  EXPECT_EQ(puller_.got, 2 * kSize);
}

TEST_F(Suit, APayloadWithoutItsManifestIsNotServed) {
  const auto brought = bring(1);  // as after a restart of the plugin
  ASSERT_FALSE(brought);
  EXPECT_THAT(brought.error().message, HasSubstr("since the plugin was started"));
  EXPECT_EQ(puller_.triggers, 0U);
}

TEST_F(Suit, AnOrderWithoutAnAnswerLeavesNothingToPull) {
  puller_.answers_trigger = false;
  ASSERT_TRUE(bring(0));
  ASSERT_FALSE(bring(1));
  EXPECT_EQ(puller_.triggers, 1U);
  EXPECT_EQ(server_.find("fw/valve.bin", ""), nullptr) << "it may have heard the order";
}

TEST_F(Suit, CancelledInMidPullItIsServedNoLonger) {
  ASSERT_TRUE(bring(0));
  asio::cancellation_signal stop;
  std::optional<Result<plugin::Outcome>> outcome;
  time_->start<Result<plugin::Outcome>>(
      bringing(1), [&](Result<plugin::Outcome> value) { outcome = std::move(value); }, stop.slot());
  time_->until([this] { return puller_.got >= kSize / 2; });
  stop.emit(asio::cancellation_type::terminal);
  time_->until([&] { return outcome.has_value(); });
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().code, Errc::cancelled);
  EXPECT_EQ(server_.find("fw/valve.bin", ""), nullptr);
}

TEST_F(Suit, ForgottenInMidPullItEnds) {
  ASSERT_TRUE(bring(0));
  std::optional<Result<plugin::Outcome>> outcome;
  time_->start<Result<plugin::Outcome>>(bringing(1),
                                        [&](Result<plugin::Outcome> value) { outcome = std::move(value); });
  time_->until([this] { return puller_.got >= kSize / 2; });
  suit_->close();
  time_->until([&] { return outcome.has_value(); });
  EXPECT_FALSE(*outcome);
}

}  // namespace
}  // namespace hg::test
