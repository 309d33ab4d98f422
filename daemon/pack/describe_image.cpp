// SPDX-License-Identifier: Apache-2.0
// describe_image(): what a MCUboot image says.
#include "pack/describe.hpp"

namespace hg::pack {

namespace {

namespace json = boost::json;

std::string_view name_of(images::SignatureKind kind) {
  switch (kind) {
    case images::SignatureKind::rsa2048_pss:
      return "RSA-2048 PSS";
    case images::SignatureKind::ecdsa_p224:
      return "ECDSA P-224";
    case images::SignatureKind::ecdsa:
      return "ECDSA";
    case images::SignatureKind::rsa3072_pss:
      return "RSA-3072 PSS";
    case images::SignatureKind::ed25519:
      return "Ed25519";
    case images::SignatureKind::pure:
      return "of the image, not of its hash";
  }
  return "unknown";
}

}  // namespace

json::object describe_image(const images::McubootImage& image) {
  json::object object = beginning("MCUboot image");
  object["version"] = image.version.text();
  object["hash"] = image.digest.hex();
  object["payload_bytes"] = image.payload_size;
  object["encrypted"] = image.encrypted;
  if (image.encrypted) object["payload_is_plain"] = image.payload_is_plain;
  if (image.content_key) object["content_key"] = images::name_of(image.content_key->wrap);
  object["padded"] = image.padded;
  if (image.security_counter) object["security_counter"] = *image.security_counter;
  json::array dependencies, signatures;
  for (const auto& each : image.dependencies)
    dependencies.emplace_back(std::to_string(each.image) + " >= " + each.minimum.text());
  for (const auto each : image.signatures) signatures.emplace_back(name_of(each));
  if (!dependencies.empty()) object["depends"] = std::move(dependencies);
  object["signatures"] = std::move(signatures);
  return object;
}

}  // namespace hg::pack
