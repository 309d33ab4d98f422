// SPDX-License-Identifier: Apache-2.0
// The face on a real dbus-daemon of the test's own, with a scripted gateway behind it and a client before it.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <vector>

#include "adapters/bus/private_bus.hpp"
#include "adapters/dbus/face.hpp"
#include "adapters/dbus/paths.hpp"
#include "fakes/recording_journal.hpp"
#include "fakes/scripted_control.hpp"
#include "fakes/virtual_clock.hpp"

namespace hg::bus::test {

inline const std::string kNewId(64, 'd');

inline boost::asio::awaitable<void> start_face(Face& face, std::optional<Result<void>>& outcome) {
  outcome = co_await face.start();
}

class FaceOnBus : public testing::Test {
 protected:
  Result<void> start(Face& face) {
    std::optional<Result<void>> outcome;
    boost::asio::co_spawn(loop_, start_face(face, outcome), boost::asio::detached);
    EXPECT_TRUE(eventually(loop_, [&] { return outcome.has_value(); }));
    return outcome.value();
  }

  // What a test wants to be there from the beginning comes before this.
  void open() {
    control_.watcher = &face_;
    ASSERT_TRUE(start(face_)) << start(face_).error().message;
    client_.listen();
    sync();
  }

  // Everything that the face sent before this has come to the client.
  void sync() { client_.call(kManagerPath, "org.freedesktop.DBus.Peer", "Ping"); }

  void advance(Duration duration) {
    clock_.advance(loop_, duration);
    sync();
  }

  Answer start_rollout(const ObjectPath& deliverable, const std::vector<ObjectPath>& children,
                       const char* option = {}) {
    const auto fill = [&](sd_bus_message* call) {
      append(call, deliverable);
      append(call, children);
      return option == nullptr ? append(call, Dictionary{}) : append(call, Dictionary{{option, true}});
    };
    return client_.call(kManagerPath, kManagerInterface, "StartRollout", fill);
  }

  Answer cancel(core::Epoch epoch) {
    const auto fill = [](sd_bus_message* call) { return append(call, Dictionary{}); };
    return client_.call(job_path(epoch).text, kJobInterface, "Cancel", fill);
  }

  Answer fetch(const std::string& url) {
    const auto fill = [&](sd_bus_message* call) {
      append(call, url);
      return append(call, Dictionary{});
    };
    return client_.call(kManagerPath, kManagerInterface, "Fetch", fill);
  }

  // A child "a" in an update that transfers, with job and rollout 1.
  void begin_update() {
    control_.enroll("a");
    control_.seal(kNewId);
    open();
    ASSERT_TRUE(start_rollout(new_path_, {child_path("a")}).reply);
    control_.move("a", core::Phase::transferring);
    sync();
    client_.signals.clear();
  }

  PrivateBus bus_;
  fakes::VirtualClock clock_;
  fakes::RecordingJournal journal_;
  fakes::ScriptedControl control_{clock_};
  boost::asio::io_context loop_{1};  // goes before what its coroutines use
  Face face_{loop_.get_executor(), bus_.address(), control_, clock_, journal_, "0.1.0"};
  Client client_{loop_, bus_.address()};
  const ObjectPath new_path_{std::string{kDeliverablesPath} + '/' + kNewId.substr(0, 24)};
};

}  // namespace hg::bus::test
