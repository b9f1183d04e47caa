// Why the daemon is degraded, and how to fix it. Pure: from the answers of /health and /api/status. Where the status names the part, its
// reason and its command for this very host take the place of the general ones.

const PROBLEMS = [
  ['database', ({ health }) => !health.db_ok, 'The database cannot be written.',
   'Events are not stored until this is fixed. See whether its disk is full or read-only, and whether the daemon\'s user owns the data directory.', 'picortex health'],
  ['tmux', ({ health }) => !health.tmux_ok, 'No tmux server answers.',
   'Start the agent\'s tmux server, or name its socket with PICORTEX_TMUX_SOCKET. It must belong to the daemon\'s user.', 'tmux ls'],
  ['log', ({ status }) => status && !status.log.writable, ({ status }) => `The log cannot be written: ${status.log.error}.`,
   'Log lines are lost until stdout works again. See what reads it, such as journald, and restart the service.', 'systemctl status systemd-journald'],
  ['disk', ({ status }) => status?.storage.disk_is_low, 'The disk is nearly full: new events are rejected.',
   'Free space on the disk of the data directory, keep events for a shorter time with PICORTEX_RETENTION_DAYS, or lower PICORTEX_MIN_FREE_BYTES.', 'df -h'],
  ['', ({ status }) => status?.storage.log_is_held, 'A reader holds the database\'s log.',
   'The log grows until that reader ends. Look for a long backup or an open sqlite3 shell.', 'fuser -v picortex.db'],
  ['', ({ status }) => status?.storage.deletion_waits, 'The clock is not trusted yet, so nothing expires.',
   'Synchronise the clock of this machine.', 'timedatectl'],
  ['', ({ status }) => status?.egress?.bad_rules > 0, ({ status }) => `The allowlist has ${status.egress.bad_rules} invalid ${status.egress.bad_rules === 1 ? 'line' : 'lines'}.`,
   'These lines are skipped. The log says which they are.', 'picortex egress list'],
];

// Returns [{ what, fix, command }], without those that do not hold. `status` may be null.
export function problemsOf(health, status) {
  const known = { health, status };
  return PROBLEMS.filter(([, holds]) => holds(known)).map(([part, , what, fix, command]) => {
    const named = status?.health.problems.find((problem) => problem.part === part);
    const general = typeof what === 'function' ? what(known) : what;
    return { what: named ? `${general.replace(/\.$/, '')}: ${named.reason}` : general, fix, command: named?.fix ?? command };
  });
}
