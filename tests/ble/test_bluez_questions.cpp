// SPDX-License-Identifier: Apache-2.0
// What bluetoothd is asked: with which words, what comes of each of its errors and of its silence, and what is called
// off when nobody waits for it any more.
#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "ble/bluez_on_bus.hpp"

namespace hg::ble::test {
namespace {

const std::string kService = kBoiler + "/service0010";
const std::string kSmp = kService + "/char0011";
constexpr const char* kFailed = "org.bluez.Error.Failed";

class BluezQuestions : public BluezOnBus {
 protected:
  BluezQuestions() { begin_there(); }

  void begin_there() {
    begin();
    bluetoothd->calls.clear();
  }

  void change(const Properties& properties) { bluetoothd->change(kBoiler, kDevice, properties); }
  void connect_device() {
    change({{"Connected", true}, {"ServicesResolved", true}});
    ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().device(kBoiler)->services_resolved; }));
  }
  bool was_asked(const std::string& call) {
    return eventually(loop, [&] { return bluetoothd->count(call) > 0; });
  }
  /// bluetoothd does as it is asked, and says so before it answers.
  void obey_connect() {
    bluetoothd->heard["Connect"] = [this](sd_bus_message*) {
      change({{"Connected", true}});
      change({{"ServicesResolved", true}});
    };
  }
};

/// Every error that bluetoothd has, for every question.
struct Trouble {
  const char* name;
  const char* text;
  Errc code;
};
constexpr Trouble kTroubles[] = {
    {"org.bluez.Error.NotReady", "Resource Not Ready", Errc::unavailable},
    {"org.bluez.Error.NotAvailable", "Operation currently not available", Errc::unavailable},
    {"org.bluez.Error.NotSupported", "Operation is not supported", Errc::unsupported},
    {"org.bluez.Error.NotPermitted", "Not paired", Errc::denied},
    {"org.bluez.Error.NotAuthorized", "Operation Not Authorized", Errc::denied},
    {"org.bluez.Error.InvalidArguments", "Invalid arguments in method call", Errc::invalid},
    {"org.bluez.Error.AuthenticationFailed", "Authentication Failed", Errc::unauthenticated},
    {"org.bluez.Error.AuthenticationTimeout", "Authentication Timeout", Errc::timed_out},
    {"org.bluez.Error.DoesNotExist", "Does Not Exist", Errc::not_found},
    {"org.freedesktop.DBus.Error.UnknownObject", "Method \"X\" doesn't exist", Errc::not_found},
    {"org.bluez.Error.InProgress", "In Progress", Errc::busy},
    {"org.bluez.Error.NotConnected", "Not Connected", Errc::io},
    {kFailed, "le-connection-abort-by-local", Errc::io},
    {kFailed, "Operation failed with ATT error: 0x0e", Errc::io},
    {kFailed, "Operation failed with ATT error: 0x05", Errc::denied},
};

// ------------------------------------------------------------------------------------------------------- discovery

TEST_F(BluezQuestions, DiscoverWithAFilterOfOurOwn) {
  std::string filter;
  bluetoothd->heard["SetDiscoveryFilter"] = [&](sd_bus_message* call) { filter = bus::test::to_text(call); };
  ASSERT_TRUE(run(bluez->start_discovery(kHci0, std::string(kSmpService), in(5s))));
  const std::vector<std::string> expected = {"SetDiscoveryFilter " + kHci0, "StartDiscovery " + kHci0};
  EXPECT_EQ(bluetoothd->calls, expected);
  EXPECT_EQ(filter, "[UUIDs [" + std::string(kSmpService) + "] Transport le DuplicateData 1]");
  ASSERT_TRUE(run(bluez->stop_discovery(kHci0, in(5s))));
  EXPECT_EQ(bluetoothd->calls.back(), "StopDiscovery " + kHci0);
  EXPECT_FALSE(bluetoothd->may_start);
}

TEST_F(BluezQuestions, TakeADiscoveryThatRunsForWhatWasAsked) {
  bluetoothd->errors["StartDiscovery"] = {"org.bluez.Error.InProgress", "Operation already in progress"};
  EXPECT_TRUE(run(bluez->start_discovery(kHci0, std::string(kSmpService), in(5s))));
  for (const char* text : {"No discovery started", ""}) {
    bluetoothd->errors["StopDiscovery"] = {kFailed, text};
    EXPECT_TRUE(run(bluez->stop_discovery(kHci0, in(5s))));
  }
}

