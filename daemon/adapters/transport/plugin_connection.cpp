// SPDX-License-Identifier: Apache-2.0
#include "adapters/transport/plugin_connection.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
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
// One a second of each child is what a plugin should say; nothing is passed on, so that more costs little.
constexpr double kRadioNewsAtOnce = 4096;
constexpr double kRadioNewsPerSecond = 1000;
// In some places strangers come and go by the hundred, which is not the plugin's fault: what is too much is not listed.
constexpr double kMeetingsAtOnce = 4096;
constexpr double kMeetingsPerSecond = 20;
constexpr double kMeetingNoiseAtOnce = 16384;  // listed or not: more than any place has
constexpr double kMeetingNoisePerSecond = 1000;

Error lost_error(const std::string& transport) {
  return Error{Errc::unavailable, "the plugin \"" + transport + "\" was lost"};
}

ports::Transport::Outcome failed(Error error) {
  return {core::StepFailed{std::move(error)}, {}};
}

static_assert(static_cast<int>(ports::Transport::LinkKey::Kind::psk) == static_cast<int>(wire::LinkKeyKind::psk));
static_assert(static_cast<int>(ports::Transport::LinkKey::Kind::certificate) ==
              static_cast<int>(wire::LinkKeyKind::certificate));
static_assert(static_cast<int>(ports::Transport::LinkKey::Kind::passkey) ==
              static_cast<int>(wire::LinkKeyKind::passkey));

wire::LinkKey link_key_frame(const core::ChildId& child, ports::Transport::LinkKey key) {
  wire::LinkKey frame{child, static_cast<wire::LinkKeyKind>(key.kind), std::move(key.identity), {}, key.certificate};
  if (key.secret.size() != 0) frame.secret = std::make_shared<const Secret>(std::move(key.secret));
  return frame;
}

}  // namespace

/// One request and what has come of it so far.
struct PluginConnection::Waiting {
  core::ChildId child;
  std::optional<std::uint64_t> size;  // of what a Deliver transfers; none: it is another request
  ports::Transport::Progress progress;
  asio::steady_timer answered;  // never expires; cancelled when there is something to look at
  std::optional<Result<wire::Channel::Arrival>> answer;
  std::uint64_t done = 0;
  bool moved = false;  // since the last look
  unsigned steps_back = 0;
};

/// Keeps a Waiting known to the connection for as long as its exchange() runs.
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

PluginConnection::PluginConnection(Surroundings around, std::shared_ptr<wire::Channel> channel, wire::Hello hello,
                                   ports::Transport::LinkKeySource key_source)
    : around_(std::move(around)),
      channel_(std::move(channel)),
      hello_(std::move(hello)),
      key_source_(std::move(key_source)),
      link_events_(kLinkEventsAtOnce, kLinkEventsPerSecond),
      radio_news_(kRadioNewsAtOnce, kRadioNewsPerSecond),
      meetings_(kMeetingsAtOnce, kMeetingsPerSecond),
      meeting_noise_(kMeetingNoiseAtOnce, kMeetingNoisePerSecond) {}

void PluginConnection::say(ports::Level level, std::string_view child, std::string_view text) const {
  around_.journal->write(level, {.child = child, .deliverable = {}, .job = {}},
                         "plugin " + hello_.transport + ": " + std::string(text));
}

// ------------------------------------------------------------------------------------------------------- children

void PluginConnection::enroll(const std::map<core::ChildId, wire::Enroll>& children) {
  for (const auto& [child, known] : children_) {
    if (children.contains(child)) continue;
    links_.erase(child);
    radios_.erase(child);
    static_cast<void>(channel_->send(wire::Forget{child}));  // a closed channel ends serve()
    if (strangers_.contains(child)) tell_later(child);
  }
  for (const auto& [child, wanted] : children) {
    const auto known = children_.find(child);
    if (known != children_.end() && known->second == wanted) continue;
    warn_of_backup(wanted);
    if (const auto sent = channel_->send(wanted); !sent) say(ports::Level::warning, child, sent.error().message);
    tell_key(child);
  }
  children_ = children;
}

