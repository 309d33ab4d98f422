// SPDX-License-Identifier: Apache-2.0
// headgate-serial: the plugin for children that speak SMP over a serial line (a tty in the console or raw framing).
#include "sdk/program.hpp"
#include "serial/serial_line.hpp"
#include "smp/recording.hpp"

int main(int argc, char** argv) {
  using namespace hg;
  const std::string software = std::string("headgate-serial ") + HEADGATE_VERSION;
  const auto make = [&software](const plugin::Setup& setup) -> Result<std::unique_ptr<plugin::Driver>> {
    const auto book = std::make_shared<serial::LineBook>();
    const auto open = [setup, book](const wire::Enroll& child) -> Result<std::shared_ptr<smp::RunningLink>> {
      auto settings = serial::line_settings_from(child);
      if (!settings) return settings.error();
      auto line = std::make_shared<serial::SerialLine>(setup.executor, std::move(*settings), book, setup.report);
      line->start();
      return std::shared_ptr<smp::RunningLink>(std::move(line));
    };
    auto recorded = smp::with_recording(open, setup.record, software, setup.log);
    if (!recorded) return recorded.error();
    return std::make_unique<smp::SmpDriver>(setup.executor, std::move(*recorded), setup.report, setup.state);
  };
  return plugin::run_program(argc, argv, {"serial", software, smp::kCapabilities}, make);
}
