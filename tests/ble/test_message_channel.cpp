// SPDX-License-Identifier: Apache-2.0
// The channel over bluetoothd's messages, against a bluetoothd that says what the test tells it to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "ble/message_channel.hpp"
#include "ble/scripted_bluez.hpp"

namespace hg::ble::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using bus::test::eventually;
using testing::ElementsAre;

const std::string kHci0 = "/org/bluez/hci0";
const std::string kChild = kHci0 + "/dev_C0_FF_EE_00_11_22";
const std::string kService = kChild + "/service000a";
const std::string kCharacteristic = kService + "/char000b";
constexpr const char* kDevice = "org.bluez.Device1";

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<std::uint8_t>(at * 7 + at / 256);
  return bytes;
}

class MessageChannelTest : public testing::Test {
 protected:
  MessageChannelTest() {
    auto& objects = bluetoothd_.objects;
    objects[kHci0] = {{"org.bluez.Adapter1", {{"Address", "00:AA:01:00:00:00"}, {"Powered", true}}}};
    objects[kChild] = {{kDevice, {{"Address", "C0:FF:EE:00:11:22"}, {"Adapter", kHci0}, {"Connected", true}}}};
    objects[kService] = {{"org.bluez.GattService1", {{"UUID", std::string(kSmpService)}, {"Device", kChild}}}};
    objects[kCharacteristic] = {
        {"org.bluez.GattCharacteristic1", {{"UUID", std::string(kSmpCharacteristic)}, {"Service", kService}}}};
    bluetoothd_.heard["WriteValue"] = [this](sd_bus_message* call) { write_down(call); };
    bluetoothd_.claim();
    bluez_->start();
    EXPECT_TRUE(eventually(loop_, [&] { return bluez_->is_there(); }));
  }
  ~MessageChannelTest() override { bluez_->close(); }

  void write_down(sd_bus_message* call) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    ASSERT_GE(sd_bus_message_read_array(call, 'y', &bytes, &size), 0);
    const auto* first = static_cast<const std::uint8_t*>(bytes);
    written_.emplace_back(first, first + size);
    const char* type = nullptr;
    const char* key = nullptr;
    ASSERT_GE(sd_bus_message_read(call, "a{sv}", 1, &key, "s", &type), 0);
    ASSERT_STREQ(key, "type");
    type_ = type;
  }

  template <class T>
  Result<T> run(asio::awaitable<Result<T>> task) {
    std::optional<Result<T>> ended;
    const auto keep = [&](const std::exception_ptr&, Result<T> result) { ended = std::move(result); };
    asio::co_spawn(loop_, std::move(task), keep);
    if (!eventually(loop_, [&] { return ended.has_value(); })) return Error{Errc::internal, "the test waited too long"};
    return std::move(*ended);
  }
  static SteadyTime soon() { return std::chrono::steady_clock::now() + 10s; }

  Result<void> open(std::uint16_t mtu = 247) {
    auto opened = run(open_message_channel(loop_.get_executor(), bluez_, kCharacteristic, mtu, soon()));
    if (!opened) return opened.error();
    channel_ = std::move(*opened);
    return {};
  }
  Result<void> write(const Bytes& packet) { return run(channel_->write(packet, soon())); }
  Result<Bytes> receive() { return run(channel_->receive()); }
  [[nodiscard]] std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> sizes;
    for (const Bytes& value : written_) sizes.push_back(value.size());
    return sizes;
  }

  bus::test::PrivateBus private_bus_;
  asio::io_context loop_;
  ScriptedBluez bluetoothd_{loop_, private_bus_.address()};
  std::shared_ptr<Bluez> bluez_ =
      std::make_shared<Bluez>(loop_.get_executor(), private_bus_.address(), [](std::string_view) {});
  std::shared_ptr<Channel> channel_;
  std::vector<Bytes> written_;
  std::string type_;  // of the write that came last
};

TEST_F(MessageChannelTest, EachFragmentIsAWriteCommand) {
  ASSERT_TRUE(open());
  EXPECT_EQ(bluetoothd_.count("StartNotify " + kCharacteristic), 1U);
  ASSERT_TRUE(write(pattern(500)));
  EXPECT_THAT(sizes(), ElementsAre(244, 244, 12));
  EXPECT_EQ(type_, "command");
  Bytes together;
  for (const Bytes& value : written_) together.insert(together.end(), value.begin(), value.end());
  EXPECT_EQ(together, pattern(500));
}

TEST_F(MessageChannelTest, AnUnknownMtuIsTheLeast) {
  ASSERT_TRUE(open(0));
  EXPECT_EQ(channel_->fragment(), 20U);
  ASSERT_TRUE(open(517));
  EXPECT_EQ(channel_->fragment(), 512U);
}

