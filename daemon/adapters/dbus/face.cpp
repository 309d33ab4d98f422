// SPDX-License-Identifier: Apache-2.0
#include "adapters/dbus/face.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <map>
#include <utility>
#include <variant>

#include "adapters/dbus/authority.hpp"
#include "adapters/dbus/names.hpp"
#include "adapters/dbus/orders.hpp"
#include "adapters/dbus/requests.hpp"

namespace hg::bus {
namespace asio = boost::asio;
namespace {

constexpr Duration kBeat = std::chrono::milliseconds{250};  // progress goes out at most four times a second
constexpr Duration kLook = std::chrono::seconds{5};         // between two looks at what nobody announces
constexpr Duration kBusAnswers = std::chrono::seconds{10};
constexpr Duration kFirstRetry = std::chrono::seconds{1};
constexpr Duration kLongestRetry = std::chrono::seconds{60};
constexpr unsigned kMaxPendingPerSender = 16;
constexpr unsigned kMaxSenders = 512;

// Reply of RequestName (D-Bus specification, "Message Bus Messages").
constexpr std::uint32_t kDoNotQueue = 4;
constexpr std::uint32_t kPrimaryOwner = 1;

Result<void> judge_name_reply(sd_bus_message* reply) {
  if (const sd_bus_error* error = sd_bus_message_get_error(reply); error != nullptr) {
    const bool denied = sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) > 0;
    return Error{denied ? Errc::denied : Errc::unavailable, error->message == nullptr ? error->name : error->message};
  }
  const auto code = read_uint32(reply);
  if (code.has_error()) return code.error();
  if (code.value() != kPrimaryOwner) {
    return Error{Errc::exists, "another process has it; is headgated running already?"};
  }
  return {};
}

// What changes the cache and the list of arrivals, which are no part of the state.
bool concerns_arrivals(const core::Change& change) {
  return std::holds_alternative<core::PutDeliverable>(change) ||
         std::holds_alternative<core::PutAnnouncement>(change) ||
         std::holds_alternative<core::DropAnnouncement>(change);
}

// What the object Trust shows.
bool concerns_trust(const core::Change& change) {
  return std::holds_alternative<core::PutHead>(change) || std::holds_alternative<core::PutPermit>(change) ||
         std::holds_alternative<core::DropPermit>(change) || std::holds_alternative<core::PutGrant>(change) ||
         std::holds_alternative<core::DropGrant>(change) || std::holds_alternative<core::PutRoot>(change) ||
         std::holds_alternative<core::PutGatewayFloor>(change);
}

// Counts a sender's call from when it came until it is answered.
class Turn {
 public:
  using Counts = std::map<std::string, unsigned>;
  Turn(std::shared_ptr<Counts> counts, std::string sender) : counts_(std::move(counts)), sender_(std::move(sender)) {
    ++(*counts_)[sender_];
  }
  Turn(Turn&&) = default;
  Turn& operator=(Turn&&) = delete;
  ~Turn() {
    if (!counts_) return;
    const auto place = counts_->find(sender_);
    if (--place->second == 0) counts_->erase(place);
  }

 private:
  std::shared_ptr<Counts> counts_;
  std::string sender_;
};

}  // namespace

// What outlives the Face while a coroutine still needs it. Background coroutines hold it weakly and end when it is
// gone.
class Face::Body final : public Callee, public std::enable_shared_from_this<Body> {
 public:
  Body(asio::any_io_executor executor, std::string address, ports::Control& control, ports::Clock& clock,
       ports::Journal& journal, std::string version)
      : executor_(std::move(executor)),
        address_(std::move(address)),
        control_(control),
        clock_(clock),
        journal_(journal),
        tree_(control, std::move(version), *this) {}

  asio::awaitable<Result<void>> start();
  void stop();

  void changed(const core::State& state, std::span<const core::Change> changes, std::span<const core::ChildId> touched);
  void progressed(core::Epoch epoch, const ports::TransferProgress& transfer);
  void troubled(const std::string& text);

  void called(Message message) override;

 private:
  asio::awaitable<Result<void>> connect();
  void drop_connection();
  void lost(int result);
  void kick();
  void spawn(asio::awaitable<void> work);
  void show_pending_progress();

  static asio::awaitable<void> reconnect(std::weak_ptr<Body> weak, ports::Clock& clock);
  static asio::awaitable<void> keep_beat(std::weak_ptr<Body> weak, ports::Clock& clock);
  static asio::awaitable<void> keep_looking(std::weak_ptr<Body> weak, ports::Clock& clock);

  void answer(sd_bus_message* call, const Result<Message>& reply);
  void answer_write(const WriteMethod& method, Message call);
  static asio::awaitable<void> carry_out(std::shared_ptr<Body> self, std::shared_ptr<Connection> connection,
                                         WriteMethod method, Request request, Message call, Turn turn);
  asio::awaitable<Result<Message>> carry_out(Request request, uid_t uid, sd_bus_message* call);

