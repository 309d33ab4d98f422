// SPDX-License-Identifier: Apache-2.0
#include "sim/faults.hpp"

#include "app/settings_file.hpp"

namespace hg::sim {

namespace {

constexpr std::int64_t kLongest = 1'000'000;

Duration seconds_in(app::Section& section, std::string_view key) {
  return std::chrono::seconds{section.integer(key, 0, 0, kLongest)};
}

unsigned permille_in(app::Section& section, std::string_view key) {
  return static_cast<unsigned>(section.integer(key, 0, 0, 1000));
}

void read_children(app::Section of, Faults& faults) {
  faults.swap_back = permille_in(of, "swap_back");
  faults.self_confirming = permille_in(of, "self_confirming");
  faults.reinstall = permille_in(of, "reinstall");
  faults.irrevocable = permille_in(of, "irrevocable");
  faults.unstageable = permille_in(of, "unstageable");
  faults.unknown = permille_in(of, "unknown");
  faults.in_groups = permille_in(of, "in_groups");
  faults.with_window = permille_in(of, "with_window");
  faults.without_boot_counter = permille_in(of, "without_boot_counter");
  faults.with_keys = permille_in(of, "with_keys");
  faults.deaths = permille_in(of, "deaths");
  faults.power_cut = seconds_in(of, "power_cut_s");
  faults.flap = seconds_in(of, "flap_s");
  faults.silence = seconds_in(of, "silence_s");
  faults.recovery = seconds_in(of, "recovery_s");
  faults.busy = seconds_in(of, "busy_s");
  faults.refusal = seconds_in(of, "refusal_s");
  faults.lie = seconds_in(of, "lie_s");
  faults.foreign_mark = seconds_in(of, "foreign_mark_s");
  faults.lasts = seconds_in(of, "lasts_s");
}

void read_orders(app::Section of, Faults& faults) {
  faults.lost_order = permille_in(of, "lost");
  faults.lost_answer = permille_in(of, "answer_lost");
  faults.duplicated = permille_in(of, "duplicated");
  faults.refused_order = permille_in(of, "refused");
  faults.late_offer = permille_in(of, "late_offer");
  faults.delay = seconds_in(of, "delay_s");
}

void read_gateway(app::Section of, Faults& faults) {
  faults.crash = seconds_in(of, "crash_s");
  faults.disk_full = seconds_in(of, "disk_full_s");
  faults.clock_jump = seconds_in(of, "clock_jump_s");
}

void read_operator(app::Section of, Faults& faults) {
  faults.forced = permille_in(of, "forced");
  faults.abort = seconds_in(of, "abort_s");
  faults.resolve = seconds_in(of, "resolve_s");
  faults.rotation = seconds_in(of, "rotation_s");
  faults.expiring = permille_in(of, "expiring");
  faults.regroup = seconds_in(of, "regroup_s");
}

}  // namespace

Result<Faults> Faults::read(const std::filesystem::path& path) {
  auto file = app::SettingsFile::read(path);
  if (!file) return file.error();
  Faults faults;
  app::Section top = file->top();
  faults.until = seconds_in(top, "until_s");
  faults.rollouts = static_cast<unsigned>(top.integer("rollouts", 1, 0, 1000));
  faults.cloud_outage = seconds_in(top, "cloud_outage_s");
  faults.must_confirm = top.boolean("must_confirm", false);
  faults.shows = top.texts("shows", {});
  read_children(top.section("children"), faults);
  read_orders(top.section("orders"), faults);
  read_gateway(top.section("gateway"), faults);
  read_operator(top.section("operator"), faults);
  if (const auto finished = file->finish(); !finished) return finished.error();
  return faults;
}

}  // namespace hg::sim
