// SPDX-License-Identifier: Apache-2.0
// headgate-udp: addresses, and the program between the daemon's PluginBoard and an smp_child behind a UDP port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/plugin_bench.hpp"
#include "udp/udp_address.hpp"

namespace hg {
namespace {

TEST(UdpAddress, HasAHostAndPerhapsAPort) {
  using udp::UdpAddress;
  EXPECT_EQ(*udp::udp_address_from("boiler.local"), (UdpAddress{"boiler.local", 1337}));
  EXPECT_EQ(*udp::udp_address_from("192.0.2.7:2000"), (UdpAddress{"192.0.2.7", 2000}));
  EXPECT_EQ(*udp::udp_address_from("[2001:db8::7]"), (UdpAddress{"2001:db8::7", 1337}));
  EXPECT_EQ(*udp::udp_address_from("[fe80::7%eth0]:65535"), (UdpAddress{"fe80::7%eth0", 65535}));
  for (const char* wrong : {"", ":1337", "host:", "host:0", "host:65536", "host:12x", "2001:db8::7", "[::1", "[]:7",
                            "[::1]7", "a host", "host/7"}) {
    EXPECT_FALSE(udp::udp_address_from(wrong)) << wrong;
  }
  EXPECT_FALSE(udp::udp_address_from(std::string(254, 'a')));
}

class UdpTest : public PluginTest {
 protected:
  UdpTest() : PluginTest("udp") {}
  [[nodiscard]] Arguments link_arguments() const override { return {"--udp", std::to_string(port_)}; }
  void child_is_at(const std::string& place) override {
    port_ = std::stoi(place.substr(place.rfind(':') + 1));
    child_.address = host_ + ":" + std::to_string(port_);
  }
  int port_ = 0;  // any, then the same again
  std::string host_ = "127.0.0.1";
};

TEST_F(UdpTest, UpdatesAChildWithoutADatagramThatIsTooLarge) {
  start();
  update();
  EXPECT_EQ(counter("link_drops"), 0);
}

TEST_F(UdpTest, UpdatesAChildBehindAName) {
  host_ = "localhost";
  start();
  update();
}

TEST_F(UdpTest, UpdatesAChildOverIpv6) {
  host_ = "[::1]";
  start();
  update();
}

TEST_F(UdpTest, ComesThroughLostDatagrams) {
  start({"--drop-rx", "30", "--drop-tx", "30"}, {{"chunk_ms", std::int64_t{100}}});
  update();
}

TEST_F(UdpTest, AChildThatDoesNotListenIsDownAndComesBack) {
  start();
  device_->end(SIGTERM);
  const auto refused = perform(core::Inspect{});
  EXPECT_EQ(std::get<core::StepFailed>(refused).error.code, Errc::unavailable);
  await_trouble("nobody listens at port " + std::to_string(port_));
  start_child();
  await_link(true);
  expect_runs(inspect(), old_.hash, true);
}

TEST_F(UdpTest, NamesANameThatHasNoAddress) {
  child_.address = "no-such-child.invalid";
  enroll({});
  start_plugin();
  await_trouble("find the address of no-such-child.invalid");
}

TEST_F(UdpTest, NamesAnAddressThatIsWrong) {
  child_.address = "::1";
  enroll({});
  start_plugin();
  await_trouble("an IPv6 address stands in brackets");
}

TEST_F(UdpTest, ResumesAfterThePluginWasKilled) {
  start({"--work-us", "3000"});
  begin(deliver(), new_.descriptor());
  loop_.until([this] { return !progress_.empty() && progress_.back() > new_.file.size() / 3; });
  plugin_->end(SIGKILL);
  EXPECT_EQ(std::get<core::StepFailed>(answer()).error.code, Errc::unavailable);
  await_link(false);
  start_plugin();
  await_link(true);
  deliver_all();
  EXPECT_EQ(counter("resumes"), 1);
}

}  // namespace
}  // namespace hg
