import type { Example } from '@sluice/service'
import type { Kind } from '../records.ts'
import { BY, type Call, type Found, type Verb, verb } from './record-command.ts'
import { about, clientId } from './record-flags.ts'

// The commands that clients, tunnels and hosts have alike.

/** What they do to one kind of records, and what its help says of that. */
export interface RecordVerbs {
  readonly of: Kind
  readonly show: { readonly about: string; readonly example?: Example }
  readonly enable: string
  readonly disable: string
  readonly remove: string
  readonly shown: (call: Call) => Promise<Found> | Found
  readonly setEnabled: (call: Call, enabled: boolean) => Promise<unknown>
  readonly removed: (call: Call) => Promise<unknown>
}

const first = (of: Kind, word: string): Example => ({ does: 'The first:', line: `${of} ${word} 1` })

export const showVerb = ({ of, show, shown }: RecordVerbs): Verb =>
  verb({ of, words: 'show ID', about: show.about, examples: [show.example ?? first(of, 'show')] }, {}, shown)

/** `enable` and `disable`. */
export const switchVerbs = (verbs: RecordVerbs): Verb[] =>
  (['enable', 'disable'] as const).map((word) =>
    verb(
      { of: verbs.of, words: `${word} ID`, about: verbs[word], examples: [first(verbs.of, word)] },
      {},
      async (call) => {
        await verbs.setEnabled(call, word === 'enable')
        return verbs.shown(call)
      },
    ),
  )

export const removeVerb = ({ of, remove, removed }: RecordVerbs): Verb =>
  verb({ of, words: 'remove ID', about: remove, examples: [first(of, 'remove')] }, {}, async (call) => {
    await removed(call)
    return { json: { id: call.id, removed: true }, lines: [`removed ${of} ${call.id}`] }
  })

export const resetFlowVerb = ({ of, shown }: RecordVerbs): Verb =>
  verb(
    {
      of,
      words: 'reset-flow ID',
      about: `Has a ${of} count from 0 from now on, its quota too.`,
      examples: [first(of, 'reset-flow')],
    },
    {},
    async (call) => {
      await call.manager.resetFlow(of, call.id, BY)
      return shown(call)
    },
  )

/** Of a new tunnel or host. */
export const ofClient: { client: typeof clientId } = {
  client: clientId.meta({ ...about('whose it is'), placeholder: 'ID' }),
}

const ofAnyClient = {
  client: clientId.optional().meta({ ...about('those of one client'), placeholder: 'ID' }),
}

interface Owned {
  readonly clientId: number
}

/** @param records all of them @param found what is told of those that are asked for */
export const listVerb = <Record extends Owned>(
  of: 'tunnel' | 'host',
  records: (call: Call) => readonly Record[],
  found: (records: readonly Record[], call: Call) => Found,
): Verb =>
  verb(
    {
      of,
      words: 'list',
      about: `Lists the ${of}s.`,
      examples: [{ does: 'Those of one client:', line: `${of} list --client 1` }],
    },
    ofAnyClient,
    (call, { client }) => {
      const asked = records(call).filter(({ clientId: owner }) => client === undefined || owner === client)
      return found(asked, call)
    },
  )
