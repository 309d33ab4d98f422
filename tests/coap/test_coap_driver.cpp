// SPDX-License-Identifier: Apache-2.0
// A key that is none for CoAP: its child is not served, by name, until it has another one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/udp.hpp>

#include "coap/coap_driver.hpp"
#include "plugins/loop.hpp"

namespace hg::coap {
namespace {

using boost::asio::ip::udp;
using plugin::LinkKey;
using plugin::LinkKeyKind;
using testing::HasSubstr;
using testing::Not;

class CoapDriverTest : public testing::TestWithParam<const char*> {
 protected:
  CoapDriverTest() {
    plugin::Setup setup;
    setup.executor = loop_.io.get_executor();
    setup.report = [this](const wire::Link& link) { said_ = link; };
    setup.meet = [](const plugin::Meeting&) {};
    setup.log = [](std::string_view) {};
    DriverSettings settings;
    settings.server.listen = "127.0.0.1";
    settings.server.port = udp::socket(loop_.io, udp::endpoint(udp::v4(), 0)).local_endpoint().port();
    settings.server.secure_port = 0;
    auto opened = CoapDriver::open(setup, std::move(settings));
    if (!opened) throw std::runtime_error(opened.error().message);
    driver_ = std::move(*opened);
    driver_->enroll({"pump", GetParam(), {}});
  }
  ~CoapDriverTest() override {
    driver_.reset();
    loop_.settle();
  }
  Result<wire::Seen> inspect() {
    return loop_.wait(
        driver_->inspect({"pump", 1, std::chrono::steady_clock::now() + std::chrono::milliseconds(50), {}}));
  }
  static LinkKey key(LinkKeyKind kind, std::string_view secret) { return {kind, "", Secret(as_bytes(secret)), {}}; }

  test::Loop loop_;
  wire::Link said_;
  std::unique_ptr<CoapDriver> driver_;
};

TEST_P(CoapDriverTest, ServesNoChildWithAPasskeyUntilItHasAnotherKey) {
  driver_->set_link_key("pump", key(LinkKeyKind::passkey, "123456"));
  EXPECT_EQ(said_.child, "pump");
  EXPECT_FALSE(said_.up);
  EXPECT_THAT(said_.text, HasSubstr("Bluetooth passkey"));
  EXPECT_THAT(said_.text, Not(HasSubstr("123456")));
  driver_->set_link_key("pump", key(LinkKeyKind::passkey, "654321"));  // another one is none, either
  EXPECT_THAT(inspect().error().message, HasSubstr("its key"));

  LinkKey psk = key(LinkKeyKind::psk, "0123456789abcdef");
  psk.identity = "pump";
  driver_->set_link_key("pump", std::move(psk));
  EXPECT_THAT(inspect().error().message, Not(HasSubstr("its key are wrong")));
}

INSTANTIATE_TEST_SUITE_P(Kinds, CoapDriverTest, testing::Values("lwm2m:urn:x:pump", "coap://127.0.0.1:9"),
                         [](const auto& row) { return row.index == 0 ? "Lwm2m" : "Suit"; });

}  // namespace
}  // namespace hg::coap