  asio::any_io_executor executor_;
  std::string address_;
  ports::Control& control_;
  ports::Clock& clock_;
  ports::Journal& journal_;
  ObjectTree tree_;
  std::shared_ptr<Connection> connection_;
  std::string trouble_;
  bool stopped_ = false;
  bool beating_ = false;
  std::map<core::Epoch, ports::TransferProgress> pending_progress_;
  LentPlaces lent_;
  std::shared_ptr<Turn::Counts> calls_ = std::make_shared<Turn::Counts>();
};

// ------------------------------------------------------------------------------------------------------- connection

asio::awaitable<Result<void>> Face::Body::start() {
  tree_.show_all(control_.state());
  tree_.show_manager(trouble_);
  Result<void> connected = co_await connect();
  if (connected) spawn(keep_looking(weak_from_this(), clock_));
  co_return connected;
}

void Face::Body::stop() {
  stopped_ = true;
  drop_connection();
}

asio::awaitable<Result<void>> Face::Body::connect() {
  const auto self = shared_from_this();
  const auto on_lost = [weak = weak_from_this()](int result) {
    if (const auto body = weak.lock()) body->lost(result);
  };
  auto opened = Connection::open(executor_, address_, on_lost);
  if (opened.has_error()) co_return opened.error();
  const std::shared_ptr<Connection> connection = opened.value();
  connection_ = connection;

  Result<void> done = tree_.attach(connection->bus());
  auto request =
      connection->make_call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName");
  if (request.has_error()) done = request.error();
  if (done && sd_bus_message_append(request.value().get(), "su", kBusName, kDoNotQueue) < 0) {
    done = Error{Errc::internal, "make RequestName"};
  }
  if (done) {
    const Result<Message> reply = co_await connection->call(std::move(request).value(), kBusAnswers);
    done = reply.has_value() ? judge_name_reply(reply.value().get()) : Result<void>{reply.error()};
  }
  if (done && connection_ != connection) done = Error{Errc::unavailable, "connection lost"};
  if (done.has_error()) {
    if (connection_ == connection) drop_connection();
    co_return done.error().within(std::string{"take the name "} + kBusName + " on D-Bus \"" + address_ + '"');
  }
  co_return done;
}

void Face::Body::drop_connection() {
  tree_.detach();
  if (const auto connection = std::exchange(connection_, nullptr)) connection->close();
}

void Face::Body::lost(int result) {
  const Error error = from_errno(-result, "D-Bus connection lost");
  journal_.write(ports::Level::warning, {}, error.message);
  drop_connection();
  if (!stopped_) spawn(reconnect(weak_from_this(), clock_));
}

asio::awaitable<void> Face::Body::reconnect(std::weak_ptr<Body> weak, ports::Clock& clock) {
  std::string complaint;
  for (Duration wait = kFirstRetry;; wait = std::min(wait * 2, kLongestRetry)) {
    const Result<void> slept = co_await clock.sleep_for(wait);
    const auto body = weak.lock();
    if (!body || body->stopped_ || slept.has_error()) co_return;
    const Result<void> connected = co_await body->connect();
    if (connected) {
      body->journal_.write(ports::Level::notice, {}, "D-Bus connection is back");
      co_return;
    }
    if (body->stopped_) co_return;
    if (connected.error().message == complaint) continue;  // said already
    complaint = connected.error().message;
    body->journal_.write(ports::Level::warning, {}, complaint);
  }
}

void Face::Body::kick() {
  if (connection_) connection_->kick();
}

void Face::Body::spawn(asio::awaitable<void> work) {
  const auto on_end = [weak = weak_from_this()](const std::exception_ptr& failure) {
    const auto body = weak.lock();
    if (!failure || !body) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& exception) {
      body->journal_.write(ports::Level::error, {}, std::string{"D-Bus: "}.append(exception.what()));
    }
  };
  asio::co_spawn(executor_, std::move(work), on_end);
}

// -------------------------------------------------------------------------------------------------------- following

void Face::Body::changed(const core::State& state, std::span<const core::Change> changes,
                         std::span<const core::ChildId> touched) {
  tree_.show_changes(state, changes, touched);
  if (std::ranges::any_of(changes, concerns_arrivals) || std::ranges::any_of(changes, concerns_trust) ||
      tree_.has_met_others(state))
    tree_.show_manager(trouble_);
  kick();
}

void Face::Body::troubled(const std::string& text) {
  trouble_ = text;
  tree_.show_manager(trouble_);
  kick();
}

// The first progress after a pause goes out at once; what comes within a beat waits for its end.
void Face::Body::progressed(core::Epoch epoch, const ports::TransferProgress& transfer) {
  pending_progress_[epoch] = transfer;
  if (beating_) return;
  beating_ = true;
  show_pending_progress();
  spawn(keep_beat(weak_from_this(), clock_));
}

void Face::Body::show_pending_progress() {
  for (const auto& [epoch, transfer] : pending_progress_) tree_.show_progress(epoch, transfer);
  pending_progress_.clear();
  kick();
}

