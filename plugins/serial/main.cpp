// SPDX-License-Identifier: Apache-2.0
// headgate-serial: the plugin for children that speak SMP over a serial line (a tty in the console framing).
#include "sdk/program.hpp"
#include "serial/serial_line.hpp"

int main(int argc, char** argv) {
  using namespace hg;
  const auto make = [](const boost::asio::any_io_executor& executor, const plugin::LinkReport& report,
                       const plugin::Log&) -> std::unique_ptr<plugin::Driver> {
    const auto open = [executor, report](const wire::Enroll& child) -> Result<std::shared_ptr<smp::RunningLink>> {
      auto settings = serial::line_settings_from(child);
      if (!settings) return settings.error();
      auto line = std::make_shared<serial::SerialLine>(executor, std::move(*settings), report);
      line->start();
      return std::shared_ptr<smp::RunningLink>(std::move(line));
    };
    return std::make_unique<smp::SmpDriver>(executor, open, report);
  };
  const plugin::Identity identity{"serial", std::string("headgate-serial ") + HEADGATE_VERSION, 0};
  return plugin::run_program(argc, argv, identity, make);
}
