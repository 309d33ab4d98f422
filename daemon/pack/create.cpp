// SPDX-License-Identifier: Apache-2.0
#include "pack/create.hpp"

#include "pack/believing_ring.hpp"
#include "pack/files.hpp"
#include "pack/release.hpp"
#include "pack/sign.hpp"
#include "suit/profile.hpp"

namespace hg::pack {

namespace {

/// What only a gateway's reader knows: limits of texts, URIs and counts.
Result<void> check_as_gateway(ByteView envelope) {
  const Result<suit::Manifest> manifest = open_unverified(envelope, nullptr);
  return manifest ? suit::check_deliverable(*manifest) : manifest.error();
}

}  // namespace

Result<void> create(const CreateOptions& options) {
  const Result<Signers> signers = Signers::load(options.keys);
  if (!signers) return signers.error();
  const Result<Recipe> recipe = read_recipe(options.recipe);
  if (!recipe) return recipe.error();
  const Result<Release> release = make_release(*recipe);
  if (!release) return release.error();
  const Bytes unsigned_envelope = write_envelope(*release);
  if (const auto fits = check_as_gateway(unsigned_envelope); !fits)
    return fits.error().within(options.recipe.string() + ": no gateway would take it");
  const Result<Bytes> envelope = sign_envelope(unsigned_envelope, *signers);
  if (!envelope) return envelope.error();
  return write_file(options.output, *envelope);
}

}  // namespace hg::pack
