// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/logind_lock.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <variant>

#include "bus/connection.hpp"

namespace hg::bus {

namespace asio = boost::asio;

namespace {

constexpr Duration kLogindAnswers = std::chrono::seconds{10};

/// What is held off: one question each, because logind asks polkit about both at once as about a lid
/// (inhibit-handle-lid-switch), which our rule does not allow.
struct Inhibition {
  const char* what;
  UniqueFd held{};
  std::string trouble{};  ///< what the journal has said last: not for each update again
};

struct Refused {
  std::string text;
  bool by_polkit = false;
};
using Asked = std::variant<UniqueFd, Refused>;

Result<Message> make_question(const Connection& connection, const char* what, const char* mode) {
  auto question = connection.make_call("org.freedesktop.login1", "/org/freedesktop/login1",
                                       "org.freedesktop.login1.Manager", "Inhibit");
  if (!question) return question;
  sd_bus_message* const call = question->get();
  sd_bus_message_set_auto_start(call, 0);
  const int result =
      sd_bus_message_append(call, "ssss", what, "headgated", "firmware of children is being changed", mode);
  if (result < 0) return from_errno(-result, "ask logind");
  return question;
}

Asked read_answer(sd_bus_message* answer) {
  if (const sd_bus_error* error = sd_bus_message_get_error(answer); error != nullptr) {
    const bool by_polkit = sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) > 0 ||
                           sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) > 0;
    return Refused{error->message == nullptr ? error->name : error->message, by_polkit};
  }
  Result<UniqueFd> lock = read_descriptor(answer);
  if (!lock) return Refused{"its answer has no descriptor: " + lock.error().message, false};
  return std::move(*lock);
}

asio::awaitable<Asked> ask(std::shared_ptr<Connection> connection, const char* what, const char* mode) {
  auto question = make_question(*connection, what, mode);
  if (!question) co_return Refused{question.error().message, false};
  const Result<Message> answer = co_await connection->call(std::move(*question), kLogindAnswers);
  if (!answer) co_return Refused{answer.error().message, false};
  co_return read_answer(answer->get());
}

}  // namespace

struct LogindLock::Parts {
  asio::any_io_executor executor;
  std::string where;
  ports::Journal* journal;  ///< null: the lock is gone
  bool is_wanted = false;
  bool is_asking = false;
  std::shared_ptr<Connection> connection{};  ///< while it is asking
  std::array<Inhibition, 2> inhibitions{{{"shutdown"}, {"sleep"}}};

  /// nullptr: both are held.
  Inhibition* first_missing();
  /// Asks logind, and keeps what it gives if it is still wanted then.
  static asio::awaitable<void> acquire(std::shared_ptr<Parts> parts);
  static asio::awaitable<bool> acquire(std::shared_ptr<Parts> parts, Inhibition& one);
  void take(Inhibition& one, const char* mode, UniqueFd lock);
  void say_trouble(Inhibition& one, const std::string& text);
};

Inhibition* LogindLock::Parts::first_missing() {
  auto* const missing = std::ranges::find_if(inhibitions, [](const Inhibition& one) { return !one.held; });
  return missing == inhibitions.end() ? nullptr : &*missing;
}

/// One that came too late is closed again.
void LogindLock::Parts::take(Inhibition& one, const char* mode, UniqueFd lock) {
  if (!is_wanted) return;
  one.held = std::move(lock);
  journal->write(ports::Level::info, {}, std::string(one.what) + " is held off (" + mode + ")");
}

void LogindLock::Parts::say_trouble(Inhibition& one, const std::string& text) {
  if (journal == nullptr || text == one.trouble) return;
  one.trouble = text;
  journal->write(ports::Level::notice, {}, text);
}

/// Whether another question is worth asking.
asio::awaitable<bool> LogindLock::Parts::acquire(std::shared_ptr<Parts> parts, Inhibition& one) {
  const std::string what{one.what};
  const char* mode = "block";
  Asked asked = co_await ask(parts->connection, one.what, mode);
  if (const auto* refused = std::get_if<Refused>(&asked);
      refused != nullptr && refused->by_polkit && parts->is_wanted) {
    parts->say_trouble(one, what + " can only be delayed during updates, not blocked: " + refused->text);
    mode = "delay";
    asked = co_await ask(parts->connection, one.what, mode);
  }
  if (auto* lock = std::get_if<UniqueFd>(&asked)) {
    parts->take(one, mode, std::move(*lock));
    co_return parts->is_wanted;
  }
  parts->say_trouble(one, "nothing holds off " + what + " during updates: logind: " + std::get<Refused>(asked).text);
  co_return false;
}

asio::awaitable<void> LogindLock::Parts::acquire(std::shared_ptr<Parts> parts) {
  auto opened = Connection::open(parts->executor, parts->where, {});
  if (!opened) {
    parts->is_asking = false;
    parts->say_trouble(parts->inhibitions.front(),
                       "nothing holds off shutdown during updates: " + opened.error().message);
    co_return;
  }
  parts->connection = *opened;
  while (Inhibition* const one = parts->first_missing()) {  // it may be released, and be wanted again, meanwhile
    const bool goes_on = co_await acquire(parts, *one);
    if (!goes_on) break;
  }
  parts->connection.reset();
  parts->is_asking = false;
}

LogindLock::LogindLock(asio::any_io_executor executor, std::string where, ports::Journal& journal)
    : parts_(std::make_shared<Parts>(std::move(executor), std::move(where), &journal)) {}

LogindLock::~LogindLock() {
  parts_->is_wanted = false;
  parts_->journal = nullptr;
  if (parts_->connection) parts_->connection->close();
}

void LogindLock::hold() {
  parts_->is_wanted = true;
  if (parts_->is_asking || parts_->first_missing() == nullptr) return;
  parts_->is_asking = true;
  asio::co_spawn(parts_->executor, Parts::acquire(parts_), asio::detached);
}

void LogindLock::release() {
  parts_->is_wanted = false;
  for (Inhibition& one : parts_->inhibitions) {
    if (!one.held) continue;
    one.held.reset();
    parts_->journal->write(ports::Level::info, {}, std::string(one.what) + " is held off no longer");
  }
}

}  // namespace hg::bus
