// Whose process listens on a loopback port. The chat user reaches loopback too: while the daemon is away it could listen
// in its place and be handed the token, so only the daemon's user, this user and root are sent anything.
import { readFile, stat } from 'node:fs/promises';

const LISTEN = '0A';

// Addresses as /proc/net/tcp{,6} write them: 32-bit words in the byte order of the host, which is little-endian on all
// machines that picortex runs on.
const LOOPBACK_4 = '0100007F';
const ANY_4 = '00000000';
const LOOPBACK_6 = '00000000000000000000000001000000';
const ANY_6 = '00000000000000000000000000000000';

function isLoopback(address) {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}

function hexOf4(address) {
  const bytes = address.replace('::ffff:', '').split('.').map(Number);
  return bytes.reverse().map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
}

async function listenersOf(file, port) {
  const suffix = ':' + port.toString(16).toUpperCase().padStart(4, '0');
  const found = [];
  for (const line of (await readFile(file, 'latin1')).split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[3] === LISTEN && fields[1].endsWith(suffix)) {
      found.push({ address: fields[1].slice(0, -suffix.length), uid: Number(fields[7]) });
    }
  }
  return found;
}

// The user whose socket takes connections to this address; undefined when none is found.
async function findListener(address, port) {
  const isVersion4 = address !== '::1';
  const four = isVersion4 ? hexOf4(address) : LOOPBACK_4;
  const listeners = isVersion4 ? await listenersOf('/proc/net/tcp', port) : [];
  const six = await listenersOf('/proc/net/tcp6', port).catch(() => []);
  const order = isVersion4 ? [[listeners, four], [six, `0000000000000000FFFF0000${four}`], [listeners, ANY_4], [six, ANY_6]]
    : [[six, LOOPBACK_6], [six, ANY_6]];
  for (const [list, wanted] of order) {
    const found = list.find((one) => one.address === wanted);
    if (found) return found.uid;
  }
  return undefined;
}

// Why nothing may be sent over this connected socket; undefined when it may. `trusted` are users in addition to root.
export async function objectionToServer(server, socket, trusted) {
  if (process.platform !== 'linux') return undefined;
  let uid;
  if (server.socketPath) {
    uid = (await stat(server.socketPath)).uid;
  } else if (isLoopback(socket.remoteAddress ?? '')) {
    uid = await findListener(socket.remoteAddress, socket.remotePort);
  } else {
    return undefined;
  }
  if (uid === 0 || trusted.includes(uid)) return undefined;
  const whose = uid === undefined ? 'a process that cannot be identified' : `user ${uid}`;
  return `${server.text} belongs to ${whose}, not to root, this user or the token's owner: it is not sent the token. ` +
    'If the daemon runs as another user, give its number as serverUid.';
}
