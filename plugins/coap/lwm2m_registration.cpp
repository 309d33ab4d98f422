// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_registration.hpp"

#include <sys/random.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "coap/lwm2m_brought.hpp"
#include "coap/lwm2m_steps.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kSteady = 10s;        // links of two that take one place do not change more often
constexpr Milliseconds kStrangerStays = 1h;  // it is refused, so it comes again
constexpr std::string_view kSilent = "waits for its next message since the plugin was started";

std::uint64_t by_chance() {
  std::uint64_t number = 0;
  while (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
  }
  return number;
}

/// Waits for what falls due, for as long as `self` is there.
template <class Self, class Look>
asio::awaitable<void> keep_time(std::shared_ptr<Self*> self, std::shared_ptr<Bell> bell, Look look) {
  co_await asio::this_coro::throw_if_cancelled(false);
  SteadyTime next = SteadyTime::max();
  while (*self != nullptr) {
    co_await bell->wait_until(next);
    if (*self != nullptr) next = look(**self);
  }
}

}  // namespace

RegistrationInterface::RegistrationInterface(Parts parts)
    : parts_(std::move(parts)),
      around_(std::make_shared<Surroundings>()),
      store_(parts_.state),
      strangers_(parts_.meet),
      self_(std::make_shared<RegistrationInterface*>(this)) {
  if (!parts_.clock) parts_.clock = steady_clock(parts_.executor);
  around_->log = parts_.log;
  around_->state = parts_.state;
  around_->public_address = parts_.public_address;
  due_bell_ = parts_.clock->make_bell();
  rousing_.emplace(parts_.executor, around_, parts_.clock);
  const auto look = [](RegistrationInterface& self) { return self.due_ = self.pass_time(); };
  asio::co_spawn(parts_.executor, keep_time(self_, due_bell_, look), asio::detached);
}

RegistrationInterface::~RegistrationInterface() {
  *self_ = nullptr;
  due_bell_->ring();
  for (auto& [child, enrolled] : registry_.all()) {
    if (enrolled.steps) enrolled.steps->close();
  }
}

void RegistrationInterface::use(Server& server) {
  around_->server = &server;
}

// -------------------------------------------------------------------------------------------------------- enrollment

std::shared_ptr<ChildSteps> RegistrationInterface::enroll(const std::string& child, const std::string& endpoint,
                                                          const Profile& profile) {
  if (const Enrolled* const known = registry_.by_child(child); known != nullptr && known->endpoint != endpoint) {
    forget(child);
  }
  Enrolled* const enrolled = registry_.enroll(child, endpoint);
  if (enrolled == nullptr) {
    const auto taken = "the endpoint " + endpoint + " is enrolled as " + registry_.by_endpoint(endpoint)->child;
    parts_.report({child, false, taken});
    const auto nowhere = std::make_shared<Contact>(parts_.clock, profile);
    nowhere->leave(taken);
    const auto nothing = std::make_shared<BroughtImages>(std::filesystem::path(), child);
    return std::make_shared<Lwm2mSteps>(around_, nowhere, nothing, endpoint, profile);
  }
  if (enrolled->steps) enrolled->steps->close();
  enrolled->grace = profile.grace;
  if (enrolled->contact) {
    enrolled->contact->use(profile);
  } else {
    enrolled->contact = std::make_shared<Contact>(parts_.clock, profile);
    revive(*enrolled);
    rousing_->add(child, enrolled->contact, profile.answer);
  }
  if (!enrolled->brought) enrolled->brought = std::make_shared<BroughtImages>(parts_.state, child);
  enrolled->steps = std::make_shared<Lwm2mSteps>(around_, enrolled->contact, enrolled->brought, endpoint, profile);
  enrolled->is_reported = false;
  report(*enrolled);
  return enrolled->steps;
}

/// What an earlier process knew of it.
void RegistrationInterface::revive(Enrolled& enrolled) {
  auto registration = store_.load(enrolled.child);
  if (!registration || registration->endpoint != enrolled.endpoint) return;
  enrolled.expires = parts_.clock->now() + std::chrono::seconds{registration->lifetime} + enrolled.grace;
  enrolled.contact->set_registration(std::move(*registration));
  enrolled.contact->leave(std::string(kSilent));
  registry_.index(enrolled);
  plan(enrolled.expires);
}

