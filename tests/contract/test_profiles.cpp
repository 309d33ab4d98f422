// SPDX-License-Identifier: Apache-2.0
// What config/profiles/schema says of each key, asked of both who read it: the daemon, which checks a profile before a
// plugin sees it, and the plugin, which must take what the daemon lets through.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "app/profile.hpp"
#include "ble/profile.hpp"
#include "coap/profile.hpp"
#include "fakes/temporary_directory.hpp"
#include "serial/serial_line.hpp"
#include "smp/profile.hpp"

namespace hg {
namespace {

const std::string kShipped = std::string(HEADGATE_SOURCE_DIR) + "/config/profiles";

app::TableSchema schema_of(const std::string& transport) {
  auto schema = app::read_schema(kShipped + "/schema/" + transport + ".toml");
  EXPECT_TRUE(schema) << schema.error().message;
  return schema ? *schema : app::TableSchema{};
}

std::string toml_of(const app::ProfileValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  const auto quoted = [](const std::string& text) { return "\"" + text + "\""; };
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  std::string list = "[";
  for (const std::string& text : std::get<std::vector<std::string>>(value)) list += quoted(text) + ",";
  return list + "]";
}

using Values = std::vector<app::ProfileValue>;

/// Values at the bounds of a rule.
Values good_values(const app::KeyRule& rule) {
  switch (rule.type) {
    case app::KeyRule::Type::integer: {
      Values values{rule.least, rule.most, rule.fallback};
      if (rule.beside) values.emplace_back(*rule.beside);
      return values;
    }
    case app::KeyRule::Type::boolean:
      return {true, false};
    case app::KeyRule::Type::text:
      if (rule.choices.empty()) return {std::string("a"), std::string(rule.longest, 'x')};
      return {rule.choices.begin(), rule.choices.end()};
    case app::KeyRule::Type::texts:
      break;
  }
  const std::string longest(rule.longest, 'x');
  return {std::vector<std::string>{}, std::vector<std::string>{"a", longest}};
}

/// Values just beyond them, and of every other type.
Values bad_values(const app::KeyRule& rule) {
  const std::vector<std::string> some_list{"a"};
  switch (rule.type) {
    case app::KeyRule::Type::integer: {
      Values values{rule.most + 1, true, std::string("1"), some_list};
      if (rule.beside != rule.least - 1) values.emplace_back(rule.least - 1);
      return values;
    }
    case app::KeyRule::Type::boolean:
      return {std::int64_t{1}, std::string("true"), some_list};
    case app::KeyRule::Type::text: {
      Values values{std::int64_t{0}, true, some_list};
      if (rule.choices.empty()) {
        values.emplace_back(std::string(rule.longest + 1, 'x'));
        return values;
      }
      values.emplace_back(std::string());
      values.emplace_back(rule.choices.front() + "x");
      return values;
    }
    case app::KeyRule::Type::texts:
      break;
  }
  return {std::vector<std::string>{""}, std::vector<std::string>{std::string(rule.longest + 1, 'x')}, std::string("a"),
          std::int64_t{1}, true};
}

/// Whether the plugin of `transport` takes the value: headgate-coap, or the SMP client and its link.
bool plugin_takes(const std::string& transport, const std::string& key, const app::ProfileValue& value) {
  const wire::ProfileValues values{{key, value}};
  if (transport == "coap") return static_cast<bool>(coap::profile_from(values));
  if (transport == "serial" && !serial::line_settings_from({"boiler", "/dev/ttyS0", values})) return false;
  if (transport == "ble" && !ble::profile_from(values)) return false;
  return static_cast<bool>(smp::profile_from(values));
}

class Schema : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] bool daemon_takes(const std::string& key, const app::ProfileValue& value) const {
    std::ofstream(directory_.path() / "p.toml") << "[" << GetParam() << "]\n" << key << " = " << toml_of(value) << '\n';
    const auto profile = app::read_profile({kShipped, directory_.path().string()}, "p");
    if (!profile) return false;
    EXPECT_EQ(profile->tables.at(GetParam()).at(key), value) << key;
    return true;
  }

  fakes::TemporaryDirectory directory_;
};

