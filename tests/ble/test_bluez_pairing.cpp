// SPDX-License-Identifier: Apache-2.0
// Pairing: the agent that stands on the bus for one Pair() of ours, whom it answers and what, and that nothing of it is
// left afterwards.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "ble/agent.hpp"
#include "ble/bluez_on_bus.hpp"

namespace hg::ble::test {
namespace {

constexpr const char* kAgent = "org.bluez.Agent1";
constexpr const char* kRejected = "org.bluez.Error.Rejected";
const std::string kOther = "/org/bluez/hci0/dev_C0_FF_EE_00_11_23";

using Fill = std::function<int(sd_bus_message*)>;

class BluezPairing : public BluezOnBus {
 protected:
  BluezPairing() {
    begin();
    us = bluetoothd->caller;
    bluetoothd->calls.clear();
    bluetoothd->silent["Pair"] = true;
    bluetoothd->heard["RegisterAgent"] = [this](sd_bus_message* call) { registered = bus::test::to_text(call); };
  }

  PairingAnswers with_passkey(std::string_view passkey) {
    return {kBoiler, std::make_shared<Secret>(as_bytes(passkey))};
  }
  Later<Result<Bluez::Paired>> begin_pairing(PairingAnswers answers) {
    const auto capability = answers.passkey ? AgentCapability::keyboard_only : AgentCapability::no_input_no_output;
    const auto paired = begin(bluez->pair(capability, std::move(answers), in(10s)));
    EXPECT_TRUE(eventually(loop, [&] { return bluetoothd->count("Pair " + kBoiler) > 0; }));
    return paired;
  }

  /// A question to our agent; the answer as text, or the name of the error.
  std::string ask_agent(ScriptedBluez& asker, const char* member, const Fill& fill) {
    auto call = asker.connection().make_call(us.c_str(), Agent::path(), kAgent, member).value();
    if (fill) {
      EXPECT_GE(fill(call.get()), 0);
    }
    const auto answer = run(asker.connection().call(std::move(call), 5s));
    if (!answer) return answer.error().message;
    if (const auto* const error = sd_bus_message_get_error(answer->get())) return error->name;
    return bus::test::to_text(answer->get());
  }
  std::string ask_passkey(const std::string& device) { return ask_agent(*bluetoothd, "RequestPasskey", path(device)); }
  static Fill path(const std::string& device) {
    return [device](sd_bus_message* call) { return sd_bus_message_append(call, "o", device.c_str()); };
  }
  static Fill path_and_number(const std::string& device) {
    return [device](sd_bus_message* call) { return sd_bus_message_append(call, "ou", device.c_str(), 123456U); };
  }

