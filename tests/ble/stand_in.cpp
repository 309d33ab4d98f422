// SPDX-License-Identifier: Apache-2.0
#include "ble/stand_in.hpp"

#include <algorithm>
#include <stdexcept>

namespace hg::test {
namespace {

constexpr const char* kName = "test.headgate.StandIn";
constexpr const char* kPath = "/test/stand_in";
constexpr const char* kInterface = "test.headgate.StandIn1";
constexpr std::uint64_t kPatience = 20'000'000;  // microseconds

std::string make_directory() {
  std::string name = "/tmp/headgate-bluez-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  return name;
}

void check(int result, const std::string& doing) {
  if (result < 0) throw std::runtime_error(doing + " failed: " + std::to_string(result));
}

void await_line(Program& program) {
  static_cast<void>(program.line());
}

int append_text(sd_bus_message* to, const char* key, const std::string& value) {
  return sd_bus_message_append(to, "{sv}", key, "s", value.c_str());
}

int append_uuids(sd_bus_message* to, const std::vector<std::string>& uuids) {
  sd_bus_message_open_container(to, 'e', "sv");
  sd_bus_message_append(to, "s", "UUIDs");
  sd_bus_message_open_container(to, 'v', "as");
  sd_bus_message_open_container(to, 'a', "s");
  for (const std::string& uuid : uuids) sd_bus_message_append(to, "s", uuid.c_str());
  sd_bus_message_close_container(to);
  sd_bus_message_close_container(to);
  return sd_bus_message_close_container(to);
}

int append(sd_bus_message* to, const BlePeripheral& from) {
  sd_bus_message_append(to, "s", from.adapter.c_str());
  sd_bus_message_open_container(to, 'a', "{sv}");
  append_text(to, "Address", from.address);
  append_text(to, "Identity", from.identity.empty() ? from.address : from.identity);
  append_text(to, "AddressType", from.address_type);
  append_text(to, "Name", from.name);
  append_text(to, "Smp", from.smp);
  append_text(to, "Pairing", from.pairing);
  if (!from.uuids.empty()) append_uuids(to, from.uuids);
  sd_bus_message_append(to, "{sv}", "Rssi", "n", from.rssi);
  sd_bus_message_append(to, "{sv}", "Mtu", "q", from.mtu);
  sd_bus_message_append(to, "{sv}", "Passkey", "u", from.passkey);
  sd_bus_message_append(to, "{sv}", "Encrypted", "b", from.encrypted ? 1 : 0);
  sd_bus_message_append(to, "{sv}", "Acquire", "b", from.acquire ? 1 : 0);
  sd_bus_message_append(to, "{sv}", "Reassembly", "b", from.reassembly ? 1 : 0);
  sd_bus_message_append(to, "{sv}", "BytesPerSecond", "u", from.bytes_per_second);
  return sd_bus_message_close_container(to);
}

}  // namespace

StandIn::StandIn(std::vector<std::string> options)
    : directory_(make_directory()), address_("unix:path=" + directory_ + "/bus") {
  daemon_ = std::make_unique<Program>("/usr/bin/dbus-daemon",
                                      std::vector<std::string>{"--session", "--nofork", "--nopidfile", "--nosyslog",
                                                               "--address=" + address_, "--print-address"});
  await_line(*daemon_);
  std::vector<std::string> words = {"DBUS_SYSTEM_BUS_ADDRESS=" + address_,
                                    "/usr/bin/python3",
                                    "-B",
                                    std::string(HEADGATE_SOURCE_DIR) + "/tests/children/bluez_stand_in.py",
                                    "--connect-ms",
                                    "1000",
                                    "--temporary-ms",
                                    "2000"};
  words.insert(words.end(), options.begin(), options.end());
  stand_in_ = std::make_unique<Program>("/usr/bin/env", words);
  await_line(*stand_in_);
  sd_bus* bus = nullptr;
  check(sd_bus_new(&bus), "sd_bus_new");
  bus_.reset(bus);
  check(sd_bus_set_address(bus, address_.c_str()), "sd_bus_set_address");
  check(sd_bus_set_bus_client(bus, 1), "sd_bus_set_bus_client");
  check(sd_bus_start(bus), "sd_bus_start");
  add_adapter("hci0", kAdapter);
}

StandIn::~StandIn() {
  bus_.reset();
  stand_in_.reset();
  daemon_.reset();
  std::filesystem::remove_all(directory_);
}

std::string StandIn::add(const BlePeripheral& peripheral) {
  const Message reply = call("AddPeripheral", [&](sd_bus_message* to) { return append(to, peripheral); });
  const char* id = nullptr;
  check(sd_bus_message_read(reply.get(), "s", &id), "AddPeripheral");
  return id;
}

void StandIn::fail(const std::string& member, const std::string& error, const std::string& text, std::uint32_t times) {
  call("Fail", [&](sd_bus_message* to) {
    return sd_bus_message_append(to, "sssu", member.c_str(), error.c_str(), text.c_str(), times);
  });
}

void StandIn::hang(const std::string& member, std::uint32_t times) {
  call("Hang", [&](sd_bus_message* to) { return sd_bus_message_append(to, "su", member.c_str(), times); });
}

std::vector<std::string> StandIn::calls() {
  const Message reply = call("Calls", {});
  check(sd_bus_message_enter_container(reply.get(), 'a', "s"), "Calls");
  std::vector<std::string> found;
  const char* word = nullptr;
  while (sd_bus_message_read(reply.get(), "s", &word) > 0) found.emplace_back(word);
  return found;
}

std::size_t StandIn::count(const std::string& member, const std::string& part) {
  const std::vector<std::string> all = calls();
  return static_cast<std::size_t>(std::ranges::count_if(all, [&](const std::string& line) {
    return line.starts_with(member + " ") && line.find(part, member.size() + 1) != std::string::npos;
  }));
}

void StandIn::kill() {
  call("Die", {});
}

void StandIn::start_again() {
  call("StartAgain", {});
}

StandIn::Message StandIn::call(const char* member, const Fill& fill) {
  sd_bus_message* made = nullptr;
  check(sd_bus_message_new_method_call(bus_.get(), &made, kName, kPath, kInterface, member), member);
  const Message request{made, &sd_bus_message_unref};
  if (fill) check(fill(made), member);
  sd_bus_error error = SD_BUS_ERROR_NULL;
  sd_bus_message* reply = nullptr;
  const int result = sd_bus_call(bus_.get(), made, kPatience, &error, &reply);
  const std::string why = error.message == nullptr ? "no answer" : error.message;
  sd_bus_error_free(&error);
  if (result < 0) throw std::runtime_error(std::string(member) + ": " + why);
  return {reply, &sd_bus_message_unref};
}

void StandIn::text(const char* member, const std::vector<std::string>& words) {
  call(member, [&](sd_bus_message* to) {
    int result = 0;
    for (const std::string& word : words) result = sd_bus_message_append(to, "s", word.c_str());
    return result;
  });
}

void StandIn::flag(const char* member, const std::string& name, bool on) {
  call(member, [&](sd_bus_message* to) { return sd_bus_message_append(to, "sb", name.c_str(), on ? 1 : 0); });
}

BleChild::BleChild(const std::filesystem::path& state, std::vector<std::string> options)
    : socket_(state.string() + ".smp") {
  options.insert(options.end(), {"--state", state.string(), "--seqpacket", socket_});
  program_ = std::make_unique<Program>(std::string(HEADGATE_BIN_DIR) + "/smp_child", std::move(options));
  if (program_->line() != "ready " + socket_) throw std::runtime_error("the child does not start");
}

}  // namespace hg::test