TEST_F(BluezQuestions, TellEachErrorOfADiscovery) {
  for (const Trouble& trouble : kTroubles) {
    for (const char* member : {"SetDiscoveryFilter", "StartDiscovery"}) {
      bluetoothd->errors = {{member, {trouble.name, trouble.text}}};
      const auto started = run(bluez->start_discovery(kHci0, std::string(kSmpService), in(5s)));
      if (trouble.code == Errc::busy && std::string(member) == "StartDiscovery") continue;
      ASSERT_FALSE(started) << member << " " << trouble.name;
      EXPECT_EQ(started.error().code, trouble.code) << member << " " << trouble.name;
      EXPECT_NE(started.error().message.find(trouble.name), std::string::npos);
    }
  }
}

TEST_F(BluezQuestions, EndADiscoveryThatMayStartTooLate) {
  bluetoothd->silent["StartDiscovery"] = true;
  const auto late = run(bluez->start_discovery(kHci0, std::string(kSmpService), in(1s)));
  EXPECT_EQ(late.error().code, Errc::timed_out);
  EXPECT_TRUE(was_asked("StopDiscovery " + kHci0));
}

TEST_F(BluezQuestions, ForgetADevice) {
  std::string forgotten;
  bluetoothd->heard["RemoveDevice"] = [&](sd_bus_message* call) { forgotten = bus::test::to_text(call); };
  ASSERT_TRUE(run(bluez->remove_device(kHci0, kBoiler, in(5s))));
  EXPECT_EQ(forgotten, kBoiler);
  bluetoothd->errors["RemoveDevice"] = {"org.bluez.Error.DoesNotExist", "Does Not Exist"};
  EXPECT_TRUE(run(bluez->remove_device(kHci0, kBoiler, in(5s))));
  bluetoothd->errors["RemoveDevice"] = {"org.bluez.Error.NotReady", "Resource Not Ready"};
  EXPECT_EQ(run(bluez->remove_device(kHci0, kBoiler, in(5s))).error().code, Errc::unavailable);
}

// ----------------------------------------------------------------------------------------------------- connections

TEST_F(BluezQuestions, ConnectUntilTheServicesAreKnown) {
  const auto connected = begin(bluez->connect(kBoiler, in(10s)));
  ASSERT_TRUE(was_asked("Connect " + kBoiler));
  change({{"Connected", true}, {"RSSI", std::int64_t{-60}}});
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().device(kBoiler)->heard == 1; }));
  EXPECT_FALSE(connected->has_value());
  change({{"ServicesResolved", true}});
  EXPECT_TRUE(end(connected));
  EXPECT_EQ(bluetoothd->count("Disconnect " + kBoiler), 0U);
}

TEST_F(BluezQuestions, AskNothingOfADeviceThatIsConnected) {
  connect_device();
  EXPECT_TRUE(run(bluez->connect(kBoiler, in(5s))));
  EXPECT_TRUE(bluetoothd->calls.empty());
  bluetoothd->remove(kBoiler, {kDevice});
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().devices().empty(); }));
  EXPECT_EQ(run(bluez->connect(kBoiler, in(5s))).error().code, Errc::not_found);
  EXPECT_TRUE(run(bluez->disconnect(kBoiler, in(5s))));
  EXPECT_TRUE(bluetoothd->calls.empty());
}

TEST_F(BluezQuestions, TakeADeviceThatIsConnectedAlready) {
  for (const auto& [name, text] : {std::pair{"org.bluez.Error.AlreadyConnected", "Already Connected"},
                                   std::pair{kFailed, "le-connection-already-connected"}}) {
    change({{"Connected", false}, {"ServicesResolved", false}});
    ASSERT_TRUE(eventually(loop, [&] { return !bluez->objects().device(kBoiler)->connected; }));
    obey_connect();
    bluetoothd->errors["Connect"] = {name, text};
    EXPECT_TRUE(run(bluez->connect(kBoiler, in(5s)))) << text;
  }
}

