// SPDX-License-Identifier: Apache-2.0
#include "ctl/trust.hpp"

#include <cerrno>
#include <fstream>
#include <iostream>
#include <iterator>

#include "ctl/snapshot.hpp"
#include "ctl/table.hpp"
#include "ctl/text.hpp"
#include "ctl/writing.hpp"

namespace hg::ctl {
namespace json = boost::json;
namespace {

constexpr std::size_t kDigitsShown = 12;  // of a deliverable's id
constexpr std::size_t kMaxRecord = std::size_t{64} * 1024;

/// What the gateway shows of trust; Errc::unavailable if it shows nothing.
Result<Snapshot> fetch_trust(Client& client) {
  auto snapshot = Snapshot::fetch(client);
  if (snapshot && snapshot.value().find(kTrustPath, kTrust) == nullptr)
    return Error{Errc::unavailable, "headgated shows nothing of trust: is it older than headgatectl?"};
  return snapshot;
}

const json::array& rows_in(const json::object& trust, const char* name) {
  static const json::array kNone;
  const json::value* rows = trust.if_contains(name);
  return rows != nullptr && rows->is_array() ? rows->as_array() : kNone;
}

std::string names_in(const json::object& row, const char* name) {
  std::string text;
  for (const json::value& one : rows_in(row, name))
    if (one.is_string()) text.append(text.empty() ? "" : " ").append(one.as_string());
  return text;
}

std::string time_in(const json::object& row, const char* name) {
  return time_text(number_in(row, name));
}

std::string expiry_in(const json::object& row, const char* name) {
  return time_in(row, name) + (truth_in(row, "Expired") ? ", EXPIRED" : "");
}

/// One table of the trust object, unless it has no rows.
template <class Row>
void print_rows(const json::object& trust, const char* name, std::vector<std::string> headings, Row row) {
  const json::array& rows = rows_in(trust, name);
  if (rows.empty()) return;
  Table table(std::move(headings));
  for (const json::value& each : rows) table.add(row(each.as_object()));
  std::cout << '\n';
  table.print(std::cout);
}

using Cells = std::vector<std::string>;

Cells key_row(const json::object& key) {
  return {text_in(key, "Name"),      names_in(key, "Roles"),   names_in(key, "Prefixes"),
          time_in(key, "NotBefore"), time_in(key, "NotAfter"), truth_in(key, "Offline") ? "yes" : "no"};
}

Cells head_row(const json::object& head) {
  return {text_in(head, "Channel"), std::to_string(number_in(head, "Version")), time_in(head, "Issued"),
          expiry_in(head, "Expires")};
}

Cells entry_row(const json::object& entry) {
  return {text_in(entry, "Channel"), text_in(entry, "Product"), std::to_string(number_in(entry, "Sequence")),
          std::to_string(number_in(entry, "Minimum")), text_in(entry, "Deliverable").substr(0, kDigitsShown)};
}

Cells grant_row(const json::object& grant) {
  return {text_in(grant, "Image").substr(0, kDigitsShown), expiry_in(grant, "NotAfter")};
}

Cells floor_row(const json::object& floor) {
  return {text_in(floor, "Product"), std::to_string(number_in(floor, "Sequence"))};
}

Cells permit_row(const json::object& permit) {
  const std::string child = text_in(permit, "Child");
  return {text_in(permit, "Id"),
          text_in(permit, "Product"),
          std::to_string(number_in(permit, "From")),
          std::to_string(number_in(permit, "To")),
          child.empty() ? "class " + text_in(permit, "ClassId") : child,
          expiry_in(permit, "NotAfter"),
          text_in(permit, "Signers"),
          names_in(permit, "UsedBy")};
}

Result<std::string> read_record(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Errc::not_found, from_errno(errno, path).message};
  std::string record(kMaxRecord + 1, '\0');
  file.read(record.data(), static_cast<std::streamsize>(record.size()));
  record.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad() || record.empty()) return Error{Errc::invalid, path + ": no trust record"};
  if (record.size() > kMaxRecord) return Error{Errc::invalid, path + ": larger than any trust record"};
  return record;
}

}  // namespace

Result<ExitCode> show_trust(Session session) {
  const auto fetched = fetch_trust(session.client);
  if (fetched.has_error()) return fetched.error();
  if (session.json) {
    print_json(fetched.value().show(kTrustPath, kTrust));
    return ExitCode::ok;
  }
  const json::object& trust = *fetched.value().find(kTrustPath, kTrust);
  const std::uint64_t version = number_in(trust, "RootVersion");
  Facts facts;
  facts.add("Root", version == 0 ? "none: each key is an author of everything" : "version " + std::to_string(version));
  facts.add("Time", truth_in(trust, "TimeKnown") ? "known" : "NOT KNOWN: what has an expiry waits");
  facts.print(std::cout);
  print_rows(trust, "Keys", {"KEY", "ROLES", "PREFIXES", "NOT BEFORE", "NOT AFTER", "OFFLINE"}, key_row);
  print_rows(trust, "Heads", {"CHANNEL", "VERSION", "ISSUED", "EXPIRES"}, head_row);
  print_rows(trust, "HeadEntries", {"CHANNEL", "PRODUCT", "SEQUENCE", "MINIMUM", "DELIVERABLE"}, entry_row);
  print_rows(trust, "Floors", {"PRODUCT", "NOT BELOW"}, floor_row);
  print_rows(trust, "Grants", {"GRANT FOR IMAGE", "NOT AFTER"}, grant_row);
  return ExitCode::ok;
}

Result<ExitCode> list_permits(Session session) {
  const auto fetched = fetch_trust(session.client);
  if (fetched.has_error()) return fetched.error();
  if (session.json) {
    const json::object shown = fetched.value().show(kTrustPath, kTrust);
    print_json(shown.at("permits"));
    return ExitCode::ok;
  }
  Table table({"PERMIT", "PRODUCT", "FROM", "TO", "FOR", "NOT AFTER", "SIGNED BY", "USED BY"});
  for (const json::value& each : rows_in(*fetched.value().find(kTrustPath, kTrust), "Permits"))
    table.add(permit_row(each.as_object()));
  table.print(std::cout);
  return ExitCode::ok;
}

Result<ExitCode> import_record(Session session, const std::string& path) {
  const Result<std::string> record = read_record(path);
  if (record.has_error()) return record.error();
  const auto fill = [&record](sd_bus_message* call) {
    const int result = sd_bus_message_append_array(call, 'y', record->data(), record->size());
    return result < 0 ? result : sd_bus_message_append(call, "a{sv}", 0);
  };
  const auto answer = session.client.call(kTrustPath, kTrust, "ImportRecord", fill);
  if (answer.has_error() && answer.error().code == Errc::exists) return nothing_to_do(answer.error());
  if (answer.has_error()) return answer.error();
  if (session.json) {
    print_json(json::object{{"kind", answer.value().at(0)}});
  } else {
    std::cout << clean(std::string{answer.value().at(0).as_string()}) << " accepted\n";
  }
  return ExitCode::ok;
}

}  // namespace hg::ctl
