// SPDX-License-Identifier: Apache-2.0
#include "ctl/enrollment.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

#include "base/unique_fd.hpp"
#include "ctl/snapshot.hpp"
#include "ctl/text.hpp"

namespace hg::ctl {
namespace json = boost::json;
namespace {

constexpr std::size_t kDigitsShown = 12;  // of a key's id

ExitCode say_done(Session session, const std::string& name, const char* what) {
  if (session.json) {
    print_json(json::object{{"child", name}, {"result", what}});
  } else {
    std::cout << "child " << clean(name) << ' ' << what << '\n';
  }
  return ExitCode::ok;
}

/// A method of a child, whose arguments `fill` writes.
Result<json::array> call_child(Session session, const std::string& name, const char* member, const Client::Fill& fill) {
  const auto fetched = Snapshot::fetch(session.client);
  if (fetched.has_error()) return fetched.error();
  const auto path = fetched.value().child_path(name);
  if (path.has_error()) return path.error();
  return session.client.call(path.value(), kChild, member, fill);
}

Result<ExitCode> call_plain(Session session, const std::string& name, const char* member, const char* done) {
  const auto fill = [](sd_bus_message* call) { return sd_bus_message_append(call, "a{sv}", 0); };
  const auto answer = call_child(session, name, member, fill);
  if (answer.has_error()) return answer.error();
  return say_done(session, name, done);
}

int append_targets(sd_bus_message* call, const std::vector<std::string>& targets) {
  std::vector<char*> texts;
  for (const std::string& target : targets) texts.push_back(const_cast<char*>(target.c_str()));  // NOLINT: a strv
  texts.push_back(nullptr);
  int result = sd_bus_message_open_container(call, 'e', "sv");
  if (result >= 0) result = sd_bus_message_append(call, "s", "targets");
  if (result >= 0) result = sd_bus_message_open_container(call, 'v', "as");
  if (result >= 0) result = sd_bus_message_append_strv(call, texts.data());
  if (result >= 0) result = sd_bus_message_close_container(call);
  return result < 0 ? result : sd_bus_message_close_container(call);
}

int append_words(sd_bus_message* call, const std::string& name, const ChildWords& said) {
  int result = sd_bus_message_append(call, "s", name.c_str());
  if (result >= 0) result = sd_bus_message_open_container(call, 'a', "{sv}");
  const std::pair<const char*, const std::string&> texts[] = {{"transport", said.transport},
                                                              {"address", said.address},
                                                              {"profile", said.profile},
                                                              {"vendor", said.vendor},
                                                              {"class", said.device_class}};
  for (const auto& [key, text] : texts)
    if (result >= 0 && !text.empty()) result = sd_bus_message_append(call, "{sv}", key, "s", text.c_str());
  if (result >= 0 && !said.targets.empty()) result = append_targets(call, said.targets);
  return result < 0 ? result : sd_bus_message_close_container(call);
}

/// What was not said, as the stranger of this name says or claims it.
Result<void> complete_by_discovery(Client& client, const std::string& name, ChildWords& said) {
  const auto met = discovered(client);
  if (met.has_error()) return met.error();
  for (const json::value& entry : met.value()) {
    const json::object& stranger = entry.as_object();
    if (text_in(stranger, "Id") != name) continue;
    const std::pair<const char*, std::string&> texts[] = {{"Transport", said.transport},
                                                          {"Address", said.address},
                                                          {"VendorId", said.vendor},
                                                          {"ClassId", said.device_class}};
    for (const auto& [member, text] : texts)
      if (text.empty()) text = text_in(stranger, member);
    return {};
  }
  return Error{Errc::not_found, "no plugin has met " + clean(name)};
}

Result<void> check_words(const ChildWords& said) {
  const std::pair<const char*, const std::string&> needed[] = {{"--transport", said.transport},
                                                               {"--address", said.address},
                                                               {"--vendor", said.vendor},
                                                               {"--class", said.device_class}};
  for (const auto& [option, text] : needed)
    if (text.empty())
      return Error{Errc::invalid, std::string{option} + (said.is_discovered ? " must be said: it does not claim one"
                                                                            : " must be said, or --discovered")};
  return {};
}

}  // namespace

Result<ExitCode> enroll_child(Session session, const std::string& name, ChildWords said) {
  if (said.is_discovered) {
    const auto completed = complete_by_discovery(session.client, name, said);
    if (completed.has_error()) return completed.error();
  }
  if (const auto checked = check_words(said); checked.has_error()) return checked.error();
  const auto fill = [&](sd_bus_message* call) { return append_words(call, name, said); };
  const auto answer = session.client.call(kManagerPath, kManager, "EnrollChild", fill);
  if (answer.has_error()) return answer.error();
  return say_done(session, name, "enrolled");
}

Result<ExitCode> forget_child(Session session, const std::string& name) {
  return call_plain(session, name, "Forget", "forgotten");
}

Result<ExitCode> replace_board(Session session, const std::string& name) {
  return call_plain(session, name, "ReplaceBoard", "replaced");
}

Result<ExitCode> set_child_key(Session session, const std::string& name, const std::string& use,
                               const std::string& source, const std::string& kid) {
  const bool is_stdin = source == "-";
  const UniqueFd file{is_stdin ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                               : ::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (!file) return from_errno(errno, is_stdin ? "standard input" : source);
  const auto fill = [&](sd_bus_message* call) {
    const int result = sd_bus_message_append(call, "sh", use.c_str(), file.get());
    if (result < 0 || kid.empty()) return result < 0 ? result : sd_bus_message_append(call, "a{sv}", 0);
    return sd_bus_message_append(call, "a{sv}", 1, "name", "s", kid.c_str());
  };
  const auto answer = call_child(session, name, "SetKey", fill);
  if (answer.has_error()) return answer.error();
  const std::string id{answer.value().at(0).as_string()};
  if (session.json) {
    print_json(json::object{{"child", name}, {"use", use}, {"id", id}});
  } else {
    std::cout << "key " << clean(id) << " set\n";
  }
  return ExitCode::ok;
}

Result<ExitCode> revoke_child_key(Session session, const std::string& name, const std::string& use) {
  const auto fill = [&](sd_bus_message* call) { return sd_bus_message_append(call, "sa{sv}", use.c_str(), 0); };
  const auto answer = call_child(session, name, "RevokeKey", fill);
  if (answer.has_error()) return answer.error();
  return say_done(session, name, "has lost its key");
}

Result<json::array> discovered(Client& client) {
  const auto answer = client.call(kManagerPath, kManager, "ListDiscovered");
  if (answer.has_error()) return answer.error();
  return answer.value().at(0).as_array();
}

std::string enroller_of(const json::object& child) {
  const std::string origin = text_in(child, "Origin");
  const std::string by = text_in(child, "EnrolledBy");
  if (by.empty()) return origin;
  return origin == "command" ? by : origin + ' ' + by;
}

void add_protection(Facts& facts, const json::object& child) {
  facts.add("Enrolled by", enroller_of(child));
  facts.add("Protected by", text_in(child, "Protection") + (truth_in(child, "ProtectionClaimed") ? " (claimed)" : ""));
  facts.add("Link security", text_in(child, "LinkSecurity"));
}

void add_radio(Facts& facts, const json::object& child) {
  constexpr std::int64_t kNotKnown = 127;
  constexpr std::uint64_t kMillisecond = 1000;
  std::string text = text_in(child, "Adapter");
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  const json::value* rssi = child.if_contains("Rssi");
  if (rssi != nullptr && rssi->to_number<std::int64_t>() != kNotKnown)
    add(std::to_string(rssi->to_number<std::int64_t>()) + " dBm");
  if (const std::uint64_t mtu = number_in(child, "Mtu"); mtu != 0) add("MTU " + std::to_string(mtu));
  if (const std::uint64_t air = number_in(child, "Airtime"); air != 0)
    add(std::to_string(air / kMillisecond) + " ms of air");
  if (const std::uint64_t breaks = number_in(child, "LinkBreaks"); breaks != 0)
    add(std::to_string(breaks) + (breaks == 1 ? " broken connection" : " broken connections"));
  if (!text.empty()) facts.add("Radio", text);
}

void print_keys(const json::object& child) {
  const json::array& keys = list_in(child, "Keys");
  if (keys.empty()) return;
  Table table({"KEY FOR", "KIND", "ID", "NAME", "SINCE", "SET BY"});
  for (const json::value& entry : keys) {
    const json::object& key = entry.as_object();
    table.add({text_in(key, "Use"), text_in(key, "Kind"), text_in(key, "Id").substr(0, kDigitsShown),
               text_in(key, "Name"), time_text(number_in(key, "Since")),
               "uid " + std::to_string(number_in(key, "SetBy"))});
  }
  std::cout << '\n';
  table.print(std::cout);
}

}  // namespace hg::ctl