TEST_F(BluezQuestions, WaitForSomebodyElsesAttempt) {
  bluetoothd->errors["Connect"] = {"org.bluez.Error.InProgress", "In Progress"};
  const auto connected = begin(bluez->connect(kBoiler, in(10s)));
  ASSERT_TRUE(was_asked("Connect " + kBoiler));
  bluetoothd->errors.clear();
  change({{"Connected", true}, {"ServicesResolved", true}});
  EXPECT_TRUE(end(connected));
  EXPECT_EQ(bluetoothd->count("Connect " + kBoiler), 2U);
}

TEST_F(BluezQuestions, AskAgainWhenSomebodyElsesAttemptFailed) {
  bluetoothd->errors["Connect"] = {"org.bluez.Error.InProgress", "In Progress"};
  const auto connected = begin(bluez->connect(kBoiler, in(10s)));
  ASSERT_TRUE(was_asked("Connect " + kBoiler));
  obey_connect();
  bluetoothd->errors.clear();
  EXPECT_TRUE(end(connected));
}

TEST_F(BluezQuestions, TellEachErrorOfAConnectionAndLeaveNone) {
  for (const Trouble& trouble : kTroubles) {
    if (trouble.code == Errc::busy) continue;
    bluetoothd->calls.clear();
    bluetoothd->errors = {{"Connect", {trouble.name, trouble.text}}};
    const auto connected = run(bluez->connect(kBoiler, in(5s)));
    ASSERT_FALSE(connected) << trouble.name;
    EXPECT_EQ(connected.error().code, trouble.code) << trouble.name;
    EXPECT_TRUE(connected.error().message.starts_with("connect to C0:FF:EE:00:11:22: ")) << connected.error().message;
    EXPECT_TRUE(was_asked("Disconnect " + kBoiler)) << trouble.name;
  }
  bluetoothd->errors = {{"Connect", {"org.bluez.Error.InProgress", "In Progress"}}};
  EXPECT_EQ(run(bluez->connect(kBoiler, in(1s))).error().code, Errc::busy);
}

TEST_F(BluezQuestions, GiveUpAtTheDeadlineAndLeaveNoAttempt) {
  bluetoothd->silent["Connect"] = true;
  EXPECT_EQ(run(bluez->connect(kBoiler, in(100ms))).error().code, Errc::timed_out);
  EXPECT_TRUE(was_asked("Disconnect " + kBoiler));
  // Connected, but its services are never known.
  bluetoothd->silent.clear();
  bluetoothd->calls.clear();
  change({{"Connected", true}});
  const auto half = run(bluez->connect(kBoiler, in(1s)));
  EXPECT_EQ(half.error().code, Errc::timed_out);
  EXPECT_NE(half.error().message.find("its services are not resolved"), std::string::npos) << half.error().message;
  EXPECT_TRUE(was_asked("Disconnect " + kBoiler));
}

TEST_F(BluezQuestions, AskNothingAfterTheDeadline) {
  EXPECT_EQ(run(bluez->connect(kBoiler, in(-1s))).error().code, Errc::timed_out);
  EXPECT_EQ(run(bluez->start_discovery(kHci0, "x", in(0s))).error().code, Errc::timed_out);
  ASSERT_TRUE(run(bluez->stop_discovery(kHci0, SteadyTime::max())));
  EXPECT_EQ(bluetoothd->count("Connect " + kBoiler), 0U);
  EXPECT_EQ(bluetoothd->count("SetDiscoveryFilter " + kHci0), 0U);
}

TEST_F(BluezQuestions, AskNothingOfAnAdapterThatIsOff) {
  bluetoothd->change(kHci0, kAdapter, {{"Powered", false}});
  ASSERT_TRUE(eventually(loop, [&] { return !bluez->objects().adapter(kHci0)->powered; }));
  EXPECT_EQ(run(bluez->connect(kBoiler, in(5s))).error().code, Errc::unavailable);
  EXPECT_TRUE(bluetoothd->calls.empty());
}

TEST_F(BluezQuestions, NoticeALinkThatBreaksBeforeTheServicesAreKnown) {
  const auto connected = begin(bluez->connect(kBoiler, in(10s)));
  ASSERT_TRUE(was_asked("Connect " + kBoiler));
  change({{"Connected", true}});
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().device(kBoiler)->connected; }));
  change({{"Connected", false}});
  EXPECT_EQ(end(connected).error().code, Errc::io);

  const auto removed = begin(bluez->connect(kBoiler, in(10s)));
  bluetoothd->remove(kBoiler, {kDevice});
  EXPECT_EQ(end(removed).error().code, Errc::not_found);
}