  std::string us;  // our unique name
  std::string registered;
};

TEST_F(BluezPairing, GivesThePasskeyToBluetoothdForThatDevice) {
  const auto paired = begin_pairing(with_passkey("004217"));
  EXPECT_EQ(registered, std::string(Agent::path()) + " KeyboardOnly");
  EXPECT_EQ(ask_passkey(kBoiler), "4217");
  bluetoothd->answer_now();
  const auto result = end(paired);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->asked_passkey);
  ASSERT_TRUE(eventually(loop, [&] { return bluetoothd->calls.size() == 3; }));
  const std::vector<std::string> expected = {"RegisterAgent /org/bluez", "Pair " + kBoiler,
                                             "UnregisterAgent /org/bluez"};
  EXPECT_EQ(bluetoothd->calls, expected);
  EXPECT_EQ(ask_passkey(kBoiler), "org.freedesktop.DBus.Error.UnknownObject");
}

TEST_F(BluezPairing, GivesItToNobodyElse) {
  const auto paired = begin_pairing(with_passkey("004217"));
  EXPECT_EQ(ask_passkey(kOther), kRejected);
  ScriptedBluez other(loop, private_bus.address());
  EXPECT_EQ(ask_agent(other, "RequestPasskey", path(kBoiler)), kRejected);
  bluetoothd->answer_now();
  EXPECT_FALSE(end(paired)->asked_passkey);
}

TEST_F(BluezPairing, ConsentsToNothingWithAPasskey) {
  const auto paired = begin_pairing(with_passkey("004217"));
  EXPECT_EQ(ask_agent(*bluetoothd, "RequestConfirmation", path_and_number(kBoiler)), kRejected);
  EXPECT_EQ(ask_agent(*bluetoothd, "RequestAuthorization", path(kBoiler)), kRejected);
  bluetoothd->answer_now();
  EXPECT_FALSE(end(paired)->asked_passkey);
}

TEST_F(BluezPairing, ConsentsForThatDeviceWithoutOne) {
  const auto paired = begin_pairing({kBoiler, nullptr});
  EXPECT_EQ(registered, std::string(Agent::path()) + " NoInputNoOutput");
  EXPECT_EQ(ask_agent(*bluetoothd, "RequestConfirmation", path_and_number(kBoiler)), "");
  EXPECT_EQ(ask_agent(*bluetoothd, "RequestAuthorization", path(kBoiler)), "");
  EXPECT_EQ(ask_agent(*bluetoothd, "RequestConfirmation", path_and_number(kOther)), kRejected);
  EXPECT_EQ(ask_agent(*bluetoothd, "RequestAuthorization", path(kOther)), kRejected);
  EXPECT_EQ(ask_passkey(kBoiler), kRejected);
  ScriptedBluez other(loop, private_bus.address());
  EXPECT_EQ(ask_agent(other, "RequestAuthorization", path(kBoiler)), kRejected);
  bluetoothd->answer_now();
  EXPECT_FALSE(end(paired)->asked_passkey);
}

TEST_F(BluezPairing, RejectsEveryOtherQuestion) {
  const auto paired = begin_pairing(with_passkey("004217"));
  const auto path_and_text = [](sd_bus_message* call) {
    return sd_bus_message_append(call, "os", kBoiler.c_str(), "0000");
  };
  const auto displayed = [](sd_bus_message* call) {
    return sd_bus_message_append(call, "ouq", kBoiler.c_str(), 123456U, 0);
  };
  EXPECT_EQ(ask_agent(*bluetoothd, "RequestPinCode", path(kBoiler)), kRejected);
  EXPECT_EQ(ask_agent(*bluetoothd, "DisplayPinCode", path_and_text), kRejected);
  EXPECT_EQ(ask_agent(*bluetoothd, "DisplayPasskey", displayed), kRejected);
  EXPECT_EQ(ask_agent(*bluetoothd, "AuthorizeService", path_and_text), kRejected);
  EXPECT_EQ(ask_agent(*bluetoothd, "Cancel", {}), "");
  EXPECT_EQ(ask_agent(*bluetoothd, "Release", {}), "");
  bluetoothd->answer_now();
  EXPECT_TRUE(end(paired));
}

TEST_F(BluezPairing, HasNoPasskeyThatIsNotSixDigits) {
  for (const char* passkey : {"", "12345", "1234567", "12345x", "-12345"}) {
    const auto paired = begin_pairing(with_passkey(passkey));
    EXPECT_EQ(ask_passkey(kBoiler), kRejected) << passkey;
    bluetoothd->answer_now();
    EXPECT_FALSE(end(paired)->asked_passkey);
    bluetoothd->calls.clear();
  }
}

TEST_F(BluezPairing, TellsHowItFailed) {
  struct Case {
    const char* name;
    Errc code;
  };
  for (const auto& [name, code] :
       {Case{"AuthenticationFailed", Errc::unauthenticated}, Case{"AuthenticationRejected", Errc::unauthenticated},
        Case{"AuthenticationCanceled", Errc::io}, Case{"AuthenticationTimeout", Errc::timed_out},
        Case{"ConnectionAttemptFailed", Errc::io}, Case{"AlreadyExists", Errc::exists}, Case{"InProgress", Errc::busy},
        Case{"NotReady", Errc::unavailable}, Case{"DoesNotExist", Errc::not_found}, Case{"Failed", Errc::io}}) {
    const auto paired = begin_pairing(with_passkey("004217"));
    EXPECT_EQ(ask_passkey(kBoiler), "4217");
    bluetoothd->errors["Pair"] = {std::string("org.bluez.Error.") + name, "because"};
    bluetoothd->answer_now();
    const auto result = end(paired);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, code) << name;
    EXPECT_TRUE(result.error().message.starts_with("pair with C0:FF:EE:00:11:22: ")) << result.error().message;
    EXPECT_EQ(result.error().message.find("4217"), std::string::npos);
    EXPECT_TRUE(eventually(loop, [&] { return bluetoothd->count("UnregisterAgent /org/bluez") == 1; })) << name;
    bluetoothd->calls.clear();
  }
  for (const std::string& line : log) EXPECT_EQ(line.find("4217"), std::string::npos);
}

TEST_F(BluezPairing, DoesNotPairWithoutAnAgent) {
  bluetoothd->errors["RegisterAgent"] = {"org.bluez.Error.InvalidArguments", "Invalid arguments in method call"};
  const auto refused = run(bluez->pair(AgentCapability::keyboard_only, with_passkey("004217"), in(5s)));
  EXPECT_EQ(refused.error().code, Errc::invalid);
  EXPECT_EQ(bluetoothd->count("Pair " + kBoiler), 0U);
}

