// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "suit/limits.hpp"
#include "suit/run.hpp"

namespace hg::suit {

/// The component is for what the parameter says; saying it again, differently, would fit no device at all.
template <class T>
Result<void> Run::bind(std::optional<T>& found, const std::optional<T>& wanted) {
  if (auto set = need(wanted); !set) return set;
  if (found && !(*found == *wanted)) return fail("contradicts an earlier one");
  found = wanted;
  return {};
}

template <class T>
Result<void> Run::need(const std::optional<T>& parameter) const {
  if (parameter) return {};
  return refuse(Errc::invalid, "without its parameter");
}

template <class T>
Result<void> Run::note(std::vector<T>& found, const T& wanted, std::size_t at_most) const {
  if (std::ranges::find(found, wanted) != found.end()) return {};
  if (found.size() == at_most) return refuse(Errc::too_large, "too often for one component");
  found.push_back(wanted);
  return {};
}

Result<void> Run::match_vendor(std::size_t item) {
  return bind(item_at(item).facts.vendor_id, item_at(item).now.vendor_id);
}

Result<void> Run::match_class(std::size_t item) {
  return bind(item_at(item).facts.class_id, item_at(item).now.class_id);
}

Result<void> Run::match_device(std::size_t item) {
  return bind(item_at(item).facts.device_id, item_at(item).now.device_id);
}

Result<void> Run::match_slot(std::size_t item) {
  return bind(item_at(item).facts.slot, item_at(item).now.slot);
}

/// While an update runs, the component must have what was brought, or, before that, what only a device knows; what a
/// boot loads is not ours to know.
Result<void> Run::match_image(std::size_t item) {
  Item& found = item_at(item);
  if (!found.now.image_digest) return refuse(Errc::invalid, "without an image digest");
  if (!is_delivery_ || (is_dependency(item) && !found.holding)) return {};
  if (!found.holding) return note(found.facts.present, *found.now.image_digest, kMaxImageConditions);
  return match(found) ? Result<void>{} : fail("wants another image than the one brought");
}

Result<void> Run::mismatch_image(std::size_t item) {
  Item& found = item_at(item);
  if (!found.now.image_digest) return refuse(Errc::invalid, "without an image digest");
  if (!is_delivery_ || found.holding) return {};
  return note(found.facts.missing, *found.now.image_digest, kMaxImageConditions);
}

Result<void> Run::check_content(std::size_t item) {
  return need(item_at(item).now.content);
}

Result<void> Run::check_dependency(std::size_t item) {
  return is_dependency(item) ? Result<void>{} : fail("of a component that is no dependency");
}

/// Integrity is always looked after by the bundle; here is only made sure that there is a digest to look after.
Result<void> Run::check_integrity(std::size_t item) {
  if (!is_dependency(item)) return fail("of a component that is no dependency");
  return dependency_digest(item) ? Result<void>{} : refuse(Errc::invalid, "without an image digest");
}

Result<void> Run::check_use_before(std::size_t item) {
  const Parameters& now = item_at(item).now;
  Facts& facts = item_at(item).facts;
  if (auto set = need(now.use_before); !set) return set;
  if (is_delivery_) facts.use_before = std::min(*now.use_before, facts.use_before.value_or(*now.use_before));
  return {};
}

Result<void> Run::check_battery(std::size_t item) {
  const Parameters& now = item_at(item).now;
  Facts& facts = item_at(item).facts;
  if (auto set = need(now.battery_mwh); !set) return set;
  if (is_delivery_) facts.battery_mwh = std::max(*now.battery_mwh, facts.battery_mwh.value_or(0));
  return {};
}

Result<void> Run::check_authorization(std::size_t item) {
  if (auto set = need(item_at(item).now.priority); !set) return set;
  item_at(item).facts.needs_authorization |= is_delivery_;
  return {};
}

Result<void> Run::check_version(std::size_t item) {
  const Parameters& now = item_at(item).now;
  Facts& facts = item_at(item).facts;
  if (auto set = need(now.version); !set) return set;
  return is_delivery_ ? note(facts.versions, *now.version, kMaxVersionConditions) : Result<void>{};
}

Result<void> Run::wait(std::size_t item) {
  const Parameters& now = item_at(item).now;
  Facts& facts = item_at(item).facts;
  if (auto set = need(now.wait); !set) return set;
  return is_delivery_ ? note(facts.waits, *now.wait, kMaxWaits) : Result<void>{};
}

Result<void> Run::abort(std::size_t) {
  return fail("always fails");
}

}  // namespace hg::suit
