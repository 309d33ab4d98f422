// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/logind_lock.hpp"

#include <fcntl.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <variant>

#include "adapters/dbus/connection.hpp"
#include "base/unique_fd.hpp"

namespace hg::bus {

namespace asio = boost::asio;

struct LogindLock::Parts {
  asio::any_io_executor executor;
  std::string where;
  ports::Journal* journal;  ///< null: the lock is gone
  bool is_wanted = false;
  bool is_asking = false;
  UniqueFd held{};
  std::shared_ptr<Connection> connection{};  ///< while it is asking
  std::string trouble{};                     ///< what the journal has said last: not for each update again

  /// Asks logind, and keeps what it gives if it is still wanted then.
  static asio::awaitable<void> acquire(std::shared_ptr<Parts> parts);
  void take(const char* mode, UniqueFd lock);
  void say_trouble(const std::string& text);
};

namespace {

constexpr Duration kLogindAnswers = std::chrono::seconds{10};

struct Refused {
  std::string text;
  bool by_polkit = false;
};
using Asked = std::variant<UniqueFd, Refused>;

Result<Message> make_question(const Connection& connection, const char* mode) {
  auto question = connection.make_call("org.freedesktop.login1", "/org/freedesktop/login1",
                                       "org.freedesktop.login1.Manager", "Inhibit");
  if (!question) return question;
  sd_bus_message* const call = question->get();
  sd_bus_message_set_auto_start(call, 0);
  const int result =
      sd_bus_message_append(call, "ssss", "shutdown:sleep", "headgated", "firmware of children is being changed", mode);
  if (result < 0) return from_errno(-result, "ask logind");
  return question;
}

Asked read_answer(sd_bus_message* answer) {
  if (const sd_bus_error* error = sd_bus_message_get_error(answer); error != nullptr) {
    const bool by_polkit = sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) > 0 ||
                           sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) > 0;
    return Refused{error->message == nullptr ? error->name : error->message, by_polkit};
  }
  int lent = -1;  // the message's own
  const int result = sd_bus_message_read(answer, "h", &lent);
  UniqueFd lock{result < 0 ? -1 : ::fcntl(lent, F_DUPFD_CLOEXEC, 0)};
  if (!lock) return Refused{"its answer has no descriptor", false};
  return lock;
}

asio::awaitable<Asked> ask(std::shared_ptr<Connection> connection, const char* mode) {
  auto question = make_question(*connection, mode);
  if (!question) co_return Refused{question.error().message, false};
  const Result<Message> answer = co_await connection->call(std::move(*question), kLogindAnswers);
  if (!answer) co_return Refused{answer.error().message, false};
  co_return read_answer(answer->get());
}

}  // namespace

/// One that came too late is closed again.
void LogindLock::Parts::take(const char* mode, UniqueFd lock) {
  if (!is_wanted) return;
  held = std::move(lock);
  journal->write(ports::Level::info, {}, std::string("shutdown and sleep are held off (") + mode + ")");
}

void LogindLock::Parts::say_trouble(const std::string& text) {
  if (journal == nullptr || text == trouble) return;
  trouble = text;
  journal->write(ports::Level::notice, {}, text);
}

asio::awaitable<void> LogindLock::Parts::acquire(std::shared_ptr<Parts> parts) {
  auto opened = Connection::open(parts->executor, parts->where, {});
  if (!opened) {
    parts->is_asking = false;
    parts->say_trouble("nothing holds off a shutdown during updates: " + opened.error().message);
    co_return;
  }
  parts->connection = *opened;
  const char* mode = "block";
  Asked asked = co_await ask(parts->connection, mode);
  if (const auto* refused = std::get_if<Refused>(&asked);
      refused != nullptr && refused->by_polkit && parts->is_wanted) {
    parts->say_trouble("a shutdown can only be delayed during updates, not blocked: " + refused->text);
    mode = "delay";
    asked = co_await ask(parts->connection, mode);
  }
  parts->connection.reset();
  parts->is_asking = false;
  if (auto* lock = std::get_if<UniqueFd>(&asked))
    parts->take(mode, std::move(*lock));
  else
    parts->say_trouble("nothing holds off a shutdown during updates: logind: " + std::get<Refused>(asked).text);
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
  if (parts_->is_asking || parts_->held) return;
  parts_->is_asking = true;
  asio::co_spawn(parts_->executor, Parts::acquire(parts_), asio::detached);
}

void LogindLock::release() {
  parts_->is_wanted = false;
  if (!parts_->held) return;
  parts_->held.reset();
  parts_->journal->write(ports::Level::info, {}, "shutdown and sleep are held off no longer");
}

}  // namespace hg::bus
