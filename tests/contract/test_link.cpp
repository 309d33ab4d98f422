// SPDX-License-Identifier: Apache-2.0
// What every smp::Link promises, asked of serial lines in both framings, of UDP, and of the child in memory that the
// tests of the SMP client trust.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "contract/link_kinds.hpp"

namespace hg::test {
namespace {

/// Steps run like this: a cancellation is an answer, nothing throws.
asio::awaitable<Result<Bytes>> read_as_a_step(smp::Link& link, SteadyTime deadline) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_return co_await link.read(deadline);
}

template <class Kind>
class Link : public ::testing::Test {
 protected:
  Link() : kind_(loop_) {
    loop_.until([this] { return kind_.link().opening().number > 0; });
  }
  Result<void> write(const Bytes& packet) { return loop_.wait(kind_.link().write(packet, kind_.now() + 5s)); }
  Result<Bytes> read(Milliseconds within = 5s) { return loop_.wait(kind_.link().read(kind_.now() + within)); }
  void expect_answer(const Bytes& request) {
    const auto answer = read();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(*answer, answer_to(request));
  }

  Loop loop_;
  Kind kind_;
};

class Names {
 public:
  template <class Kind>
  static std::string GetName(int) {
    if (std::is_same_v<Kind, SerialKind<smp::Framing::console>>) return "SerialConsole";
    if (std::is_same_v<Kind, SerialKind<smp::Framing::raw>>) return "SerialRaw";
    return std::is_same_v<Kind, UdpKind> ? "Udp" : "Memory";
  }
};
using Kinds = ::testing::Types<SerialKind<smp::Framing::console>, SerialKind<smp::Framing::raw>, UdpKind, MemoryKind>;
TYPED_TEST_SUITE(Link, Kinds, Names);

TYPED_TEST(Link, APacketGoesThereAndItsAnswerComesBack) {
  const Bytes request = request_of(50, 1);
  ASSERT_TRUE(this->write(request));
  this->expect_answer(request);
}

TYPED_TEST(Link, TwoPacketsStayTwo) {
  const Bytes first = request_of(300, 1);
  const Bytes second = request_of(20, 2);
  ASSERT_TRUE(this->write(first));
  ASSERT_TRUE(this->write(second));
  this->expect_answer(first);
  this->expect_answer(second);
}

TYPED_TEST(Link, EachSizeUpToTheLargestIsCarried) {
  const auto& limits = this->kind_.link().limits();
  ASSERT_FALSE(limits.steps.empty());
  std::vector<std::size_t> sizes = limits.steps;
  sizes.push_back(limits.largest_packet);
  EXPECT_TRUE(std::ranges::is_sorted(sizes)) << "steps ascend, and none is larger than the largest";
  for (const std::size_t size : sizes) {
    const Bytes request = request_of(size, 3);
    ASSERT_TRUE(this->write(request)) << size;
    this->expect_answer(request);
  }
}

TYPED_TEST(Link, AReadEndsAtItsDeadline) {
  const auto silent = this->read(20ms);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Errc::timed_out);
}

TYPED_TEST(Link, AReadCanBeCancelled) {
  if (!TypeParam::kHasRealTime) GTEST_SKIP() << "the child in memory never waits: nothing can be cancelled in it";
  asio::cancellation_signal signal;
  std::optional<Result<Bytes>> outcome;
  const auto done = [&outcome](const std::exception_ptr&, Result<Bytes> result) { outcome = std::move(result); };
  asio::co_spawn(this->loop_.io, read_as_a_step(this->kind_.link(), this->kind_.now() + 1h),
                 asio::bind_cancellation_slot(signal.slot(), done));
  this->loop_.settle();
  signal.emit(asio::cancellation_type::terminal);
  this->loop_.until([&] { return outcome.has_value(); });
  EXPECT_EQ(outcome->error().code, Errc::cancelled);
}

TYPED_TEST(Link, ALinkThatIsClosedIsUnavailable) {
  this->kind_.close();
  EXPECT_EQ(this->write(request_of(20, 4)).error().code, Errc::unavailable);
  if (!TypeParam::kHasRealTime) return;  // the child in memory is as silent as a lost one
  EXPECT_EQ(this->read().error().code, Errc::unavailable);
}

TYPED_TEST(Link, WhatComesBackIsAnotherOpening) {
  const std::uint64_t before = this->kind_.link().opening().number;
  this->kind_.come_back();
  this->loop_.until([&] { return this->kind_.link().opening().number > before; });
  const Bytes request = request_of(60, 5);
  ASSERT_TRUE(this->write(request));
  this->expect_answer(request);
}

TYPED_TEST(Link, ALateAnswerComesWholeAfterAResynchronization) {
  const Bytes late = request_of(200, 6);
  const Bytes next = request_of(40, 7);
  this->kind_.answer_after(120ms);
  ASSERT_TRUE(this->write(late));
  EXPECT_EQ(this->read(30ms).error().code, Errc::timed_out);
  this->kind_.link().resynchronize();
  this->kind_.answer_after(0ms);
  ASSERT_TRUE(this->write(next));
  const auto one = this->read();
  const auto other = this->read();
  ASSERT_TRUE(one && other);
  EXPECT_THAT((std::vector{*one, *other}), testing::UnorderedElementsAre(answer_to(late), answer_to(next)));
}

}  // namespace
}  // namespace hg::test
