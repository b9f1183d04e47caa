// Whatever the headers claim, the payload lies inside of the bytes.
#include "base/check.h"
#include "netfilter/wire/packet.h"

using namespace picortex;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Packet packet;
  const PacketStatus status = parse_packet({data, size}, packet);
  if (!packet.payload.empty()) {
    CHECK(packet.payload.data() >= data &&
          packet.payload.data() + packet.payload.size() <= data + size);
  }
  CHECK(status == PacketStatus::whole || packet.payload.empty());
  return 0;
}
