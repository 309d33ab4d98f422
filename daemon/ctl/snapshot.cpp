// SPDX-License-Identifier: Apache-2.0
#include "ctl/snapshot.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <limits>
#include <set>

#include "ctl/text.hpp"

namespace hg::ctl {
namespace json = boost::json;
namespace {

const std::set<std::string_view>& time_properties() {
  static const std::set<std::string_view> names{"LastSeen", "Until",  "SealedAt", "StartTime", "Since",
                                                "Time",     "Issued", "Expires",  "NotBefore", "NotAfter"};
  return names;
}

// Properties whose paths stand for something, and what they are called in --json.
const std::map<std::string_view, std::string_view>& path_properties() {
  static const std::map<std::string_view, std::string_view> names{
      {"Job", "job"}, {"Rollout", "rollout"}, {"Object", "child"}, {"Child", "child"}, {"Children", "children"}};
  return names;
}

std::string snake_case(std::string_view camel) {
  std::string snake;
  for (const char c : camel) {
    const bool upper = std::isupper(static_cast<unsigned char>(c)) != 0;
    if (upper && !snake.empty()) snake += '_';
    snake += upper ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : c;
  }
  return snake;
}

std::string last_element(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 20 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A path whose object we do not have (any more).
json::value name_from(const std::string& path) {
  const std::string last = last_element(path);
  if (is_number(last)) return std::strtoull(last.c_str(), nullptr, 10);
  char* raw = nullptr;
  const std::string parent = path.substr(0, path.rfind('/'));
  if (sd_bus_path_decode(path.c_str(), parent.c_str(), &raw) <= 0) return json::string(last);
  const std::unique_ptr<char, decltype(&std::free)> decoded{raw, &std::free};
  return json::string(decoded.get());
}

bool by_number(const std::string& a, const std::string& b) {
  const std::string left = last_element(a);
  const std::string right = last_element(b);
  if (is_number(left) && is_number(right) && left.size() != right.size()) return left.size() < right.size();
  return a < b;
}

}  // namespace

Result<Snapshot> Snapshot::fetch(Client& client) {
  auto answer = client.call(kRootPath, kObjectManager, "GetManagedObjects");
  if (answer.has_error()) return answer.error();
  if (answer.value().empty() || !answer.value()[0].is_object()) return Error{Errc::invalid, "strange object list"};
  Snapshot snapshot;
  for (auto& [path, interfaces] : answer.value()[0].as_object()) {
    if (interfaces.is_object()) snapshot.objects_[std::string{path}] = std::move(interfaces.as_object());
  }
  return snapshot;
}

void Snapshot::apply(const Signal& signal) {
  const json::array& arguments = signal.arguments;
  if (arguments.size() < 2) return;
  if (signal.member == "InterfacesAdded" && arguments[0].is_string() && arguments[1].is_object()) {
    objects_[std::string{arguments[0].as_string()}] = arguments[1].as_object();
  } else if (signal.member == "InterfacesRemoved" && arguments[0].is_string()) {
    objects_.erase(std::string{arguments[0].as_string()});
  } else if (signal.member == "PropertiesChanged" && arguments[0].is_string() && arguments[1].is_object()) {
    const auto object = objects_.find(signal.path);
    if (object == objects_.end()) return;
    json::value& properties = object->second[arguments[0].as_string()];
    if (!properties.is_object()) properties.emplace_object();
    for (const auto& [name, value] : arguments[1].as_object()) properties.as_object()[name] = value;
  }
}

const json::object* Snapshot::find(const std::string& path, const char* interface) const {
  const auto object = objects_.find(path);
  if (object == objects_.end()) return nullptr;
  const json::value* properties = object->second.if_contains(interface);
  return properties == nullptr ? nullptr : properties->if_object();
}

std::vector<std::string> Snapshot::paths(const char* interface) const {
  std::vector<std::string> found;
  for (const auto& [path, interfaces] : objects_) {
    if (interfaces.contains(interface)) found.push_back(path);
  }
  std::ranges::sort(found, by_number);
  return found;
}

Result<std::string> Snapshot::child_path(const std::string& id) const {
  for (const std::string& path : paths(kChild)) {
    if (text_in(*find(path, kChild), "Id") == id) return path;
  }
  return Error{Errc::not_found, "no child \"" + clean(id) + '"'};
}

Result<std::string> Snapshot::group_path(const std::string& name) const {
  for (const std::string& path : paths(kGroup)) {
    if (text_in(*find(path, kGroup), "Name") == name) return path;
  }
  return Error{Errc::not_found, "no group \"" + clean(name) + '"'};
}

Result<std::string> Snapshot::deliverable_path(const std::string& prefix) const {
  std::vector<std::string> found;
  for (const std::string& path : paths(kDeliverable)) {
    if (!prefix.empty() && text_in(*find(path, kDeliverable), "Id").starts_with(prefix)) found.push_back(path);
  }
  if (found.empty()) return Error{Errc::not_found, "no deliverable \"" + clean(prefix) + '"'};
  if (found.size() > 1) return Error{Errc::invalid, "more than one deliverable begins with \"" + clean(prefix) + '"'};
  return found.front();
}

json::object Snapshot::show(const std::string& path, const char* interface) const {
  const json::object* properties = find(path, interface);
  return properties == nullptr ? json::object{} : show(*properties);
}

json::object Snapshot::show(const json::object& properties) const {
  json::object shown;
  for (const auto& [name, value] : properties) {
    const std::string_view key{name.data(), name.size()};
    const auto path = path_properties().find(key);
    if (path != path_properties().end() && value.is_string() && value.as_string().starts_with('/')) {
      shown[path->second] = name_of(std::string{value.as_string()});
    } else if (path != path_properties().end() && value.is_array()) {
      json::array names;
      for (const json::value& one : value.as_array()) names.push_back(name_of(std::string{one.as_string()}));
      shown[path->second] = std::move(names);
    } else if (key == "Priority" && value == json::value(std::numeric_limits<std::int64_t>::max())) {
      shown["priority"] = nullptr;  // none given
    } else if (key == "Battery" && value.to_number<std::uint64_t>() == std::numeric_limits<std::uint32_t>::max()) {
      shown["battery"] = nullptr;  // it does not tell
    } else if ((key == "Rssi" && value == json::value(std::int64_t{127})) ||
               (key == "Mtu" && number_in(properties, "Mtu") == 0)) {
      shown[snake_case(key)] = nullptr;  // not known
    } else if (key == "Deliverable" && value.as_string().starts_with('/')) {
      shown["deliverable"] = name_of(std::string{value.as_string()});
    } else if (time_properties().contains(key)) {
      const std::string text = time_text(number_in(properties, std::string{key}.c_str()));
      shown[snake_case(key)] = text.empty() ? json::value(nullptr) : json::value(text);
    } else if (value.is_array() && !value.as_array().empty() && value.as_array().front().is_object()) {
      json::array rows;
      for (const json::value& row : value.as_array()) rows.push_back(show(row.as_object()));
      shown[snake_case(key)] = std::move(rows);
    } else {
      shown[snake_case(key)] = value;
    }
  }
  return shown;
}

json::value Snapshot::name_of(const std::string& path) const {
  if (path == "/") return nullptr;
  for (const char* interface : {kChild, kDeliverable, kRollout, kJob}) {
    const json::object* properties = find(path, interface);
    if (properties != nullptr && properties->contains("Id")) return properties->at("Id");
  }
  if (const json::object* group = find(path, kGroup); group != nullptr) return json::value(text_in(*group, "Name"));
  return name_from(path);
}

std::string text_in(const json::object& properties, const char* name) {
  const json::value* value = properties.if_contains(name);
  return value != nullptr && value->is_string() ? std::string{value->as_string()} : std::string{};
}

std::uint64_t number_in(const json::object& properties, const char* name) {
  const json::value* value = properties.if_contains(name);
  if (value == nullptr) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  return error ? 0 : number;
}

bool truth_in(const json::object& properties, const char* name) {
  const json::value* value = properties.if_contains(name);
  return value != nullptr && value->is_bool() && value->as_bool();
}

const json::array& list_in(const json::object& properties, const char* name) {
  static const json::array none;
  const json::value* value = properties.if_contains(name);
  return value != nullptr && value->is_array() ? value->as_array() : none;
}

std::string texts_of(const json::array& texts) {
  std::string line;
  for (const json::value& text : texts)
    if (text.is_string()) line.append(line.empty() ? "" : ", ").append(text.as_string());
  return line;
}

std::string texts_in(const json::object& properties, const char* name) {
  return texts_of(list_in(properties, name));
}

std::string progress_of(const json::object& job) {
  if (!truth_in(job, "ProgressValid") || number_in(job, "BytesTotal") == 0) return {};
  return std::to_string(number_in(job, "BytesDone") * 100 / number_in(job, "BytesTotal")) + " %";
}

}  // namespace hg::ctl
