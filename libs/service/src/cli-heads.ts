import type { CommandHead } from './cli-command.ts'

type Verb = 'add' | 'list' | 'show' | 'set' | 'disable' | 'enable' | 'remove' | 'usage' | 'link' | 'import'

/** The words and the help of each command after `user`. */
export const HEADS: Readonly<Record<Verb, CommandHead>> = {
  add: {
    words: 'add NAME',
    about: 'Adds a user. Where no secret is given, one is made and printed, this once.',
    more: [
      'That is a password, unless a flag gives the user something else to come in by: --password-stdin, any --ss flag, ' +
        '--node-id, --new-token or --token-stdin. Shadowsocks needs its secret in clear, so it is stored so; that of a ' +
        '2022 method is a key in Base64. Several --…-stdin flags read one line each, in the order given.',
      'A peer of a relay comes in as one of its user’s NodeIDs, or with the access token of 22 to 256 random bytes; ' +
        'clients of the API of https-proxy may show that token as a Bearer.',
      'A name has 1 to 255 bytes and no colon, blank or control character.',
      'Rates and sizes: KB is 1,000 bytes, KiB 1,024; bare numbers are bytes, of rates in a second.',
    ],
    examples: [
      {
        does: 'A megabyte a second, ten gibibytes a month:',
        line: 'add alice --down 1MB/s --quota 10GiB/month',
      },
      {
        does: 'With a password of your own, read from a file:',
        line: 'add bob --password-stdin < password.txt',
      },
      {
        does: 'For Shadowsocks, on a port of their own, with a key that is made:',
        line: 'add cleo --ss-port 8388 --ss-method 2022-blake3-aes-256-gcm',
      },
      {
        does: 'For two peers of a relay, as `relay peer id` prints them:',
        line: 'add dora --node-id ID1,ID2',
      },
    ],
  },
  list: {
    words: 'list',
    about: 'Lists the users.',
    more: ['Secrets that are stored in clear are shown only with --reveal.'],
    examples: [{ does: 'The names of all, one on a line:', line: 'list --json | jq -r ".[].name"' }],
  },
  show: {
    words: 'show NAME',
    about: 'Shows a user.',
    more: ['Secrets that are stored in clear are shown only with --reveal.'],
    examples: [
      { does: 'Limits, use and state:', line: 'show alice' },
      { does: 'And the Shadowsocks secret:', line: 'show cleo --reveal' },
    ],
  },
  set: {
    words: 'set NAME',
    about: 'Changes what the flags say, `none` takes a limit away. It holds for open connections too.',
    examples: [
      { does: 'Slower, and no quota any more:', line: 'set alice --down 250KB/s --quota none' },
      { does: 'Another password:', line: 'set alice --password-stdin < password.txt' },
      {
        does: 'Another Shadowsocks method; a new secret where the old is no key of it:',
        line: 'set cleo --ss-method aes-256-gcm',
      },
      { does: 'These NodeIDs and no others, and another token:', line: 'set dora --node-id ID1 --new-token' },
    ],
  },
  disable: {
    words: 'disable NAME',
    about: 'Refuses a user and ends their connections.',
    examples: [{ does: 'Within two seconds nothing of alice runs:', line: 'disable alice' }],
  },
  enable: {
    words: 'enable NAME',
    about: 'Lets a disabled user in again.',
    examples: [{ does: 'With the limits and the password of before:', line: 'enable alice' }],
  },
  remove: {
    words: 'remove NAME',
    about: 'Removes a user and ends their connections.',
    more: ['A later user of the same name is another, and begins without usage.'],
    examples: [{ does: 'For good:', line: 'remove alice' }],
  },
  usage: {
    words: 'usage [NAME]',
    about: 'Tells what users have used in their current period, or in days gone by.',
    more: [
      'Without --since, --until and --by it is the current period of the quota, or all time where there is no quota ' +
        'period. With any of them it is a row for each day with traffic, both days included.',
      'CSV is that of RFC 4180 with a header. A name that a spreadsheet would take for a formula, one that begins ' +
        "with = + - or @, stands there behind a ' and in quotes.",
    ],
    examples: [
      { does: 'Everybody, for a program:', line: 'usage --json' },
      {
        does: 'January, day by day, for a spreadsheet:',
        line: 'usage alice --since 2027-01-01 --until 2027-01-31 --format csv',
      },
      { does: 'One row for each month of the quota:', line: 'usage alice --by period' },
    ],
  },
  link: {
    words: 'link NAME',
    about: 'Prints what to paste into a client. Takes the flags of the server too.',
    more: [
      'The addresses are those that the server would listen on with the same flags, variables and file; one that ' +
        'stands for all interfaces is shown as the name of this machine. Passwords are kept as hashes, so PASSWORD ' +
        'stands in their place, unless a new one is made.',
    ],
    examples: [
      {
        does: 'With the name that clients reach the server by:',
        line: 'link alice --http proxy.example.org:8889',
      },
      { does: 'With a new password, that works at once:', line: 'link alice --new-password' },
    ],
  },
  import: {
    words: 'import FILE',
    about: 'Adds the users of a seed database: a SQLite file with a table USER.',
    more: [
      'Its columns are USERNAME, PASSWORD (in clear, kept as a hash) and BANDWIDTH: bytes per second over all ' +
        'connections of the user, both directions together, which becomes --total; 0 or nothing leaves the user ' +
        'without a limit of their own, so that --limit of the program holds.',
      'A row that cannot be taken is reported with its number and skipped, a user who exists as well unless ' +
        '--update is given. The file is only read, and may be in use. A second run changes nothing.',
    ],
    examples: [
      { does: 'Users that are not there yet:', line: 'import cache.db' },
      { does: 'Follow a file that goes on changing:', line: 'import cache.db --update --json' },
    ],
  },
}
