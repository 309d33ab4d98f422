// SPDX-License-Identifier: Apache-2.0
// Objects 3, 5 and 33629 as children say them, and what each Update Result means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coap/device_object.hpp"
#include "coap/firmware_object.hpp"

namespace hg::coap {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<Resources> tlv(std::string_view digits, std::string_view read) {
  std::string packed;
  for (const char c : digits) {
    if (c != ' ') packed += c;
  }
  return resources_from(Format::tlv, *from_hex(packed), resource_path_from(read).value());
}

Device device(std::string_view digits) {
  return device_from(tlv(digits, "3/0").value()).value();
}

// ------------------------------------------------------------------------------------------------------------- device

TEST(Device, SaysWhatItIs) {
  // "Acme", "M1", "S7", "1.2.3", no error, hardware "rev B", 15 kB of memory
  const Device said = device("c400 41636d65 c201 4d31 c202 5337 c503 312e322e33 830b 4100 00 c512 7265762042 c10a0f");
  EXPECT_EQ(said.manufacturer, "Acme");
  EXPECT_EQ(said.model, "M1");
  EXPECT_EQ(said.serial, "S7");
  EXPECT_EQ(said.firmware_version, "1.2.3");
  EXPECT_EQ(said.hardware_version, "rev B");
  EXPECT_EQ(said.memory_free, 15000U);
  EXPECT_THAT(said.errors, IsEmpty());
  EXPECT_EQ(said.power, wire::Power::unknown);
  EXPECT_EQ(said.battery_percent, std::nullopt);
}

TEST(Device, SaysWhatIsWrongWithIt) {
  EXPECT_THAT(device("880b0c 4100 01 4101 05 4102 11 4103 00").errors,
              ElementsAre("low battery", "out of memory", "error 17 of the device"));
}

struct Powered {
  const char* name;
  const char* digits;
  wire::Power power;
  std::optional<std::uint8_t> percent;
};
class DevicePower : public testing::TestWithParam<Powered> {};

TEST_P(DevicePower, IsFoundFromAllThatItSays) {
  const Device said = device(GetParam().digits);
  EXPECT_EQ(said.power, GetParam().power);
  EXPECT_EQ(said.battery_percent, GetParam().percent);
}

INSTANTIATE_TEST_SUITE_P(
    Table, DevicePower,
    testing::Values(Powered{"anjay_demo_says_0", "c10900", wire::Power::unknown, std::nullopt},
                    Powered{"level_alone", "c10932", wire::Power::unknown, 50},
                    Powered{"internal_battery", "8306 4100 01 c10900", wire::Power::battery, 0},
                    Powered{"external_battery", "8306 4100 02 c1095f", wire::Power::battery, 95},
                    Powered{"dc_alone_says_0", "8306 4100 00 c10900", wire::Power::mains, std::nullopt},
                    Powered{"usb_and_battery", "8606 4100 05 4101 01 c1095f", wire::Power::mains, 95},
                    Powered{"solar", "8306 4100 07", wire::Power::battery, std::nullopt},
                    Powered{"mains_is_off", "8606 4100 06 4101 01 830b 4100 02 c1091e", wire::Power::battery, 30},
                    Powered{"charging", "8306 4100 01 c1095f c11401", wire::Power::mains, 95},
                    Powered{"no_battery_put_in", "8306 4100 01 c10932 c11405", wire::Power::battery, std::nullopt},
                    Powered{"level_beyond_100", "8306 4100 01 c10965", wire::Power::battery, std::nullopt}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Device, ThatSaysNothingIsNotThere) {
  EXPECT_EQ(device_from(Resources{}).error().code, Errc::not_found);
  EXPECT_EQ(device("c11409").battery_status, BatteryStatus::unknown);
}

// ----------------------------------------------------------------------------------------------------------- firmware

TEST(Firmware, OfObject5AsAnjaySaysIt) {
  const auto said = firmware_from(tlv("c0 01 c1 03 00 c1 05 00 86 08 41 00 00 41 01 01 c1 09 02", "5/0").value(), 5, 0);
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(said->state, FirmwareState::idle);
  EXPECT_EQ(said->result, UpdateResult::initial);
  EXPECT_THAT(said->protocols, ElementsAre(PullProtocol::coap, PullProtocol::coaps));
  EXPECT_TRUE(said->pulls_by(PullProtocol::coaps));
  EXPECT_FALSE(said->pulls_by(PullProtocol::http));
  EXPECT_TRUE(said->takes_push());
  EXPECT_EQ(said->severity, std::nullopt);
  EXPECT_EQ(said->automatic, std::nullopt);
}

TEST(Firmware, OfVersion12) {
  const auto said = firmware_from(
      tlv("c10302 c10508 c10901 c10b02 c10c05 c40d00093a80 c10e01 c2066262 c307312e30", "5/0").value(), 5, 0);
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(said->state, FirmwareState::downloaded);
  EXPECT_EQ(said->result, UpdateResult::update_failed);
  EXPECT_EQ(said->delivery, DeliveryMethod::push);
  EXPECT_EQ(said->severity, 2);
  EXPECT_EQ(said->last_state_change, 5);
  EXPECT_EQ(said->maximum_defer, 604800U);
  EXPECT_EQ(said->automatic, true);
  EXPECT_EQ(said->package_name, "bb");
  EXPECT_EQ(said->package_version, "1.0");
  EXPECT_THAT(said->protocols, ElementsAre(PullProtocol::coap)) << "none named";
  EXPECT_FALSE(said->pulls_by(PullProtocol::coap)) << "push only";
}

TEST(Firmware, OfAComponentHasLinks) {
  const auto said = firmware_from(tlv("c10300 c1050c c80e0b6170706c69636174696f6e c30f312e30"
                                      " 8610 4400 835d0001 8811 0c 4400 835d0001 4401 835d0002 8608 4100 02 4101 09",
                                      "33629/0")
                                      .value(),
                                  33629, 0);
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(said->component, "application");
  EXPECT_EQ(said->current_version, "1.0");
  EXPECT_EQ(said->result, UpdateResult::conflicting_state);
  EXPECT_THAT(said->linked, ElementsAre(ObjectLink{33629, 1}));
  EXPECT_THAT(said->conflicting, ElementsAre(ObjectLink{33629, 1}, ObjectLink{33629, 2}));
  EXPECT_EQ(said->automatic, std::nullopt) << "14 is the component's name there";
  EXPECT_THAT(said->protocols, ElementsAre(PullProtocol::http)) << "9 is none that is known";
}

struct BadFirmware {
  const char* name;
  const char* digits;
  Errc code;
};
class WrongFirmware : public testing::TestWithParam<BadFirmware> {};

TEST_P(WrongFirmware, IsRefused) {
  const auto said = firmware_from(tlv(GetParam().digits, "5/0").value(), 5, 0);
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, GetParam().code) << said.error().message;
}

INSTANTIATE_TEST_SUITE_P(Table, WrongFirmware,
                         testing::Values(BadFirmware{"nothing", "", Errc::not_found},
                                         BadFirmware{"no_result", "c10300", Errc::invalid},
                                         BadFirmware{"no_state", "c10500", Errc::invalid},
                                         BadFirmware{"state_4", "c10304 c10500", Errc::invalid},
                                         BadFirmware{"state_of_no_bytes", "c003 c10500", Errc::invalid},
                                         BadFirmware{"negative_result", "c10300 c105ff", Errc::invalid},
                                         BadFirmware{"delivery_3", "c10300 c10500 c10903", Errc::invalid},
                                         BadFirmware{"severity_3", "c10300 c10500 c10b03", Errc::invalid},
                                         BadFirmware{"negative_defer", "c10300 c10500 c10dff", Errc::invalid}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Firmware, StateAndResultComeAsTextToo) {
  EXPECT_EQ(firmware_state_from(Value{PlainText{"3"}}).value(), FirmwareState::updating);
  EXPECT_EQ(update_result_from(Value{PlainText{"13"}}).value(), UpdateResult::dependency_error);
  EXPECT_EQ(update_result_from(Value{PlainText{"200"}}).value(), UpdateResult{200});
  EXPECT_FALSE(update_result_from(Value{PlainText{"256"}}));
  EXPECT_FALSE(firmware_state_from(Value{PlainText{""}}));
}

// ------------------------------------------------------------------------------------------------------ what went
// wrong

struct Cause {
  unsigned result;
  Errc code;
  const char* says;
};
class UpdateCause : public testing::TestWithParam<Cause> {};

TEST_P(UpdateCause, HasACaseAndSaysWhatToDo) {
  const auto cause = cause_of(static_cast<UpdateResult>(GetParam().result));
  ASSERT_TRUE(cause);
  EXPECT_EQ(cause->code, GetParam().code);
  EXPECT_THAT(cause->message, HasSubstr("Result " + std::to_string(GetParam().result) + ": "));
  EXPECT_THAT(cause->message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Table, UpdateCause,
    testing::Values(Cause{2, Errc::no_space, "flash"}, Cause{3, Errc::no_space, "RAM"},
                    Cause{4, Errc::unavailable, "connection"}, Cause{5, Errc::mismatch, "damaged"},
                    Cause{6, Errc::unsupported, "package"}, Cause{7, Errc::invalid, "URI"},
                    Cause{8, Errc::io, "could not install"}, Cause{9, Errc::unsupported, "protocol"},
                    Cause{10, Errc::denied, "cancelled at the child"}, Cause{11, Errc::busy, "defer_s"},
                    Cause{12, Errc::busy, "component"}, Cause{13, Errc::guard_failed, "component"},
                    Cause{14, Errc::unsupported, "no version"}, Cause{255, Errc::unsupported, "no version"}),
    [](const auto& row) { return "result_" + std::to_string(row.param.result); });

TEST(Firmware, NothingWentWrongAtFirstAndAtLast) {
  EXPECT_EQ(cause_of(UpdateResult::initial), std::nullopt);
  EXPECT_EQ(cause_of(UpdateResult::success), std::nullopt);
}

TEST(Firmware, IsToldWhichInstancesToUpdate) {
  EXPECT_EQ(execute_arguments({}), "0");
  EXPECT_EQ(execute_arguments({1}), "0='</33629/1>'");
  EXPECT_EQ(execute_arguments({1, 2}), "0='</33629/1>,</33629/2>'");
}

}  // namespace
}  // namespace hg::coap
