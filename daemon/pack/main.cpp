// SPDX-License-Identifier: Apache-2.0
// headgate-pack: the vendor's authoring tool. Here is what can be said on its command line; each command is a function
// of its own in the file of its name. Exit status: 0 ok or accepted, 1 failed or refused, 2 usage.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "pack/create.hpp"
#include "pack/dates.hpp"
#include "pack/encrypt.hpp"
#include "pack/inspect.hpp"
#include "pack/records.hpp"
#include "pack/sign.hpp"
#include "pack/verify.hpp"
#include "pack/words.hpp"

namespace hg::pack {

namespace {

constexpr int kFailed = 1, kUsage = 2;

using Command = std::function<Result<void>()>;

/// A date on the command line: a wrong one is wrong usage.
void add_date(CLI::App& command, const std::string& name, Instant& date) {
  const auto read = [&date](const std::string& text) {
    const Result<Instant> parsed = parse_date(text);
    if (!parsed) throw CLI::ValidationError(parsed.error().message);
    date = *parsed;
  };
  command.add_option_function<std::string>(name, read, "2027-01-31 or 2027-01-31T12:00:00Z, UTC")->required();
}

CLI::Option* add_output(CLI::App& command, std::filesystem::path& output) {
  return command.add_option("-o,--output", output, "The file to write")->required();
}

CLI::Option* add_keys(CLI::App& command, std::vector<std::string>& keys) {
  return command
      .add_option("--key", keys, "Private key: a PEM file, or a URI that OpenSSL's providers know; may be repeated")
      ->allow_extra_args(false);
}

template <class Options>
void add_record_options(CLI::App& command, Options& options) {
  add_keys(command, options.keys)->required();
  add_output(command, options.output);
}

void add_create(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<CreateOptions>();
  CLI::App* command = app.add_subcommand("create", "Make an envelope from a recipe");
  command->add_option("RECIPE", options->recipe, "TOML; see headgate-pack(1)")->required();
  add_output(*command, options->output);
  add_keys(*command, options->keys);
  command->callback([options, &chosen] { chosen = [options] { return create(*options); }; });
}

void add_sign(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<SignOptions>();
  CLI::App* command = app.add_subcommand("sign", "Add a signature to an envelope or a record");
  command->add_option("FILE", options->file)->required();
  add_keys(*command, options->keys)->required();
  command->add_option("-o,--output", options->output, "Write there and leave FILE as it is");
  command->callback([options, &chosen] {
    if (options->output.empty()) options->output = options->file;
    chosen = [options] { return sign(*options); };
  });
}

/// The files and names of shared keys come in pairs.
struct KekArguments {
  std::vector<std::filesystem::path> files;
  std::vector<std::string> kids;

  void add_to(CLI::App& command) {
    command.add_option("--kek", files, "Shared key that wraps content keys: bytes or hexadecimal digits")
        ->allow_extra_args(false);
    command.add_option("--kid", kids, "Its name, in the order of --kek")->allow_extra_args(false);
  }

