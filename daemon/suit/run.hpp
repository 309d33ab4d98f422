// SPDX-License-Identifier: Apache-2.0
// The machine behind run_symbolically(): its sections, sequences and branches (run.cpp), the table of its commands and
// what they share (commands.cpp), conditions and directives (conditions.cpp, directives.cpp). No recursion: sequences
// stand on a stack of frames, branches wait in a list. Only for these files.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "suit/execution.hpp"

namespace hg::suit {

/// Sections in which a command may stand.
enum Place : unsigned {
  kInShared = 1,
  kInStaging = 2,  // dependency-resolution, payload-fetch, install
  kInVerification = 4,
  kInLoad = 8,
  kInInvoke = 16,
  kInUninstall = 32,
};

class Run {
 public:
  explicit Run(Bundle& bundle);

  Result<Outcome> all();

 private:
  /// A command sequence being run, or a try-each whose next alternative is at `reader`.
  struct Frame {
    enum class Kind { section, run_sequence, try_each, alternative };
    Kind kind = Kind::section;
    cbor::Reader reader{};
    std::size_t left = 0;               ///< commands, or alternatives
    std::vector<std::size_t> selected;  ///< items; empty: none selected yet
    std::size_t depth = 1;
    std::size_t manifest = 0;  ///< in the bundle
    Place place = kInShared;
    bool is_soft = false;  ///< its failure is not the caller's
  };

  /// A course under way.
  struct World {
    Course course;
    std::vector<Frame> frames;  ///< nested ones stand above the one that called them
  };

  /// How a manifest's indices map to items.
  struct Scope {
    std::vector<std::size_t> components;
    std::vector<std::size_t> dependencies;  ///< in the order of Members::dependencies
  };

  struct Command {
    std::int64_t code;
    std::string_view name;
    unsigned places;
    bool is_for_dependencies;                            ///< may be applied to one
    Result<void> (Run::*each)(std::size_t item);         ///< for each selected item; the argument is a reporting policy
    Result<void> (Run::*whole)(cbor::Reader& argument);  ///< once; one of the two is null
  };
  static const Command* find_command(std::int64_t code);  ///< null: unknown

  // run.cpp
  Result<void> section(std::int64_t key);
  Result<void> explore();
  Result<void> advance();
  Result<void> move_on();
  Result<void> step();
  Result<void> take_alternative();
  Result<void> branch(World world);
  Result<void> push_manifest(World& world, std::size_t manifest, std::size_t depth) const;
  static Result<void> push_sequence(World& world, Frame frame);
  Result<void> enter(std::size_t manifest);
  [[nodiscard]] Error located(const Error& error, std::size_t manifest, Place place) const;
  [[nodiscard]] Error refuse(Errc code, std::string_view why) const;
  /// Counts one command, or a part of one that does the work of one.
  Result<void> count_step();
  /// A condition that cannot hold here: the end of this branch, or of the manifest where no try-each catches it.
  Result<void> fail(std::string_view why);

  // commands.cpp
  Result<void> each_selected(const Command& command, cbor::Reader& argument);
  Result<void> read_policy(cbor::Reader& argument) const;
  Result<std::vector<std::size_t>> selected() const;
  Result<std::size_t> read_index(cbor::Reader& argument) const;
  Result<std::size_t> item_of(std::uint64_t index) const;
  Result<std::optional<std::size_t>> next_item(cbor::MapKeys& keys) const;
  Result<const Parameters*> parameters_at(cbor::Reader& argument);

  // conditions.cpp
  Result<void> match_vendor(std::size_t item);
  Result<void> match_class(std::size_t item);
  Result<void> match_device(std::size_t item);
  Result<void> match_slot(std::size_t item);
  Result<void> match_image(std::size_t item);
  Result<void> mismatch_image(std::size_t item);
  Result<void> check_content(std::size_t item);
  Result<void> check_dependency(std::size_t item);
  Result<void> check_integrity(std::size_t item);
  Result<void> check_use_before(std::size_t item);
  Result<void> check_battery(std::size_t item);
  Result<void> check_authorization(std::size_t item);
  Result<void> check_version(std::size_t item);
  Result<void> abort(std::size_t item);
  template <class T>
  Result<void> bind(std::optional<T>& found, const std::optional<T>& wanted);
  template <class T>
  Result<void> need(const std::optional<T>& parameter) const;
  template <class T>
  Result<void> note(std::vector<T>& found, const T& wanted, std::size_t at_most) const;

  // directives.cpp
  Result<void> fetch(std::size_t item);
  Result<void> write(std::size_t item);
  Result<void> copy(std::size_t item);
  Result<void> swap(std::size_t item);
  Result<void> wait(std::size_t item);
  Result<void> invoke(std::size_t item);
  Result<void> set_component_index(cbor::Reader& argument);
  Result<void> set_parameters(cbor::Reader& argument);
  Result<void> override_parameters(cbor::Reader& argument);
  Result<void> override_multiple(cbor::Reader& argument);
  Result<void> copy_params(cbor::Reader& argument);
  Result<void> run_sequence(cbor::Reader& argument);
  Result<void> try_each(cbor::Reader& argument);
  Result<void> process_dependencies(cbor::Reader& argument);
  Result<void> process_dependency(std::size_t item, std::size_t depth);
  Result<void> unlink(cbor::Reader& argument);
  Result<void> apply(const Parameters& parameters, void (Parameters::*how)(const Parameters&));
  Result<void> set_soft_failure(bool is_soft);
  Result<void> follow(Objection objection) const;
  [[nodiscard]] Result<std::size_t> source_of(std::size_t item) const;
  [[nodiscard]] std::optional<Digest> dependency_digest(std::size_t item) const;

  [[nodiscard]] Item& item_at(std::size_t item) { return world_.course.items[item]; }
  [[nodiscard]] const Item& item_at(std::size_t item) const { return world_.course.items[item]; }
  [[nodiscard]] bool is_dependency(std::size_t item) const { return subjects_[item].is_dependency; }

  Bundle& bundle_;
  std::vector<Subject> subjects_;
  std::map<std::size_t, Scope> scopes_;                                   // of manifests whose commands are run
  std::map<std::pair<std::size_t, std::size_t>, Parameters> parameters_;  // read once, by manifest and offset

  std::int64_t section_ = 0;
  bool is_delivery_ = false;  // what the section does decides what is brought to the device
  World world_;               // the one being run
  bool is_dead_ = false;
  std::vector<World> waiting_;  // branches to be run, the next one last
  std::vector<Course> ended_;
  std::optional<Error> first_death_;

  std::size_t steps_ = 0;
  std::size_t command_offset_ = 0;
  std::string command_name_;
};

}  // namespace hg::suit
