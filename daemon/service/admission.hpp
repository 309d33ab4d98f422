// SPDX-License-Identifier: Apache-2.0
// What must be true of an envelope before core hears of a deliverable: who signed it may release it, it says what a
// gateway needs to know, and its images are here and sealed. All that is decided about authenticity and integrity is
// decided here, once. Where envelopes come from, and when to try again, is for ingest, which calls it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "ports/blobs.hpp"
#include "ports/clock.hpp"
#include "ports/fetcher.hpp"
#include "ports/inspector.hpp"
#include "ports/journal.hpp"
#include "service/arrivals.hpp"
#include "service/download.hpp"
#include "service/driver.hpp"
#include "service/key_intake.hpp"
#include "service/root_keeper.hpp"
#include "suit/manifest.hpp"

namespace hg::service {

struct AdmissionLimits {
  std::uint64_t envelope_bytes = ports::kMaxEnvelope;  ///< with integrated payloads
  std::size_t dependencies = 16;                       ///< that one envelope may have fetched
  Persistence persistence;                             ///< for one envelope or image
  bool same_host_only = false;                         ///< images and dependencies only from the envelope's own host
};

/// All outlive it.
struct AdmissionPorts {
  ports::Fetcher& fetcher;
  ports::Blobs& blobs;
  ports::Inspector& inspector;
  ports::Clock& clock;
  ports::Journal& journal;
};

class Admission {
 public:
  Admission(Driver& driver, const RootKeeper& roots, KeyIntake& keys, AdmissionPorts ports, AdmissionLimits limits,
            std::shared_ptr<Arrivals> arrivals)
      : driver_(driver), roots_(roots), keys_(keys), ports_(ports), limits_(limits), arrivals_(std::move(arrivals)) {}

  /// The deliverable in `envelope`, which came from `url`; returns when it is durable, at once if it is known
  /// and nothing of it was lost. Else what was lost (an image, a content key) is brought in again.
  [[nodiscard]] boost::asio::awaitable<Result<core::DeliverableId>> admit(Bytes envelope, std::string url);

 private:
  /// The envelope and then its dependencies, as suit::Range counts them.
  using Envelopes = std::vector<Bytes>;

  [[nodiscard]] bool is_whole(const core::DeliverableId& id) const;
  /// Whether this image of a known deliverable is not in the store, or its content key is not held.
  [[nodiscard]] bool has_lost(const core::DeliverableId& id, const Digest& image) const;
  boost::asio::awaitable<Result<suit::Manifest>> open_whole(std::shared_ptr<Envelopes> envelopes, std::string url);
  [[nodiscard]] Result<suit::Manifest> open_and_judge(const Envelopes& envelopes) const;
  boost::asio::awaitable<Result<Bytes>> fetch_dependency(suit::Dependency dependency, std::string url);
  boost::asio::awaitable<Result<KeyIntake::Taken>> bring_in(suit::Image image, std::string url,
                                                            std::shared_ptr<const Envelopes> envelopes);
  boost::asio::awaitable<Result<void>> seal_integrated(suit::Image image, std::shared_ptr<const Envelopes> envelopes);
  boost::asio::awaitable<Result<void>> seal_fetched(suit::Image image, std::string url);

  Driver& driver_;
  const RootKeeper& roots_;
  KeyIntake& keys_;
  AdmissionPorts ports_;
  AdmissionLimits limits_;
  std::shared_ptr<Arrivals> arrivals_;
};

}  // namespace hg::service