asio::awaitable<void> Face::Body::keep_beat(std::weak_ptr<Body> weak, ports::Clock& clock) {
  for (;;) {
    const Result<void> slept = co_await clock.sleep_for(kBeat);
    const auto body = weak.lock();
    if (!body) co_return;
    if (slept.has_error() || body->pending_progress_.empty()) {
      body->beating_ = false;
      co_return;
    }
    body->show_pending_progress();
  }
}

asio::awaitable<void> Face::Body::keep_looking(std::weak_ptr<Body> weak, ports::Clock& clock) {
  for (;;) {
    const Result<void> slept = co_await clock.sleep_for(kLook);
    const auto body = weak.lock();
    if (!body || body->stopped_ || slept.has_error()) co_return;
    body->tree_.show_manager(body->trouble_);
    body->tree_.show_radios();
    body->tree_.age_jobs(kLook);
    body->kick();
  }
}

// ------------------------------------------------------------------------------------------------------------ calls

void Face::Body::called(Message message) {
  sd_bus_message* const call = message.get();
  if (const ReadMethod* read = find_read(call)) {
    answer(call, read->answer(call, tree_, control_));
  } else if (const WriteMethod* write = find_write(call)) {
    answer_write(*write, std::move(message));
  } else {
    refuse(call, {SD_BUS_ERROR_UNKNOWN_METHOD, "no such method"});
  }
}

void Face::Body::answer(sd_bus_message* call, const Result<Message>& reply) {
  if (reply) {
    sd_bus_send(nullptr, reply.value().get(), nullptr);
  } else {
    refuse(call, refusal_of(reply.error()));
  }
  kick();
}

void Face::Body::answer_write(const WriteMethod& method, Message call) {
  const char* const sender = sd_bus_message_get_sender(call.get());
  const auto pending = calls_->find(sender == nullptr ? "" : sender);
  if (calls_->size() >= kMaxSenders || (pending != calls_->end() && pending->second >= kMaxPendingPerSender)) {
    return refuse(call.get(), {SD_BUS_ERROR_LIMITS_EXCEEDED, "too many calls wait for authorization"});
  }
  auto request = method.read(call.get(), tree_);
  if (request.has_error()) return refuse(call.get(), refusal_of(request.error()));
  Turn turn{calls_, sender == nullptr ? "" : sender};
  spawn(
      carry_out(shared_from_this(), connection_, method, std::move(request).value(), std::move(call), std::move(turn)));
}

asio::awaitable<void> Face::Body::carry_out(std::shared_ptr<Body> self, std::shared_ptr<Connection> connection,
                                            WriteMethod method, Request request, Message call, Turn /*turn*/) {
  const Verdict verdict = co_await authorize(connection, call.get(), action_for(method, request));
  if (verdict.refusal) {
    self->journal_.write(ports::Level::notice, {},
                         std::string{"denied to uid "}
                             .append(verdict.uid == static_cast<uid_t>(-1) ? "?" : std::to_string(verdict.uid))
                             .append(": ")
                             .append(method.member)
                             .append(": ")
                             .append(verdict.why));
    refuse(call.get(), *verdict.refusal);
  } else if (!self->stopped_) {
    const Result<Message> reply = co_await self->carry_out(std::move(request), verdict.uid, call.get());
    self->answer(call.get(), reply);
  }
  connection->kick();
}

asio::awaitable<Result<Message>> Face::Body::carry_out(Request request, uid_t uid, sd_bus_message* call) {
  if (LentFile* const lent = lent_with(request)) {  // now, so that nobody holds a place while polkit asks
    lent->place = lent_.take();
    if (!lent->place) co_return Error{Errc::too_large, "too many files are lent"};
  }
  const bool concerns_trust = std::holds_alternative<ImportRecord>(request);
  const Result<Reply> done = co_await bus::carry_out(control_, std::move(request), uid);
  if (done.has_error()) co_return done.error();
  if (concerns_trust) tree_.show_manager(trouble_);
  auto reply = make_reply(call);
  if (reply && append(reply.value().get(), done.value()) < 0) co_return Error{Errc::internal, "write reply"};
  co_return reply;
}

// ------------------------------------------------------------------------------------------------------------- Face

Face::Face(asio::any_io_executor executor, std::string address, ports::Control& control, ports::Clock& clock,
           ports::Journal& journal, std::string version)
    : body_(std::make_shared<Body>(std::move(executor), std::move(address), control, clock, journal,
                                   std::move(version))) {}

Face::~Face() {
  body_->stop();
}

asio::awaitable<Result<void>> Face::start() {
  const auto body = body_;
  co_return co_await body->start();
}

void Face::changed(const core::State& state, std::span<const core::Change> changes,
                   std::span<const core::ChildId> touched) {
  body_->changed(state, changes, touched);
}

void Face::progressed(const core::ChildId& /*child*/, core::Epoch epoch, std::uint64_t done, std::uint64_t total) {
  body_->progressed(epoch, {done, total});
}

void Face::troubled(const std::string& text) {
  body_->troubled(text);
}

}  // namespace hg::bus
