import { NetError } from '@sluice/net'
import { type AppCommand, ConfigError, type Example, manualText, type Row } from '@sluice/service'
import { PeerError } from '../peer/peer-error.ts'
import { dialVerb, listenVerb } from './end-verbs.ts'
import { idVerb, pingVerb, statusVerb } from './look-verbs.ts'
import { outcomeOf } from './outcome.ts'
import type { PeerIo, PeerVerb } from './peer-verb.ts'

const VERBS: readonly PeerVerb[] = [idVerb, listenVerb, dialVerb, statusVerb, pingVerb]
const ABOUT = 'Reaches other peers by way of relays, and lets them reach this machine.'

const FILES: readonly Row[] = [
  ['DATA/peer-identity.pem', 'the key of this peer, for its owner alone; whoever has it is this peer'],
  [
    'DATA/known-relays',
    'which relay was seen first at an address, a line each; take a line out to forget it',
  ],
]
const EXITS: readonly Row[] = [
  ['0', 'done, or stopped by a signal'],
  ['1', 'failed while running: no relay, no peer, a circuit that was cut'],
  ['2', 'bad usage or settings: one line on stderr says what and where'],
]

/** `relay peer`. */
export const peerCommand = (io: PeerIo): AppCommand => ({
  about: ABOUT,
  usage: 'COMMAND [flags]',
  commands: Object.fromEntries(
    VERBS.map(({ words, about, schema }) => [wordOf(words), { about, flags: schema }]),
  ),
  run: (argv) => runPeer(argv, io),
})

const wordOf = (words: string): string => words.split(' ', 1)[0] ?? ''

const runPeer = async ([word = '', ...rest]: readonly string[], io: PeerIo): Promise<number> => {
  if (word === '--help' || word === '-h') return print(io, help())
  const verb = VERBS.find(({ words }) => wordOf(words) === word)
  if (verb === undefined) {
    const wanted = VERBS.map(({ words }) => wordOf(words)).join(', ')
    const what = word === '' ? 'peer' : `peer ${word.slice(0, 80)}: unknown command`
    throw new ConfigError('USAGE', `${what}: wanted ${wanted}, or --help`)
  }
  if (rest.includes('--help') || rest.includes('-h')) return print(io, verbHelp(verb))
  try {
    return await verb.run({ argv: rest, env: io.env, shares: io.schema }, io)
  } catch (error) {
    if (!(error instanceof PeerError || error instanceof NetError)) throw error
    io.stderr.write(`relay: ${(outcomeOf(error).why ?? '').replaceAll(/\p{Cc}+/gu, ' ')}\n`)
    return Object(error).code === 'RELAY_ADDRESS' ? 2 : 1
  }
}

const print = ({ stdout }: PeerIo, text: string): number => {
  stdout.write(text)
  return 0
}

const help = (): string =>
  manualText({
    head: `relay peer: ${ABOUT}`,
    synopsis: ['relay peer COMMAND [flags]'],
    description: [
      'A peer is known by its ID, which follows from a key in the folder of --data. It needs no port that anybody can ' +
        'reach: it keeps a connection to a relay, and others ask that for a circuit.',
      '"relay peer COMMAND --help" tells the flags of a command.',
    ],
    commands: VERBS.map(({ words, about }) => [words, about]),
    examples: VERBS.flatMap(({ examples }) => examples.map(inFull)),
    sections: { files: FILES, 'exit status': EXITS },
  })

const verbHelp = ({ words, about, more, schema, examples }: PeerVerb): string =>
  manualText({
    head: `relay peer ${wordOf(words)}: ${about}`,
    synopsis: [`relay peer ${words} [flags]`],
    ...(more && { description: more }),
    flags: schema,
    examples: examples.map(inFull),
    sections: { files: FILES, 'exit status': EXITS },
  })

const inFull = ({ does, line }: Example): Example => ({
  does,
  line: `relay peer ${line}`,
})
