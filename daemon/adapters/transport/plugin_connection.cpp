// SPDX-License-Identifier: Apache-2.0
#include "adapters/transport/plugin_connection.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "adapters/transport/deadline.hpp"
#include "adapters/transport/sealed_memory.hpp"
#include "adapters/transport/translation.hpp"
#include "wire/limits.hpp"

namespace hg::transport {
namespace asio = boost::asio;
namespace {

constexpr unsigned kMaxStrays = 32;       // frames without sense on one connection
constexpr std::size_t kMaxGivenUp = 256;  // requests whose late answers are dropped without a word
constexpr unsigned kMaxStepsBack = 64;    // of the progress of one transfer
constexpr unsigned kSlicesPerStall = 4;   // how finely a stall is measured
constexpr Duration kGrace{2000};          // for the plugin's own "timed out" to arrive
constexpr double kLinkEventsAtOnce = 4096;
constexpr double kLinkEventsPerSecond = 20;

Error lost_error(const std::string& transport) {
  return Error{Errc::unavailable, "the plugin \"" + transport + "\" was lost"};
}

ports::Transport::Outcome failed(Error error) {
  return {core::StepFailed{std::move(error)}, {}};
}

}  // namespace

/// One request and what has come of it so far.
struct PluginConnection::Waiting {
  core::ChildId child;
  core::Step step;
  ports::Transport::Progress progress;
  asio::steady_timer answered;  // never expires; cancelled when there is something to look at
  std::optional<ports::Transport::Outcome> outcome;
  std::uint64_t done = 0;
  bool moved = false;  // since the last look
  unsigned steps_back = 0;
};

/// Keeps a Waiting known to the connection for as long as its ask() runs.
class PluginConnection::Registration {
 public:
  Registration(PluginConnection& connection, std::uint64_t request, Waiting& waiting)
      : connection_(&connection), request_(request) {
    connection.waiting_.emplace(request, &waiting);
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  ~Registration() { connection_->waiting_.erase(request_); }

 private:
  PluginConnection* connection_;
  std::uint64_t request_;
};

PluginConnection::PluginConnection(Surroundings around, std::shared_ptr<wire::Channel> channel, wire::Hello hello)
    : around_(std::move(around)),
      channel_(std::move(channel)),
      hello_(std::move(hello)),
      link_events_(kLinkEventsAtOnce, kLinkEventsPerSecond) {}

void PluginConnection::say(ports::Level level, std::string_view child, std::string_view text) const {
  around_.journal->write(level, {.child = child, .deliverable = {}, .job = {}},
                         "plugin " + hello_.transport + ": " + std::string(text));
}

// ------------------------------------------------------------------------------------------------------- children

void PluginConnection::enroll(const std::map<core::ChildId, wire::Enroll>& children) {
  for (const auto& [child, known] : children_) {
    if (children.contains(child)) continue;
    links_.erase(child);
    static_cast<void>(channel_->send(wire::Forget{child}));  // a closed channel ends serve()
  }
  for (const auto& [child, wanted] : children) {
    const auto known = children_.find(child);
    if (known != children_.end() && known->second == wanted) continue;
    warn_of_backup(wanted);
    if (const auto sent = channel_->send(wanted); !sent) say(ports::Level::warning, child, sent.error().message);
  }
  children_ = children;
}

/// A profile's lists that begin with "backup_" name what is to be saved before an update.
void PluginConnection::warn_of_backup(const wire::Enroll& child) {
  if (has_warned_of_backup_ || (hello_.capabilities & wire::kCanBackup) != 0) return;
  for (const auto& [key, value] : child.profile) {
    const auto* list = std::get_if<std::vector<std::string>>(&value);
    if (list == nullptr || list->empty() || !key.starts_with("backup_")) continue;
    has_warned_of_backup_ = true;
    return say(ports::Level::warning, child.child,
               "it cannot back up, so what the profile names under " + key + " is not saved before an update");
  }
}

Result<void> PluginConnection::take_link(const wire::Link& link) {
  if (!children_.contains(link.child)) return stray(link.child, "Link for a child that is not its own");
  const auto known = links_.find(link.child);
  if (known != links_.end() && known->second == link) return {};
  if (!link_events_.take(around_.clock->now())) return Error{Errc::too_large, "links come and go too often"};
  links_[link.child] = link;
  if (listener_) listener_({link.child, link.up, link.text});
  return {};
}

// ------------------------------------------------------------------------------------------------------ receiving

asio::awaitable<Error> PluginConnection::serve(ports::Transport::LinkListener listener) {
  const auto self = shared_from_this();
  listener_ = std::move(listener);
  std::optional<Error> end;
  while (!end) {
    auto arrival = co_await channel_->receive();
    if (!arrival) {
      end = arrival.error();
    } else if (auto taken = take(*arrival); !taken) {
      end = taken.error();
    }
  }
  lost_ = true;
  channel_->close();
  fail_all(lost_error(hello_.transport));
  co_return *end;
}

Result<void> PluginConnection::take(const wire::Channel::Arrival& arrival) {
  const wire::Frame& frame = arrival.frame;
  if (const auto* link = std::get_if<wire::Link>(&frame)) return take_link(*link);
  if (const auto* reply = wire::reply_of(frame)) return take_reply(*reply, arrival);
  if (std::holds_alternative<wire::Hello>(frame)) return Error{Errc::invalid, "a second Hello"};
  return Error{Errc::invalid, std::string(wire::name_of(frame)) + " is not for a plugin to send"};
}

Result<void> PluginConnection::take_reply(const wire::Reply& reply, const wire::Channel::Arrival& arrival) {
  const wire::Frame& frame = arrival.frame;
  const auto found = waiting_.find(reply.request);
  if (found == waiting_.end()) {
    if (std::ranges::find(given_up_, reply.request) != given_up_.end()) return {};
    return stray(reply.child, std::string(wire::name_of(frame)) + " for a request that was not made");
  }
  Waiting& waiting = *found->second;
  if (waiting.outcome) return {};  // answered, but ask() has not run since
  if (waiting.child != reply.child) {
    return stray(waiting.child, std::string(wire::name_of(frame)) + " names another child");
  }
  if (const auto* progress = std::get_if<wire::Progress>(&frame)) {
    if (!std::holds_alternative<core::Deliver>(waiting.step)) return stray(waiting.child, "Progress without a Deliver");
    take_progress(waiting, *progress);
    return {};
  }
  waiting.outcome = outcome_of(waiting.step, arrival);
  waiting.answered.cancel();
  return {};
}

ports::Transport::Outcome PluginConnection::outcome_of(const core::Step& step, const wire::Channel::Arrival& arrival) {
  ports::Transport::Outcome outcome{answer_from(step, arrival.frame, around_.clock->now()), {}};
  if (!std::holds_alternative<core::BackedUp>(outcome.answer) || !arrival.fd) return outcome;
  auto saved = copy_sealed(arrival.fd.get(), wire::kMaxBackup);
  if (saved) {
    outcome.saved = std::move(*saved);
  } else {
    outcome.answer = core::StepFailed{saved.error().within("what the plugin saved")};
  }
  return outcome;
}

void PluginConnection::take_progress(Waiting& waiting, const wire::Progress& progress) {
  const std::uint64_t total = std::get<core::Deliver>(waiting.step).size;
  const std::uint64_t done = std::min(progress.done, total);
  if (done == waiting.done) return;
  if (done < waiting.done && ++waiting.steps_back > kMaxStepsBack) return;  // no longer counts as progress: it stalls
  waiting.done = done;
  waiting.moved = true;
  if (waiting.progress) waiting.progress(done, total);
}

Result<void> PluginConnection::stray(std::string_view child, const std::string& text) {
  say(ports::Level::warning, child, text + ", dropped");
  if (++strays_ >= kMaxStrays) return Error{Errc::invalid, "too many frames without sense"};
  return {};
}

// --------------------------------------------------------------------------------------------------------- asking

void PluginConnection::give_up(std::uint64_t request) {
  given_up_.push_back(request);
  if (given_up_.size() > kMaxGivenUp) given_up_.pop_front();
  static_cast<void>(channel_->send(wire::Cancel{request}));
}

void PluginConnection::fail_all(const Error& error) {
  for (const auto& [request, waiting] : waiting_) {
    if (!waiting->outcome) waiting->outcome = failed(error);
    waiting->answered.cancel();
  }
}

asio::awaitable<ports::Transport::Outcome> PluginConnection::ask(core::Enrollment child, core::Step step,
                                                                 core::Epoch epoch, UniqueFd blob,
                                                                 ports::Transport::Progress progress) {
  const auto self = shared_from_this();
  if (lost_) co_return failed(lost_error(hello_.transport));
  if (!children_.contains(child.id)) {
    co_return failed(Error{Errc::unavailable, "not enrolled with its plugin"});
  }
  if (auto unasked = answer_unasked(hello_.capabilities, step)) {
    ports::Transport::Outcome outcome{std::move(*unasked), {}};
    co_return outcome;
  }

  const std::uint64_t request = ++last_request_;
  Waiting waiting{child.id, step, std::move(progress), asio::steady_timer(around_.executor), {}, 0, false, 0};
  waiting.answered.expires_at(asio::steady_timer::time_point::max());
  const Registration registration(*this, request, waiting);
  const wire::Frame frame = request_for(child, step, wire::Task{request, child.id, epoch, 0});
  if (auto sent = channel_->send(frame, std::move(blob)); !sent) co_return failed(sent.error());

  const bool is_transfer = std::holds_alternative<core::Deliver>(step);
  const Duration limit = deadline_for(child.patience, step);
  const Duration slice = is_transfer ? limit / kSlicesPerStall + Duration{1} : limit + kGrace;
  unsigned idle_slices = 0;
  while (!waiting.outcome) {
    bool expired = false;
    std::optional<Deadline> deadline;
    const auto expire = [&expired, &waiting] {
      expired = true;
      waiting.answered.cancel();
    };
    deadline.emplace(around_.executor, *around_.clock, slice, expire);
    co_await waiting.answered.async_wait(asio::as_tuple(asio::use_awaitable));
    if (waiting.outcome) break;
    if (!expired) {  // nobody else cancels the wait
      give_up(request);
      co_return failed(Error{Errc::cancelled, "given up"});
    }
    idle_slices = std::exchange(waiting.moved, false) ? 0 : idle_slices + 1;
    if (is_transfer && idle_slices < kSlicesPerStall) continue;
    give_up(request);
    const std::string_view text = is_transfer ? "the transfer does not go on" : "the plugin does not answer";
    co_return failed(Error{Errc::timed_out, std::string(text)});
  }
  co_return std::move(*waiting.outcome);
}

}  // namespace hg::transport