TEST_F(BluezQuestions, LeaveNoConnectionWhenTheyAreCancelled) {
  bluetoothd->silent["Connect"] = true;
  asio::cancellation_signal cancel;
  std::optional<Result<void>> ended;
  const auto keep = [&](const std::exception_ptr&, Result<void> result) { ended = std::move(result); };
  asio::co_spawn(loop, bluez->connect(kBoiler, in(10s)), asio::bind_cancellation_slot(cancel.slot(), keep));
  ASSERT_TRUE(was_asked("Connect " + kBoiler));
  cancel.emit(asio::cancellation_type::terminal);
  ASSERT_TRUE(was_asked("Disconnect " + kBoiler));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->error().code, Errc::cancelled);
}

TEST_F(BluezQuestions, DisconnectUntilItIsOff) {
  connect_device();
  const auto off = begin(bluez->disconnect(kBoiler, in(10s)));
  ASSERT_TRUE(was_asked("Disconnect " + kBoiler));
  change({{"ServicesResolved", false}});
  ASSERT_TRUE(eventually(loop, [&] { return !bluez->objects().device(kBoiler)->services_resolved; }));
  EXPECT_FALSE(off->has_value());
  change({{"Connected", false}});
  EXPECT_TRUE(end(off));
}

/// bluetoothd 5.66 loses a Connect() that comes in the 50 ms after the end of the last connection.
TEST_F(BluezQuestions, DisconnectUntilItMayBeConnectedAgain) {
  connect_device();
  bluetoothd->heard["Disconnect"] = [this](sd_bus_message*) { change({{"Connected", false}}); };
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(run(bluez->disconnect(kBoiler, in(10s))));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 200ms);
}

TEST_F(BluezQuestions, TellWhenItStaysConnected) {
  connect_device();
  EXPECT_EQ(run(bluez->disconnect(kBoiler, in(100ms))).error().code, Errc::timed_out);
  bluetoothd->errors["Disconnect"] = {"org.bluez.Error.NotReady", "Resource Not Ready"};
  EXPECT_EQ(run(bluez->disconnect(kBoiler, in(5s))).error().code, Errc::unavailable);
  bluetoothd->errors["Disconnect"] = {"org.bluez.Error.NotConnected", "Not Connected"};
  bluetoothd->heard["Disconnect"] = [this](sd_bus_message*) { change({{"Connected", false}}); };
  EXPECT_TRUE(run(bluez->disconnect(kBoiler, in(5s))));
}

// ---------------------------------------------------------------------------------------------------------- values

class BluezValues : public BluezQuestions {
 protected:
  BluezValues() {
    connect_device();
    bluetoothd->add(kService, {{"org.bluez.GattService1", {{"UUID", std::string(kSmpService)}}}});
    bluetoothd->add(kSmp, {{"org.bluez.GattCharacteristic1",
                            {{"UUID", std::string(kSmpCharacteristic)},
                             {"Service", kService},
                             {"Flags", std::vector<std::string>{"notify", "write-without-response"}},
                             {"MTU", std::int64_t{247}}}}});
    EXPECT_TRUE(eventually(loop, [&] { return bluez->objects().smp_characteristic(kBoiler).has_value(); }));
  }