TEST_F(MessageChannelTest, NotificationsComeInTheirOrder) {
  ASSERT_TRUE(open());
  for (const std::size_t size : {1U, 0U, 512U, 513U, 244U}) bluetoothd_.notify(kCharacteristic, pattern(size));
  EXPECT_EQ(receive().value(), pattern(1));
  EXPECT_EQ(receive().value(), pattern(512));
  EXPECT_EQ(receive().value(), pattern(244));
}

TEST_F(MessageChannelTest, WithoutNotificationsThereIsNone) {
  bluetoothd_.errors["StartNotify"] = {"org.bluez.Error.NotSupported", "Operation is not supported"};
  EXPECT_EQ(open().error().code, Errc::unsupported);
}

TEST_F(MessageChannelTest, AWriteThatFailsEndsIt) {
  ASSERT_TRUE(open());
  bluetoothd_.errors["WriteValue"] = {"org.bluez.Error.Failed", "Not connected"};
  EXPECT_EQ(write(pattern(1)).error().code, Errc::unavailable);
  bluetoothd_.errors.clear();
  EXPECT_EQ(write(pattern(1)).error().code, Errc::unavailable);
  EXPECT_EQ(receive().error().code, Errc::unavailable);
}

TEST_F(MessageChannelTest, AWriteThatIsDeniedSaysSo) {
  ASSERT_TRUE(open());
  bluetoothd_.errors["WriteValue"] = {"org.bluez.Error.NotAuthorized", "Not Authorized"};
  EXPECT_EQ(write(pattern(1)).error().code, Errc::denied);
}

TEST_F(MessageChannelTest, AWriteThatIsNotAnsweredEndsItAtTheDeadline) {
  ASSERT_TRUE(open());
  bluetoothd_.silent["WriteValue"] = true;
  const Bytes packet = pattern(1);
  const auto written = run(channel_->write(packet, std::chrono::steady_clock::now() + 20ms));
  EXPECT_EQ(written.error().code, Errc::timed_out);
  EXPECT_EQ(receive().error().code, Errc::unavailable);
}

TEST_F(MessageChannelTest, TheEndOfTheConnectionEndsIt) {
  ASSERT_TRUE(open());
  bluetoothd_.notify(kCharacteristic, pattern(3));
  bluetoothd_.change(kChild, kDevice, {{"Connected", false}});
  EXPECT_EQ(receive().value(), pattern(3));  // came before
  EXPECT_EQ(receive().error().code, Errc::unavailable);
  EXPECT_EQ(write(pattern(1)).error().code, Errc::unavailable);
  EXPECT_THAT(written_, testing::IsEmpty());
}

TEST_F(MessageChannelTest, TheEndOfBluetoothdEndsIt) {
  ASSERT_TRUE(open());
  bluetoothd_.crash();
  EXPECT_EQ(receive().error().code, Errc::unavailable);
}

TEST_F(MessageChannelTest, CloseStopsTheNotifications) {
  ASSERT_TRUE(open());
  channel_->close();
  channel_->close();
  EXPECT_EQ(receive().error().code, Errc::unavailable);
  EXPECT_TRUE(eventually(loop_, [&] { return bluetoothd_.count("StopNotify " + kCharacteristic) == 1; }));
}

TEST_F(MessageChannelTest, WithoutAnOwnerItIsClosed) {
  ASSERT_TRUE(open());
  channel_.reset();
  EXPECT_TRUE(eventually(loop_, [&] { return bluetoothd_.count("StopNotify " + kCharacteristic) == 1; }));
}

TEST_F(MessageChannelTest, MoreNotificationsThanAnybodyReadsEndIt) {
  ASSERT_TRUE(open());
  for (int count = 0; count < 1025; ++count) bluetoothd_.notify(kCharacteristic, pattern(1));
  EXPECT_TRUE(eventually(loop_, [&] { return bluetoothd_.count("StopNotify " + kCharacteristic) == 1; }));
  EXPECT_EQ(write(pattern(1)).error().code, Errc::unavailable);
}

TEST_F(MessageChannelTest, AReaderThatIsCancelledLeavesItOpen) {
  ASSERT_TRUE(open());
  asio::cancellation_signal stop;
  std::optional<Errc> code;
  const auto end = [&](const std::exception_ptr&, const Result<Bytes>& result) { code = result.error().code; };
  asio::co_spawn(loop_, channel_->receive(), asio::bind_cancellation_slot(stop.slot(), end));
  loop_.restart();
  loop_.poll();
  stop.emit(asio::cancellation_type::terminal);
  EXPECT_TRUE(eventually(loop_, [&] { return code.has_value(); }));
  EXPECT_EQ(code, Errc::cancelled);
  bluetoothd_.notify(kCharacteristic, pattern(9));
  EXPECT_EQ(receive().value(), pattern(9));
}

}  // namespace
}  // namespace hg::ble::test
