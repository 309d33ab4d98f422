// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/requests.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "adapters/dbus/child_requests.hpp"
#include "adapters/dbus/group_requests.hpp"
#include "adapters/dbus/names.hpp"

namespace hg::bus {
namespace {

constexpr std::size_t kMaxChildrenPerCall = 10'000;
constexpr std::size_t kMaxUrl = 2048;
constexpr std::uint32_t kMaxHistory = 1000;
constexpr std::size_t kMaxRecord = std::size_t{64} * 1024;

Result<Request> read_start_rollout(sd_bus_message* call, const ObjectTree& tree) {
  const auto path = read_path(call);
  if (path.has_error()) return path.error();
  const auto children = read_paths(call, kMaxChildrenPerCall);
  if (children.has_error()) return children.error();
  constexpr std::array kOptions{KnownOption{"approved"}, KnownOption{"forced"},
                                KnownOption{"groups", OptionType::texts}};
  auto options = read_options(call, kOptions);
  if (options.has_error()) return options.error();

  const auto deliverable = tree.deliverable_at(path.value());
  if (!deliverable) return Error{Errc::not_found, "no such deliverable"};
  StartRollout request{.deliverable = *deliverable,
                       .children = {},
                       .approved = options->on.contains("approved"),
                       .forced = options->on.contains("forced")};
  request.groups = std::move(options->texts["groups"]);
  for (const core::GroupId& group : request.groups)
    if (!tree.group_at(group_path(group))) return Error{Errc::not_found, "no such group: " + group.substr(0, 64)};
  for (const ObjectPath& child_path : children.value()) {
    auto child = tree.child_at(child_path);
    if (!child) return Error{Errc::not_found, "no such child: " + child_path.text.substr(0, 200)};
    request.children.push_back(*std::move(child));
  }
  return Request{std::move(request)};
}

Result<Request> read_close(sd_bus_message* call, const ObjectTree& tree) {
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  const auto rollout = tree.rollout_at(ObjectPath{sd_bus_message_get_path(call)});
  if (!rollout) return Error{Errc::not_found, "no such rollout"};
  return Request{CloseRollout{*rollout}};
}

Result<Request> read_import_record(sd_bus_message* call, const ObjectTree& /*tree*/) {
  auto record = read_bytes(call, kMaxRecord);
  if (record.has_error()) return record.error();
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  return Request{ImportRecord{std::move(record).value()}};
}

Result<Request> read_fetch(sd_bus_message* call, const ObjectTree& /*tree*/) {
  auto url = read_string(call);
  if (url.has_error()) return url.error();
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  if (url.value().size() > kMaxUrl) return Error{Errc::invalid, "the URL is too long"};
  const bool printable = std::ranges::all_of(url.value(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!url.value().starts_with("https://") || !printable) return Error{Errc::invalid, "not an https URL"};
  return Request{Fetch{std::move(url).value()}};
}

/// What is in the file nobody looks at before the caller is authorized.
Result<Request> read_import(sd_bus_message* call, const ObjectTree& /*tree*/) {
  Result<UniqueFd> file = read_descriptor(call);
  if (file.has_error()) return file.error();
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  return Request{Import{{.file = std::move(file).value(), .place = {}}}};
}

Result<Request> read_baseline(sd_bus_message* call, const ObjectTree& tree) {
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  auto deliverable = tree.deliverable_at(ObjectPath{sd_bus_message_get_path(call)});
  if (!deliverable) return Error{Errc::not_found, "no such deliverable"};
  return Request{DeclareBaseline{*std::move(deliverable)}};
}

Result<Request> read_cancel(sd_bus_message* call, const ObjectTree& tree) {
  if (const auto options = read_no_options(call); options.has_error()) return options.error();
  const auto epoch = tree.job_at(ObjectPath{sd_bus_message_get_path(call)});
  if (!epoch) return Error{Errc::not_found, "no such job"};
  return Request{CancelJob{*epoch}};
}

template <class T>
Result<Message> reply_with(sd_bus_message* call, const T& value) {
  auto reply = make_reply(call);
  if (reply.has_error()) return reply;
  if (const int result = append(reply.value().get(), value); result < 0) return from_errno(-result, "write reply");
  return reply;
}

Result<Message> find_child(sd_bus_message* call, const ObjectTree& tree, ports::Control& /*control*/) {
  const auto id = read_string(call);
  if (id.has_error()) return id.error();
  const ObjectPath path = child_path(id.value());
  if (!tree.child_at(path)) return Error{Errc::not_found, "no such child"};
  return reply_with(call, path);
}

Result<Message> get_history(sd_bus_message* call, const ObjectTree& tree, ports::Control& control) {
  const auto count = read_uint32(call);
  if (count.has_error()) return count.error();
  const auto child = tree.child_at(ObjectPath{sd_bus_message_get_path(call)});
  if (!child) return Error{Errc::not_found, "no such child"};
  const auto history = control.history(*child, std::min(count.value(), kMaxHistory));
  if (history.has_error()) return history.error();
  std::vector<Dictionary> lines;
  std::ranges::transform(history.value(), std::back_inserter(lines), line_of);
  return reply_with(call, lines);
}

Result<Message> list_discovered(sd_bus_message* call, const ObjectTree& /*tree*/, ports::Control& control) {
  return reply_with(call, discovered_in(control.state()));
}

Result<Message> get_counts(sd_bus_message* call, const ObjectTree& /*tree*/, ports::Control& control) {
  return reply_with(call, numbers_of(control.counts()));
}

constexpr std::array kWrites{
    WriteMethod{kManagerInterface, "StartRollout", "org.headgate.Headgate1.start-rollout", read_start_rollout},
    WriteMethod{kManagerInterface, "CreateGroup", "org.headgate.Headgate1.manage-groups", read_create_group},
    WriteMethod{kManagerInterface, "DissolveGroup", "org.headgate.Headgate1.manage-groups", read_dissolve_group},
    WriteMethod{kGroupInterface, "Repair", "org.headgate.Headgate1.start-rollout", read_repair},
    WriteMethod{kGroupInterface, "Resolve", "org.headgate.Headgate1.resolve-split", read_resolve},
    WriteMethod{kDeliverableInterface, "DeclareBaseline", "org.headgate.Headgate1.declare-baseline", read_baseline},
    WriteMethod{kManagerInterface, "Fetch", "org.headgate.Headgate1.fetch", read_fetch},
    WriteMethod{kManagerInterface, "Import", "org.headgate.Headgate1.fetch", read_import},
    WriteMethod{kManagerInterface, "EnrollChild", "org.headgate.Headgate1.enroll-child", read_enroll},
    WriteMethod{kChildInterface, "Forget", "org.headgate.Headgate1.enroll-child", read_forget},
    WriteMethod{kChildInterface, "ReplaceBoard", "org.headgate.Headgate1.enroll-child", read_replace_board},
    WriteMethod{kChildInterface, "SetKey", "org.headgate.Headgate1.set-child-key", read_set_key},
    WriteMethod{kChildInterface, "RevokeKey", "org.headgate.Headgate1.set-child-key", read_revoke_key},
    WriteMethod{kTrustInterface, "ImportRecord", "org.headgate.Headgate1.import-record", read_import_record},
    WriteMethod{kRolloutInterface, "Close", "org.headgate.Headgate1.close-rollout", read_close},
    WriteMethod{kJobInterface, "Cancel", "org.headgate.Headgate1.cancel-job", read_cancel},
};

constexpr std::array kReads{
    ReadMethod{kManagerInterface, "FindChild", find_child},
    ReadMethod{kManagerInterface, "ListDiscovered", list_discovered},
    ReadMethod{kManagerInterface, "GetCounts", get_counts},
    ReadMethod{kChildInterface, "GetHistory", get_history},
};

template <class Table>
auto find_in(const Table& table, sd_bus_message* call) -> decltype(table.data()) {
  const char* const interface = sd_bus_message_get_interface(call);
  const char* const member = sd_bus_message_get_member(call);
  if (interface == nullptr || member == nullptr) return nullptr;
  const auto found = std::ranges::find_if(
      table, [&](const auto& method) { return method.interface == interface && method.member == member; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

const WriteMethod* find_write(sd_bus_message* call) {
  return find_in(kWrites, call);
}

const ReadMethod* find_read(sd_bus_message* call) {
  return find_in(kReads, call);
}

bool is_name(const std::string& text) {
  constexpr std::size_t kMaxName = 64;
  const auto may_stand = [](char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= kMaxName && std::ranges::all_of(text, may_stand);
}

const char* action_for(const WriteMethod& method, const Request& request) {
  const auto* start = std::get_if<StartRollout>(&request);
  return start != nullptr && (start->approved || start->forced) ? "org.headgate.Headgate1.approve-rollout"
                                                                : method.action;
}

Result<Message> make_reply(sd_bus_message* call) {
  sd_bus_message* raw = nullptr;
  if (const int result = sd_bus_message_new_method_return(call, &raw); result < 0) {
    return from_errno(-result, "make reply");
  }
  return Message{raw};
}

}  // namespace hg::bus
