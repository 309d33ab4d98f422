// SPDX-License-Identifier: Apache-2.0
// What a driver reports of its radio, through the SDK: the last of each child, not too often, and again to a daemon
// that connects later.
#include "plugins/sdk_fixture.hpp"
#include "wire/limits.hpp"

namespace hg::plugin {
namespace {

wire::Radio radio_of(const std::string& child, std::uint64_t airtime_ms) {
  return {child, "hci0", std::int16_t{-60}, std::uint16_t{247}, airtime_ms};
}

class BriskSdkTest : public SdkTest {
 protected:
  BriskSdkTest() : SdkTest(1h, 1h, 50ms) {}
};

TEST_F(SdkTest, SaysHowTheRadioIs) {
  let_in();
  enroll("a");
  plugin_.report_radio(radio_of("a", 1));
  EXPECT_EQ(next<wire::Radio>(), radio_of("a", 1));
}

TEST_F(SdkTest, SaysOfEachChildOneRadioInAPause) {
  let_in();
  enroll("a");
  enroll("b");
  plugin_.report_radio(radio_of("a", 1));
  plugin_.report_radio(radio_of("a", 2));
  plugin_.report_radio(radio_of("b", 3));
  plugin_.report_link({"a", true, ""});
  EXPECT_EQ(next<wire::Radio>(), radio_of("a", 1));
  EXPECT_EQ(next<wire::Radio>(), radio_of("b", 3));
  EXPECT_EQ(next<wire::Link>().child, "a");  // and not the second of a
}

TEST_F(BriskSdkTest, SaysTheLastOfSeveralRadiosWhenThePauseIsOver) {
  let_in();
  enroll("a");
  for (std::uint64_t airtime = 1; airtime <= 4; ++airtime) plugin_.report_radio(radio_of("a", airtime));
  EXPECT_EQ(next<wire::Radio>(), radio_of("a", 1));
  EXPECT_EQ(next<wire::Radio>(), radio_of("a", 4));
  plugin_.report_radio(radio_of("a", 4));  // nothing new
  plugin_.report_link({"a", true, ""});
  EXPECT_EQ(next<wire::Link>().child, "a");
}

TEST_F(SdkTest, SaysTheRadioAgainToADaemonThatConnectsLater) {
  let_in();
  enroll("a");
  plugin_.report_radio(radio_of("a", 1));
  next<wire::Radio>();
  plugin_.report_radio(radio_of("a", 2));  // waits for its pause
  daemon_->close();
  let_in();
  send(wire::Enroll{"a", "/somewhere", {}});
  EXPECT_EQ(next<wire::Radio>(), radio_of("a", 2));
}

TEST_F(SdkTest, SaysNoRadioOfWhomItDoesNotServe) {
  let_in();
  enroll("a");
  plugin_.report_radio(radio_of("stranger", 1));
  send(wire::Forget{"a"});
  loop_.until([this] { return !driver_.forgotten.empty(); });
  plugin_.report_radio(radio_of("a", 1));
  enroll("b");
  plugin_.report_radio(radio_of("b", 1));
  EXPECT_EQ(next<wire::Radio>().child, "b");
}

TEST_F(SdkTest, CutsWhatTheDaemonWouldNotTakeOfARadio) {
  let_in();
  enroll("a");
  plugin_.report_radio({"a", std::string(100, 'h'), std::int16_t{127}, {}, 1});  // BlueZ's "not known"
  const auto said = next<wire::Radio>();
  EXPECT_EQ(said.adapter.size(), wire::kMaxName);
  EXPECT_FALSE(said.rssi_dbm);
}

}  // namespace
}  // namespace hg::plugin
