// SPDX-License-Identifier: Apache-2.0
// One possible course of a manifest: what has become of each component on the devices for which the alternatives taken
// so far are the right ones. A value: the symbolic run copies it where the manifest branches. Decides how bytes get
// from a fetch to where they stay; which commands do that is for execution.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "suit/parameters.hpp"

namespace hg::suit {

/// What was found to be asked of a device or of the moment before one component is touched.
struct Facts {
  std::optional<Slice> vendor_id;
  std::optional<Slice> class_id;
  std::optional<Slice> device_id;
  std::optional<std::uint64_t> slot;
  std::optional<std::uint64_t> use_before;   ///< the earliest
  std::optional<std::uint64_t> battery_mwh;  ///< the most
  bool needs_authorization = false;
  std::vector<Slice> versions;  ///< none twice
  std::vector<Slice> waits;     ///< none twice
  std::vector<Digest> present;  ///< what it must have before anything is brought; none twice
  std::vector<Digest> missing;  ///< what it must not have then; none twice

  friend bool operator==(const Facts&, const Facts&) = default;
};

/// The bytes that the manifest brought into a component.
struct Holding {
  std::optional<Slice> uri;      ///< fetched from there
  std::optional<Slice> content;  ///< or written from the manifest
  std::optional<Digest> digest;  ///< as they travel
  std::optional<std::uint64_t> size;
  std::optional<Slice> encryption_info;
  std::optional<Digest> plaintext;
  std::vector<std::size_t> way;  ///< the components that it was copied or swapped from, in order; none twice

  friend bool operator==(const Holding&, const Holding&) = default;
};

/// One component, or one dependency, whose holding is its envelope.
struct Item {
  Parameters now;  ///< at this point of the section
  Facts facts;
  std::optional<Holding> holding;
  bool is_staging = false;  ///< what it holds was copied on: it is for others
};

struct Course {
  std::vector<Item> items;
  std::optional<std::int64_t> priority;  ///< the smallest

  /// Nothing of the section that ended, so that equal courses can be told.
  void forget_parameters();

  friend bool operator==(const Course&, const Course&);
};

/// Why a step cannot be followed; null: it was.
using Objection = const char*;

/// The component gets other bytes. What it got before must be the same, or be somewhere else by now.
Objection bring(Item& item, const Holding& holding);

Objection fetch(Item& item);
Objection write(Item& item);
/// `from` is the index of `source` in the course.
Objection copy(Item& source, std::size_t from, Item& target);
/// `to` is the index of `target`.
void swap(Item& source, std::size_t from, Item& target, std::size_t to);

/// The component, into which something was brought, must now have the digest that is set. Whether it can.
bool match(Item& item);

}  // namespace hg::suit
