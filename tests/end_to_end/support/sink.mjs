// Listens on many ports of the addresses given and writes a line for everything that arrives: what the fence lets out.
import dgram from 'node:dgram';
import net from 'node:net';

const addresses = process.argv.slice(2);
const tcpPorts = [22, 25, 443, 853, 5353, 8080, 9999];
const udpPorts = [123, 443, 853, 5353, 9999];

const say = (arrival) => console.log(JSON.stringify(arrival));
const ready = [];

for (const address of addresses) {
  for (const port of tcpPorts) {
    const server = net.createServer((socket) => {
      say({ protocol: 'tcp', address, port });
      socket.on('data', (data) => say({ protocol: 'tcp', address, port, data: data.toString('latin1') }));
      socket.on('error', () => {});
    });
    ready.push(new Promise((resolve) => server.listen(port, address, resolve)));
  }
  for (const port of udpPorts) {
    const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (data) => {
      say({ protocol: 'udp', address, port, data: data.toString('latin1') });
    });
    ready.push(new Promise((resolve) => socket.bind(port, address, resolve)));
  }
}
await Promise.all(ready);
say({ ready: true });