void RegistrationInterface::forget(const std::string& child) {
  Enrolled* const enrolled = registry_.by_child(child);
  if (enrolled == nullptr) return;
  if (enrolled->steps) enrolled->steps->close();
  const std::shared_ptr<Contact> contact = enrolled->contact;
  registry_.forget(child);
  contact->forget("it is not enrolled any more");
  store_.remove(child);
  BroughtStore(parts_.state).remove(child);
}

void RegistrationInterface::expect(const std::string& child, plugin::LinkKeyKind kind, const std::string& identity,
                                   const Digest& certificate) {
  Proof proof{kind != plugin::LinkKeyKind::none, {}, {}};
  if (kind == plugin::LinkKeyKind::psk) proof.identity = identity;
  if (kind == plugin::LinkKeyKind::certificate) proof.certificate = certificate;
  const std::string credential = credential_of(proof);
  if (credential == registry_.credential_of_child(child)) return;
  registry_.set_credential(child, credential);
  Enrolled* const enrolled = registry_.by_child(child);
  if (enrolled == nullptr) return;
  const auto& peer = enrolled->contact->current();
  if (!credential.empty() && peer && credential_of(peer->proof()) != credential) {
    drop(*enrolled, "its key has changed: waits for it to register with the new one");
  }
  report(*enrolled);
}

// ----------------------------------------------------------------------------------------------------- what they say

Outgoing RegistrationInterface::receive(const Shared& from, const Incoming& request) {
  if (request.path == "dp") return {request.method == Method::post ? Code::changed : Code::not_allowed};
  if (request.path == "rd") {
    if (request.method == Method::post) return registers(from, request);
    return {Code::not_allowed};
  }
  if (!request.path.starts_with("rd/")) return {Code::not_found};
  const auto location = location_from(request.path.substr(3));
  Enrolled* const enrolled = location ? registry_.by_location(*location) : nullptr;
  if (enrolled == nullptr) return {Code::not_found};
  if (auto refused = refusal(from, *enrolled)) return *refused;
  if (request.method == Method::post) return updates(from, request, *enrolled);
  if (request.method == Method::del) return leaves(*enrolled);
  return {Code::not_allowed};
}

std::optional<Outgoing> RegistrationInterface::refusal(const Shared& from, Enrolled& enrolled) {
  const std::string shown = credential_of(from->proof());
  const std::string owner = registry_.child_of_credential(shown);
  const bool has_key = !registry_.credential_of_child(enrolled.child).empty();
  if (owner == enrolled.child || (!has_key && owner.empty())) return std::nullopt;
  parts_.log("refused " + enrolled.endpoint + " from " + from->address() +
             (owner.empty() ? ": it comes without its key" : ": it comes with another child's key"));
  if (!enrolled.contact->registration()) {
    enrolled.contact->leave("refused from " + from->address() + ": it came without its key");
    report_later(enrolled.child);
  }
  return Outgoing{Code::forbidden};
}

Outgoing RegistrationInterface::registers(const Shared& from, const Incoming& request) {
  auto query = registration_query_from(request.query);
  if (!query) return {query.error().code == Errc::unsupported ? Code::precondition_failed : Code::bad_request};
  const std::string_view list(reinterpret_cast<const char*>(request.body.data()), request.body.size());
  auto objects = object_list_from(list);
  if (!objects) return {objects.error().code == Errc::too_large ? Code::too_large : Code::bad_request};
  const Proof& proof = from->proof();
  std::string endpoint = query->endpoint;
  if (endpoint.empty()) {  // 1.1: whom the key belongs to
    const Enrolled* const owner = registry_.by_child(registry_.child_of_credential(credential_of(proof)));
    endpoint = owner != nullptr ? owner->endpoint : proof.identity;
    if (!is_endpoint(endpoint)) return {Code::bad_request};
  }
  Registration registration{endpoint,      by_chance(),      query->lifetime, query->version,
                            query->queues, proof.is_secured, from->address(), std::move(*objects)};
  Enrolled* const enrolled = registry_.by_endpoint(endpoint);
  if (enrolled == nullptr) {
    const std::chrono::seconds lifetime{registration.lifetime};
    const SteadyTime gone_at = parts_.clock->now() + std::min<Milliseconds>(lifetime, kStrangerStays);
    strangers_.met(registration, gone_at);
    plan(gone_at);
    return {Code::forbidden};
  }
  if (auto refused = refusal(from, *enrolled)) return *refused;
  const std::string location = location_text(registration.location);
  strangers_.known(endpoint);
  take(*enrolled, from, std::move(registration), true);
  return {Code::created, {"rd", location}};
}

