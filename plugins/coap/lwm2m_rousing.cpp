// SPDX-License-Identifier: Apache-2.0
#include "coap/lwm2m_rousing.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <optional>
#include <utility>

#include "coap/resource.hpp"

namespace hg::coap {
namespace asio = boost::asio;
namespace {

constexpr std::uint16_t kUpdateTrigger = 8;  // of object 1: Registration Update Trigger
constexpr unsigned kAtATime = 4;             // each has a socket of its own as long as it is asked

bool is_to_ask(const Contact& contact) {
  const auto& registration = contact.registration();
  return !contact.current() && registration && !registration->is_secured && !registration->queues;
}

}  // namespace

asio::awaitable<bool> ask_to_register(std::shared_ptr<Surroundings> around, Contact* contact, std::string child,
                                      SteadyTime deadline) {
  const auto& registration = contact->registration();
  if (!registration || !registration->objects.has(kServerObject)) co_return false;
  const auto servers = registration->objects.instances(kServerObject);
  const ResourcePath path{kServerObject, servers.empty() ? std::uint16_t{0} : servers.front(), kUpdateTrigger, {}};
  Request request;
  request.method = Method::post;
  request.path = contact->path(text_of(path));
  std::shared_ptr<Peer> peer = contact->current();
  if (!peer || peer->is_lost()) {
    std::optional<std::string> key;
    if (registration->is_secured) key = std::move(child);
    auto reached = co_await around->server->reach(registration->address, std::move(key));
    if (!reached) co_return false;
    peer = std::move(*reached);
  }
  const auto answer = co_await peer->ask(std::move(request), deadline);
  co_return answer.has_value();
}

Rousing::Rousing(asio::any_io_executor executor, std::shared_ptr<Surroundings> around, std::shared_ptr<Clock> clock)
    : executor_(std::move(executor)), queue_(std::make_shared<Queue>()) {
  queue_->around = std::move(around);
  queue_->clock = std::move(clock);
}

void Rousing::add(std::string child, std::shared_ptr<Contact> contact, Milliseconds patience) {
  if (!is_to_ask(*contact)) return;
  queue_->silent.push_back({std::move(child), contact, patience});
  if (queue_->asking == kAtATime) return;
  queue_->asking += 1;
  asio::co_spawn(executor_, ask_all(queue_), asio::detached);
}

asio::awaitable<void> Rousing::ask_all(std::shared_ptr<Queue> queue) {
  while (!queue->silent.empty()) {
    const Silent next = std::move(queue->silent.front());
    queue->silent.pop_front();
    const std::shared_ptr<Contact> contact = next.contact.lock();
    if (!contact || !is_to_ask(*contact)) continue;
    const SteadyTime deadline = queue->clock->now() + next.patience;
    co_await ask_to_register(queue->around, contact.get(), next.child, deadline);
  }
  queue->asking -= 1;
}

}  // namespace hg::coap
