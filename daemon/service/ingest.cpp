// SPDX-License-Identifier: Apache-2.0
#include "service/ingest.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hg::service {

namespace asio = boost::asio;

namespace {

constexpr int kWorkers = 2;
constexpr std::size_t kMaxBrought = 8;  // each is an envelope in memory
constexpr std::string_view kBrought = "import:";
constexpr std::string_view kDropped = "dropped:";

bool was_brought(const std::string& url) {
  return url.starts_with(kBrought);
}

}  // namespace

Ingest::Ingest(asio::any_io_executor executor, Driver& driver, const RootKeeper& roots, TrustRecords& records,
               KeyIntake& keys, IngestPorts ports, IngestLimits limits)
    : executor_(executor),
      driver_(driver),
      roots_(roots),
      records_(records),
      ports_(ports),
      limits_(limits),
      arrivals_(std::make_shared<Arrivals>()),
      admission_(driver, roots, keys, ports.admission, limits.admission, arrivals_),
      something_waits_(executor, asio::steady_timer::time_point::max()),
      tasks_(executor) {}

void Ingest::start() {
  for (const auto& [url, heard] : driver_.state().announced) enqueue(url);
  tasks_.spawn(listen());
  if (ports_.drop_box != nullptr) tasks_.spawn(empty_drop_box());
  for (int i = 0; i < kWorkers; ++i) tasks_.spawn(work());
}

asio::awaitable<Result<void>> Ingest::take_in(std::string url) {
  const core::Event heard = core::AnnouncementHeard{url};
  const Result<core::RolloutId> remembered = co_await driver_.ask(heard);
  if (!remembered) co_return remembered.error();
  enqueue(std::move(url));
  co_return Result<void>{};
}

asio::awaitable<Result<std::string>> Ingest::take_in_brought(Bytes envelope) {
  const std::uint64_t limit = limits_.admission.envelope_bytes;
  if (envelope.size() > limit) co_return Error{Errc::too_large, "more than " + std::to_string(limit) + " bytes"};
  const std::string url = std::string(kBrought) + roots_.authority().ring().sha256(envelope).hex();
  if (brought_.size() >= kMaxBrought && !brought_.contains(url))
    co_return Error{Errc::busy, std::to_string(kMaxBrought) + " imports wait already"};
  brought_.try_emplace(url);  // its place
  const core::Event heard = core::AnnouncementHeard{url};
  const Result<core::RolloutId> remembered = co_await driver_.ask(heard);
  if (!remembered) {
    brought_.erase(url);
    co_return remembered.error();
  }
  // Now, and not before: who works on the same bytes, brought by another, must leave these for when they are taken.
  brought_.insert_or_assign(url, std::move(envelope));
  enqueue(url);
  co_return url;
}

void Ingest::enqueue(std::string url) {
  if (const auto later = postponed_.find(url); later != postponed_.end()) {
    tasks_.cancel(later->second);
    postponed_.erase(later);
  }
  if (!taken_.insert(url).second) {
    again_.insert(std::move(url));  // a newer envelope may stand there by now
    return;
  }
  arrivals_->begin(url, ports_.admission.clock.now());
  waiting_.push_back(std::move(url));
  something_waits_.cancel();
}

asio::awaitable<void> Ingest::stop() {
  stopping_ = true;
  tasks_.cancel_all();
  co_await tasks_.join();
}

asio::awaitable<void> Ingest::listen() {
  while (!stopping_) {
    Result<ports::Announcement> announcement = co_await ports_.announcements.next();
    if (!announcement) co_return;
    if (const Result<void> taken = co_await take_in(announcement->url); !taken)
      ports_.admission.journal.write(ports::Level::warning, {},
                                     "announced " + announcement->url + ": not taken: " + taken.error().message);
  }
}

/// One after the other. A file stays until what it says is durable, so that a crash loses nothing.
asio::awaitable<void> Ingest::empty_drop_box() {
  while (!stopping_) {
    Result<ports::Dropped> dropped = co_await ports_.drop_box->next();
    if (!dropped) co_return;
    co_await take_dropped(std::move(*dropped));
  }
}

asio::awaitable<void> Ingest::take_dropped(ports::Dropped dropped) {
  const std::string url = std::string(kDropped) + dropped.name;
  arrivals_->begin(url, ports_.admission.clock.now());
  arrivals_->note(url, ports::ArrivalState::fetching, {});
  const Result<Settled> settled = co_await take_bytes(std::move(dropped.bytes), url);
  if (settled) {
    arrivals_->note(url, settled->state, settled->text);
    ports_.admission.journal.write(ports::Level::notice, {}, url + ": taken: " + settled->text);
    ports_.drop_box->taken(dropped.name);
  } else if (settled.error().code != Errc::cancelled && may_drop_again(dropped.name, settled.error())) {
    arrivals_->note(url, ports::ArrivalState::waiting, "again later: " + settled.error().message);
    tasks_.spawn(drop_again(dropped.name));
    co_return;
  } else if (settled.error().code != Errc::cancelled) {
    refuse(url, settled.error());
    ports_.drop_box->refused(dropped.name);
  }
  dropped_first_.erase(dropped.name);
}

