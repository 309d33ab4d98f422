// SPDX-License-Identifier: Apache-2.0
// The symbolic run of a manifest's commands (draft-ietf-suit-manifest-37 §6.3, §6.4, §8.4.6 to §8.4.10): nothing is
// fetched or installed; it finds out which bytes the author wants in which components, for whom and on which
// conditions. What only a device knows (its slot, its version, whether a condition holds) is not guessed: every
// alternative of a try-each is followed that does not contradict what was said before. A command outside of profile v1
// is refused by name and offset, since passing over one could change what the author said. Called by suit::open.
#pragma once

#include <vector>

#include "suit/bundle.hpp"
#include "suit/course.hpp"

namespace hg::suit {

/// Whose the items of a course are.
struct Subject {
  ComponentId id;
  bool is_dependency = false;
};

struct Outcome {
  std::vector<Subject> subjects;       ///< components of the root, its dependencies, then components of those
  std::vector<Course> courses;         ///< all possible ones, no two equal; never empty; an item for each subject
  std::vector<std::size_t> processed;  ///< dependencies whose commands were run, by their numbers in the bundle
};

/// Runs the sections in the order in which a device would: dependency-resolution, payload-fetch, candidate-verification
/// and install, then validate, load, invoke and uninstall; each after the shared sequence and on fresh parameters. What
/// load, invoke and uninstall do is the child's and only checked. Refused: unknown commands and arguments, commands
/// whose parameter is not set, conditions that can never hold outside of a try-each, what exceeds the limits.
Result<Outcome> run_symbolically(Bundle& bundle);

}  // namespace hg::suit
