// What a person sees in the database: rows through the sqlite3 command, read only.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export async function query(dataDir, sql) {
  const file = join(dataDir, 'picortex.db');
  const { stdout } = await run('sqlite3', ['-readonly', '-json', '-cmd', '.timeout 5000', file, sql],
                               { maxBuffer: 512 * 1024 * 1024 });
  return stdout.trim() === '' ? [] : JSON.parse(stdout);
}

// Rows of `events`, data parsed.
export async function events(dataDir, where = '1') {
  const rows = await query(dataDir, `SELECT id, time, level, event_type, request_id, chat_id, msg, data FROM events WHERE ${where}`);
  return rows.map((row) => ({ ...row, data: row.data ? JSON.parse(row.data) : {} }));
}

// The counters of /health, asked of the events themselves.
export async function countersOfEvents(dataDir, nowMs = Date.now()) {
  const dayAgo = `'${new Date(nowMs - 86_400_000).toISOString()}'`;
  const weekAgo = `'${new Date(nowMs - 7 * 86_400_000).toISOString()}'`;
  const [row] = await query(dataDir, `SELECT
    (SELECT count(DISTINCT chat_id) FROM events WHERE chat_id <> '') AS chats_total,
    (SELECT count(DISTINCT chat_id) FROM events WHERE chat_id <> '' AND time >= ${weekAgo}) AS chats_active_7d,
    (SELECT count(*) FROM events WHERE event_type = 'tmux.turn.start') AS turns_total,
    (SELECT count(*) FROM events WHERE event_type = 'tmux.turn.start' AND time >= ${dayAgo}) AS turns_last_24h,
    (SELECT count(*) FROM events WHERE event_type = 'discriminator.decision'
       AND json_extract(data, '$.decision') = 'skip' AND time >= ${dayAgo}) AS discriminator_skipped_24h,
    (SELECT count(*) FROM events WHERE level IN ('error', 'fatal') AND time >= ${dayAgo}) AS errors_last_24h`);
  return row;
}
