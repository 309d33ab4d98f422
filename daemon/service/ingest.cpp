// SPDX-License-Identifier: Apache-2.0
#include "service/ingest.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "service/uri.hpp"
#include "suit/envelope.hpp"
#include "suit/profile.hpp"

namespace hg::service {

namespace asio = boost::asio;

namespace {

constexpr int kWorkers = 2;
core::Deliverable to_deliverable(const suit::Manifest& manifest, const std::string& url, Instant now) {
  core::Deliverable deliverable;
  deliverable.id = manifest.digest.hex();
  deliverable.product = manifest.product;
  deliverable.sequence = manifest.sequence;
  deliverable.version = manifest.version;
  deliverable.signers = manifest.signers;
  deliverable.source = url;
  deliverable.sealed_at = now;
  return deliverable;
}

}  // namespace

Ingest::Ingest(asio::any_io_executor executor, Driver& driver, IngestPorts ports, IngestLimits limits)
    : executor_(executor),
      driver_(driver),
      ports_(ports),
      limits_(limits),
      arrivals_(std::make_shared<Arrivals>()),
      something_waits_(executor, asio::steady_timer::time_point::max()),
      tasks_(executor) {}

void Ingest::start() {
  for (const auto& [url, heard] : driver_.state().announced) enqueue(url);
  tasks_.spawn(listen());
  for (int i = 0; i < kWorkers; ++i) tasks_.spawn(work());
}

asio::awaitable<Result<void>> Ingest::take_in(std::string url) {
  const core::Event heard = core::AnnouncementHeard{url};
  const Result<core::RolloutId> remembered = co_await driver_.ask(heard);
  if (!remembered) co_return remembered.error();
  enqueue(std::move(url));
  co_return Result<void>{};
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
  arrivals_->begin(url, ports_.clock.now());
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
      ports_.journal.write(ports::Level::warning, {},
                           "deliverable " + announcement->url + ": not taken: " + taken.error().message);
  }
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
  const Result<core::DeliverableId> id = co_await bring_in(url);
  if (id) {
    const bool came_from_here = driver_.state().deliverables.at(*id).source == url;
    arrivals_->note(url, came_from_here ? ports::ArrivalState::sealed : ports::ArrivalState::known, *id);
  } else {
    if (id.error().code == Errc::cancelled || try_again_later(url, id.error())) co_return;
    refuse(url, id.error());
  }
  if (!again_.contains(url)) driver_.post(core::AnnouncementSettled{url});
}

void Ingest::refuse(const std::string& url, const Error& error) {
  arrivals_->note(url, ports::ArrivalState::refused, error.message);
  ports_.journal.write(ports::Level::warning, {}, "deliverable " + url + ": refused: " + error.message);
}

/// A server that is away, or a full disk, may be well again in a quarter of an hour; for a day.
bool Ingest::try_again_later(const std::string& url, const Error& error) {
  if (!error.is_transient() && error.code != Errc::no_space) return false;
  const auto heard = driver_.state().announced.find(url);
  if (heard == driver_.state().announced.end()) return false;
  const Instant next = ports_.clock.now() + limits_.again;
  if (next > heard->second + limits_.give_up) return false;
  arrivals_->note(url, ports::ArrivalState::waiting, "again at " + to_text(next) + ": " + error.message);
  ports_.journal.write(ports::Level::warning, {},
                       "deliverable " + url + ": tried again at " + to_text(next) + ": " + error.message);
  postponed_[url] = tasks_.spawn(enqueue_later(url));
  return true;
}

asio::awaitable<void> Ingest::enqueue_later(std::string url) {
  if (const Result<void> slept = co_await ports_.clock.sleep_for(limits_.again); !slept) co_return;
  postponed_.erase(url);
  enqueue(std::move(url));
}