Outgoing RegistrationInterface::updates(const Shared& from, const Incoming& request, Enrolled& enrolled) {
  const auto query = update_query_from(request.query);
  if (!query) return {Code::bad_request};
  Registration registration = *enrolled.contact->registration();
  if (query->lifetime) registration.lifetime = *query->lifetime;
  if (query->queues) registration.queues = *query->queues;
  if (!request.body.empty()) {
    const std::string_view list(reinterpret_cast<const char*>(request.body.data()), request.body.size());
    auto objects = object_list_from(list);
    if (!objects) return {Code::bad_request};
    registration.objects = std::move(*objects);
  }
  registration.address = from->address();
  registration.is_secured = from->proof().is_secured;
  take(enrolled, from, std::move(registration), false);
  return {Code::changed};
}

Outgoing RegistrationInterface::leaves(Enrolled& enrolled) {
  drop(enrolled, "it has left: waits for it to register again");
  report_later(enrolled.child);
  return {Code::deleted};
}

void RegistrationInterface::heard(const Shared& peer) {
  Enrolled* enrolled = registry_.by_peer(peer.get());
  if (enrolled == nullptr && registry_.has_silent()) {
    // From another port it may be a download, where the child takes no requests.
    enrolled = registry_.by_silent_address(peer->address());
    if (enrolled == nullptr || enrolled->contact->current()) return;
    const Proof& proof = peer->proof();
    if (proof.is_secured != enrolled->contact->registration()->is_secured) return;
    if (credential_of(proof) != registry_.credential_of_child(enrolled->child)) return;
    return adopt(*enrolled, peer);
  }
  if (enrolled == nullptr || !enrolled->contact->heard()) return;
  plan(enrolled->contact->awake_until());
  report_later(enrolled->child);
}

void RegistrationInterface::lost(const Shared& peer, std::string why) {
  Enrolled* const enrolled = registry_.by_peer(peer.get());
  if (enrolled == nullptr) return;
  leave(*enrolled, std::move(why) + "; waits for its next message");
  report_later(enrolled->child);
}

// ----------------------------------------------------------------------------------------------- what follows from it

/// A registration or an Update that was accepted.
void RegistrationInterface::take(Enrolled& enrolled, const Shared& from, Registration registration, bool is_new) {
  const bool is_other = !enrolled.contact->registration() || *enrolled.contact->registration() != registration;
  note_alternation(enrolled, from->address());
  enrolled.expires = parts_.clock->now() + std::chrono::seconds{registration.lifetime} + enrolled.grace;
  plan(enrolled.expires);
  settle(enrolled, from, std::move(registration), is_new);
  if (is_other) store_.save(enrolled.child, *enrolled.contact->registration());
  report_later(enrolled.child);
}

void RegistrationInterface::settle(Enrolled& enrolled, const Shared& from, Registration registration, bool is_new) {
  if (Enrolled* const other = registry_.by_peer(from.get()); other != nullptr && other != &enrolled) {
    leave(*other, "its address is now that of " + enrolled.endpoint);
    report_later(other->child);
  }
  const Shared before = enrolled.contact->current();
  const std::shared_ptr<void> hold = around_->server->hold(from);
  registry_.unindex(enrolled);
  if (is_new) {
    enrolled.contact->registered(std::move(registration));
  } else {
    enrolled.contact->set_registration(std::move(registration));
  }
  enrolled.contact->arrive(from, hold);
  registry_.index(enrolled);
  if (before && before != from) around_->server->drop(before);
  if (before == from && is_new) forget_observations_later(from);
  if (enrolled.contact->registration()->queues) plan(enrolled.contact->awake_until());
}

