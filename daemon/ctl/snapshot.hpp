// SPDX-License-Identifier: Apache-2.0
// All objects of headgate as they were told last: path, interface, properties, as JSON with the bus's own names. From
// it come the objects that --json shows (docs/dbus.md lists their members) and what the tables are made of.
#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <vector>

#include "ctl/client.hpp"

namespace hg::ctl {

class Snapshot {
 public:
  /// Asks for everything.
  static Result<Snapshot> fetch(Client& client);

  /// Takes in a signal of the object manager or of properties.
  void apply(const Signal& signal);

  /// The properties of an object; nullptr if it is not there.
  [[nodiscard]] const boost::json::object* find(const std::string& path, const char* interface) const;
  /// The paths of all objects with that interface: children and deliverables by path, others by number.
  [[nodiscard]] std::vector<std::string> paths(const char* interface) const;

  [[nodiscard]] Result<std::string> child_path(const std::string& id) const;
  [[nodiscard]] Result<std::string> group_path(const std::string& name) const;
  /// By any prefix of the id that is unique. Errc::not_found; Errc::invalid for more than one.
  [[nodiscard]] Result<std::string> deliverable_path(const std::string& prefix) const;

  /// What --json shows of an object: members in snake_case, times as text, paths as the names or numbers of what they
  /// lead to.
  [[nodiscard]] boost::json::object show(const std::string& path, const char* interface) const;
  /// The same for some of its properties, or for anything else with such names.
  [[nodiscard]] boost::json::object show(const boost::json::object& properties) const;
  /// The name or the number of the object at `path`; null for "/".
  [[nodiscard]] boost::json::value name_of(const std::string& path) const;

 private:
  std::map<std::string, boost::json::object> objects_;  // interface -> properties
};

/// Members of properties, with a neutral value when they are not there.
std::string text_in(const boost::json::object& properties, const char* name);
std::uint64_t number_in(const boost::json::object& properties, const char* name);
bool truth_in(const boost::json::object& properties, const char* name);
const boost::json::array& list_in(const boost::json::object& properties, const char* name);
/// The texts of an array with commas between them.
std::string texts_of(const boost::json::array& texts);
std::string texts_in(const boost::json::object& properties, const char* name);
/// "42 %", or empty when nothing is known of a job's progress.
std::string progress_of(const boost::json::object& job);

}  // namespace hg::ctl
