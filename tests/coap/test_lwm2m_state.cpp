// SPDX-License-Identifier: Apache-2.0
// What is remembered in the state directory, and spoilt files of it.
#include <gtest/gtest.h>

#include <fstream>

#include "coap/lwm2m_brought.hpp"
#include "coap/registration_store.hpp"
#include "coap/remembered.hpp"
#include "plugins/loop.hpp"

namespace hg::test {
namespace {

TEST(Remembered, AnyValueComesBack) {
  const coap::Facts facts{{"a", "x y%\n"}, {"b", ""}, {"a", std::string("\0\xFF", 2)}};
  EXPECT_EQ(coap::facts_from("head 1", coap::text_of("head 1", facts)), facts);
}

TEST(Remembered, AnythingElseIsNothing) {
  const coap::Facts facts{{"a", "1"}, {"b", "2"}};
  const std::string whole = coap::text_of("head 1", facts);
  EXPECT_TRUE(coap::facts_from("head 2", whole).empty());
  EXPECT_TRUE(coap::facts_from("head 1", whole.substr(0, whole.size() - 1)).empty());
  EXPECT_TRUE(coap::facts_from("head 1", "head 1\na %g0\n").empty());
  EXPECT_TRUE(coap::facts_from("head 1", "head 1\nnospace\n").empty());
}

TEST(RegistrationStore, ComesBackWhole) {
  const Directory directory;
  const coap::RegistrationStore store(directory.path);
  coap::Registration registration{"urn:x y", 0x0123456789ABCDEFU, 77, coap::Lwm2mVersion::v1_1, true,
                                  true,      "[::1]:7",           {}};
  registration.objects = *coap::object_list_from("</lwm2m>;rt=\"oma.lwm2m\",</lwm2m/5>;ver=1.1,</lwm2m/5/0>");
  store.save("pump", registration);
  EXPECT_EQ(store.load("pump"), registration);
  std::ofstream(directory.path / "pump.registration", std::ios::app) << "more";
  EXPECT_EQ(store.load("pump"), std::nullopt);
  store.remove("pump");
  EXPECT_EQ(store.load("pump"), std::nullopt);
}

TEST(BroughtStore, ComesBackWhole) {
  const Directory directory;
  const coap::BroughtStore store(directory.path);
  coap::Brought first;
  first.stage = coap::Stage::executed;
  first.view = *Digest::from_bytes(Bytes(32, 1));
  first.after = *Digest::from_bytes(Bytes{0, '2'});
  first.size = 1234567;
  first.uri = "coap://[::1]:5683/fw/pump/01";
  first.version = "a version";
  coap::Brought second;
  second.image = 3;
  store.save("pump", {first, second});
  EXPECT_EQ(store.load("pump"), (std::vector{first, second}));
  EXPECT_TRUE(store.load("other").empty());
}

TEST(Location, SixteenDigitsAndBack) {
  EXPECT_EQ(coap::location_text(0x0123456789ABCDEFU), "0123456789abcdef");
  EXPECT_EQ(coap::location_from("0123456789abcdef"), 0x0123456789ABCDEFU);
  EXPECT_EQ(coap::location_from("0123456789abcde"), std::nullopt);
  EXPECT_EQ(coap::location_from("0123456789abcdeg"), std::nullopt);
}

}  // namespace
}  // namespace hg::test