/// As long as what is announced: for a day since it was first looked at in this run.
bool Ingest::may_drop_again(const std::string& name, const Error& error) {
  if (!error.is_transient() && error.code != Errc::no_space) return false;
  const Instant now = ports_.admission.clock.now();
  const Instant first = dropped_first_.try_emplace(name, now).first->second;
  return now + limits_.again <= first + limits_.give_up;
}

asio::awaitable<void> Ingest::drop_again(std::string name) {
  if (const Result<void> slept = co_await ports_.admission.clock.sleep_for(limits_.again); !slept) co_return;
  ports_.drop_box->again(name);
}

asio::awaitable<void> Ingest::work() {
  while (!stopping_) {
    if (waiting_.empty()) {
      boost::system::error_code ignored;
      co_await something_waits_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      continue;
    }
    std::string url = std::move(waiting_.front());
    waiting_.pop_front();
    again_.erase(url);
    co_await handle(url);
    taken_.erase(url);
    if (again_.erase(url) > 0) enqueue(std::move(url));
  }
}

asio::awaitable<void> Ingest::handle(std::string url) {
  arrivals_->note(url, ports::ArrivalState::fetching, {});
  const Result<Settled> settled = co_await bring_in(url);
  if (settled) {
    arrivals_->note(url, settled->state, settled->text);
  } else {
    if (settled.error().code == Errc::cancelled || try_again_later(url, settled.error())) co_return;
    refuse(url, settled.error());
  }
  if (!again_.contains(url)) driver_.post(core::AnnouncementSettled{url});
}

void Ingest::refuse(const std::string& url, const Error& error) {
  arrivals_->note(url, ports::ArrivalState::refused, error.message);
  ports_.admission.journal.write(ports::Level::warning, {}, "announced " + url + ": refused: " + error.message);
}

/// A server that is away, or a full disk, may be well again in a quarter of an hour; for a day.
bool Ingest::try_again_later(const std::string& url, const Error& error) {
  if (was_brought(url)) return false;  // an operator looks on
  if (!error.is_transient() && error.code != Errc::no_space) return false;
  const auto heard = driver_.state().announced.find(url);
  if (heard == driver_.state().announced.end()) return false;
  const Instant next = ports_.admission.clock.now() + limits_.again;
  if (next > heard->second + limits_.give_up) return false;
  arrivals_->note(url, ports::ArrivalState::waiting, "again at " + to_text(next) + ": " + error.message);
  ports_.admission.journal.write(ports::Level::warning, {},
                                 "announced " + url + ": tried again at " + to_text(next) + ": " + error.message);
  postponed_[url] = tasks_.spawn(enqueue_later(url));
  return true;
}

asio::awaitable<void> Ingest::enqueue_later(std::string url) {
  if (const Result<void> slept = co_await ports_.admission.clock.sleep_for(limits_.again); !slept) co_return;
  postponed_.erase(url);
  enqueue(std::move(url));
}

/// The envelope or record at `url`.
asio::awaitable<Result<Bytes>> Ingest::get(std::string url) {
  if (was_brought(url)) {
    auto brought = brought_.extract(url);
    if (brought.empty()) co_return Error{Errc::not_found, "headgated was started anew meanwhile: import it again"};
    co_return std::move(brought.mapped());
  }
  Result<Bytes> fetched = co_await download_small(ports_.admission.fetcher, ports_.admission.clock, url,
                                                  limits_.admission.envelope_bytes, limits_.admission.persistence);
  if (!fetched) co_return fetched.error().within("fetch the envelope");
  co_return fetched;
}

asio::awaitable<Result<Ingest::Settled>> Ingest::bring_in(std::string url) {
  Result<Bytes> fetched = co_await get(url);
  if (!fetched) co_return fetched.error();
  co_return co_await take_bytes(std::move(*fetched), std::move(url));
}

asio::awaitable<Result<Ingest::Settled>> Ingest::take_bytes(Bytes bytes, std::string url) {
  if (trust::looks_like_record(bytes)) {
    Result<std::string> kind = co_await records_.take(std::move(bytes));
    if (kind) co_return Settled{ports::ArrivalState::accepted, std::move(*kind)};
    if (kind.error().code == Errc::exists) co_return Settled{ports::ArrivalState::known, kind.error().message};
    co_return kind.error();
  }
  const Result<core::DeliverableId> id = co_await admission_.admit(std::move(bytes), url);
  if (!id) co_return id.error();
  const bool came_from_here = driver_.state().deliverables.at(*id).source == url;
  co_return Settled{came_from_here ? ports::ArrivalState::sealed : ports::ArrivalState::known, *id};
}

}  // namespace hg::service
