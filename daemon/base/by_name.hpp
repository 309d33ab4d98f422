// SPDX-License-Identifier: Apache-2.0
// Values by their names, for tables of very many of which each event asks for one: found by a hash, at a cost that does
// not grow with the table, and walked in the order of the names, so that nothing hangs on the hash. A value stays where
// it is in memory until it is erased. Otherwise as std::map; core's State holds children and groups in it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hg {

template <class Value>
class ByName {
  using Ordered = std::map<std::string, Value>;

 public:
  using key_type = std::string;
  using mapped_type = Value;
  using value_type = typename Ordered::value_type;
  using iterator = typename Ordered::iterator;
  using const_iterator = typename Ordered::const_iterator;

  ByName() = default;
  ByName(std::initializer_list<value_type> values) {
    for (const auto& [name, value] : values) try_emplace(name, value);
  }
  ByName(const ByName& other) : ordered_(other.ordered_) { index_all(other.places_.size()); }
  ByName(ByName&& other) noexcept { swap(other); }
  ByName& operator=(ByName other) noexcept {
    swap(other);
    return *this;
  }
  ~ByName() = default;

  void swap(ByName& other) noexcept {
    ordered_.swap(other.ordered_);
    places_.swap(other.places_);
  }

  // In the order of the names.
  [[nodiscard]] iterator begin() { return ordered_.begin(); }
  [[nodiscard]] iterator end() { return ordered_.end(); }
  [[nodiscard]] const_iterator begin() const { return ordered_.begin(); }
  [[nodiscard]] const_iterator end() const { return ordered_.end(); }
  [[nodiscard]] std::size_t size() const { return ordered_.size(); }
  [[nodiscard]] bool empty() const { return ordered_.empty(); }

  [[nodiscard]] iterator find(std::string_view name) {
    const Place* place = taken_place(name);
    return place == nullptr ? end() : place->position;
  }
  [[nodiscard]] const_iterator find(std::string_view name) const {
    const Place* place = taken_place(name);
    return place == nullptr ? end() : const_iterator(place->position);
  }
  [[nodiscard]] bool contains(std::string_view name) const { return taken_place(name) != nullptr; }
  /// Throws std::out_of_range: it is a bug to ask for a name that is not there.
  [[nodiscard]] Value& at(std::string_view name) { return existing(name); }
  [[nodiscard]] const Value& at(std::string_view name) const { return existing(name); }

  /// Where the value is, and whether it is new. One that is there already stays as it is.
  template <class... Arguments>
  std::pair<iterator, bool> try_emplace(std::string_view name, Arguments&&... arguments) {
    if (const Place* place = taken_place(name)) return {place->position, false};
    const iterator added = ordered_.try_emplace(std::string(name), std::forward<Arguments>(arguments)...).first;
    const bool is_full = 4 * ordered_.size() > 3 * places_.size();
    is_full ? index_all(std::max(kFewest, 2 * places_.size())) : index(added);
    return {added, true};
  }
  std::pair<iterator, bool> insert_or_assign(std::string_view name, Value value) {
    const auto [position, is_new] = try_emplace(name, std::move(value));
    if (!is_new) position->second = std::move(value);  // then try_emplace has left it alone
    return {position, is_new};
  }
  Value& operator[](std::string_view name) { return try_emplace(name).first->second; }

  iterator erase(const_iterator position) {
    free_place(place_of(position->first, hash_of(position->first)));
    return ordered_.erase(position);
  }
  std::size_t erase(std::string_view name) {
    const const_iterator found = find(name);
    if (found == end()) return 0;
    erase(found);
    return 1;
  }

  friend bool operator==(const ByName& a, const ByName& b) { return a.ordered_ == b.ordered_; }

 private:
  /// Of the index: a hash table of a power of two of places, the next free one taken where two names meet. One line of
  /// memory tells, where a walk down a tree of ten thousand reads a dozen.
  struct Place {
    std::size_t hash = 0;  // 0: free
    iterator position{};
  };
  static constexpr std::size_t kFewest = 16;
  static constexpr std::size_t kTaken = std::size_t{1} << (std::numeric_limits<std::size_t>::digits - 1);

  static std::size_t hash_of(std::string_view name) { return std::hash<std::string_view>{}(name) | kTaken; }
  [[nodiscard]] std::size_t wrapped(std::size_t place) const { return place & (places_.size() - 1); }

  /// Where the name is, or the free place that it would take.
  [[nodiscard]] std::size_t place_of(std::string_view name, std::size_t hash) const {
    std::size_t place = wrapped(hash);
    while (places_[place].hash != 0 && (places_[place].hash != hash || places_[place].position->first != name))
      place = wrapped(place + 1);
    return place;
  }
  /// Null: there is no such name.
  [[nodiscard]] const Place* taken_place(std::string_view name) const {
    if (places_.empty()) return nullptr;
    const Place& place = places_[place_of(name, hash_of(name))];
    return place.hash == 0 ? nullptr : &place;
  }
  Value& existing(std::string_view name) const {
    const Place* place = taken_place(name);
    if (place == nullptr) throw std::out_of_range("no " + std::string(name));
    return place->position->second;
  }

  void index(iterator added) {
    const std::size_t hash = hash_of(added->first);
    places_[place_of(added->first, hash)] = {hash, added};
  }
  void index_all(std::size_t places) {
    places_.assign(places, {});
    for (iterator position = begin(); position != end(); ++position) index(position);
  }
  /// Those that have moved on from it come back (Knuth, The Art of Computer Programming, 6.4, algorithm R).
  void free_place(std::size_t free) {
    for (std::size_t next = wrapped(free + 1); places_[next].hash != 0; next = wrapped(next + 1)) {
      const bool is_at_home_after = wrapped(next - places_[next].hash) < wrapped(next - free);
      if (is_at_home_after) continue;
      places_[free] = places_[next];
      free = next;
    }
    places_[free] = {};
  }

  Ordered ordered_;
  std::vector<Place> places_;
};

}  // namespace hg
