// SPDX-License-Identifier: Apache-2.0
// What an operator may ask, answered by driver, ingest and deliver. The bus calls it after the caller was authorized.
#pragma once

#include "ports/announcements.hpp"
#include "ports/blobs.hpp"
#include "ports/catalogue.hpp"
#include "ports/control.hpp"
#include "service/deliver.hpp"
#include "service/driver.hpp"
#include "service/ingest.hpp"

namespace hg::service {

class Control final : public ports::Control {
 public:
  Control(Driver& driver, Ingest& ingest, const Deliver& deliver, ports::Catalogue& catalogue,
          const ports::Announcements& announcements, const ports::Blobs& blobs)
      : driver_(driver),
        ingest_(ingest),
        deliver_(deliver),
        catalogue_(catalogue),
        announcements_(announcements),
        blobs_(blobs) {}

  [[nodiscard]] const core::State& state() const override { return driver_.state(); }
  [[nodiscard]] ports::TransferProgress progress(core::Epoch epoch) const override { return deliver_.progress(epoch); }
  [[nodiscard]] boost::asio::awaitable<Result<core::RolloutId>> start_rollout(core::DeliverableId deliverable,
                                                                              std::vector<core::ChildId> children,
                                                                              std::uint32_t uid) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> abort(core::Epoch epoch) override;
  [[nodiscard]] boost::asio::awaitable<Result<void>> import(std::string url) override {
    return ingest_.take_in(std::move(url));
  }
  [[nodiscard]] Result<std::vector<core::PutHistory>> history(const core::ChildId& child, unsigned count) override {
    return catalogue_.history(child, count);
  }
  [[nodiscard]] std::vector<ports::Arrival> arrivals() const override { return ingest_.arrivals().list(); }
  [[nodiscard]] bool cloud_connected() const override { return announcements_.connected(); }
  [[nodiscard]] std::uint64_t cache_used() const override { return blobs_.used(); }
  [[nodiscard]] std::uint64_t cache_limit() const override { return blobs_.limit(); }

 private:
  Driver& driver_;
  Ingest& ingest_;
  const Deliver& deliver_;
  ports::Catalogue& catalogue_;
  const ports::Announcements& announcements_;
  const ports::Blobs& blobs_;
};

}  // namespace hg::service
