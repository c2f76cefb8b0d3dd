import { hashPassword, PasswordVerifier, readSeed, StoreError } from '@sluice/userstore'
import type { Credential, SeedRow, SeedUser, User, UserPatch, UserStore } from '@sluice/userstore'
import { encodeSumbit } from '@sluice/wire'
import type { z } from 'zod'
import type { Call, CommandResult } from './cli-command.ts'
import { flag } from './config.ts'

export const importFlags: { update: z.ZodType<boolean> } = {
  update: flag('give users that exist the password and the total of their row'),
}

type Outcome = 'added' | 'updated' | 'unchanged' | 'skipped'

/** What there is to say about a row. */
interface Problem {
  /** Its rowid. */
  row: number
  name: string
  /** Whether the user was left alone; otherwise the row was taken all the same. */
  skipped: boolean
  problem: string
}

/** What becomes of a row. */
interface Change {
  row: SeedRow
  outcome: Outcome
  problem?: string
  write?: () => Promise<unknown>
}

/** `user import FILE`. Reports each row that could not be taken, and goes on with the next. */
export async function importUsers(
  { operand: file, store }: Call,
  { update }: { update: boolean },
): Promise<CommandResult> {
  const { users } = await store.list()
  const run = new SeedImport(store, users, update)
  await run.takeAll(readSeed(file))
  const { counts, problems } = run
  const all = counts.added + counts.updated + counts.unchanged + counts.skipped
  return {
    json: { file, rows: all, ...counts, problems },
    lines: [
      ...problems.map(lineOf),
      `${all} rows: ${counts.added} added, ${counts.updated} updated, ${counts.unchanged} unchanged, ${counts.skipped} skipped`,
    ],
    exit: counts.skipped > 0 ? 1 : 0,
  }
}

const lineOf = ({ row, name, skipped, problem }: Problem): string =>
  `row ${row}${name && ` ${JSON.stringify(name)}`}: ${skipped ? 'skipped' : 'taken'}: ${problem}`

class SeedImport {
  readonly counts: Record<Outcome, number> = { added: 0, updated: 0, unchanged: 0, skipped: 0 }
  readonly problems: Problem[] = []
  readonly #store: UserStore
  readonly #known: ReadonlyMap<string, User>
  readonly #update: boolean
  readonly #seen = new Map<string, number>()
  readonly #verifier = new PasswordVerifier()

  constructor(store: UserStore, users: readonly User[], update: boolean) {
    this.#store = store
    this.#known = new Map(users.map((user) => [user.name, user]))
    this.#update = update
  }

  /** Takes rows in their order. Two passwords at most are hashed at a time, that of a row and that of the next. */
  async takeAll(rows: AsyncIterable<SeedRow>): Promise<void> {
    let waiting: Promise<Change> | undefined
    for await (const row of rows) {
      const change = this.#prepare(row)
      // Should the row before it fail, nobody will ask for this one.
      change.catch(() => undefined)
      if (waiting) await this.#apply(await waiting)
      waiting = change
    }
    if (waiting) await this.#apply(await waiting)
  }

  async #prepare(row: SeedRow): Promise<Change> {
    if ('problem' in row) return { row, outcome: 'skipped', problem: row.problem }
    const first = this.#seen.get(row.name)
    if (first !== undefined) return { row, outcome: 'skipped', problem: `row ${first} has this name already` }
    this.#seen.set(row.name, row.row)
    const user = this.#known.get(row.name)
    if (user !== undefined && !this.#update) return { row, outcome: 'skipped', problem: EXISTS }
    const change = user === undefined ? await this.#addition(row) : await this.#changeOf(user, row)
    return fitsSumbit(row) ? change : { ...change, problem: UNFIT }
  }

  async #apply({ row: { row, name }, outcome, problem, write }: Change): Promise<void> {
    const refusal = await refusalOf(write)
    const result = refusal === undefined ? outcome : 'skipped'
    this.counts[result] += 1
    const said = refusal ?? problem
    if (said !== undefined) this.problems.push({ row, name, skipped: result === 'skipped', problem: said })
  }

  async #addition(row: SeedUser): Promise<Change> {
    const { name, password, total } = row
    const credentials = [await passwordOf(password)]
    const limits = total === undefined ? {} : { total }
    return { row, outcome: 'added', write: () => this.#store.add({ name, credentials, limits }) }
  }

  async #changeOf(user: User, row: SeedUser): Promise<Change> {
    const { name, password, total } = row
    const isSame = await this.#hasPassword(user, password)
    if (isSame && user.limits.total === total) return { row, outcome: 'unchanged' }
    const others = user.credentials.filter(({ kind }) => kind !== 'password')
    const patch: UserPatch = {
      limits: { total: total ?? null },
      ...(!isSame && { credentials: [...others, await passwordOf(password)] }),
    }
    return { row, outcome: 'updated', write: () => this.#store.update(name, patch) }
  }

  /** A second import of the same file changes nothing, not even the salt. */
  async #hasPassword({ credentials }: User, password: string): Promise<boolean> {
    const hashes = credentials.flatMap((each) => (each.kind === 'password' ? [each.hash] : []))
    return hashes.length === 1 && (await this.#verifier.verify(hashes[0] ?? '', Buffer.from(password)))
  }
}

const EXISTS = 'a user has this name already; --update would give them this password and total'
const UNFIT = 'the password holds a blank or a control character, which the sumbit: line cannot carry'

/** Why the store did not take it: somebody else has added or removed the user meanwhile, or it has a rule of its own. */
async function refusalOf(write: (() => Promise<unknown>) | undefined): Promise<string | undefined> {
  try {
    await write?.()
    return undefined
  } catch (error) {
    if (error instanceof StoreError && error.code.startsWith('USER_')) return error.message
    throw error
  }
}

const passwordOf = async (password: string): Promise<Credential> => ({
  kind: 'password',
  hash: await hashPassword(password),
})

function fitsSumbit({ name, password }: SeedUser): boolean {
  try {
    encodeSumbit({ username: Buffer.from(name), password: Buffer.from(password) })
    return true
  } catch {
    return false
  }
}
