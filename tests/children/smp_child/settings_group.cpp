// SPDX-License-Identifier: Apache-2.0
#include "settings_group.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "files.hpp"

namespace smp_child {
namespace {

enum Command : std::uint8_t { kReadWrite = 0, kDelete = 1, kCommit = 2, kLoadSave = 3 };
const Status kUnknown{1, Rc::unknown};
const Status kKeyTooLong{2, Rc::invalid};
const Status kKeyNotFound{3, Rc::no_entry};
const Status kRootKeyNotFound{5, Rc::no_entry};

Bytes from_hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    std::uint8_t byte = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    bytes.push_back(byte);
  }
  return bytes;
}

}  // namespace

SettingsGroup::SettingsGroup(const Options& options, Record& record)
    : options_(options.server), record_(record), path_(options.state / "settings") {
  if (std::filesystem::exists(path_)) {
    std::istringstream lines(read_text(path_));
    for (std::string line; std::getline(lines, line);) {
      const std::size_t equals = line.find('=');
      if (equals != std::string::npos) saved_[line.substr(0, equals)] = from_hex(line.substr(equals + 1));
    }
  } else {
    for (const std::string& setting : options_.settings) {
      const std::size_t equals = std::min(setting.find('='), setting.size() - 1);
      saved_[setting.substr(0, equals)] = Bytes(setting.begin() + static_cast<long>(equals) + 1, setting.end());
    }
    save();
  }
  restart();
}

Status SettingsGroup::handle(Exchange& exchange) {
  const std::uint8_t command = exchange.header.command;
  if (exchange.is(kWrite, kCommit)) {
    record_.event("settings: commit");
    return {};
  }
  if (command == kLoadSave) return load_or_save(exchange);
  if (command != kReadWrite && !exchange.is(kWrite, kDelete)) return Rc::not_supported;
  const auto name = exchange.request.text("name");
  return name ? named(exchange, *name) : Rc::invalid;
}

Status SettingsGroup::named(Exchange& exchange, std::string_view name) {
  if (name.size() > options_.settings_name) return kKeyTooLong;
  if (name == options_.settings_veto) return Rc::access_denied;
  if (!has_root(name)) return kRootKeyNotFound;
  if (exchange.is(kRead, kReadWrite)) return read(exchange, name);
  if (exchange.is(kWrite, kReadWrite)) return write(exchange, name);
  if (values_.erase(std::string(name)) == 0) return kKeyNotFound;
  saved_.erase(std::string(name));
  save();
  record_.event("settings: deleted " + std::string(name));
  return {};
}

/// Cut to what was asked for and to what the server holds, without telling.
Status SettingsGroup::read(Exchange& exchange, std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return kKeyNotFound;
  const std::uint64_t asked = exchange.request.integer("max_size").value_or(options_.settings_value);
  const std::size_t most = std::min<std::uint64_t>(asked, options_.settings_value);
  exchange.answer.put_bytes("val", ByteView(found->second).first(std::min(most, found->second.size())));
  if (asked > most) exchange.answer.put_integer("max_size", static_cast<std::int64_t>(most));
  return {};
}

Status SettingsGroup::write(Exchange& exchange, std::string_view name) {
  const auto value = exchange.request.bytes("val");
  if (!value) return Rc::invalid;
  if (value->size() > options_.settings_value) return kUnknown;
  values_[std::string(name)] = Bytes(value->begin(), value->end());
  record_.event("settings: wrote " + std::string(name));
  return {};
}

Status SettingsGroup::load_or_save(Exchange& exchange) {
  if (exchange.header.op == kWrite) {
    saved_ = values_;
    save();
    record_.event("settings: saved");
  } else {
    for (const auto& [name, value] : saved_) values_[name] = value;
    record_.event("settings: loaded");
  }
  return {};
}

void SettingsGroup::erase_saved() {
  saved_.clear();
  save();
}

bool SettingsGroup::has_root(std::string_view name) const {
  const std::string_view root = name.substr(0, name.find('/'));
  return std::ranges::find(options_.settings_roots, root) != options_.settings_roots.end();
}

void SettingsGroup::save() const {
  std::string text;
  for (const auto& [name, value] : saved_) text += name + "=" + hex(value) + "\n";
  write_atomically(path_, text);
}

}  // namespace smp_child