  /// AcquireWrite and AcquireNotify give one end of a socket away, a blocking one; the other is kept.
  void give_sockets() {
    const auto give = [this](sd_bus_message* answer) {
      int ends[2] = {-1, -1};
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
      kept = UniqueFd(ends[0]);
      const UniqueFd given(ends[1]);
      return sd_bus_message_append(answer, "hq", given.get(), 247);
    };
    bluetoothd->answers["AcquireWrite"] = give;
    bluetoothd->answers["AcquireNotify"] = give;
  }
  /// Whether the other end is closed everywhere.
  [[nodiscard]] bool is_dropped() const {
    char byte = 0;
    return ::recv(kept.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }

  UniqueFd kept;
};

TEST_F(BluezValues, AreReadPastTheBus) {
  EXPECT_EQ(bluez->objects().smp_characteristic(kBoiler)->mtu, 247);
  give_sockets();
  const auto write = run(bluez->acquire_write(kSmp, in(5s)));
  ASSERT_TRUE(write) << write.error().message;
  EXPECT_EQ(write->mtu, 247);
  EXPECT_NE(::fcntl(write->socket.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(write->socket.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(::send(write->socket.get(), "abc", 3, 0), 3);
  char bytes[8];
  EXPECT_EQ(::recv(kept.get(), bytes, sizeof bytes, MSG_DONTWAIT), 3);
  const auto notify = run(bluez->acquire_notify(kSmp, in(5s)));
  ASSERT_TRUE(notify) << notify.error().message;
  EXPECT_EQ(::send(kept.get(), "abcd", 4, 0), 4);
  EXPECT_EQ(::recv(notify->socket.get(), bytes, sizeof bytes, 0), 4);
}

TEST_F(BluezValues, TellEachError) {
  for (const Trouble& trouble : kTroubles) {
    for (const char* member : {"AcquireWrite", "AcquireNotify", "WriteValue", "ReadValue", "StartNotify"}) {
      bluetoothd->errors[member] = {trouble.name, trouble.text};
    }
    EXPECT_EQ(run(bluez->acquire_write(kSmp, in(5s))).error().code, trouble.code) << trouble.name;
    EXPECT_EQ(run(bluez->acquire_notify(kSmp, in(5s))).error().code, trouble.code) << trouble.name;
    EXPECT_EQ(run(bluez->write_value(kSmp, {1}, in(5s))).error().code, trouble.code) << trouble.name;
    EXPECT_EQ(run(bluez->read_value(kSmp, in(5s))).error().code, trouble.code) << trouble.name;
    EXPECT_EQ(run(bluez->start_notify(
                      kSmp, [](ByteView) {}, in(5s)))
                  .error()
                  .code,
              trouble.code)
        << trouble.name;
  }
  bluetoothd->errors["AcquireNotify"] = {"org.bluez.Error.NotPermitted", "Notify acquired"};
  EXPECT_EQ(run(bluez->acquire_notify(kSmp, in(5s))).error().code, Errc::busy);
}

TEST_F(BluezValues, RefuseAnAnswerWithoutADescriptor) {
  EXPECT_FALSE(run(bluez->acquire_write(kSmp, in(5s))));
  bluetoothd->answers["AcquireWrite"] = [](sd_bus_message* answer) { return sd_bus_message_append(answer, "h", 0); };
  EXPECT_FALSE(run(bluez->acquire_write(kSmp, in(5s))));
  bluetoothd->answers["ReadValue"] = [](sd_bus_message* answer) {
    const Bytes longer(600);
    return sd_bus_message_append_array(answer, 'y', longer.data(), longer.size());
  };
  EXPECT_EQ(run(bluez->read_value(kSmp, in(5s))).error().code, Errc::too_large);
}

TEST_F(BluezValues, EndWithTheConnection) {
  give_sockets();
  bluetoothd->silent["AcquireNotify"] = true;
  const auto notify = begin(bluez->acquire_notify(kSmp, in(10s)));
  ASSERT_TRUE(was_asked("AcquireNotify " + kSmp));
  change({{"Connected", false}});
  EXPECT_EQ(end(notify).error().code, Errc::io);
  // The answer that comes all the same is nobody's.
  bluetoothd->answer_now();
  EXPECT_TRUE(eventually(loop, [&] { return is_dropped(); }));
}

TEST_F(BluezValues, TellARefusalThatClosedTheLinkFirst) {
  bluetoothd->silent["StartNotify"] = true;
  const auto started = begin(bluez->start_notify(
      kSmp, [](ByteView) {}, in(10s)));
  ASSERT_TRUE(was_asked("StartNotify " + kSmp));
  change({{"Connected", false}});
  ASSERT_TRUE(eventually(loop, [&] { return !bluez->objects().device(kBoiler)->connected; }));
  loop.restart();
  loop.poll();
  EXPECT_FALSE(started->has_value());
  bluetoothd->errors["StartNotify"] = {kFailed, "Operation failed with ATT error: 0x0e"};
  bluetoothd->answer_now();
  const auto refused = end(started);
  EXPECT_NE(refused.error().message.find("ATT error: 0x0e"), std::string::npos) << refused.error().message;
}

TEST_F(BluezValues, EndAtTheDeadline) {
  give_sockets();
  bluetoothd->silent["AcquireWrite"] = true;
  EXPECT_EQ(run(bluez->acquire_write(kSmp, in(500ms))).error().code, Errc::timed_out);
  ASSERT_TRUE(was_asked("AcquireWrite " + kSmp));
  bluetoothd->answer_now();
  EXPECT_TRUE(eventually(loop, [&] { return is_dropped(); }));
}

TEST_F(BluezValues, EndWhenBluetoothdGoes) {
  for (const char* member : {"AcquireNotify", "WriteValue", "ReadValue", "StartNotify"}) {
    bluetoothd->silent[member] = true;
  }
  const auto notify = begin(bluez->acquire_notify(kSmp, in(10s)));
  const auto written = begin(bluez->write_value(kSmp, {1, 2, 3}, in(10s)));
  const auto read = begin(bluez->read_value(kSmp, in(10s)));
  const auto started = begin(bluez->start_notify(
      kSmp, [](ByteView) {}, in(10s)));
  ASSERT_TRUE(was_asked("StartNotify " + kSmp));
  bluetoothd->crash();
  EXPECT_EQ(end(notify).error().code, Errc::unavailable);
  EXPECT_EQ(end(written).error().code, Errc::unavailable);
  EXPECT_EQ(end(read).error().code, Errc::unavailable);
  EXPECT_EQ(end(started).error().code, Errc::unavailable);
}

TEST_F(BluezValues, AreWrittenWithoutAResponse) {
  std::string written;
  bluetoothd->heard["WriteValue"] = [&](sd_bus_message* call) { written = bus::test::to_text(call); };
  ASSERT_TRUE(run(bluez->write_value(kSmp, {1, 2}, in(5s))));
  EXPECT_EQ(written, "[1 2] [type command]");
  bluetoothd->answers["ReadValue"] = [](sd_bus_message* answer) {
    return sd_bus_message_append(answer, "ay", 3, 7, 8, 9);
  };
  EXPECT_EQ(run(bluez->read_value(kSmp, in(5s))).value(), (Bytes{7, 8, 9}));
}

TEST_F(BluezValues, AreNotified) {
  std::vector<Bytes> arrived;
  const auto keep = [&](ByteView value) { arrived.emplace_back(value.begin(), value.end()); };
  ASSERT_TRUE(run(bluez->start_notify(kSmp, keep, in(5s))));
  bluetoothd->notify(kService + "/char0014", {9});
  bluetoothd->notify(kSmp, {1, 2, 3});
  bluetoothd->notify(kSmp, {});
  bluetoothd->notify(kSmp, Bytes(513));  // no attribute is so long
  bluetoothd->notify(kSmp, {1, 2, 3});
  ASSERT_TRUE(eventually(loop, [&] { return arrived.size() == 3; }));
  EXPECT_EQ(arrived, (std::vector<Bytes>{{1, 2, 3}, {}, {1, 2, 3}}));
  bluez->stop_notify(kSmp);
  bluetoothd->notify(kSmp, {4});
  EXPECT_TRUE(was_asked("StopNotify " + kSmp));
  bluez->stop_notify(kSmp);
  EXPECT_EQ(arrived.size(), 3U);
  // One that runs already is ours.
  bluetoothd->errors["StartNotify"] = {kFailed, "Already notifying"};
  EXPECT_TRUE(run(bluez->start_notify(kSmp, keep, in(5s))));
}

TEST_F(BluezValues, AreNotNotifiedBeyondTheConnection) {
  int arrived = 0;
  ASSERT_TRUE(run(bluez->start_notify(
      kSmp, [&](ByteView) { ++arrived; }, in(5s))));
  change({{"Connected", false}});
  EXPECT_TRUE(was_asked("StopNotify " + kSmp));
  connect_device();
  bluetoothd->notify(kSmp, {1});
  change({{"RSSI", std::int64_t{-60}}});
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().device(kBoiler)->heard == 1; }));
  EXPECT_EQ(arrived, 0);
}

TEST_F(BluezValues, MayBeStoppedByWhoIsNotified) {
  int arrived = 0;
  const auto stop = [&](ByteView) {
    ++arrived;
    bluez->stop_notify(kSmp);
  };
  ASSERT_TRUE(run(bluez->start_notify(kSmp, stop, in(5s))));
  bluetoothd->notify(kSmp, {1});
  bluetoothd->notify(kSmp, {1});
  EXPECT_TRUE(was_asked("StopNotify " + kSmp));
  EXPECT_EQ(arrived, 1);
}

}  // namespace
}  // namespace hg::ble::test
