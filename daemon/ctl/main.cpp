// SPDX-License-Identifier: Apache-2.0
// headgatectl: the operator's command line. Here is what can be said on it; each command is a function of its own in
// reading, writing or monitor.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "ctl/enrollment.hpp"
#include "ctl/figures.hpp"
#include "ctl/groups.hpp"
#include "ctl/monitor.hpp"
#include "ctl/reading.hpp"
#include "ctl/text.hpp"
#include "ctl/trust.hpp"
#include "ctl/why.hpp"
#include "ctl/writing.hpp"

namespace hg::ctl {

void print_json(const boost::json::value& value) {
  const std::string text = boost::json::serialize(value);
  std::cout << (::isatty(STDOUT_FILENO) == 1 ? clean(text) : text) << std::endl;
}

namespace {

// What the command line says; the options of all commands together.
struct Arguments {
  std::string bus = "system";
  double timeout_s = 0;
  bool json = false;
  bool wait = false;
  bool approve = false;
  bool force = false;
  bool until_idle = false;
  bool baseline = false;
  bool is_group = false;
  std::string name;  // of a child, deliverable or file, or a URL
  std::uint64_t number = 0;
  std::uint32_t count = 20;
  std::vector<std::string> children;  // or ROLE=CHILD
  std::vector<std::string> groups;
  std::string layout;
  Resolution resolution;
  ChildWords child;
  std::string key_use;
  std::string key_source;
  std::string kid;
};

using Command = std::function<Result<ExitCode>(Session)>;

// CLI11 runs the callback of a command after that of its subcommand.
void default_to(Command& command, const Command& fallback) {
  if (!command) command = fallback;
}

void add_enrollment(CLI::App& children, Arguments& given, Command& command) {
  CLI::App* enroll = children.add_subcommand("enroll", "Make a child known that the configuration does not name");
  enroll->add_option("CHILD", given.name, "The name that it gets, or has been met under")->required();
  enroll->add_flag("--discovered", given.child.is_discovered, "What is not said as it was met");
  enroll->add_option("--transport", given.child.transport, "The plugin that serves it");
  enroll->add_option("--address", given.child.address, "Where it is");
  enroll->add_option("--profile", given.child.profile, "How it is handled (mcuboot-swap)");
  enroll->add_option("--vendor", given.child.vendor, "A UUID, or the domain that it is made from");
  enroll->add_option("--class", given.child.device_class, "A UUID, or the class information that it is made from");
  enroll->add_option("--target", given.child.targets, "NAME or NAME:IMAGE (app:0); may be given several times")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  enroll->callback(
      [&] { command = [&given](Session session) { return enroll_child(session, given.name, given.child); }; });
  CLI::App* forget = children.add_subcommand("forget", "It is no child any more, and its keys are forgotten");
  forget->add_option("CHILD", given.name)->required();
  forget->callback([&] { command = [&given](Session session) { return forget_child(session, given.name); }; });
  CLI::App* replace = children.add_subcommand("replace-board", "Another board is in its place: keys and history end");
  replace->add_option("CHILD", given.name)->required();
  replace->callback([&] { command = [&given](Session session) { return replace_board(session, given.name); }; });
}

void add_child_keys(CLI::App& children, Arguments& given, Command& command) {
  const auto uses = CLI::IsMember({"wrap", "identify", "link"});
  CLI::App* set = children.add_subcommand("set-key", "Give it a key, in place of the one for this use");
  set->add_option("CHILD", given.name)->required();
  set->add_option("USE", given.key_use, "wrap, identify or link")->required()->check(uses);
  set->add_option("FILE|-", given.key_source,
                  "PEM of a public key or certificate, a secret, or six digits: a Bluetooth passkey")
      ->required();
  set->add_option("--kid,--name", given.kid,
                  "The name that the child knows it by; of a PSK its identity (the child's)");
  set->callback([&] {
    command = [&given](Session session) {
      return set_child_key(session, given.name, given.key_use, given.key_source, given.kid);
    };
  });
  CLI::App* revoke = children.add_subcommand("revoke-key", "Take its key for this use away");
  revoke->add_option("CHILD", given.name)->required();
  revoke->add_option("USE", given.key_use, "wrap, identify or link")->required()->check(uses);
  revoke->callback(
      [&] { command = [&given](Session session) { return revoke_child_key(session, given.name, given.key_use); }; });
}

void add_children(CLI::App& app, Arguments& given, Command& command) {
  CLI::App* children = app.add_subcommand("children", "The devices behind this gateway");
  children->callback([&command] { default_to(command, list_children); });
  children->require_subcommand(0, 1);
  CLI::App* show = children->add_subcommand("show", "One child, with its slots");
  show->add_option("CHILD", given.name)->required();
  show->callback([&] { command = [&given](Session session) { return show_child(session, given.name); }; });
  add_enrollment(*children, given, command);
  add_child_keys(*children, given, command);

  CLI::App* history = app.add_subcommand("history", "What happened to a child, newest first");
  history->add_option("CHILD", given.name)->required();
  history->add_option("-n,--count", given.count, "How many lines (20)")->check(CLI::Range(1, 1000));
  history->callback(
      [&] { command = [&given](Session session) { return show_history(session, given.name, given.count); }; });
}

void add_deliverables(CLI::App& app, Arguments& given, Command& command) {
  CLI::App* deliverables = app.add_subcommand("deliverables", "What was verified and sealed");
  deliverables->callback([&command] { default_to(command, list_deliverables); });
  deliverables->require_subcommand(0, 1);
  CLI::App* show = deliverables->add_subcommand("show", "One deliverable, with its images");
  show->add_option("DELIVERABLE", given.name, "Its id, or a unique beginning of it")->required();
  show->callback([&] { command = [&given](Session session) { return show_deliverable(session, given.name); }; });

  CLI::App* bring = deliverables->add_subcommand("import", "Take in the envelope of a file or https URL, and wait");
  bring->add_option("FILE|URL", given.name)->required();
  bring->add_flag("--baseline", given.baseline, "Children that run it came with it from the factory");
  bring->callback(
      [&] { command = [&given](Session session) { return import_deliverable(session, given.name, given.baseline); }; });

  CLI::App* get = app.add_subcommand("fetch", "Fetch the envelope at an https URL");
  get->add_option("URL", given.name)->required();
  get->add_flag("--wait", given.wait, "Until it is sealed or refused");
  get->callback([&] { command = [&given](Session session) { return fetch(session, given.name, given.wait); }; });
}

void add_rollouts(CLI::App& app, Arguments& given, Command& command) {
  CLI::App* rollout = app.add_subcommand("rollout", "Bring a deliverable to children");
  rollout->require_subcommand(1);
  CLI::App* start = rollout->add_subcommand("start", "Start one; without children: to all that it fits");
  start->add_option("DELIVERABLE", given.name, "Its id, or a unique beginning of it")->required();
  start->add_option("CHILD", given.children);
  start->add_option("--group", given.groups, "Bring it to this group, as a whole; may be given several times")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  start->add_flag("--wait", given.wait, "Until every child is confirmed or has failed");
  start->add_flag("--force", given.force,
                  "Although a group may end mixed: more than one member cannot be brought back");
  start->add_flag("--approve", given.approve, "Go on although the channel's head has expired or says otherwise");
  start->callback([&] {
    command = [&given](Session session) {
      return start_rollout(session, given.name, given.children, {given.approve, given.force, given.wait, given.groups});
    };
  });
  CLI::App* close = rollout->add_subcommand("close", "From now on nothing goes below it without a permit");
  close->add_option("ROLLOUT", given.number)->required()->check(CLI::NonNegativeNumber);
  close->callback([&] { command = [&given](Session session) { return close_rollout(session, given.number); }; });
  rollout->add_subcommand("list", "All rollouts")->callback([&command] { command = list_rollouts; });
  CLI::App* show = rollout->add_subcommand("show", "One rollout, with its children");
  show->add_option("ROLLOUT", given.number)->required()->check(CLI::NonNegativeNumber);
  show->callback([&] { command = [&given](Session session) { return show_rollout(session, given.number); }; });
}

void add_jobs(CLI::App& app, Arguments& given, Command& command) {
  CLI::App* jobs = app.add_subcommand("jobs", "Updates under way");
  jobs->callback([&command] { default_to(command, list_jobs); });
  jobs->require_subcommand(0, 1);
  CLI::App* cancel = jobs->add_subcommand("cancel", "Withdraw an update, or take the child back");
  cancel->add_option("JOB", given.number)->required()->check(CLI::NonNegativeNumber);
  cancel->callback([&] { command = [&given](Session session) { return cancel_job(session, given.number); }; });

  CLI::App* watch = app.add_subcommand("monitor", "Follow what happens");
  watch->add_flag("--until-idle", given.until_idle, "End when no update is under way");
  watch->callback([&] { command = [&given](Session session) { return monitor(session, given.until_idle); }; });
}

void add_trust(CLI::App& app, Arguments& given, Command& command) {
  CLI::App* trust = app.add_subcommand("trust", "Whom the gateway believes, and what they said");
  trust->callback([&command] { default_to(command, show_trust); });
  trust->require_subcommand(0, 1);
  trust->add_subcommand("show", "Keys, channel heads, floors and grants")->callback([&command] {
    command = show_trust;
  });
  CLI::App* bring =
      trust->add_subcommand("import", "Give it a root file, channel head, permit, key grant or enrollment list");
  bring->add_option("FILE", given.name)->required();
  bring->callback([&] { command = [&given](Session session) { return import_record(session, given.name); }; });
  app.add_subcommand("permits", "Permits to go back, and who has used them")->callback([&command] {
    command = list_permits;
  });
}

void add_group_changes(CLI::App& groups, Arguments& given, Command& command) {
  CLI::App* create = groups.add_subcommand("create", "Make children a group of a layout of the configuration");
  create->add_option("GROUP", given.name)->required();
  create->add_option("--layout", given.layout, "What it is made of")->required();
  create->add_option("ROLE=CHILD", given.children)->required();
  create->callback([&] {
    command = [&given](Session session) { return create_group(session, given.name, given.layout, given.children); };
  });
  CLI::App* dissolve = groups.add_subcommand("dissolve", "Its members are children alone again");
  dissolve->add_option("GROUP", given.name)->required();
  dissolve->callback([&] { command = [&given](Session session) { return dissolve_group(session, given.name); }; });
  CLI::App* repair = groups.add_subcommand("repair", "Bring members to what the group has committed");
  repair->add_option("GROUP", given.name)->required();
  repair->add_flag("--wait", given.wait, "Until they are confirmed or have failed");
  repair->callback(
      [&] { command = [&given](Session session) { return repair_group(session, given.name, given.wait); }; });
  CLI::App* resolve = groups.add_subcommand("resolve", "Decide about a member that is split");
  resolve->add_option("GROUP", given.name)->required();
  resolve->add_option("CHILD", given.resolution.child)->required();
  resolve->add_option("WAY", given.resolution.way, "retry, drop, replace or accept")
      ->required()
      ->check(CLI::IsMember({"retry", "drop", "replace", "accept"}));
  resolve->add_option("--with", given.resolution.replacement, "The child that takes its place, with replace");
  resolve->callback(
      [&] { command = [&given](Session session) { return resolve_group(session, given.name, given.resolution); }; });
}

void add_groups(CLI::App& app, Arguments& given, Command& command) {
  CLI::App* groups = app.add_subcommand("groups", "Children that are updated together or not at all");
  groups->callback([&command] { default_to(command, list_groups); });
  groups->require_subcommand(0, 1);
  groups->add_subcommand("list", "All groups")->callback([&command] { command = list_groups; });
  CLI::App* show = groups->add_subcommand("show", "One group, with its members");
  show->add_option("GROUP", given.name)->required();
  show->callback([&] { command = [&given](Session session) { return show_group(session, given.name); }; });
  add_group_changes(*groups, given, command);

  CLI::App* why = app.add_subcommand("why", "Why a child or group is where it is, and what can be done");
  why->add_option("NAME", given.name, "Of a child or a group")->required();
  why->add_flag("--group", given.is_group, "The group, where a child has the same name");
  why->callback([&] { command = [&given](Session session) { return explain(session, given.name, given.is_group); }; });
}

ExitCode print_version(const Arguments& given) {
  if (given.json) {
    print_json(boost::json::object{{"version", HEADGATE_VERSION}});
  } else {
    std::cout << "headgatectl " HEADGATE_VERSION "\n";
  }
  return ExitCode::ok;
}

ExitCode complain(const Error& error) {
  std::cerr << "headgatectl: " << clean(error.message) << '\n';
  if (error.code == Errc::denied && ::geteuid() != 0) {
    std::cerr << "Try as root, or where polkit can ask for a password (pkttyagent).\n";
  }
  return exit_code_of(error.code);
}

ExitCode carry_out(const Arguments& given, const Command& command) {
  std::optional<SteadyTime> deadline;
  if (given.timeout_s > 0) {
    const std::chrono::duration<double> timeout{given.timeout_s};
    deadline = std::chrono::steady_clock::now() + std::chrono::duration_cast<SteadyTime::duration>(timeout);
  }
  const auto client = Client::open(given.bus, deadline);
  if (client.has_error()) return complain(client.error());
  const Result<ExitCode> result = command(Session{*client.value(), given.json});
  return result ? result.value() : complain(result.error());
}

ExitCode run(int argc, char** argv) {
  Arguments given;
  Command command;
  bool version = false;
  CLI::App app{"Shows and steers headgated, the firmware gateway.", "headgatectl"};
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--bus", given.bus, "system, session, or a D-Bus address (system)");
  app.add_option("--timeout", given.timeout_s, "Give up after so many seconds")->check(CLI::Range(0.001, 1e6));
  app.add_flag("--json", given.json, "Write JSON");
  app.footer(
      "Exit status: 0 ok, 1 failed, 2 usage, 3 not found, 4 nothing to do, 5 not authorized, 6 timed out,\n"
      "7 some children failed, 8 headgated is not running.");
  app.add_subcommand("status", "The gateway as a whole")->callback([&command] { command = show_status; });
  app.add_subcommand("cache", "What is held, in the clear and as ciphertext")->callback([&command] {
    command = show_cache;
  });
  app.add_subcommand("metrics", "How often what is expensive was done, for Prometheus")->callback([&command] {
    command = show_metrics;
  });
  add_children(app, given, command);
  add_deliverables(app, given, command);
  add_rollouts(app, given, command);
  add_jobs(app, given, command);
  add_groups(app, given, command);
  add_trust(app, given, command);
  app.set_version_flag("--version", "headgatectl " HEADGATE_VERSION);
  app.add_subcommand("version", "The version of this program")->callback([&version] { version = true; });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? ExitCode::ok : ExitCode::usage;
  }
  return version ? print_version(given) : carry_out(given, command);
}

}  // namespace
}  // namespace hg::ctl

int main(int argc, char** argv) {
  try {
    return static_cast<int>(hg::ctl::run(argc, argv));
  } catch (const std::exception& exception) {
    std::cerr << "headgatectl: " << exception.what() << '\n';
    return static_cast<int>(hg::ctl::ExitCode::failed);
  }
}
