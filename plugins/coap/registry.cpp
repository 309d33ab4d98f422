// SPDX-License-Identifier: Apache-2.0
#include "coap/registry.hpp"

namespace hg::coap {
namespace {

template <class Map, class Key>
Enrolled* found(const Map& map, const Key& key) {
  const auto at = map.find(key);
  return at == map.end() ? nullptr : at->second;
}

std::string value_of(const std::map<std::string, std::string>& map, const std::string& key) {
  const auto at = map.find(key);
  return at == map.end() ? std::string() : at->second;
}

/// Only its own entry.
template <class Map, class Key>
bool erase(Map& map, const Key& key, const Enrolled* of) {
  const auto at = map.find(key);
  if (at == map.end() || at->second != of) return false;
  map.erase(at);
  return true;
}

}  // namespace

std::string credential_of(const Proof& proof) {
  if (!proof.is_secured) return {};
  if (!proof.identity.empty()) return "psk:" + proof.identity;
  return proof.certificate.empty() ? std::string() : "cert:" + proof.certificate.hex();
}

Enrolled* Registry::enroll(const std::string& child, const std::string& endpoint) {
  const Enrolled* const other = by_endpoint(endpoint);
  if (other != nullptr && other->child != child) return nullptr;
  Enrolled& enrolled = children_[child];
  enrolled.child = child;
  if (enrolled.endpoint != endpoint) {
    erase(by_endpoint_, std::string_view(enrolled.endpoint), &enrolled);
    enrolled.endpoint = endpoint;
  }
  by_endpoint_[enrolled.endpoint] = &enrolled;
  return &enrolled;
}

void Registry::forget(const std::string& child) {
  const auto at = children_.find(child);
  if (at == children_.end()) return;
  unindex(at->second);
  erase(by_endpoint_, std::string_view(at->second.endpoint), &at->second);
  children_.erase(at);
}

Enrolled* Registry::by_child(const std::string& child) {
  const auto at = children_.find(child);
  return at == children_.end() ? nullptr : &at->second;
}
Enrolled* Registry::by_endpoint(std::string_view endpoint) {
  return found(by_endpoint_, endpoint);
}
Enrolled* Registry::by_location(std::uint64_t location) {
  return found(by_location_, location);
}
Enrolled* Registry::by_peer(const Peer* peer) {
  return found(by_peer_, peer);
}
Enrolled* Registry::by_silent_address(const std::string& address) {
  return found(by_silent_address_, address);
}

void Registry::set_credential(const std::string& child, std::string credential) {
  if (const auto at = credentials_.find(child); at != credentials_.end()) {
    if (child_of_credential(at->second) == child) owners_.erase(at->second);
    credentials_.erase(at);
  }
  if (credential.empty()) return;
  owners_[credential] = child;
  credentials_[child] = std::move(credential);
}
std::string Registry::credential_of_child(const std::string& child) const {
  return value_of(credentials_, child);
}
std::string Registry::child_of_credential(const std::string& credential) const {
  return credential.empty() ? std::string() : value_of(owners_, credential);
}

void Registry::index(Enrolled& enrolled) {
  const auto& registration = enrolled.contact->registration();
  if (!registration) return;
  by_location_[registration->location] = &enrolled;
  if (enrolled.contact->current()) {
    by_peer_[enrolled.contact->current().get()] = &enrolled;
    return;
  }
  ++silent_;
  by_silent_address_[registration->address] = &enrolled;
}

void Registry::unindex(const Enrolled& enrolled) {
  if (!enrolled.contact || !enrolled.contact->registration()) return;
  const auto& registration = enrolled.contact->registration();
  if (!erase(by_location_, registration->location, &enrolled)) return;  // it is not indexed
  if (enrolled.contact->current()) {
    erase(by_peer_, enrolled.contact->current().get(), &enrolled);
    return;
  }
  --silent_;
  erase(by_silent_address_, registration->address, &enrolled);
}

}  // namespace hg::coap