void PluginConnection::link_key_changed(const core::ChildId& child) {
  if (children_.contains(child)) tell_key(child);
}

/// Also that there is none: on an earlier connection there may have been one.
void PluginConnection::tell_key(const core::ChildId& child) {
  if ((hello_.capabilities & wire::kCanHoldKeys) == 0) return;
  const wire::LinkKey key = link_key_frame(child, key_source_(child));
  auto sent = wire::check_link_key(key);
  if (sent) sent = channel_->send(key);
  if (sent) return;
  say(ports::Level::warning, child, "its link key is not handed over: " + sent.error().message);
  static_cast<void>(channel_->send(wire::LinkKey{child}));  // at least the one before does not stay in force
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
  const auto security = link.up ? static_cast<core::LinkSecurity>(link.security) : core::LinkSecurity::none;
  if (listener_) listener_({link.child, link.up, link.text, security});
  return {};
}

Result<void> PluginConnection::take_radio(const wire::Radio& radio) {
  if (!radio_news_.take(around_.clock->now()))
    return Error{Errc::too_large, "more is said of radios than can be heard"};
  if (!children_.contains(radio.child)) return stray(radio.child, "Radio for a child that is not its own");
  radios_.insert_or_assign(radio.child, radio);
  return {};
}

std::optional<ports::Radio> PluginConnection::radio(const core::ChildId& child) const {
  const auto found = radios_.find(child);
  if (found == radios_.end()) return std::nullopt;
  constexpr auto kLongest =
      static_cast<std::uint64_t>(std::chrono::duration_cast<Duration>(std::chrono::years(100)).count());
  const wire::Radio& radio = found->second;
  return ports::Radio{radio.adapter, radio.rssi_dbm, radio.mtu, Duration{std::min(radio.airtime_ms, kLongest)},
                      radio.breaks};
}

// ------------------------------------------------------------------------------------------------------- strangers

Result<void> PluginConnection::bear_meetings() {
  if (meeting_noise_.take(around_.clock->now())) return {};
  return Error{Errc::too_large, "more is said of strangers than can be heard"};
}

Result<void> PluginConnection::take_meeting(const wire::Discovered& met) {
  if (auto borne = bear_meetings(); !borne) return borne;
  const auto known = strangers_.find(met.name);
  if (known != strangers_.end() && known->second == met) return {};
  const bool has_room = known != strangers_.end() || strangers_.size() < wire::kMaxStrangers;
  if (!has_room || !meetings_.take(around_.clock->now())) {
    if (!std::exchange(has_warned_of_strangers_, true))
      say(ports::Level::warning, {}, "more strangers are in sight, or come and go, than are listed");
    return {};
  }
  strangers_[met.name] = met;
  tell(met);
  return {};
}

void PluginConnection::tell(const wire::Discovered& met) const {
  const core::Discovered stranger{met.name,         hello_.transport, met.address,         met.vendor,
                                  met.device_class, met.text,         around_.clock->now()};
  if (meeting_listener_) meeting_listener_(core::ChildDiscovered{stranger});
}

/// Of one that is not enrolled any more and still in sight; later, so that the caller has said that it is not.
void PluginConnection::tell_later(const core::ChildId& name) {
  const auto again = [weak = weak_from_this(), name] {
    const auto self = weak.lock();
    if (!self || self->children_.contains(name)) return;
    if (const auto met = self->strangers_.find(name); met != self->strangers_.end()) self->tell(met->second);
  };
  asio::post(around_.executor, again);
}

/// What was listed goes from the list at any time: there is nothing to be saved up for.
Result<void> PluginConnection::take_meeting(const wire::Vanished& gone) {
  if (auto borne = bear_meetings(); !borne) return borne;
  if (strangers_.erase(gone.name) != 0 && meeting_listener_)
    meeting_listener_(core::ChildVanished{gone.name, hello_.transport});
  return {};
}

void PluginConnection::lose_strangers() {
  for (const auto& [name, met] : std::exchange(strangers_, {})) {
    if (meeting_listener_) meeting_listener_(core::ChildVanished{name, hello_.transport});
  }
}