asio::awaitable<Result<core::DeliverableId>> Ingest::bring_in(std::string url) {
  Result<Bytes> fetched = co_await fetch_envelope(url);
  if (!fetched) co_return fetched.error().within("fetch the envelope");
  const auto envelope = std::make_shared<const Bytes>(std::move(*fetched));

  const Result<suit::Envelope> parsed = suit::Envelope::parse(*envelope);
  if (!parsed) co_return parsed.error().within("read the envelope");
  const core::DeliverableId id = ports_.anchors.sha256(parsed->manifest.encoded).hex();
  if (driver_.state().deliverables.contains(id)) co_return id;

  const Result<suit::Manifest> manifest = suit::open(*envelope, ports_.anchors);
  if (!manifest) co_return manifest.error().within("verify the envelope");
  const Result<void> deliverable_as_it_is = suit::check_deliverable(*manifest);
  if (!deliverable_as_it_is) co_return deliverable_as_it_is.error().within("verify the envelope");
  ports_.journal.write(ports::Level::info, {{}, id, {}},
                       "deliverable " + url + ": signature of " + manifest->signers.front() + " verified");
  core::Deliverable deliverable = to_deliverable(*manifest, url, ports_.clock.now());
  for (const suit::Image& image : manifest->images) {
    Result<core::Image> sealed = co_await bring_in_image(image, url, envelope);
    if (!sealed) co_return sealed.error().within("image " + image.component.text());
    deliverable.images.push_back(std::move(*sealed));
  }
  const core::Event sealed = core::DeliverableSealed{std::move(deliverable)};
  const Result<core::RolloutId> committed = co_await driver_.ask(sealed);
  if (!committed) co_return committed.error();
  co_return id;
}

asio::awaitable<Result<Bytes>> Ingest::fetch_envelope(std::string url) {
  const auto landing = std::make_shared<MemoryLanding>(limits_.envelope_bytes);
  const DownloadProgress nobody = [](std::uint64_t) {};
  const Result<void> fetched =
      co_await download(ports_.fetcher, ports_.clock, landing, url, limits_.persistence, nobody);
  if (!fetched) co_return fetched.error();
  co_return landing->take();
}

asio::awaitable<Result<core::Image>> Ingest::bring_in_image(suit::Image image, std::string url,
                                                            std::shared_ptr<const Bytes> envelope) {
  if (!ports_.blobs.has(*image.digest)) {
    Result<void> sealed = Result<void>{};
    if (image.integrated)
      sealed = co_await seal_integrated(image, envelope);
    else
      sealed = co_await seal_fetched(image, url);
    if (!sealed) co_return sealed.error();
  }
  Result<UniqueFd> blob = ports_.blobs.open(*image.digest);
  if (!blob) co_return blob.error();
  const Result<ports::ImageFacts> facts = co_await ports_.inspector.inspect(std::move(*blob), *image.size);
  if (!facts) co_return facts.error();
  core::Image result;
  result.component = image.component.text();
  result.vendor = *image.vendor_id;
  result.device_class = *image.class_id;
  result.digest = *image.digest;
  result.size = *image.size;
  result.version = facts->version.empty() ? image.version : facts->version;
  result.running_digest = facts->running_digest;
  result.encrypted = facts->encrypted;
  co_return result;
}

asio::awaitable<Result<void>> Ingest::seal_integrated(suit::Image image, std::shared_ptr<const Bytes> envelope) {
  BlobLanding landing(ports_.blobs, *image.digest, *image.size);
  if (const Result<void> ready = landing.restart(); !ready) co_return ready.error();
  const ByteView bytes = ByteView(*envelope).subspan(image.integrated->offset, image.integrated->size);
  if (const Result<void> appended = landing.append(bytes); !appended) co_return appended.error();
  co_return co_await landing.intake().seal();
}

asio::awaitable<Result<void>> Ingest::seal_fetched(suit::Image image, std::string url) {
  const Result<std::string> target = resolve_uri(url, image.uri, limits_.same_host_only);
  if (!target) co_return target.error().within("URI " + image.uri);
  const auto landing = std::make_shared<BlobLanding>(ports_.blobs, *image.digest, *image.size);
  const DownloadProgress report = [arrivals = arrivals_, url, size = *image.size](std::uint64_t done) {
    arrivals->progress(url, done, size);
  };
  const Result<void> fetched =
      co_await download(ports_.fetcher, ports_.clock, landing, *target, limits_.persistence, report);
  if (!fetched) co_return fetched.error().within("fetch " + *target);
  co_return co_await landing->intake().seal();
}

}  // namespace hg::service
