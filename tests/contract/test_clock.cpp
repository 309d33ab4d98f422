// SPDX-License-Identifier: Apache-2.0
// What every Clock promises, asked of the virtual one and of the real one.
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <vector>

#include "adapters/system/steady_clock.hpp"
#include "fakes/on_loop.hpp"
#include "fakes/virtual_clock.hpp"

namespace hg {
namespace {

class Virtual {
 public:
  ports::Clock& clock() { return clock_; }
  void run(boost::asio::io_context& loop) { clock_.run_until_idle(loop); }

 private:
  fakes::VirtualClock clock_;
};

class Real {
 public:
  ports::Clock& clock() { return clock_; }
  void run(boost::asio::io_context& loop) {
    loop.restart();
    loop.run_for(std::chrono::seconds{10});
  }

 private:
  system::SteadyClock clock_{Instant{}};
};

template <class Kind>
class Clock : public ::testing::Test {
 protected:
  boost::asio::awaitable<void> sleeper(int number, Duration duration) {
    const auto slept = co_await kind_.clock().sleep_for(duration);
    if (slept) woken_.push_back(number);
    if (!slept) error_ = slept.error();
  }
  void start(int number, Duration duration) {
    boost::asio::co_spawn(loop_, sleeper(number, duration), boost::asio::detached);
  }

  boost::asio::io_context loop_;
  Kind kind_;
  std::vector<int> woken_;
  std::optional<Error> error_;
};

using Kinds = ::testing::Types<Virtual, Real>;
TYPED_TEST_SUITE(Clock, Kinds);

TYPED_TEST(Clock, SleepersWakeInTheOrderOfTheirDeadlines) {
  this->start(1, Duration{30});
  this->start(2, Duration{10});
  this->start(3, Duration{-5});
  this->start(4, Duration{20});
  const Instant before = this->kind_.clock().now();
  this->kind_.run(this->loop_);
  EXPECT_EQ(this->woken_, (std::vector{3, 2, 4, 1}));
  EXPECT_GE(this->kind_.clock().now() - before, Duration{29});
}

TYPED_TEST(Clock, ASleepThatIsCancelledSaysSo) {
  boost::asio::cancellation_signal signal;
  auto ignore = [](std::exception_ptr) {};
  boost::asio::co_spawn(this->loop_, this->sleeper(1, std::chrono::hours{1}),
                        boost::asio::bind_cancellation_slot(signal.slot(), ignore));
  auto cancel = [&signal] { signal.emit(boost::asio::cancellation_type::terminal); };
  boost::asio::post(this->loop_, [this, cancel] { boost::asio::post(this->loop_, cancel); });
  this->kind_.run(this->loop_);
  ASSERT_TRUE(this->error_);
  EXPECT_EQ(this->error_->code, Errc::cancelled);
  EXPECT_TRUE(this->woken_.empty());
}

}  // namespace
}  // namespace hg
