// SPDX-License-Identifier: Apache-2.0
#include "coap/shelf.hpp"

#include <utility>

namespace hg::coap {
namespace {

constexpr std::string_view kImages = "fw/";
constexpr std::string_view kByCertificate = "cert:";

bool is_identity(std::string_view wanted, const Proof& proof) {
  if (!proof.is_secured) return false;
  if (!wanted.starts_with(kByCertificate)) return !proof.identity.empty() && wanted == proof.identity;
  return !proof.certificate.empty() && wanted.substr(kByCertificate.size()) == proof.certificate.hex();
}

bool is_for(const Served& served, const Puller& who) {
  if (!served.identity.empty() && !is_identity(served.identity, who.proof)) return false;
  return served.address.empty() || served.address == who.host;
}

}  // namespace

Shelf::Shelf(std::function<void(const std::string& path)> arrived) : arrived_(std::move(arrived)) {}

std::shared_ptr<void> Shelf::put(std::string path, Served served) {
  served.image.map();
  auto& here = (*places_)[path];
  here.push_front(std::move(served));  // the one that came last is found first
  const auto place = here.begin();
  arrived_(path);
  return {&*place, [weak = std::weak_ptr(places_), place, path = std::move(path)](void*) {
            const auto places = weak.lock();
            if (!places) return;
            const auto found = places->find(path);
            found->second.erase(place);
            if (found->second.empty()) places->erase(found);
          }};
}

Shelf::Place Shelf::find(std::string_view path, const Puller& who) const {
  const auto here = places_->find(path);
  if (here != places_->end()) {
    for (const Served& served : here->second) {
      if (is_for(served, who)) return {Found::image, &served};
    }
  }
  const bool may_come = path.starts_with(kImages) && std::chrono::steady_clock::now() < expected_until_;
  if (may_come) return {Found::expected, nullptr};
  return {here != places_->end() ? Found::not_for_them : Found::nothing, nullptr};
}

}  // namespace hg::coap
