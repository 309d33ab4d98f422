// SPDX-License-Identifier: Apache-2.0
#include "ble/question.hpp"

#include <algorithm>
#include <utility>

#include "ble/bluez_error.hpp"

namespace hg::ble {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::hours kLongest{24};  // sd-bus counts in microseconds, from now
constexpr std::chrono::microseconds kTold = std::chrono::seconds{30};

int on_nothing(sd_bus_message* /*reply*/, void* /*userdata*/, sd_bus_error* /*error*/) {
  return 1;
}

Result<bus::Message> make_call(const Follower& follower, const Question& question) {
  const auto connection = follower.connection();
  if (!connection || follower.owner().empty()) return Error{Errc::unavailable, "bluetoothd is not there"};
  auto call =
      connection->make_call(follower.owner().c_str(), question.path.c_str(), question.interface, question.member);
  if (!call) return call;
  sd_bus_message_set_auto_start(call->get(), 0);
  const int result = question.fill ? question.fill(call->get()) : 0;
  if (result < 0) return from_errno(-result, question.member);
  return call;
}

}  // namespace

asio::awaitable<Result<bus::Message>> ask(std::shared_ptr<Follower> follower, Question question,
                                          plugin::SteadyTime deadline) {
  auto call = make_call(*follower, question);
  if (!call) co_return call.error().within(question.doing);
  const auto left = deadline - std::chrono::steady_clock::now();
  // To sd-bus no time at all means its own default.
  if (left < std::chrono::milliseconds{1}) co_return Error{Errc::timed_out, question.doing + ": the deadline passed"};
  const auto connection = follower->connection();
  const Duration longest = std::min<Duration>(std::chrono::duration_cast<Duration>(left), kLongest);
  auto answer = co_await connection->call(std::move(*call), longest);
  if (!answer) co_return Error{answer.error().code, question.doing + ": " + answer.error().message};
  if (const sd_bus_error* const failure = sd_bus_message_get_error(answer->get())) {
    co_return error_of(failure->name, failure->message == nullptr ? "" : failure->message, question.doing);
  }
  co_return std::move(answer);
}

void tell(Follower& follower, const Question& question) {
  const auto call = make_call(follower, question);
  if (!call) return;
  // With an answer that nobody looks at: bluetoothd answers later than a call without one may be answered.
  sd_bus_call_async(follower.connection()->bus(), nullptr, call->get(), on_nothing, nullptr,
                    static_cast<std::uint64_t>(kTold.count()));
  follower.connection()->kick();
}

}  // namespace hg::ble
