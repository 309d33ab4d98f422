// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "ble/bonds.hpp"
#include "ble/pairing.hpp"
#include "fakes/temporary_directory.hpp"

namespace hg::ble {
namespace {

const Bond kBond{"00:AA:01:00:00:00", "C0:FF:EE:00:11:22", true, false, "name:boiler 12@hci0"};

TEST(Bonds, AreReadAsTheyWereWritten) {
  for (const bool passkey : {false, true}) {
    for (const bool refused : {false, true}) {
      const Bond bond{kBond.adapter, kBond.address, passkey, refused, kBond.enrolled};
      const auto again = bond_from(text_of(bond));
      ASSERT_TRUE(again) << again.error().message;
      EXPECT_EQ(*again, bond);
    }
  }
}

TEST(Bonds, NothingElseIsTaken) {
  const std::string good = text_of(kBond);
  EXPECT_FALSE(bond_from(""));
  EXPECT_FALSE(bond_from(good + "x"));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(bond_from(good.substr(0, size))) << size;
  std::string lower = good;
  lower.replace(lower.find("C0:FF"), 2, "c0");
  EXPECT_FALSE(bond_from(lower));
  EXPECT_FALSE(bond_from(std::string(1000, 'a')));
}

TEST(Bonds, AreKeptForEachChildAndOnlyForUs) {
  const fakes::TemporaryDirectory directory;
  const Bonds bonds(directory.path());
  EXPECT_FALSE(bonds.load("boiler"));
  ASSERT_TRUE(bonds.save("boiler", kBond));
  EXPECT_EQ(bonds.load("boiler"), kBond);
  EXPECT_FALSE(bonds.load("meter"));
  EXPECT_EQ(bonds.children(), std::vector<std::string>{"boiler"});
  struct stat status {};
  ASSERT_EQ(::stat((directory.path() / "boiler.bond").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  bonds.remove("boiler");
  EXPECT_FALSE(bonds.load("boiler"));
  EXPECT_TRUE(bonds.children().empty());
}

TEST(Bonds, OneThatCannotBeKeptIsAnError) {
  const Bonds bonds("/proc/none");
  const auto saved = bonds.save("boiler", kBond);
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().message.find("boiler"), std::string::npos);
}

TEST(Bonds, WithoutADirectoryNothingIsRemembered) {
  const Bonds bonds{std::filesystem::path()};
  EXPECT_TRUE(bonds.save("boiler", kBond));
  EXPECT_FALSE(bonds.load("boiler"));
}

TEST(Bonds, StayWithWhoIsEnrolledByHisIdentityFromNowOn) {
  const std::string identity = kBond.address;
  EXPECT_TRUE(is_still_of(kBond, kBond.enrolled));
  EXPECT_TRUE(is_still_of(kBond, identity + "@hci0"));
  EXPECT_TRUE(is_still_of(kBond, "c0:ff:ee:00:11:22@hci0"));
  for (const std::string& other : {identity, identity + "@hci1", std::string("C0:FF:EE:00:11:23@hci0"),
                                   std::string("name:boiler 12"), std::string("name:boiler@hci0"), std::string()}) {
    EXPECT_FALSE(is_still_of(kBond, other)) << other;
  }
}

struct SecurityRow {
  Profile::Pairing mode;
  bool is_bonded;
  bool has_passkey;
  bool refused_before;
  std::uint8_t level;
  wire::LinkSecurity expected;
};

class Security : public testing::TestWithParam<SecurityRow> {};

TEST_P(Security, CountsFor) {
  const SecurityRow& row = GetParam();
  std::optional<Bond> bond;
  if (row.is_bonded) bond = Bond{kBond.adapter, kBond.address, row.has_passkey, row.refused_before, {}};
  EXPECT_EQ(security_of(row.mode, bond, row.level), row.expected);
}

using Pairing = Profile::Pairing;
using wire::LinkSecurity;
INSTANTIATE_TEST_SUITE_P(All, Security,
                         testing::Values(SecurityRow{Pairing::none, false, false, false, 0, LinkSecurity::none},
                                         SecurityRow{Pairing::none, true, true, true, 4, LinkSecurity::none},
                                         SecurityRow{Pairing::passkey, false, false, false, 4, LinkSecurity::none},
                                         SecurityRow{Pairing::passkey, true, true, true, 4, LinkSecurity::proven},
                                         SecurityRow{Pairing::passkey, true, true, true, 3, LinkSecurity::claimed},
                                         SecurityRow{Pairing::passkey, true, true, true, 0, LinkSecurity::claimed},
                                         SecurityRow{Pairing::passkey, true, true, false, 4, LinkSecurity::claimed},
                                         SecurityRow{Pairing::passkey, true, false, true, 4, LinkSecurity::claimed},
                                         SecurityRow{Pairing::just_works, true, false, true, 4, LinkSecurity::claimed},
                                         SecurityRow{Pairing::just_works, false, false, true, 4, LinkSecurity::none}),
                         [](const auto& row) { return "row" + std::to_string(row.index); });

}  // namespace
}  // namespace hg::ble
