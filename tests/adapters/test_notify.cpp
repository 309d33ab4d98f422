// SPDX-License-Identifier: Apache-2.0
// What systemd hears from the daemon, on a datagram socket as systemd has it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstring>
#include <string>

#include "adapters/system/machine_id.hpp"
#include "adapters/system/notify.hpp"
#include "adapters/system/steady_clock.hpp"
#include "base/unique_fd.hpp"
#include "fakes/temporary_directory.hpp"
#include "fakes/virtual_clock.hpp"

namespace hg {
namespace {

class Notify : public ::testing::Test {
 protected:
  Notify() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const std::string path = directory_.path() / "notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~Notify() override {
    for (const char* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }

  /// The next datagram; empty when there is none.
  std::string heard() {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
  }

  fakes::TemporaryDirectory directory_;
  UniqueFd socket_;
};

TEST_F(Notify, TellsWhatItIsTold) {
  system::Notify notify;
  notify.ready("3 children");
  EXPECT_EQ(heard(), "READY=1\nSTATUS=3 children");
  notify.status("disk full\nWATCHDOG=trigger");
  EXPECT_EQ(heard(), "STATUS=disk full?WATCHDOG=trigger");
  notify.extend_timeout(std::chrono::seconds{90});
  EXPECT_EQ(heard(), "EXTEND_TIMEOUT_USEC=90000000");
  notify.reloading();
  EXPECT_THAT(heard(), ::testing::MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
  notify.stopping();
  EXPECT_EQ(heard(), "STOPPING=1");
  EXPECT_EQ(heard(), "");
}

TEST_F(Notify, IsSilentWithoutASocket) {
  ::unsetenv("NOTIFY_SOCKET");
  system::Notify notify;
  notify.ready("");
  EXPECT_EQ(heard(), "");
  EXPECT_FALSE(notify.watchdog_interval());
}

TEST_F(Notify, PingsTwiceInEachWatchdogInterval) {
  ::setenv("WATCHDOG_USEC", "60000000", 1);
  system::Notify notify;
  EXPECT_EQ(notify.watchdog_interval(), Duration{60'000});
  fakes::VirtualClock clock;
  boost::asio::io_context loop;
  boost::asio::cancellation_signal stop;
  std::optional<Error> ended;
  auto keep = [&](std::exception_ptr, Result<void> result) { ended = result.error(); };
  boost::asio::co_spawn(loop, notify.keep_alive(clock), boost::asio::bind_cancellation_slot(stop.slot(), keep));
  clock.advance(loop, std::chrono::seconds{61});
  for (int ping = 0; ping < 3; ++ping) EXPECT_EQ(heard(), "WATCHDOG=1") << ping;
  EXPECT_EQ(heard(), "");
  stop.emit(boost::asio::cancellation_type::terminal);
  clock.run_until_idle(loop);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, Errc::cancelled);
}

TEST_F(Notify, DoesNotPingForAnotherProcess) {
  ::setenv("WATCHDOG_USEC", "60000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(system::Notify().watchdog_interval());
}

TEST(SteadyClock, IsNeverBeforeItsFloor) {
  const Instant far = std::chrono::sys_days{std::chrono::year{2199} / 1 / 1};
  EXPECT_EQ(system::SteadyClock(far).now(), far);
  EXPECT_LT(system::SteadyClock(Instant{}).now(), far);
  EXPECT_GT(system::SteadyClock(Instant{}).now(), Instant{});
}

TEST(MachineId, IsNotTheMachinesOwn) {
  const auto one = system::gateway_id();
  if (!one) GTEST_SKIP() << one.error().message;
  EXPECT_EQ(one->size(), 32U);
  EXPECT_EQ(*one, system::gateway_id().value());
}

}  // namespace
}  // namespace hg