  [[nodiscard]] std::vector<KekFile> pairs() const {
    if (files.size() != kids.size()) throw CLI::ValidationError("each --kek needs a --kid");
    std::vector<KekFile> keks;
    for (std::size_t at = 0; at < files.size(); ++at) keks.push_back({files[at], kids[at]});
    return keks;
  }
};

/// Also by another spelling, or another link to it.
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  const auto place = [](const std::filesystem::path& path) {
    return weakly_canonical(std::filesystem::absolute(path));
  };
  std::error_code not_there;
  return place(a) == place(b) || std::filesystem::equivalent(a, b, not_there);
}

void add_encrypt(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<EncryptOptions>();
  const auto keks = std::make_shared<KekArguments>();
  CLI::App* command = app.add_subcommand("encrypt", "Encrypt a payload for one or many recipients");
  command->add_option("FILE", options->plaintext)->required();
  add_output(*command, options->ciphertext)->description("The ciphertext");
  command->add_option("--info", options->info, "The SUIT_Encryption_Info to write")->required();
  command->add_option("--cipher", options->cipher)->check(CLI::IsMember(cipher_names()))->default_val("aes128-gcm");
  command->add_option("--recipient", options->recipients, "Public key of one who may decrypt, PEM; may be repeated")
      ->allow_extra_args(false);
  keks->add_to(*command);
  command->callback([options, keks, &chosen] {
    options->keks = keks->pairs();
    if (is_same_file(options->ciphertext, options->plaintext) || is_same_file(options->ciphertext, options->info) ||
        is_same_file(options->info, options->plaintext))
      throw CLI::ValidationError("FILE, --output and --info must be three files");
    if (options->recipients.empty() && options->keks.empty()) throw CLI::RequiredError("--recipient or --kek");
    chosen = [options] { return encrypt(*options); };
  });
}

void add_verify(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = app.add_subcommand("verify", "Would a gateway believe this envelope or record?");
  command->add_option("FILE", options->file)->required();
  auto* keys =
      command->add_option("--key", options->ring.keys, "Public key, PEM; may be repeated")->allow_extra_args(false);
  auto* mac_key = command->add_option("--mac-key", options->ring.mac_key, "Secret: bytes or hexadecimal digits");
  command->add_option("--root", options->root, "Believe whom this root file names, as far as it does")
      ->excludes(keys)
      ->excludes(mac_key);
  command->add_option("--dependency", options->dependencies, "Envelope that this one builds on; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--complete", options->complete, "Also all that a gateway needs to publish it");
  command->callback([options, &chosen] {
    if (options->ring.keys.empty() && !options->ring.mac_key && !options->root)
      throw CLI::RequiredError("--key, --mac-key or --root");
    chosen = [options] { return verify(*options); };
  });
}

void add_inspect(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<InspectOptions>();
  CLI::App* command = app.add_subcommand("inspect", "Show what a file says; nothing is verified");
  command->add_option("FILE", options->file)->required();
  command->add_flag("--json", options->json, "Write JSON");
  command->callback([options, &chosen] { chosen = [options] { return inspect(*options); }; });
}

void add_root(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<RootOptions>();
  CLI::App* command = app.add_subcommand("root", "Make a root file: who may sign what");
  command->add_option("RECIPE", options->recipe, "TOML; see headgate-pack(1)")->required();
  command->add_option("--successor-of", options->successor_of, "The root file in force");
  add_record_options(*command, *options);
  command->callback([options, &chosen] { chosen = [options] { return make_root(*options); }; });
}

void add_head(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<HeadOptions>();
  CLI::App* command = app.add_subcommand("head", "Make a channel head: what is current");
  auto* channel = command->add_option("--channel", options->channel);
  auto* version = command->add_option("--version", options->version, "Higher than that of the last head");
  const auto read = [options](const std::string& text) {
    const Result<Instant> date = parse_date(text);
    if (!date) throw CLI::ValidationError(date.error().message);
    options->expires = *date;
  };
  auto* expires = command->add_option_function<std::string>("--expires", read, "A date, UTC");
  auto* envelopes = command->add_option("FILE", options->envelopes, "Envelopes that are current");
  auto* recipe = command->add_option("--recipe", options->recipe, "TOML; see headgate-pack(1)");
  for (CLI::Option* option : {channel, version, expires, envelopes}) recipe->excludes(option);
  add_record_options(*command, *options);
  command->callback([options, channel, version, expires, envelopes, &chosen] {
    for (CLI::Option* option : {channel, version, expires, envelopes})
      if (!options->recipe && option->count() == 0) throw CLI::RequiredError(option->get_name());
    chosen = [options] { return make_head(*options); };
  });
}

void add_permit(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<PermitOptions>();
  const auto names = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App* command = app.add_subcommand("permit", "Make a permit to go back to an older version");
  command->add_option("--product", options->product)->required();
  command->add_option("--from", options->from, "Sequence number that the child has")->required();
  command->add_option("--to", options->to, "The lower one that it may be brought to")->required();
  auto* child = command->add_option("--child", options->child, "For one child, by its id");
  auto* all = command->add_option("--class", names->first, "For a class: its UUID, or its name with --vendor");
  auto* vendor = command->add_option("--vendor", names->second, "Domain or UUID of the vendor whose class it is");
  all->excludes(child);
  vendor->needs(all);
  add_date(*command, "--not-after", options->not_after);
  add_record_options(*command, *options);
  command->callback([options, names, child, all, &chosen] {
    if (child->count() + all->count() == 0) throw CLI::RequiredError("--child or --class");
    if (all->count() > 0) {
      const crypto::Uuid vendor_id = crypto::uuid_from(names->second, crypto::kDnsNamespace);
      options->class_id = crypto::uuid_from(names->first, vendor_id);
      const bool is_uuid = options->class_id == crypto::uuid_from(names->first, {});
      if (!is_uuid && names->second.empty()) throw CLI::RequiredError("--vendor");
    }
    chosen = [options] { return make_permit(*options); };
  });
}

void add_grant(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<GrantOptions>();
  const auto keks = std::make_shared<KekArguments>();
  CLI::App* command = app.add_subcommand("grant", "Wrap a content key for one gateway");
  command->add_option("--from", options->info, "SUIT_Encryption_Info that has the content key")->required();
  auto* own = command->add_option("--unwrap-key", options->unwrap_key, "Private key of a recipient of it");
  keks->add_to(*command);
  command->add_option("--gateway", options->gateway, "The gateway's public key, PEM")->required();
  command->add_option("--image", options->image, "The ciphertext")->required();
  add_date(*command, "--not-after", options->not_after);
  add_record_options(*command, *options);
  command->callback([options, keks, own, &chosen] {
    const std::vector<KekFile> pairs = keks->pairs();
    if (own->count() + pairs.size() != 1) throw CLI::ValidationError("one of --unwrap-key and --kek is needed");
    if (!pairs.empty()) options->kek = pairs.front();
    chosen = [options] { return make_grant(*options); };
  });
}

void add_enrollment(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<EnrollmentOptions>();
  CLI::App* command = app.add_subcommand("enrollment", "Make a list of children for gateways");
  command->add_option("RECIPE", options->recipe, "TOML; see headgate-pack(1)")->required();
  add_record_options(*command, *options);
  command->callback([options, &chosen] { chosen = [options] { return make_enrollment(*options); }; });
}

int carry_out(const Command& command) {
  const Result<void> done = command();
  if (done) return 0;
  std::cerr << "headgate-pack: " << clean(done.error().message) << '\n';
  return kFailed;
}

int run(int argc, char** argv) {
  Command chosen;
  CLI::App app{"Makes, signs, encrypts and inspects what headgate's gateways bring to their children.",
               "headgate-pack"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "headgate-pack " HEADGATE_VERSION);
  app.footer("Exit status: 0 ok or accepted, 1 failed or refused, 2 usage.");
  add_create(app, chosen);
  add_sign(app, chosen);
  add_encrypt(app, chosen);
  add_verify(app, chosen);
  add_inspect(app, chosen);
  add_root(app, chosen);
  add_head(app, chosen);
  add_permit(app, chosen);
  add_grant(app, chosen);
  add_enrollment(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? 0 : kUsage;
  }
  return carry_out(chosen);
}

}  // namespace
}  // namespace hg::pack

int main(int argc, char** argv) {
  try {
    return hg::pack::run(argc, argv);
  } catch (const std::exception& exception) {
    std::cerr << "headgate-pack: " << hg::pack::clean(exception.what()) << '\n';
    return hg::pack::kFailed;
  }
}
