import { date, flag, textType } from '@sluice/service'
import { z } from 'zod'
import { addToken, removeToken } from '../api-tokens.ts'
import { TOKEN_SCOPES, type TokenScope } from '../store/token-table.ts'
import { BY, type Call, type Found, type Verb, verb } from './record-command.ts'
import { about } from './record-flags.ts'
import { tokenTable } from './record-tables.ts'

const scopes = textType('SCOPE[,SCOPE]', 'scopes, read and write', (written): TokenScope[] => {
  const asked = z.array(z.enum(TOKEN_SCOPES)).min(1).parse(written.split(','))
  return TOKEN_SCOPES.filter((scope) => asked.includes(scope))
})

const name = textType('NAME', 'a name of 1 to 64 characters', (written) => {
  if (!/^[^\p{Cc}]{1,64}$/u.test(written)) throw new RangeError('no name')
  return written
})

interface AddFlags {
  name: string
  scopes: TokenScope[]
  expires?: number | undefined
  totp: boolean
}

/** What can follow `token`. */
export function tokenVerbs(): Verb[] {
  const of = 'token'
  return [
    verb(
      {
        of,
        words: 'add',
        about: 'Adds a token of the API and prints it, this once.',
        examples: [
          { does: 'To look, and change nothing:', line: 'token add --name dashboard' },
          {
            does: 'To change things too, for a year:',
            line: 'token add --name ci --scopes read,write --expires 2027-12-31',
          },
          {
            does: 'For the console, by a code of an authenticator app besides:',
            line: 'token add --name ann --scopes read,write --totp',
          },
        ],
      },
      {
        name: name.meta(about('what people should know it by')),
        scopes: scopes.prefault('read').meta(about('what may be done with it')),
        expires: date.optional().meta(about('when it is of no use any more; a day begins in UTC', 'access')),
        totp: flag(
          'who shows it has to bring a code of an authenticator app, too; its key is printed',
          'access',
        ),
      },
      add,
    ),
    verb(
      {
        of,
        words: 'list',
        about: 'Lists the tokens of the API, without what is secret of them.',
        examples: [{ does: 'All:', line: 'token list' }],
      },
      {},
      ({ store }) => {
        const tokens = store.tokens.list()
        return { json: tokens, lines: tokenTable(tokens) }
      },
    ),
    verb(
      {
        of,
        words: 'remove ID',
        about: 'Removes a token; it is void at once.',
        examples: [{ does: 'The first:', line: 'token remove 1' }],
      },
      {},
      ({ id, store }) => {
        removeToken(store, id, BY)
        return { json: { id, removed: true }, lines: [`removed token ${id}`] }
      },
    ),
  ]
}

function add({ store }: Call, { name: label, scopes: asked, expires, totp }: AddFlags): Found {
  const { token, record, key } = addToken(store, { name: label, scopes: asked, expiresAt: expires, totp }, BY)
  const lines = [`added token ${record.id}`, `token (shown this once): ${token}`]
  if (key === undefined) return { json: { ...record, token }, lines }
  return {
    json: { ...record, token, key },
    lines: [...lines, `key for the app (shown this once): ${key.secret}`, key.uri],
  }
}
