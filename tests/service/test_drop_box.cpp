// SPDX-License-Identifier: Apache-2.0
// What becomes of a file in the import directory: taken, refused, or tried again for a day and no longer.
#include <gtest/gtest.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "service/virtual_gateway.hpp"

namespace hg::service::test {
namespace {

/// One file, brought as often as it is asked for again.
class OneFile final : public ports::DropBox {
 public:
  explicit OneFile(Bytes bytes) : bytes_(std::move(bytes)) {}

  [[nodiscard]] asio::awaitable<Result<ports::Dropped>> next() override {
    asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    bell_ = &never;
    boost::system::error_code ignored;
    if (!is_there_) co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    bell_ = nullptr;
    if (!std::exchange(is_there_, false)) co_return Error{Errc::cancelled, "no longer watched"};
    ++brought;
    co_return ports::Dropped{"file", bytes_};
  }
  void taken(const std::string&) override { was_taken = true; }
  void refused(const std::string&) override { was_refused = true; }
  void again(const std::string&) override {
    is_there_ = true;
    if (bell_ != nullptr) bell_->cancel();
  }

  int brought = 0;
  bool was_taken = false;
  bool was_refused = false;

 private:
  Bytes bytes_;
  bool is_there_ = true;
  asio::steady_timer* bell_ = nullptr;
};

TEST(DropBox, AFileIsTakenOnceWhatItSaysIsDurable) {
  World world;
  OneFile box(read_file(vector_path("derived/ok_base.suit")));
  world.drop_box = &box;
  Session session(world);
  ASSERT_TRUE(session.run_until([&] { return box.was_taken; }));
  EXPECT_EQ(world.catalogue.durable().deliverables.size(), 1U);
}

TEST(DropBox, AFileThatIsNeitherIsRefused) {
  World world;
  OneFile box(Bytes(100, 0x41));
  world.drop_box = &box;
  Session session(world);
  ASSERT_TRUE(session.run_until([&] { return box.was_refused; }));
  EXPECT_EQ(box.brought, 1);
}

TEST(DropBox, AFileThatMayPassLaterIsTriedForADayAndNoLonger) {
  World world;
  OneFile box(read_file(vector_path("derived/ok_base.suit")));
  world.drop_box = &box;
  world.web.away_while([] { return true; });
  Session session(world);
  ASSERT_TRUE(session.run_until([&] { return box.was_refused; }, std::chrono::hours{48}));
  EXPECT_GT(box.brought, 10);
  EXPECT_LE(box.brought, 97);
}

}  // namespace
}  // namespace hg::service::test
