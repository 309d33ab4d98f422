// SPDX-License-Identifier: Apache-2.0
// The channel over descriptors, with socket pairs of the kind that bluetoothd makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <cerrno>

#include "ble/descriptor_channel.hpp"
#include "plugins/loop.hpp"

namespace hg::test {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<std::uint8_t>(at * 7 + at / 256);
  return bytes;
}

/// Both ends of a socket; `far` is bluetoothd's.
struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    near = UniqueFd(ends[0]);
    far = UniqueFd(ends[1]);
  }
  UniqueFd near;
  UniqueFd far;
};

class DescriptorChannelTest : public testing::Test {
 protected:
  void open(std::uint16_t mtu) {
    Pair write;
    Pair notify;
    const int small = 1;  // the kernel makes the least of it that it can
    ::setsockopt(write.near.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    written_ = std::move(write.far);
    notifies_ = std::move(notify.far);
    channel_ = ble::make_descriptor_channel(loop_.io.get_executor(), {std::move(write.near), mtu},
                                            {std::move(notify.near), mtu});
  }

  Result<void> write(ByteView packet, std::chrono::milliseconds within = 10s) {
    return loop_.wait(channel_->write(packet, std::chrono::steady_clock::now() + within));
  }
  Result<Bytes> receive() { return loop_.wait(channel_->receive()); }

  struct Writing {
    Result<void> result{};
    bool is_over = false;
    asio::cancellation_signal stop;
  };
  /// Begins to write; what does not end at once waits.
  std::shared_ptr<Writing> begin(ByteView packet, plugin::SteadyTime deadline = plugin::SteadyTime::max()) {
    auto writing = std::make_shared<Writing>();
    const auto end = [writing](const std::exception_ptr&, Result<void> result) {
      writing->result = std::move(result);
      writing->is_over = true;
    };
    asio::co_spawn(loop_.io, channel_->write(packet, deadline),
                   asio::bind_cancellation_slot(writing->stop.slot(), end));
    loop_.settle();
    return writing;
  }
  /// More than the socket takes.
  Bytes large() const { return pattern(200 * channel_->fragment()); }

  /// The fragments that came, as long as there are any.
  std::vector<std::size_t> take_all(Bytes* together = nullptr) {
    std::vector<std::size_t> sizes;
    Bytes buffer(4096);
    for (;;) {
      const ssize_t got = ::recv(written_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got <= 0) return sizes;
      sizes.push_back(static_cast<std::size_t>(got));
      if (together != nullptr) together->insert(together->end(), buffer.begin(), buffer.begin() + got);
    }
  }
  void notify(std::size_t size) {
    const Bytes value = pattern(size);
    ASSERT_EQ(::send(notifies_.get(), value.data(), size, 0), static_cast<ssize_t>(size));
  }

  Loop loop_;
  std::shared_ptr<ble::Channel> channel_;
  UniqueFd written_;
  UniqueFd notifies_;
};

// ---------------------------------------------------------------------------------------------------------- writing

TEST_F(DescriptorChannelTest, AFragmentIsTheMtuWithoutItsHeaderAndNeverLongerThanAValue) {
  open(23);
  EXPECT_EQ(channel_->fragment(), 20U);
  open(247);
  EXPECT_EQ(channel_->fragment(), 244U);
  open(515);
  EXPECT_EQ(channel_->fragment(), 512U);
  open(517);
  EXPECT_EQ(channel_->fragment(), 512U);  // bluetoothd would cut 514 off
  open(0);
  EXPECT_EQ(channel_->fragment(), 20U);  // no connection has less
}

TEST_F(DescriptorChannelTest, APacketIsCutIntoFragments) {
  open(247);
  ASSERT_TRUE(write(pattern(244)));
  EXPECT_THAT(take_all(), ElementsAre(244));
  ASSERT_TRUE(write(pattern(243)));
  EXPECT_THAT(take_all(), ElementsAre(243));
  ASSERT_TRUE(write(pattern(245)));
  EXPECT_THAT(take_all(), ElementsAre(244, 1));
  Bytes together;
  ASSERT_TRUE(write(pattern(976)));
  EXPECT_THAT(take_all(&together), ElementsAre(244, 244, 244, 244));
  EXPECT_EQ(together, pattern(976));
}

TEST_F(DescriptorChannelTest, AFullSocketIsWaitedFor) {
  open(247);
  const Bytes packet = large();
  const auto writing = begin(packet);
  ASSERT_FALSE(writing->is_over);
  Bytes together;
  const auto is_over = [&] {
    EXPECT_THAT(take_all(&together), Each(244));
    return writing->is_over;
  };
  loop_.until(is_over);
  EXPECT_TRUE(writing->result);
  take_all(&together);
  EXPECT_EQ(together, packet);
}

TEST_F(DescriptorChannelTest, ASocketThatStaysFullEndsTheChannelAtTheDeadline) {
  open(247);
  const auto late = write(large(), 10ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timed_out);
  EXPECT_EQ(write(pattern(1)).error().code, Errc::unavailable);
  EXPECT_EQ(receive().error().code, Errc::unavailable);
  EXPECT_FALSE(take_all().empty());
  EXPECT_EQ(::recv(written_.get(), nullptr, 0, MSG_DONTWAIT), 0);  // closed
}

TEST_F(DescriptorChannelTest, WhoIsCancelledInTheMiddleEndsTheChannel) {
  open(247);
  const Bytes packet = large();
  const auto writing = begin(packet);
  ASSERT_FALSE(writing->is_over);
  writing->stop.emit(asio::cancellation_type::terminal);
  loop_.settle();
  ASSERT_TRUE(writing->is_over);
  EXPECT_EQ(writing->result.error().code, Errc::cancelled);
  EXPECT_EQ(receive().error().code, Errc::unavailable);
}

TEST_F(DescriptorChannelTest, AClosedPeerIsAGoneConnection) {
  open(247);
  written_.reset();
  EXPECT_EQ(write(pattern(10)).error().code, Errc::unavailable);  // EPIPE, and no signal
  EXPECT_EQ(receive().error().code, Errc::unavailable);
}

TEST_F(DescriptorChannelTest, APeerThatClosesWhileAWriterWaits) {
  open(247);
  const Bytes packet = large();
  const auto writing = begin(packet);
  ASSERT_FALSE(writing->is_over);
  written_.reset();
  loop_.until([&] { return writing->is_over; });
  EXPECT_EQ(writing->result.error().code, Errc::unavailable);
}

TEST_F(DescriptorChannelTest, APeerThatClosesWhatIsWrittenToEndsTheReaderToo) {
  open(247);
  Result<Bytes> got{Error{Errc::internal, "not answered yet"}};
  bool is_over = false;
  const auto end = [&](const std::exception_ptr&, Result<Bytes> result) {
    got = std::move(result);
    is_over = true;
  };
  asio::co_spawn(loop_.io, channel_->receive(), end);
  loop_.settle();
  EXPECT_FALSE(is_over);
  written_.reset();
  loop_.until([&] { return is_over; });
  EXPECT_EQ(got.error().code, Errc::unavailable);
}

TEST_F(DescriptorChannelTest, CloseIsSeenByBluetoothdAndByWhoeverWaits) {
  open(247);
  const Bytes packet = large();
  const auto writing = begin(packet);
  channel_->close();
  channel_->close();
  loop_.settle();
  ASSERT_TRUE(writing->is_over);
  EXPECT_EQ(writing->result.error().code, Errc::unavailable);
  EXPECT_EQ(receive().error().code, Errc::unavailable);
  EXPECT_EQ(::recv(notifies_.get(), nullptr, 0, MSG_DONTWAIT), 0);
}

TEST_F(DescriptorChannelTest, WithoutAnOwnerItIsClosed) {
  open(247);
  channel_.reset();
  loop_.settle();
  EXPECT_EQ(::recv(notifies_.get(), nullptr, 0, MSG_DONTWAIT), 0);
}

// -------------------------------------------------------------------------------------------------------- receiving

TEST_F(DescriptorChannelTest, NotificationsComeAsTheyWere) {
  open(517);
  notify(1);
  notify(512);
  notify(244);
  EXPECT_EQ(receive().value(), pattern(1));
  EXPECT_EQ(receive().value(), pattern(512));
  EXPECT_EQ(receive().value(), pattern(244));
}

TEST_F(DescriptorChannelTest, EmptyAndOverlongNotificationsAreNone) {
  open(517);
  notify(0);
  notify(513);
  notify(4000);
  notify(0);
  notify(7);
  EXPECT_EQ(receive().value(), pattern(7));
}

TEST_F(DescriptorChannelTest, WhatCameBeforeTheEndIsRead) {
  open(517);
  notify(3);
  notifies_.reset();
  EXPECT_EQ(receive().value(), pattern(3));
  EXPECT_EQ(receive().error().code, Errc::unavailable);
  EXPECT_EQ(write(pattern(1)).error().code, Errc::unavailable);
}

TEST_F(DescriptorChannelTest, AReaderIsWokenByANotificationThatComesLater) {
  open(517);
  asio::post(loop_.io, [&] { notify(9); });
  EXPECT_EQ(receive().value(), pattern(9));
}

TEST_F(DescriptorChannelTest, AReaderThatIsCancelledLeavesTheChannelOpen) {
  open(517);
  asio::cancellation_signal stop;
  Errc code = Errc::internal;
  const auto end = [&](const std::exception_ptr&, const Result<Bytes>& result) { code = result.error().code; };
  asio::co_spawn(loop_.io, channel_->receive(), asio::bind_cancellation_slot(stop.slot(), end));
  loop_.settle();
  stop.emit(asio::cancellation_type::terminal);
  loop_.settle();
  EXPECT_EQ(code, Errc::cancelled);
  notify(9);
  EXPECT_EQ(receive().value(), pattern(9));
}

}  // namespace
}  // namespace hg::test
