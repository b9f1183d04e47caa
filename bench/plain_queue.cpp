// The reference for the fence's queue: a blocking loop on libnetfilter_queue, written the ordinary
// way. One receive, one verdict, one send; it denies every packet by the fence's mark without
// reading it. Same options and sizes as the fence's own.
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "netfilter/kernel/firewall_rules.h"
#include "netfilter/kernel/packet_queue.h"

namespace {

using picortex::kEgressQueue;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

void send_message(mnl_socket* socket, const nlmsghdr* message) {
  if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0) fail("send");
}

int judge(const nlmsghdr* message, void* data) {
  std::array<nlattr*, NFQA_MAX + 1> attributes{};
  if (nfq_nlmsg_parse(message, attributes.data()) < 0) fail("nfq_nlmsg_parse");
  const auto* packet =
      static_cast<nfqnl_msg_packet_hdr*>(mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]));
  std::array<char, 256> buffer;
  nlmsghdr* verdict = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_VERDICT, kEgressQueue);
  nfq_nlmsg_verdict_put(verdict, static_cast<int>(ntohl(packet->packet_id)), NF_ACCEPT);
  nfq_nlmsg_verdict_put_mark(verdict, picortex::kMarkDenied);
  send_message(static_cast<mnl_socket*>(data), verdict);
  return MNL_CB_OK;
}

void set_up(mnl_socket* socket) {
  std::array<char, 256> buffer;
  nlmsghdr* message = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_CONFIG, kEgressQueue);
  nfq_nlmsg_cfg_put_cmd(message, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
  send_message(socket, message);
  message = nfq_nlmsg_put(buffer.data(), NFQNL_MSG_CONFIG, kEgressQueue);
  nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, 0xffff);
  nfq_nlmsg_cfg_put_qmaxlen(message, picortex::PacketQueue::kPacketsMax);
  mnl_attr_put_u32(message, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID));
  mnl_attr_put_u32(message, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID));
  send_message(socket, message);
}

}  // namespace

int main() {
  mnl_socket* socket = mnl_socket_open(NETLINK_NETFILTER);
  if (socket == nullptr || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) fail("socket");
  int one = 1, size = 8 << 20;
  mnl_socket_setsockopt(socket, NETLINK_NO_ENOBUFS, &one, sizeof one);
  if (setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
    fail("SO_RCVBUFFORCE");
  }
  set_up(socket);
  std::vector<char> buffer(0xffff + 4096);
  for (;;) {
    const ssize_t got = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
    if (got < 0) fail("receive");
    if (mnl_cb_run(buffer.data(), static_cast<std::size_t>(got), 0, mnl_socket_get_portid(socket),
                   judge, socket) < 0) {
      fail("mnl_cb_run");
    }
  }
}
