// SPDX-License-Identifier: Apache-2.0
#include "pack/create.hpp"

#include "pack/files.hpp"
#include "pack/release.hpp"
#include "pack/sign.hpp"

namespace hg::pack {

Result<void> create(const CreateOptions& options) {
  const Result<Signers> signers = Signers::load(options.keys);
  if (!signers) return signers.error();
  const Result<Recipe> recipe = read_recipe(options.recipe);
  if (!recipe) return recipe.error();
  const Result<Release> release = make_release(*recipe);
  if (!release) return release.error();
  const Result<Bytes> envelope = sign_envelope(write_envelope(*release), *signers);
  if (!envelope) return envelope.error();
  return write_file(options.output, *envelope);
}

}  // namespace hg::pack
