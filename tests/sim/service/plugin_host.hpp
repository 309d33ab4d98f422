// SPDX-License-Identifier: Apache-2.0
// The service's way to a fleet's children: each step goes to the plugin (SimLink), which outlives the daemon and works
// on what it was asked for by a dead one. A child stages what the bytes that it is sent are, and gets back what it was
// asked to save; all that is asked for is held against what is durable.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ports/transport.hpp"
#include "sim/daemon.hpp"

namespace hg::sim {

class PluginHost final : public ports::Transport {
 public:
  /// Before a step goes to the plugin; `has_order`: an earlier one may still take effect.
  using Starting = std::function<void(const core::Action& action, bool has_order)>;
  /// A child's inspection is handed to whoever asked for it.
  using Inspected = std::function<void(const core::ChildId& child)>;

  /// `life` of the daemon: answers to another one are not heard.
  PluginHost(boost::asio::any_io_executor executor, const Surroundings& in, std::uint64_t life, Starting starting,
             Inspected inspected)
      : executor_(std::move(executor)),
        in_(in),
        life_(life),
        starting_(std::move(starting)),
        inspected_(std::move(inspected)) {}

  [[nodiscard]] boost::asio::awaitable<Outcome> perform(core::Enrollment child, core::Step step, core::Epoch epoch,
                                                        UniqueFd blob, Progress progress) override;
  void enroll(std::span<const core::Enrollment> children) override;
  void listen(LinkListener listener) override { listener_ = std::move(listener); }
  /// No child of the fleets has the child kit, and nobody else is there.
  [[nodiscard]] boost::asio::awaitable<Result<Bytes>> identify(core::Enrollment, Bytes) override {
    co_return Error{Errc::unsupported, "the child has no kit"};
  }
  [[nodiscard]] boost::asio::awaitable<Result<void>> prove(core::Enrollment, Bytes) override {
    co_return Error{Errc::unsupported, "the child has no kit"};
  }
  void listen_for_strangers(MeetingListener) override {}
  /// The links of the fleets end nothing.
  void take_link_keys_from(LinkKeySource) override {}
  void link_key_changed(const core::ChildId&) override {}
  [[nodiscard]] std::optional<ports::Radio> radio(const core::ChildId&) const override { return std::nullopt; }

  void link_changed(core::LinkChanged change) { listener_(std::move(change)); }
  void answered(const Job& job, core::StepAnswer&& answer);

 private:
  struct Asked {
    explicit Asked(const boost::asio::any_io_executor& executor)
        : answered(executor, boost::asio::steady_timer::time_point::max()) {}
    boost::asio::steady_timer answered;  // never expires; cancelled when the answer is there
    std::optional<core::StepAnswer> answer;
  };

  Result<void> look_at_blob(const core::ChildId& child, core::Step& step, const UniqueFd& blob);

  boost::asio::any_io_executor executor_;
  Surroundings in_;
  std::uint64_t life_;
  Starting starting_;
  Inspected inspected_;
  LinkListener listener_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Asked>> asked_;  // by the number of the job
  std::map<core::ChildId, std::uint64_t> current_;
};

}  // namespace hg::sim
