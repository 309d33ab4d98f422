// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/authority.hpp"

#include <unistd.h>

namespace hg::bus {
namespace asio = boost::asio;
namespace {

constexpr Duration kDriverAnswers = std::chrono::seconds{10};
constexpr Duration kPolkitDecides = std::chrono::seconds{30};
// A person types a password.
constexpr Duration kPersonDecides = std::chrono::seconds{120};

constexpr uid_t kNobodyKnows = static_cast<uid_t>(-1);

Result<Message> make_question(const Connection& connection, const char* sender, const char* action, bool interactive) {
  auto question = connection.make_call("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
                                       "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
  if (question.has_error()) return question;
  constexpr std::uint32_t kAllowUserInteraction = 1;  // CheckAuthorizationFlags
  const int result = sd_bus_message_append(question.value().get(), "(sa{sv})sa{ss}us", "system-bus-name", 1, "name",
                                           "s", sender, action, 0, interactive ? kAllowUserInteraction : 0U, "");
  if (result < 0) return from_errno(-result, "ask polkit");
  return question;
}

// The uid of a connection to the bus, from the bus driver itself.
asio::awaitable<uid_t> uid_of(std::shared_ptr<Connection> connection, std::string sender) {
  auto question = connection->make_call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                        "GetConnectionUnixUser");
  if (question.has_error() || append(question.value().get(), sender) < 0) co_return kNobodyKnows;
  const Result<Message> answer = co_await connection->call(std::move(question).value(), kDriverAnswers);
  if (answer.has_error() || sd_bus_message_is_method_error(answer.value().get(), nullptr) > 0) co_return kNobodyKnows;
  const auto uid = read_uint32(answer.value().get());
  co_return uid.has_value() ? uid.value() : kNobodyKnows;
}

bool polkit_is_absent(sd_bus_message* answer) {
  return sd_bus_message_is_method_error(answer, SD_BUS_ERROR_SERVICE_UNKNOWN) > 0 ||
         sd_bus_message_is_method_error(answer, SD_BUS_ERROR_NAME_HAS_NO_OWNER) > 0;
}

Verdict deny(uid_t uid, std::string why) {
  return {uid, Refusal{SD_BUS_ERROR_ACCESS_DENIED, "not authorized"}, std::move(why)};
}

Verdict decide_without_polkit(uid_t uid) {
  if (uid == 0 || uid == ::getuid()) return {uid, std::nullopt, {}};
  return deny(uid, "no polkit on this bus, and neither root nor the daemon's user");
}

Verdict decide(sd_bus_message* answer, uid_t uid) {
  int authorized = 0;
  int challenge = 0;
  if (sd_bus_message_enter_container(answer, 'r', "bba{ss}") < 0 ||
      sd_bus_message_read(answer, "bb", &authorized, &challenge) < 0) {
    return deny(uid, "polkit's answer cannot be read");
  }
  if (authorized != 0) return {uid, std::nullopt, {}};
  if (challenge == 0) return deny(uid, "polkit says no");
  return {uid, Refusal{SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "authentication is required"},
          "polkit wants a person to authenticate, and none could be asked"};
}

}  // namespace

asio::awaitable<Verdict> authorize(std::shared_ptr<Connection> connection, const sd_bus_message* call,
                                   const char* action) {
  auto* const message = const_cast<sd_bus_message*>(call);  // NOLINT: sd-bus has no const getters
  const char* const sender = sd_bus_message_get_sender(message);
  if (sender == nullptr) co_return deny(kNobodyKnows, "a call without sender");
  const bool interactive = sd_bus_message_get_allow_interactive_authorization(message) > 0;

  const uid_t uid = co_await uid_of(connection, sender);
  auto question = make_question(*connection, sender, action, interactive);
  if (question.has_error()) co_return deny(uid, question.error().message);
  const Duration patience = interactive ? kPersonDecides : kPolkitDecides;
  const Result<Message> answer = co_await connection->call(std::move(question).value(), patience);
  if (answer.has_error()) co_return deny(uid, answer.error().message);

  sd_bus_message* const reply = answer.value().get();
  if (polkit_is_absent(reply)) co_return decide_without_polkit(uid);
  if (const sd_bus_error* error = sd_bus_message_get_error(reply); error != nullptr) {
    co_return deny(uid, std::string{"polkit: "}.append(error->message == nullptr ? error->name : error->message));
  }
  co_return decide(reply, uid);
}

}  // namespace hg::bus
