// SPDX-License-Identifier: Apache-2.0
#include "adapters/bus/private_bus.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdlib>
#include <filesystem>

#include "base/unique_fd.hpp"

namespace hg::bus::test {
namespace asio = boost::asio;

namespace {

std::string make_directory() {
  std::string name = "/tmp/headgate-bus-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  return name;
}

int keep_signal(sd_bus_message* message, void* client, sd_bus_error* /*error*/) {
  static_cast<Client*>(client)->signals.push_back(
      {sd_bus_message_get_path(message), sd_bus_message_get_member(message), share(message)});
  return 0;
}

asio::awaitable<void> put_answer(std::shared_ptr<Connection> connection, Message call, std::shared_ptr<Answer> answer) {
  auto reply = co_await connection->call(std::move(call), std::chrono::seconds{20});
  if (reply.has_error()) {
    answer->error = reply.error().message;
  } else if (const sd_bus_error* error = sd_bus_message_get_error(reply.value().get()); error != nullptr) {
    answer->error = error->name;
    answer->text = error->message;
  } else {
    answer->reply = std::move(reply).value();
  }
}

std::string basic_to_text(sd_bus_message* message, char type) {
  const char* text = nullptr;
  double real = 0;
  std::int64_t signed_number = 0;
  std::uint64_t number = 0;  // wide enough for all others; messages here are little-endian
  switch (type) {
    case 's':
    case 'o':
      sd_bus_message_read_basic(message, type, &text);
      return std::string{text};
    case 'd':
      sd_bus_message_read_basic(message, type, &real);
      return std::to_string(real);
    case 'x':
      sd_bus_message_read_basic(message, type, &signed_number);
      return std::to_string(signed_number);
    default:
      sd_bus_message_read_basic(message, type, &number);
      return std::to_string(number);
  }
}

}  // namespace

PrivateBus::PrivateBus()
    : directory_(make_directory()), address_(std::string{"unix:path="}.append(directory_).append("/bus")) {
  start();
}

PrivateBus::~PrivateBus() {
  kill();
  std::filesystem::remove_all(directory_);
}

void PrivateBus::start() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
  UniqueFd readable{ends[0]};
  UniqueFd writable{ends[1]};
  const std::string address = std::string{"--address="}.append(address_);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(writable.get(), 3);
    ::execlp("dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog", address.c_str(),
             "--print-address=3", nullptr);
    ::_exit(127);
  }
  writable.reset();
  char first = 0;
  ASSERT_EQ(::read(readable.get(), &first, 1), 1) << "dbus-daemon does not start";
}

void PrivateBus::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool eventually(asio::io_context& loop, const std::function<bool()>& reached) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (!reached()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    loop.restart();
    loop.run_one_for(left);
  }
  return true;
}

Client::Client(asio::io_context& loop, const std::string& address)
    : loop_(loop), connection_(Connection::open(loop.get_executor(), address, {}).value()) {}

std::shared_ptr<Answer> Client::post(const char* name, const std::string& path, const char* interface,
                                     const char* member, const Fill& fill) {
  auto answer = std::make_shared<Answer>();
  Message call = connection_->make_call(name, path.c_str(), interface, member).value();
  if (fill) {
    EXPECT_GE(fill(call.get()), 0);
  }
  asio::co_spawn(loop_, put_answer(connection_, std::move(call), answer), asio::detached);
  return answer;
}

Answer Client::call(const std::string& path, const char* interface, const char* member, const Fill& fill) {
  const auto answer = post(kBusName, path, interface, member, fill);
  EXPECT_TRUE(eventually(loop_, [&] { return answer->reply || !answer->error.empty(); })) << member;
  return std::move(*answer);
}

std::string Client::property(const std::string& path, const char* interface, const char* name) {
  const auto fill = [&](sd_bus_message* call) { return sd_bus_message_append(call, "ss", interface, name); };
  const Answer answer = call(path, "org.freedesktop.DBus.Properties", "Get", fill);
  return answer.reply ? to_text(answer.reply.get()) : answer.error;
}

void Client::listen() {
  std::string match{"type='signal',sender='"};
  match.append(kBusName).append("'");
  sd_bus_add_match(connection_->bus(), nullptr, match.c_str(), keep_signal, this);
}

std::size_t Client::count(const std::string& member, const std::string& path_part) const {
  return static_cast<std::size_t>(std::ranges::count_if(signals, [&](const Signal& signal) {
    return signal.member == member && signal.path.find(path_part) != std::string::npos;
  }));
}

std::string to_text(sd_bus_message* message) {
  std::string text;
  char type = 0;
  const char* contents = nullptr;
  while (sd_bus_message_peek_type(message, &type, &contents) > 0) {
    if (!text.empty()) text += ' ';
    if (contents == nullptr) {
      text += basic_to_text(message, type);
      continue;
    }
    sd_bus_message_enter_container(message, type, contents);
    const std::string inside = to_text(message);
    sd_bus_message_exit_container(message);
    const bool bare = type == 'v' || type == 'e';
    text += bare ? inside : type == 'a' ? '[' + inside + ']' : '(' + inside + ')';
  }
  return text;
}

}  // namespace hg::bus::test