TEST_P(Schema, BoundsAreTakenByDaemonAndPlugin) {
  for (const auto& [key, rule] : schema_of(GetParam())) {
    for (const auto& value : good_values(rule)) {
      EXPECT_TRUE(daemon_takes(key, value)) << key << " = " << toml_of(value);
      EXPECT_TRUE(plugin_takes(GetParam(), key, value)) << key << " = " << toml_of(value);
    }
  }
}

TEST_P(Schema, WhatIsBeyondThemIsRefusedByBoth) {
  for (const auto& [key, rule] : schema_of(GetParam())) {
    for (const auto& value : bad_values(rule)) {
      EXPECT_FALSE(daemon_takes(key, value)) << key << " = " << toml_of(value);
      EXPECT_FALSE(plugin_takes(GetParam(), key, value)) << key << " = " << toml_of(value);
    }
  }
}

TEST_P(Schema, DefaultsAreThePlugins) {
  wire::ProfileValues values;
  for (const auto& [key, rule] : schema_of(GetParam())) values.emplace(key, rule.fallback);
  if (std::string(GetParam()) == "coap") {
    const auto coap = coap::profile_from(values);
    ASSERT_TRUE(coap) << coap.error().message;
    EXPECT_EQ(*coap, coap::Profile{});
    return;
  }
  const auto said = smp::profile_from(values);
  const auto unsaid = smp::profile_from({});
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(*said, *unsaid);
  if (std::string(GetParam()) == "ble") {
    const auto ble = ble::profile_from(values);
    ASSERT_TRUE(ble) << ble.error().message;
    EXPECT_EQ(*ble, ble::Profile{});
  }
  if (std::string(GetParam()) != "serial") return;
  const auto line = serial::line_settings_from({"boiler", "/dev/ttyS0", values});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->baud, serial::LineSettings{}.baud);
}

INSTANTIATE_TEST_SUITE_P(Shipped, Schema, testing::Values("serial", "udp", "coap", "ble"),
                         [](const auto& row) { return std::string(row.param); });

// ------------------------------------------------------------------------------------------------- a foreign schema

class Profiles : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    const auto path = directory_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  [[nodiscard]] Result<app::Profile> read(const std::string& text) const {
    write("p.toml", text);
    return app::read_profile({kShipped, directory_.path().string()}, "p");
  }
  [[nodiscard]] std::string complaint(const std::string& text) const {
    const auto profile = read(text);
    return profile ? "nothing" : profile.error().message;
  }

  fakes::TemporaryDirectory directory_;
};

TEST_F(Profiles, EachTableGoesToThePluginOfItsName) {
  write("schema/lora.toml",
        "[spreading]\ntype = \"integer\"\nleast = 7\nmost = 12\ndefault = 7\nmeaning = \"m\"\n"
        "[region]\ntype = \"text\"\ndefault = \"EU868\"\nlongest = 8\nmeaning = \"m\"\n");
  const auto profile =
      read("[serial]\nbaud = 9600\n[lora]\nspreading = 9\nregion = \"US915\"\n[udp]\nconfirms_all = true\n");
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->tables,
            (app::TransportTables{{"serial", {{"baud", std::int64_t{9600}}}},
                                  {"lora", {{"spreading", std::int64_t{9}}, {"region", std::string("US915")}}},
                                  {"udp", {{"confirms_all", true}}}}));
  EXPECT_NE(complaint("[lora]\nspreading = 13\n").find("p.toml:2:13: lora.spreading: must be a whole number from 7 to"),
            std::string::npos);
  EXPECT_NE(complaint("[lora]\nregion = \"123456789\"\n").find("at most 8 bytes"), std::string::npos);
}

TEST_F(Profiles, ATableWithoutASchemaIsRefusedUnlessItIsEmpty) {
  EXPECT_NE(complaint("[serail]\nbaud = 9600\nwindow = 1\n").find("p.toml:2:8: serail.baud: cannot be checked"),
            std::string::npos)
      << complaint("[serail]\nbaud = 9600\nwindow = 1\n");
  EXPECT_TRUE(read("[lora]\n"));
  EXPECT_NE(complaint("lora = 1\n").find("must be a table"), std::string::npos);
  EXPECT_NE(complaint("[\"../schema/serial\"]\nbaud = 9600\n").find("cannot be checked"), std::string::npos);
}

