// SPDX-License-Identifier: Apache-2.0
#include "app/class_id.hpp"

#include "adapters/crypto/uuid5.hpp"

namespace hg::app {

ClassId read_class_id(Section& section) {
  const std::string vendor = section.text("vendor", "");
  const std::string device_class = section.text("class", "");
  if (vendor.empty()) section.complain("vendor", "must be a UUID or a domain");
  if (device_class.empty()) section.complain("class", "must be a UUID or the class information");
  ClassId id;
  id.vendor = crypto::uuid_from(vendor, crypto::kDnsNamespace);
  id.device_class = crypto::uuid_from(device_class, id.vendor);
  return id;
}

}  // namespace hg::app