/// A child that is remembered, or that has lost its peer, has said a word.
void RegistrationInterface::adopt(Enrolled& enrolled, const Shared& peer) {
  Registration registration = *enrolled.contact->registration();
  registration.address = peer->address();
  registration.is_secured = peer->proof().is_secured;
  const bool is_other = registration != *enrolled.contact->registration();
  settle(enrolled, peer, std::move(registration), false);
  if (is_other) store_.save(enrolled.child, *enrolled.contact->registration());
  report_later(enrolled.child);
}

/// Two that register as one drive each other out: seen by an address that comes back at once.
void RegistrationInterface::note_alternation(Enrolled& enrolled, const std::string& from) {
  const auto& registration = enrolled.contact->registration();
  if (!registration || registration->address == from) return;
  const SteadyTime now = parts_.clock->now();
  if (enrolled.address_before == from && now < enrolled.replaced + kSteady) {
    enrolled.flaps_until = now + kSteady;
    plan(enrolled.flaps_until);
  }
  enrolled.address_before = registration->address;
  enrolled.replaced = now;
}

void RegistrationInterface::leave(Enrolled& enrolled, std::string why) {
  registry_.unindex(enrolled);
  enrolled.contact->leave(std::move(why));
  registry_.index(enrolled);
}

void RegistrationInterface::drop(Enrolled& enrolled, std::string why) {
  registry_.unindex(enrolled);
  enrolled.contact->forget(std::move(why));
  store_.remove(enrolled.child);
}

void RegistrationInterface::forget_observations_later(const Shared& peer) {
  const auto forget_them = [peer] {
    if (!peer->is_lost()) peer->forget_observations();
  };
  asio::post(parts_.executor, forget_them);
}

// ------------------------------------------------------------------------------------------------------------- links

wire::Link RegistrationInterface::link_of(const Enrolled& enrolled) const {
  wire::Link link{enrolled.child, false, enrolled.contact->obstacle()};
  if (parts_.clock->now() < enrolled.flaps_until) {
    const auto& registration = enrolled.contact->registration();
    link.text = "two register as " + enrolled.endpoint + " in turn: from " + enrolled.address_before;
    if (registration && registration->address != enrolled.address_before) {
      // In one order, so that the text is the same whoever came last.
      const auto& [first, second] = std::minmax(enrolled.address_before, registration->address);
      link.text = "two register as " + enrolled.endpoint + " in turn: from " + first + " and from " + second;
    }
  }
  link.text = wire::bounded_text(link.text);
  if (!link.text.empty()) return link;
  link.up = true;
  const std::string own = registry_.credential_of_child(enrolled.child);
  const bool is_proven = !own.empty() && credential_of(enrolled.contact->current()->proof()) == own;
  link.security = is_proven ? wire::LinkSecurity::proven : wire::LinkSecurity::none;
  return link;
}

void RegistrationInterface::report(Enrolled& enrolled) {
  wire::Link link = link_of(enrolled);
  if (enrolled.is_reported && link == enrolled.link) return;
  enrolled.is_reported = true;
  enrolled.link = link;
  parts_.report(link);
}

void RegistrationInterface::report_later(const std::string& child) {
  const auto say = [self = self_, child] {
    Enrolled* const enrolled = *self == nullptr ? nullptr : (*self)->registry_.by_child(child);
    if (enrolled != nullptr) (*self)->report(*enrolled);
  };
  asio::post(parts_.executor, say);
}

// -------------------------------------------------------------------------------------------------------------- time

void RegistrationInterface::plan(SteadyTime due) {
  if (due >= due_) return;
  due_ = due;
  due_bell_->ring();
}

SteadyTime RegistrationInterface::pass_time() {
  const SteadyTime now = parts_.clock->now();
  SteadyTime next = strangers_.expire(now);
  for (auto& [child, enrolled] : registry_.all()) {
    const Contact& contact = *enrolled.contact;
    if (contact.registration() && enrolled.expires <= now) drop(enrolled, "its registration has expired");
    report(enrolled);
    if (!contact.registration()) continue;
    next = std::min(next, enrolled.expires);
    if (now < enrolled.flaps_until) next = std::min(next, enrolled.flaps_until);
    if (contact.registration()->queues && contact.is_awake()) next = std::min(next, contact.awake_until());
  }
  return next;
}

}  // namespace hg::coap
