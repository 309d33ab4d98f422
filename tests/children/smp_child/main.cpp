// SPDX-License-Identifier: Apache-2.0
// smp_child: behaves as a Zephyr device with MCUboot does over a serial line, UDP or a socket that stands for
// GATT. Here: options, signals, the one loop. README.md tells what it imitates.
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <iostream>

#include "child.hpp"

namespace smp_child {
namespace {

Fd signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&set, signal);
  check(::sigprocmask(SIG_BLOCK, &set, nullptr) == 0, "sigprocmask");
  return Fd::checked(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), "signalfd");
}

void take_signal(const Fd& from, Child& child, Loop& loop) {
  signalfd_siginfo info{};
  if (::read(from.get(), &info, sizeof info) != sizeof info) return;
  switch (info.ssi_signo) {
    case SIGUSR1:
      return child.link_vanishes();
    case SIGUSR2:
      return child.link_returns();
    case SIGHUP:
      return child.reset("button");
    default:
      return loop.stop();
  }
}

void tell_ready(const std::string& where) {
  std::cout << "ready " << where << std::endl;
}

void run(const Options& options) {
  const pid_t parent = ::getppid();
  if (options.die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (options.die_with_parent && ::getppid() != parent) return;
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // nanoseconds: a paced line is as exact as its timers
  const Fd from = signals();
  std::filesystem::create_directories(options.state);
  Loop loop;
  Child child(options, loop);
  loop.watch(from.get(), POLLIN, [&](short) { take_signal(from, child, loop); });
  child.power_on(tell_ready);
  loop.run();
}

}  // namespace
}  // namespace smp_child

int main(int argc, char** argv) {
  try {
    const smp_child::Options options = smp_child::parse_options(argc, argv);
    if (options.help) {
      std::cout << smp_child::usage();
    } else {
      smp_child::run(options);
    }
    return 0;
  } catch (const std::invalid_argument& error) {
    std::cerr << "smp_child: " << error.what() << "; --help lists the options\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "smp_child: " << error.what() << "\n";
    return 1;
  }
}