// ------------------------------------------------------------------------------------------------------ receiving

asio::awaitable<Error> PluginConnection::serve(ports::Transport::LinkListener listener,
                                               ports::Transport::MeetingListener meeting_listener) {
  const auto self = shared_from_this();
  listener_ = std::move(listener);
  meeting_listener_ = std::move(meeting_listener);
  std::optional<Error> end;
  while (!end) {
    auto arrival = co_await channel_->receive();
    if (!arrival) {
      end = arrival.error();
    } else if (auto taken = take(std::move(*arrival)); !taken) {
      end = taken.error();
    }
  }
  lost_ = true;
  channel_->close();
  fail_all(lost_error(hello_.transport));
  lose_strangers();
  co_return *end;
}

Result<void> PluginConnection::take(wire::Channel::Arrival arrival) {
  const wire::Frame& frame = arrival.frame;
  if (const auto* link = std::get_if<wire::Link>(&frame)) return take_link(*link);
  if (const auto* radio = std::get_if<wire::Radio>(&frame)) return take_radio(*radio);
  if (const auto* met = std::get_if<wire::Discovered>(&frame)) return take_meeting(*met);
  if (const auto* gone = std::get_if<wire::Vanished>(&frame)) return take_meeting(*gone);
  if (wire::reply_of(frame) != nullptr) return take_reply(std::move(arrival));
  if (std::holds_alternative<wire::Hello>(frame)) return Error{Errc::invalid, "a second Hello"};
  return Error{Errc::invalid, std::string(wire::name_of(frame)) + " is not for a plugin to send"};
}

Result<void> PluginConnection::take_reply(wire::Channel::Arrival arrival) {
  const wire::Frame& frame = arrival.frame;
  const wire::Reply& reply = *wire::reply_of(frame);
  const auto found = waiting_.find(reply.request);
  if (found == waiting_.end()) {
    if (std::ranges::find(given_up_, reply.request) != given_up_.end()) return {};
    return stray(reply.child, std::string(wire::name_of(frame)) + " for a request that was not made");
  }
  Waiting& waiting = *found->second;
  if (waiting.answer) return {};  // answered, but exchange() has not run since
  if (waiting.child != reply.child) {
    return stray(waiting.child, std::string(wire::name_of(frame)) + " names another child");
  }
  if (const auto* progress = std::get_if<wire::Progress>(&frame)) {
    if (!waiting.size) return stray(waiting.child, "Progress without a Deliver");
    take_progress(waiting, *progress);
    return {};
  }
  waiting.answer = std::move(arrival);
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
  const std::uint64_t total = *waiting.size;
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
    if (!waiting->answer) waiting->answer = error;
    waiting->answered.cancel();
  }
}

std::optional<Error> PluginConnection::objection_to(const core::ChildId& child) const {
  if (lost_) return lost_error(hello_.transport);
  if (!children_.contains(child)) return Error{Errc::unavailable, "not enrolled with its plugin"};
  return std::nullopt;
}

asio::awaitable<Result<wire::Channel::Arrival>> PluginConnection::exchange(wire::Frame frame, UniqueFd blob,
                                                                           Duration limit,
                                                                           ports::Transport::Progress progress) {
  const wire::Task& task = *wire::task_of(frame);
  const std::uint64_t request = task.request;
  const auto* deliver = std::get_if<wire::Deliver>(&frame);
  const bool is_transfer = deliver != nullptr;
  Waiting waiting{task.child, {}, std::move(progress), asio::steady_timer(around_.executor), {}, 0, false, 0};
  if (is_transfer) waiting.size = deliver->size;
  waiting.answered.expires_at(asio::steady_timer::time_point::max());
  const Registration registration(*this, request, waiting);
  if (auto sent = channel_->send(frame, std::move(blob)); !sent) co_return sent.error();

  const Duration slice = is_transfer ? limit / kSlicesPerStall + Duration{1} : limit + kGrace;
  unsigned idle_slices = 0;
  while (!waiting.answer) {
    bool expired = false;
    std::optional<Deadline> deadline;
    const auto expire = [&expired, &waiting] {
      expired = true;
      waiting.answered.cancel();
    };
    deadline.emplace(around_.executor, *around_.clock, slice, expire);
    co_await waiting.answered.async_wait(asio::as_tuple(asio::use_awaitable));
    if (waiting.answer) break;
    if (!expired) {  // nobody else cancels the wait
      give_up(request);
      co_return Error{Errc::cancelled, "given up"};
    }
    idle_slices = std::exchange(waiting.moved, false) ? 0 : idle_slices + 1;
    if (is_transfer && idle_slices < kSlicesPerStall) continue;
    give_up(request);
    const std::string_view text = is_transfer ? "the transfer does not go on" : "the plugin does not answer";
    co_return Error{Errc::timed_out, std::string(text)};
  }
  co_return std::move(*waiting.answer);
}