TEST_F(BluezPairing, DoesNotPairWhatIsBondedOrNotThere) {
  EXPECT_EQ(run(bluez->pair(AgentCapability::no_input_no_output, {kOther, nullptr}, in(5s))).error().code,
            Errc::not_found);
  bluetoothd->change(kBoiler, kDevice, {{"Paired", true}, {"Bonded", true}});
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().device(kBoiler)->bonded; }));
  EXPECT_EQ(run(bluez->pair(AgentCapability::no_input_no_output, {kBoiler, nullptr}, in(5s))).error().code,
            Errc::exists);
  EXPECT_TRUE(bluetoothd->calls.empty());
}

TEST_F(BluezPairing, IsCalledOffAtTheDeadline) {
  const auto late = run(bluez->pair(AgentCapability::keyboard_only, with_passkey("004217"), in(1s)));
  EXPECT_EQ(late.error().code, Errc::timed_out);
  ASSERT_TRUE(eventually(loop, [&] { return bluetoothd->calls.size() == 4; }));
  EXPECT_EQ(bluetoothd->calls[2], "CancelPairing " + kBoiler);
  EXPECT_EQ(bluetoothd->calls[3], "UnregisterAgent /org/bluez");
  EXPECT_EQ(ask_passkey(kBoiler), "org.freedesktop.DBus.Error.UnknownObject");
}

TEST_F(BluezPairing, IsCalledOffWhenItIsCancelled) {
  asio::cancellation_signal cancel;
  std::optional<Result<Bluez::Paired>> ended;
  const auto keep = [&](const std::exception_ptr&, Result<Bluez::Paired> result) { ended = std::move(result); };
  asio::co_spawn(loop, bluez->pair(AgentCapability::keyboard_only, with_passkey("004217"), in(10s)),
                 asio::bind_cancellation_slot(cancel.slot(), keep));
  ASSERT_TRUE(eventually(loop, [&] { return bluetoothd->count("Pair " + kBoiler) > 0; }));
  cancel.emit(asio::cancellation_type::terminal);
  ASSERT_TRUE(eventually(loop, [&] { return bluetoothd->calls.size() == 4; }));
  EXPECT_EQ(bluetoothd->calls[2], "CancelPairing " + kBoiler);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->error().code, Errc::cancelled);
}

TEST_F(BluezPairing, EndsWhenBluetoothdGoes) {
  const auto paired = begin_pairing(with_passkey("004217"));
  bluetoothd->crash();
  EXPECT_EQ(end(paired).error().code, Errc::unavailable);
  // The next bluetoothd is paired with as if nothing had been.
  ScriptedBluez next(loop, private_bus.address());
  next.objects[kBoiler] = device_at("C0:FF:EE:00:11:22");
  next.claim();
  ASSERT_TRUE(eventually(loop, [&] { return bluez->is_there(); }));
  EXPECT_TRUE(run(bluez->pair(AgentCapability::no_input_no_output, {kBoiler, nullptr}, in(5s))));
}

TEST_F(BluezPairing, IsDoneOneAfterTheOther) {
  bluetoothd->add(kOther, device_at("C0:FF:EE:00:11:23"));
  ASSERT_TRUE(eventually(loop, [&] { return bluez->objects().devices().size() == 2; }));
  const auto first = begin_pairing(with_passkey("004217"));
  const auto second = begin(bluez->pair(AgentCapability::no_input_no_output, {kOther, nullptr}, in(10s)));
  const auto impatient = run(bluez->pair(AgentCapability::no_input_no_output, {kOther, nullptr}, in(100ms)));
  EXPECT_EQ(impatient.error().code, Errc::timed_out);
  EXPECT_EQ(bluetoothd->count("Pair " + kOther), 0U);
  EXPECT_EQ(ask_agent(*bluetoothd, "RequestAuthorization", path(kOther)), kRejected);
  bluetoothd->answer_now();
  EXPECT_TRUE(end(first));
  ASSERT_TRUE(eventually(loop, [&] { return bluetoothd->count("Pair " + kOther) == 1; }));
  const std::vector<std::string> expected = {"RegisterAgent /org/bluez", "Pair " + kBoiler,
                                             "UnregisterAgent /org/bluez", "RegisterAgent /org/bluez",
                                             "Pair " + kOther};
  EXPECT_EQ(bluetoothd->calls, expected);
  EXPECT_EQ(ask_passkey(kBoiler), kRejected);
  bluetoothd->answer_now();
  EXPECT_TRUE(end(second));
}

}  // namespace
}  // namespace hg::ble::test
