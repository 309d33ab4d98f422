// SPDX-License-Identifier: Apache-2.0
#include "smp/inquiry.hpp"

#include <algorithm>
#include <utility>

namespace hg::smp {
namespace asio = boost::asio;
namespace {

constexpr unsigned kAttempts = 3;          // of a question
constexpr unsigned kOptionalAttempts = 2;  // of one that many children do not answer

}  // namespace

bool is_silence(const Error& error) {
  return error.code == Errc::timed_out || error.code == Errc::unavailable || error.code == Errc::busy;
}

bool is_over(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::cancelled;
}

Patience Inquiry::patience(SteadyTime deadline) const {
  return {.answer = profile_->chunk, .attempts = kAttempts, .deadline = deadline};
}

Patience Inquiry::once(SteadyTime deadline) const {
  return {.answer = profile_->chunk, .attempts = 1, .deadline = deadline};
}

asio::awaitable<Result<Bytes>> Inquiry::ask(Command command, Bytes packet, Patience patience) {
  co_return co_await session_->ask(command, packet, patience);
}

asio::awaitable<Result<Slots>> Inquiry::list(Patience patience) {
  const auto body = co_await ask(kImageList, empty_request(), patience);
  if (!body) co_return body.error().within("image list");
  co_return slots_in(*body);
}

asio::awaitable<Result<Inquiry::Told>> Inquiry::ask_bootloader(SteadyTime deadline) {
  Told told;
  Patience few = patience(deadline);
  few.attempts = kOptionalAttempts;
  for (const bool ask_mode : {false, true}) {
    const auto body = co_await ask(kBootloaderInfo, bootloader_request(ask_mode), few);
    if (!body && (is_over(body.error()) || clock_->now() >= deadline)) co_return body.error();
    if (!body) {
      told.is_refused = body.error().code == Errc::unsupported;
      break;
    }
    BootloaderInfo more = told.bootloader;
    if (read_bootloader(*body, more)) told.bootloader = std::move(more);
  }
  co_return told;
}

asio::awaitable<Result<Inquiry::Echo>> Inquiry::ask_echo(SteadyTime deadline) {
  Patience few = patience(deadline);
  few.attempts = kOptionalAttempts;
  const auto echo = co_await ask(kConsoleEcho, console_echo_request(), few);
  if (echo) co_return Echo::taken;
  if (is_over(echo.error())) co_return echo.error();
  co_return echo.error().code == Errc::unsupported ? Echo::refused : Echo::unclear;
}

asio::awaitable<Result<bool>> Inquiry::is_bootloader_itself(bool is_idle, Echo echo, SteadyTime deadline) {
  if (is_idle) co_return echo != Echo::refused;
  if (echo != Echo::taken) co_return false;
  // Built with all options it lists its slots as if one ran; then only its one buffer tells it from an old application.
  const auto body = co_await ask(kParams, empty_request(), once(deadline));
  if (!body && is_over(body.error())) co_return body.error();
  if (body) {
    const auto params = params_in(*body);
    co_return params && params->buffer_count == 1;
  }
  // Older ones do not tell it. Besides them only applications of Mynewt know the console's echo, and those have tasks.
  const auto tasks = co_await ask(kTaskStatistics, empty_request(), once(deadline));
  if (!tasks && is_over(tasks.error())) co_return tasks.error();
  co_return !tasks && tasks.error().code == Errc::unsupported;
}

asio::awaitable<Result<Inquiry::Start>> Inquiry::learn(bool is_idle, SteadyTime deadline) {
  auto told = co_await ask_bootloader(deadline);
  if (!told) co_return told.error().within("bootloader info");
  Start start{session_->link().opening().number, is_idle, told->bootloader, Echo::unclear, false};
  if (profile_->rescue == Rescue::never) co_return start;
  const auto echo = co_await ask_echo(deadline);
  if (!echo) co_return echo.error();
  start.echo = *echo;
  if (!told->is_nothing() || !(is_idle || told->is_refused)) co_return start;
  const auto is_it = co_await is_bootloader_itself(is_idle, start.echo, deadline);
  if (!is_it) co_return is_it.error();
  start.is_recovery = *is_it;
  co_return start;
}

bool Inquiry::is_known(const Slots& listed) const {
  const Link& link = session_->link();
  const bool is_same_opening = known_ && known_->opening == link.opening().number;
  return known_ && (is_same_opening || link.limits().is_opened_on_demand) &&
         known_->is_idle == !anything_active(listed);
}

asio::awaitable<Result<bool>> Inquiry::is_same_start(SteadyTime deadline) {
  if (profile_->rescue == Rescue::never) co_return true;
  const auto echo = co_await ask_echo(deadline);
  if (!echo) co_return echo.error();
  // An application that takes it cannot be told from a bootloader by this alone.
  co_return *echo == known_->echo && (*echo != Echo::taken || known_->is_recovery);
}

asio::awaitable<Result<Sight>> Inquiry::recognize(Slots listed, SteadyTime deadline) {
  if (!is_known(listed)) {
    auto start = co_await learn(!anything_active(listed), deadline);
    if (!start) co_return start.error();
    known_ = std::move(*start);
  }
  Sight sight{listed, std::move(listed), known_->bootloader, known_->is_recovery};
  if (sight.is_recovery) {
    for (wire::Slot& slot : sight.slots) slot.active = false;
  }
  co_return sight;
}

asio::awaitable<Result<Sight>> Inquiry::look(SteadyTime deadline) {
  auto listed = co_await list(patience(deadline));
  if (!listed) co_return listed.error();
  if (is_known(*listed)) {
    const auto is_same = co_await is_same_start(deadline);
    if (!is_same) co_return is_same.error();
    if (!*is_same) known_.reset();
  }
  co_return co_await recognize(std::move(*listed), deadline);
}

asio::awaitable<Result<std::vector<SlotSize>>> Inquiry::slot_sizes(SteadyTime deadline) {
  Patience few = patience(deadline);
  few.attempts = kOptionalAttempts;
  const auto body = co_await ask(kSlotInfo, empty_request(), few);
  if (!body && is_over(body.error())) co_return body.error();
  if (!body) co_return std::vector<SlotSize>{};
  auto sizes = slot_sizes_in(*body);
  co_return sizes ? std::move(*sizes) : std::vector<SlotSize>{};
}

}  // namespace hg::smp
