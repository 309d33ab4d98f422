// SPDX-License-Identifier: Apache-2.0
#include "service/admission.hpp"

#include <algorithm>
#include <set>

#include "service/translation.hpp"
#include "service/uri.hpp"
#include "suit/envelope.hpp"
#include "suit/profile.hpp"

namespace hg::service {

namespace asio = boost::asio;

namespace {

/// The next dependency that can be fetched; null: none is missing that could.
const suit::Dependency* next_to_fetch(const suit::Manifest& manifest) {
  const auto is_to_fetch = [](const suit::Dependency& dependency) {
    return !dependency.is_here && !dependency.digest.empty() && !dependency.uri.empty() && dependency.uri[0] != '#';
  };
  const auto found = std::ranges::find_if(manifest.dependencies, is_to_fetch);
  return found == manifest.dependencies.end() ? nullptr : &*found;
}

Result<void> check_images(const suit::Manifest& manifest) {
  if (const Result<void> complete = suit::check_deliverable(manifest); !complete) return complete;
  for (const suit::Image& image : manifest.images)
    if (const Result<void> kept = check_can_be_kept(image); !kept)
      return kept.error().within("image " + image.component.text());
  return {};
}

}  // namespace

asio::awaitable<Result<core::DeliverableId>> Admission::admit(Bytes envelope, std::string url) {
  const auto envelopes = std::make_shared<Envelopes>();
  envelopes->push_back(std::move(envelope));
  const Result<suit::Envelope> parsed = suit::Envelope::parse(envelopes->front());
  if (!parsed) co_return parsed.error().within("read the envelope");
  const core::DeliverableId id = roots_.authority().ring().sha256(parsed->manifest.encoded).hex();
  const bool is_known = driver_.state().deliverables.contains(id);
  if (is_known && is_whole(id)) co_return id;

  const Result<suit::Manifest> manifest = co_await open_whole(envelopes, url);
  if (!manifest) co_return manifest.error();
  const std::uint64_t judged_under = roots_.reign();
  ports_.journal.write(ports::Level::info, {{}, id, {}},
                       "deliverable " + url + ": signature of " + joined(manifest->signers) + " verified");
  if (const Result<void> checked = check_images(*manifest); !checked) co_return checked.error();

  core::Deliverable deliverable = to_core(*manifest, id);
  std::vector<core::ContentKey> keys;
  for (const suit::Image& image : manifest->images) {
    if (is_known && !has_lost(id, *image.digest)) continue;
    suit::Image wanted = image;
    if (wanted.version.empty()) wanted.version = manifest->version;  // it says none of its own
    Result<KeyIntake::Taken> sealed = co_await bring_in(std::move(wanted), url, envelopes);
    if (!sealed) co_return sealed.error().within("image " + image.component.text());
    deliverable.images.push_back(std::move(sealed->image));
    if (sealed->key) keys.push_back(std::move(*sealed->key));
  }
  if (roots_.reign() != judged_under) {  // while the images came in
    const Result<suit::Manifest> again = open_and_judge(*envelopes);
    if (!again) co_return again.error();
    deliverable.signers = again->signers;
  }
  deliverable.source = url;
  deliverable.sealed_at = ports_.clock.now();
  const core::Event sealed = core::DeliverableSealed{std::move(deliverable), std::move(keys)};
  const Result<core::RolloutId> committed = co_await driver_.ask(sealed);
  if (!committed) co_return committed.error();
  co_return id;
}

bool Admission::is_whole(const core::DeliverableId& id) const {
  const auto& images = driver_.state().deliverables.at(id).images;
  return std::ranges::none_of(images, [&](const core::Image& image) { return has_lost(id, image.digest); });
}

/// The cache may have been emptied, and keys go with the store key. What was encrypted here itself (a --clear image) is
/// not in the manifest under this digest, and has to be released anew.
bool Admission::has_lost(const core::DeliverableId& id, const Digest& image) const {
  const core::State& state = driver_.state();
  const auto& images = state.deliverables.at(id).images;
  const auto found = std::ranges::find(images, image, &core::Image::digest);
  if (found == images.end()) return false;
  const bool wants_key = found->encrypted && found->sealing && keys_.has_gateway_key();
  return !ports_.blobs.has(image) || (wants_key && !state.content_keys.contains(image));
}

/// With its dependencies. Nothing is fetched for somebody who may not release it anyway.
asio::awaitable<Result<suit::Manifest>> Admission::open_whole(std::shared_ptr<Envelopes> envelopes, std::string url) {
  std::set<Digest> asked_for;
  for (;;) {
    Result<suit::Manifest> manifest = open_and_judge(*envelopes);
    if (!manifest) co_return manifest.error();
    const suit::Dependency* missing = next_to_fetch(*manifest);
    if (missing == nullptr) co_return manifest;
    const std::string doing = "dependency " + missing->id.text() + " at " + missing->uri;
    if (!asked_for.insert(missing->digest).second)
      co_return Error{Errc::mismatch, doing + ": what stands there is another manifest"};
    if (envelopes->size() > limits_.dependencies)
      co_return Error{Errc::too_large, "more than " + std::to_string(limits_.dependencies) + " dependencies"};
    Result<Bytes> fetched = co_await fetch_dependency(*missing, url);
    if (!fetched) co_return fetched.error().within(doing);
    envelopes->push_back(std::move(*fetched));
  }
}

Result<suit::Manifest> Admission::open_and_judge(const Envelopes& envelopes) const {
  const std::vector<ByteView> dependencies(envelopes.begin() + 1, envelopes.end());
  Result<suit::Manifest> manifest = suit::open(envelopes.front(), roots_.authority().ring(), dependencies);
  if (!manifest) return manifest.error().within("verify the envelope");
  const std::vector<std::string> components = suit::target_components(*manifest);
  const Result<void> may =
      roots_.authority().may_release(manifest->signers, manifest->product, components, roots_.time());
  if (!may) return may.error().within("release of " + manifest->product);
  return manifest;
}

asio::awaitable<Result<Bytes>> Admission::fetch_dependency(suit::Dependency dependency, std::string url) {
  const Result<std::string> target = resolve_uri(url, dependency.uri, limits_.same_host_only);
  if (!target) co_return target.error();
  std::uint64_t limit = limits_.envelope_bytes;
  if (dependency.size > 0) limit = std::min(limit, dependency.size);
  co_return co_await download_small(ports_.fetcher, ports_.clock, *target, limit, limits_.persistence);
}

asio::awaitable<Result<KeyIntake::Taken>> Admission::bring_in(suit::Image image, std::string url,
                                                              std::shared_ptr<const Envelopes> envelopes) {
  core::Image result = to_core(image);
  if (!ports_.blobs.has(result.digest)) {
    Result<void> sealed = Result<void>{};
    if (image.integrated)
      sealed = co_await seal_integrated(image, envelopes);
    else
      sealed = co_await seal_fetched(image, url);
    if (!sealed) co_return sealed.error();
  }
  Result<UniqueFd> blob = ports_.blobs.open(result.digest);
  if (!blob) co_return blob.error();
  Result<ports::ImageFacts> facts = co_await ports_.inspector.inspect(std::move(*blob), result.size);
  if (!facts) co_return facts.error();
  co_return co_await keys_.take_in(std::move(result), std::move(*facts), image.plaintext.value_or(Digest{}));
}

asio::awaitable<Result<void>> Admission::seal_integrated(suit::Image image,
                                                         std::shared_ptr<const Envelopes> envelopes) {
  BlobLanding landing(ports_.blobs, *image.digest, *image.size);
  if (const Result<void> ready = landing.restart(); !ready) co_return ready.error();
  const ByteView envelope = envelopes->at(image.integrated->envelope);
  const ByteView bytes = envelope.subspan(image.integrated->offset, image.integrated->size);
  if (const Result<void> appended = landing.append(bytes); !appended) co_return appended.error();
  co_return co_await landing.intake().seal();
}

asio::awaitable<Result<void>> Admission::seal_fetched(suit::Image image, std::string url) {
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
