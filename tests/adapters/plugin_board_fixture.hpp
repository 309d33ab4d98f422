// SPDX-License-Identifier: Apache-2.0
// A PluginBoard on a socket of its own, and a plugin for it that the test plays by hand.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <cstring>

#include "adapters/transport/plugin_board.hpp"
#include "plugins/loop.hpp"
#include "wire/channel.hpp"
#include "wire/codec.hpp"
#include "wire/limits.hpp"

namespace hg::transport {

namespace asio = boost::asio;
using namespace std::chrono_literals;

inline Digest digest_of(std::uint8_t fill) {
  return *Digest::from_bytes(Bytes(32, fill));
}

inline core::Enrollment boiler() {
  core::Enrollment child;
  child.id = "boiler";
  child.transport = "serial";
  child.address = "/dev/ttyS0";
  child.profile = "mcuboot-swap";
  return child;
}

inline int connect_to(const std::filesystem::path& path) {
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return -1;
  }
  return fd;
}

class PluginBoardTest : public testing::Test {
 protected:
  PluginBoardTest() { open(::getuid()); }
  ~PluginBoardTest() override {
    board_.reset();
    loop_.settle();
  }

  void open(uid_t bound_uid) {
    BoardSettings settings;
    settings.socket = directory_.path / "plugins.sock";
    settings.bindings = {{"serial", bound_uid}, {"ble", bound_uid + 1}};
    settings.software = "headgated test";
    board_ = std::make_unique<PluginBoard>(loop_.io.get_executor(), clock_, journal_, settings);
    board_->listen([this](core::LinkChanged change) { links_.push_back(std::move(change)); });
    board_->set_profiles({{"mcuboot-swap",
                           {{"serial", {{"baud", std::int64_t{115200}}, {"quirk", true}}},
                            {"ble", {{"not for", std::string("this plugin")}}}}}});
    const std::vector<core::Enrollment> children{boiler()};
    board_->enroll(children);
    const auto started = board_->start();
    ASSERT_TRUE(started) << started.error().message;
  }

  std::shared_ptr<wire::Channel> guest() {
    auto channel = wire::Channel::open(loop_.io.get_executor(), UniqueFd(connect_to(socket_path())));
    return channel ? *channel : nullptr;
  }

  wire::Channel::Arrival next(const std::shared_ptr<wire::Channel>& channel) {
    auto arrival = loop_.wait(channel->receive());
    if (!arrival) throw std::runtime_error(arrival.error().message);
    return std::move(*arrival);
  }
  template <class F>
  F next_as(const std::shared_ptr<wire::Channel>& channel) {
    return std::get<F>(next(channel).frame);
  }
  Error end_of(const std::shared_ptr<wire::Channel>& channel) { return loop_.wait(channel->receive()).error(); }

  /// A plugin that has been let in and whose child is up.
  std::shared_ptr<wire::Channel> plugin(std::uint64_t capabilities = 0) {
    auto channel = guest();
    EXPECT_TRUE(channel->send(wire::Hello{1, 3, "serial", capabilities, "test plugin"}));
    EXPECT_EQ(next_as<wire::Welcome>(channel), (wire::Welcome{1, "headgated test"}));
    EXPECT_EQ(next_as<wire::Enroll>(channel),
              (wire::Enroll{"boiler", "/dev/ttyS0", {{"baud", std::int64_t{115200}}, {"quirk", true}}}));
    links_.clear();
    EXPECT_TRUE(channel->send(wire::Link{"boiler", true, ""}));
    loop_.until([this] { return !links_.empty(); });
    return channel;
  }

  void perform(core::Step step, UniqueFd image = {}, core::Enrollment child = boiler()) {
    answer_.reset();
    const auto note = [this](std::uint64_t done, std::uint64_t) { progress_.push_back(done); };
    const auto done = [this](const std::exception_ptr&, ports::Transport::Outcome outcome) {
      answer_ = std::move(outcome.answer);
      saved_ = std::move(outcome.saved);
    };
    asio::co_spawn(loop_.io, board_->perform(std::move(child), std::move(step), 7, std::move(image), note),
                   asio::bind_cancellation_slot(stop_.slot(), done));
  }
  core::StepAnswer answer() {
    loop_.until([this] { return answer_.has_value(); });
    return *answer_;
  }
  Errc failure() { return std::get<core::StepFailed>(answer()).error.code; }

  core::Deliver deliver() const { return {digest_of(1), 1000, 0, digest_of(2), core::Staging::aside}; }
  UniqueFd image() const { return UniqueFd(::memfd_create("image", MFD_CLOEXEC)); }
  std::filesystem::path socket_path() const { return directory_.path / "plugins.sock"; }

  test::Directory directory_;
  test::Loop loop_;
  test::StillClock clock_{loop_.io};
  test::RememberingJournal journal_;
  std::vector<core::LinkChanged> links_;
  std::vector<std::uint64_t> progress_;
  asio::cancellation_signal stop_;
  std::optional<core::StepAnswer> answer_;
  Bytes saved_;
  std::unique_ptr<PluginBoard> board_;
};

}  // namespace hg::transport