TEST_F(Profiles, SayNoMoreThanAPluginCanBeTold) {
  std::string files;
  for (int i = 0; i < 64; ++i) files += "\"" + std::string(250, 'f') + "\",";
  EXPECT_NE(complaint("[serial]\nbackup_files = [" + files + "]\nbackup_settings = [" + files + "]\n").find("16 KiB"),
            std::string::npos);
  EXPECT_NE(complaint("[serial]\nbackup_files = [" + files + "\"a\"]\n").find("at most 64 texts"), std::string::npos);
}

TEST_F(Profiles, GiveATransferTheTimeInWhichAChildErases) {
  EXPECT_EQ(read("")->patience.transfer_stall, std::chrono::seconds{60});
  EXPECT_EQ(read("[serial]\n")->patience.transfer_stall, std::chrono::seconds{90}) << "40 s twice, and an answer";
  EXPECT_EQ(read("[serial]\nerase_ms = 120000\n")->patience.transfer_stall, std::chrono::seconds{250});
  EXPECT_EQ(read("[patience]\nstall_ms = 5000\n[serial]\n")->patience.transfer_stall, std::chrono::seconds{5});
  EXPECT_NE(complaint("[patience]\nstall_ms = 60000\n[serial]\nerase_ms = 120000\n")
                .find("p.toml:2:12: patience.stall_ms: must be longer than serial.erase_ms"),
            std::string::npos)
      << complaint("[patience]\nstall_ms = 60000\n[serial]\nerase_ms = 120000\n");
}

TEST_F(Profiles, SayWhenABackupIsWrittenBack) {
  EXPECT_EQ(read("")->restore, core::RestorePolicy::after_revert);
  EXPECT_EQ(read("[backup]\nrestore = \"never\"\n")->restore, core::RestorePolicy::never);
  EXPECT_EQ(read("[backup]\nrestore = \"after-update\"\n")->restore, core::RestorePolicy::after_update);
  EXPECT_EQ(read("[backup]\nrestore = \"always\"\n")->restore, core::RestorePolicy::always);
  EXPECT_NE(complaint("[backup]\nrestore = \"sometimes\"\n").find("p.toml:2:11: backup.restore: must be"),
            std::string::npos);
  EXPECT_EQ(read("[patience]\nswap_ms_per_kib = 30\n")->patience.swap_per_kib, Duration{30});
}

struct BadSchema {
  const char* name;
  const char* text;
  const char* says;
};
class WrongSchema : public Profiles, public testing::WithParamInterface<BadSchema> {};

TEST_P(WrongSchema, IsNamedWithItsPlace) {
  write("schema/lora.toml", std::string("[k]\nmeaning = \"m\"\n") + GetParam().text);
  EXPECT_NE(complaint("[lora]\n").find(GetParam().says), std::string::npos) << complaint("[lora]\n");
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongSchema,
    testing::Values(BadSchema{"type", "type = \"real\"\ndefault = 1\n", "lora.toml:3:8: k.type: must be \"integer\""},
                    BadSchema{"no_default", "type = \"boolean\"\n", "k.default: must say"},
                    BadSchema{"default_beyond", "type = \"integer\"\nleast = 1\nmost = 2\ndefault = 3\n",
                              "lora.toml:6:11: k.default: must be a whole number from 1 to 2"},
                    BadSchema{"empty_range", "type = \"integer\"\nleast = 5\nmost = 2\ndefault = 5\n", "k.most"},
                    BadSchema{"unknown_key", "type = \"boolean\"\ndefault = true\nmost = 2\n",
                              "lora.toml:5:1: unknown key \"k.most\""}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(Profiles, TheShippedOnesAreGood) {
  unsigned count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kShipped)) {
    if (entry.path().extension() != ".toml") continue;
    const auto profile = app::read_profile({kShipped}, entry.path().stem().string());
    EXPECT_TRUE(profile) << profile.error().message;
    ++count;
  }
  EXPECT_GE(count, 2U);
}

}  // namespace
}  // namespace hg
