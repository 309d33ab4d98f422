// SPDX-License-Identifier: Apache-2.0
// headgate-udp: the plugin for children that speak SMP over UDP (smp.md 2.4): one packet in each datagram.
#include "sdk/program.hpp"
#include "smp/recording.hpp"
#include "udp/udp_link.hpp"

int main(int argc, char** argv) {
  using namespace hg;
  const std::string software = std::string("headgate-udp ") + HEADGATE_VERSION;
  const auto make = [&software](const plugin::Setup& setup) -> Result<std::unique_ptr<plugin::Driver>> {
    const auto open = [setup](const wire::Enroll& child) -> Result<std::shared_ptr<smp::RunningLink>> {
      auto address = udp::udp_address_from(child.address);
      if (!address) return address.error();
      auto link = std::make_shared<udp::UdpLink>(setup.executor, child.child, std::move(*address), setup.report);
      link->start();
      return std::shared_ptr<smp::RunningLink>(std::move(link));
    };
    auto recorded = smp::with_recording(open, setup.record, software, setup.log);
    if (!recorded) return recorded.error();
    return std::make_unique<smp::SmpDriver>(setup.executor, std::move(*recorded), setup.report, setup.state);
  };
  return plugin::run_program(argc, argv, {"udp", software, smp::kCapabilities}, make);
}
