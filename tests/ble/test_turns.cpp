// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "ble/turns.hpp"
#include "plugins/loop.hpp"

namespace hg::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using Place = std::shared_ptr<void>;

class TurnsTest : public testing::Test {
 protected:
  static plugin::SteadyTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

  Result<Place> take(plugin::SteadyTime deadline = plugin::SteadyTime::max()) {
    return loop_.wait(turns_->take(deadline));
  }

  struct Asked {
    Result<Place> result{Error{Errc::internal, "not answered yet"}};
    bool is_answered = false;
    asio::cancellation_signal stop;
  };
  /// Asks, and lets it wait. Who is answered is written down in `order_`.
  std::shared_ptr<Asked> ask(int who, plugin::SteadyTime deadline = plugin::SteadyTime::max()) {
    auto asked = std::make_shared<Asked>();
    const auto end = [this, asked, who](const std::exception_ptr&, Result<Place> result) {
      asked->result = std::move(result);
      asked->is_answered = true;
      order_.push_back(who);
    };
    asio::co_spawn(loop_.io, turns_->take(deadline), asio::bind_cancellation_slot(asked->stop.slot(), end));
    loop_.settle();
    return asked;
  }

  Loop loop_;
  std::optional<ble::Turns> turns_{std::in_place, loop_.io.get_executor(), 2U};
  std::vector<int> order_;
};

TEST_F(TurnsTest, AsManyAsThereArePlacesGetOneAtOnce) {
  auto first = take();
  auto second = take();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(turns_->taken(), 2U);
  EXPECT_EQ(turns_->waiting(), 0U);
  first->reset();
  EXPECT_EQ(turns_->taken(), 1U);
  EXPECT_TRUE(take(in(0ms)));
}

TEST_F(TurnsTest, OthersWaitInTheOrderOfAsking) {
  auto first = take();
  auto second = take();
  const auto third = ask(3);
  const auto fourth = ask(4);
  const auto fifth = ask(5);
  EXPECT_EQ(turns_->waiting(), 3U);
  second->reset();
  loop_.settle();
  EXPECT_THAT(order_, ElementsAre(3));
  EXPECT_EQ(turns_->taken(), 2U);
  first->reset();
  third->result->reset();
  loop_.settle();
  EXPECT_THAT(order_, ElementsAre(3, 4, 5));
  EXPECT_EQ(turns_->taken(), 2U);
  EXPECT_EQ(turns_->waiting(), 0U);
}

TEST_F(TurnsTest, WhoComesWhileOthersWaitDoesNotOvertakeThem) {
  auto first = take();
  auto second = take();
  const auto third = ask(3);
  first->reset();  // third has the place, but has not run yet
  const auto late = ask(4);
  EXPECT_THAT(order_, ElementsAre(3));
  EXPECT_EQ(turns_->waiting(), 1U);
}

TEST_F(TurnsTest, TheDeadlineEndsTheWaiting) {
  auto first = take();
  auto second = take();
  const auto late = take(in(5ms));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timed_out);
  EXPECT_EQ(turns_->waiting(), 0U);
  EXPECT_EQ(turns_->taken(), 2U);
}

TEST_F(TurnsTest, WhoIsCancelledLeavesTheRow) {
  auto first = take();
  auto second = take();
  const auto third = ask(3);
  const auto fourth = ask(4);
  third->stop.emit(asio::cancellation_type::terminal);
  loop_.settle();
  ASSERT_TRUE(third->is_answered);
  EXPECT_EQ(third->result.error().code, Errc::cancelled);
  first->reset();
  loop_.settle();
  EXPECT_TRUE(fourth->is_answered && fourth->result);
}

TEST_F(TurnsTest, APlaceGivenToWhoIsCancelledInTheSameMomentGoesOn) {
  auto first = take();
  auto second = take();
  const auto third = ask(3);
  const auto fourth = ask(4);
  const auto give_and_cancel = [&] {
    first->reset();
    third->stop.emit(asio::cancellation_type::terminal);
  };
  asio::post(loop_.io, give_and_cancel);
  loop_.settle();
  ASSERT_TRUE(third->is_answered);
  ASSERT_FALSE(third->result);
  EXPECT_EQ(third->result.error().code, Errc::cancelled);
  EXPECT_TRUE(fourth->is_answered && fourth->result);
  EXPECT_EQ(turns_->taken(), 2U);
}

TEST_F(TurnsTest, APlaceMayOutliveThem) {
  auto place = take();
  auto second = take();
  const auto waiting = ask(3);
  turns_.reset();
  loop_.settle();
  ASSERT_TRUE(waiting->is_answered);
  EXPECT_EQ(waiting->result.error().code, Errc::unavailable);
  place->reset();
}

TEST_F(TurnsTest, ACoroutineThatIsDestroyedWhereItWaitsLeavesTheRow) {
  auto loop = std::make_unique<asio::io_context>();
  auto turns = std::make_unique<ble::Turns>(loop->get_executor(), 1U);
  Result<Place> first{nullptr};
  const auto keep = [&](const std::exception_ptr&, Result<Place> result) { first = std::move(result); };
  asio::co_spawn(*loop, turns->take(plugin::SteadyTime::max()), keep);
  asio::co_spawn(*loop, turns->take(plugin::SteadyTime::max()), [](const std::exception_ptr&, const Result<Place>&) {});
  loop->poll();
  EXPECT_EQ(turns->waiting(), 1U);
  loop.reset();
  EXPECT_EQ(turns->waiting(), 0U);
  first->reset();
  EXPECT_EQ(turns->taken(), 0U);
}

}  // namespace
}  // namespace hg::test
