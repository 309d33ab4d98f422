// SPDX-License-Identifier: Apache-2.0
// All objects on the bus that have one interface, below one path: each is a view, and a change of a view is told as
// InterfacesAdded, as PropertiesChanged with only the properties that differ, or as InterfacesRemoved. It does not
// compute views and knows no method: calls go to the Callee. Used by the object tree.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/message.hpp"

namespace hg::bus {

/// Takes the method calls that sd-bus found an object and a matching signature for. Must reply, now or later.
class Callee {
 public:
  virtual ~Callee() = default;
  virtual void called(Message message) = 0;
};

/// What sd-bus gets as user data of an object.
struct Exposed {
  Callee* callee = nullptr;
};

/// The handler of every method in every vtable.
int on_call(sd_bus_message* message, void* exposed, sd_bus_error* error) noexcept;

template <class View>
struct ExposedView : Exposed {
  View view;
};

/// One property of an interface and the member of the view that it shows.
template <class View>
struct Property {
  const char* name;
  const char* signature;
  bool changes;  ///< announces it; otherwise it never does while its object lives
  sd_bus_property_get_t get;
  bool (*same)(const View&, const View&);
};

template <auto Member>
struct PropertyOf;
template <class View, class T, T View::*Member>
struct PropertyOf<Member> {
  static int get(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* exposed, sd_bus_error*) {
    return append(reply, static_cast<const ExposedView<View>*>(static_cast<Exposed*>(exposed))->view.*Member);
  }
  static bool same(const View& a, const View& b) { return a.*Member == b.*Member; }
  static constexpr Property<View> make(const char* name, bool changes) {
    return {name, kSignature<T>, changes, get, same};
  }
};

/// A property that announces its changes.
template <auto Member>
constexpr auto changing(const char* name) {
  return PropertyOf<Member>::make(name, true);
}
/// A property that never changes while its object lives.
template <auto Member>
constexpr auto constant(const char* name) {
  return PropertyOf<Member>::make(name, false);
}

/// An interface: its properties, and the vtable that tells sd-bus of them and of methods and signals.
template <class View>
struct Interface {
  const char* name;
  std::vector<Property<View>> properties;
  std::vector<sd_bus_vtable> vtable;
};

template <class View>
class Collection {
 public:
  /// Objects stand at `prefix` or below it. `interface` must outlive the collection and the bus it is attached to.
  Collection(const char* prefix, const Interface<View>& interface, Callee& callee)
      : prefix_(prefix), interface_(interface), callee_(callee) {}
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;

  /// From now on the objects are on this bus and what changes is told there. `bus` must outlive this or detach().
  Result<void> attach(sd_bus* bus) {
    sd_bus_slot* slot = nullptr;
    int result = sd_bus_add_fallback_vtable(bus, &slot, prefix_, interface_.name, interface_.vtable.data(), find, this);
    objects_slot_.reset(slot);
    if (result >= 0) {
      result = sd_bus_add_node_enumerator(bus, &slot, prefix_, enumerate, this);
      if (result >= 0) enumerator_slot_.reset(slot);
    }
    if (result < 0) return from_errno(-result, interface_.name);
    bus_ = bus;
    return {};
  }

  void detach() {
    bus_ = nullptr;
    objects_slot_.reset();
    enumerator_slot_.reset();
  }

  /// Shows an object, new or changed.
  void put(const ObjectPath& path, View view) {
    const auto [place, is_new] = objects_.try_emplace(path.text);
    ExposedView<View>& object = place->second;
    object.callee = &callee_;
    std::swap(object.view, view);
    if (bus_ == nullptr) return;
    if (is_new) {
      sd_bus_emit_object_added(bus_, path.text.c_str());
    } else {
      tell_changes(path, view, object.view);
    }
  }

  void remove(const ObjectPath& path) {
    const auto place = objects_.find(path.text);
    if (place == objects_.end()) return;
    if (bus_ != nullptr) sd_bus_emit_object_removed(bus_, path.text.c_str());
    objects_.erase(place);
  }

  /// Nothing if there is no such object.
  [[nodiscard]] const View* at(const ObjectPath& path) const {
    const auto place = objects_.find(path.text);
    return place == objects_.end() ? nullptr : &place->second.view;
  }

 private:
  void tell_changes(const ObjectPath& path, const View& before, const View& now) {
    std::vector<char*> names;
    for (const Property<View>& property : interface_.properties) {
      if (!property.changes || property.same(before, now)) continue;
      names.push_back(const_cast<char*>(property.name));  // NOLINT: sd-bus wants a strv and does not write to it
    }
    if (names.empty()) return;
    names.push_back(nullptr);
    sd_bus_emit_properties_changed_strv(bus_, path.text.c_str(), interface_.name, names.data());
  }

  static int find(sd_bus*, const char* path, const char*, void* self, void** found, sd_bus_error*) {
    auto& objects = static_cast<Collection*>(self)->objects_;
    const auto place = objects.find(std::string_view{path});
    if (place == objects.end()) return 0;
    *found = static_cast<Exposed*>(&place->second);
    return 1;
  }

  // sd-bus frees the array and the strings.
  static int enumerate(sd_bus*, const char*, void* self, char*** nodes, sd_bus_error*) {
    const auto& objects = static_cast<const Collection*>(self)->objects_;
    auto** paths = static_cast<char**>(std::calloc(objects.size() + 1, sizeof(char*)));
    if (paths == nullptr) return -ENOMEM;
    *nodes = paths;
    for (const auto& [path, object] : objects) *paths++ = ::strdup(path.c_str());
    return 0;
  }

  const char* prefix_;
  const Interface<View>& interface_;
  Callee& callee_;
  sd_bus* bus_ = nullptr;
  Slot objects_slot_;
  Slot enumerator_slot_;
  std::map<std::string, ExposedView<View>, std::less<>> objects_;
};

}  // namespace hg::bus
