#include "handlers/ingest/name_based_uuid.h"

#include <openssl/evp.h>

#include <array>
#include <cstring>

#include "base/check.h"

namespace picortex {

Uuid named_uuid(std::string_view name) {
  std::array<unsigned char, 32> hash;
  CHECK(EVP_Digest(name.data(), name.size(), hash.data(), nullptr, EVP_sha256(), nullptr) == 1);
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), hash.data(), uuid.bytes.size());
  uuid.bytes[6] = (uuid.bytes[6] & 0x0f) | 0x80;
  uuid.bytes[8] = (uuid.bytes[8] & 0x3f) | 0x80;
  return uuid;
}

}  // namespace picortex