asio::awaitable<ports::Transport::Outcome> PluginConnection::ask(core::Enrollment child, core::Step step,
                                                                 core::Epoch epoch, UniqueFd blob,
                                                                 ports::Transport::Progress progress) {
  const auto self = shared_from_this();
  if (auto objection = objection_to(child.id)) co_return failed(std::move(*objection));
  if (auto unasked = answer_unasked(hello_, step)) {
    ports::Transport::Outcome outcome{std::move(*unasked), {}};
    co_return outcome;
  }
  wire::Frame frame = request_for(child, step, task_for(child, epoch));
  const Duration limit = deadline_for(child.patience, step);
  auto answer = co_await exchange(std::move(frame), std::move(blob), limit, std::move(progress));
  if (!answer) co_return failed(answer.error());
  co_return outcome_of(step, *answer);
}

// ------------------------------------------------------------------------------------------- mutual identification

wire::Task PluginConnection::identification_task(const core::Enrollment& child) {
  wire::Task task = task_for(child, 0);
  task.deadline_ms = static_cast<std::uint64_t>(deadline_for(child.patience, core::Inspect{}).count());
  return task;
}

asio::awaitable<Result<wire::Frame>> PluginConnection::exchange_for(core::Enrollment child, wire::Frame request) {
  if (auto objection = objection_to(child.id)) co_return std::move(*objection);
  if ((hello_.capabilities & wire::kCanIdentify) == 0) {
    co_return Error{Errc::unsupported,
                    "the plugin \"" + hello_.transport + "\" does not carry the child kit's identification"};
  }
  const Duration limit = deadline_for(child.patience, core::Inspect{});
  UniqueFd none;
  ports::Transport::Progress no_progress;
  auto answer = co_await exchange(std::move(request), std::move(none), limit, std::move(no_progress));
  if (!answer) co_return answer.error();
  if (const auto* refused = std::get_if<wire::Failed>(&answer->frame)) co_return Error{refused->code, refused->text};
  co_return std::move(answer->frame);
}

asio::awaitable<Result<Bytes>> PluginConnection::identify(core::Enrollment child, Bytes nonce) {
  const auto self = shared_from_this();
  if (nonce.size() > wire::kMaxProof) co_return Error{Errc::too_large, "a nonce of more than 1024 bytes"};
  wire::Frame request = wire::Identify{identification_task(child), std::move(nonce)};
  auto answer = co_await exchange_for(std::move(child), std::move(request));
  if (!answer) co_return answer.error();
  if (auto* identified = std::get_if<wire::Identified>(&*answer)) co_return std::move(identified->evidence);
  co_return misplaced(*answer);
}

asio::awaitable<Result<void>> PluginConnection::prove(core::Enrollment child, Bytes proof) {
  const auto self = shared_from_this();
  if (proof.size() > wire::kMaxProof) co_return Error{Errc::too_large, "a proof of more than 1024 bytes"};
  wire::Frame request = wire::Prove{identification_task(child), std::move(proof)};
  const auto answer = co_await exchange_for(std::move(child), std::move(request));
  if (!answer) co_return answer.error();
  if (std::holds_alternative<wire::Proven>(*answer)) co_return Result<void>{};
  co_return misplaced(*answer);
}

}  // namespace hg::transport
