import type { z } from 'zod'
import { ApiError } from './api-error.ts'
import { type ApiRoute, type Call, type Made, type MadeList, route } from './api-route.ts'
import { isFound, pageOf } from './pages.ts'
import type { PageQuery } from './schemas.ts'

interface Kept {
  readonly id: number
  readonly clientId?: number
}

/** How one kind of records is served. */
export interface RecordsOf<Record extends Kept, Input, Change> {
  /** `/v1/clients` */
  readonly path: string
  /** One of them. */
  readonly noun: string
  readonly all: () => readonly Record[]
  readonly view: (record: Record) => Made
  /** What a search looks at. */
  readonly texts: (record: Record) => readonly (string | undefined)[]
  readonly input: z.ZodType<Input>
  readonly change: z.ZodType<Change>
  readonly query: z.ZodType<PageQuery>
  /** @returns what is told of what is new, this once with its secrets */
  readonly add: (input: Input, by: string) => Promise<Made | MadeList>
  readonly patch: (id: number, change: Change, by: string) => Record | Promise<Record>
  readonly remove: (id: number, by: string) => unknown
  readonly resetFlow: (id: number, by: string) => unknown
}

/** List, read, make, change, remove. */
export const recordRoutes = <Record extends Kept, Input, Change>(
  records: RecordsOf<Record, Input, Change>,
): ApiRoute[] => [...readRoutes(records), ...writeRoutes(records)]

const readRoutes = <Record extends Kept, Input, Change>({
  path,
  noun,
  all,
  view,
  texts,
  query,
}: RecordsOf<Record, Input, Change>): ApiRoute[] => [
  route({
    method: 'GET',
    path,
    scope: 'read',
    status: 200,
    summary: `Lists each ${noun}, by id.`,
    query,
    run: ({ query: wanted }) => {
      const { search, client } = wanted
      const found = all()
        .filter(({ clientId }) => client === undefined || clientId === client)
        .filter((record) => isFound(search, record.id, texts(record)))
      const { items, next } = pageOf(found, wanted)
      return { items: items.map(view), next }
    },
  }),
  route({
    method: 'GET',
    path: `${path}/:id`,
    scope: 'read',
    status: 200,
    summary: `Tells of one ${noun}.`,
    run: ({ id }) => view(oneOf(all(), id, noun)),
  }),
]

const writeRoutes = <Record extends Kept, Input, Change>(
  records: RecordsOf<Record, Input, Change>,
): ApiRoute[] => {
  const { path, noun, view, add, input, change } = records
  return [
    route({
      method: 'POST',
      path,
      scope: 'write',
      status: 201,
      summary: `Makes a ${noun}. Secrets are told this once.`,
      body: input,
      run: ({ body, by }: Call<Input>) => add(body, by),
    }),
    route({
      method: 'PATCH',
      path: `${path}/:id`,
      scope: 'write',
      status: 200,
      summary: `Changes a ${noun}: what is left out stays, null clears.`,
      body: change,
      run: async ({ id, body, by }: Call<Change>) => view(await records.patch(id, body, by)),
    }),
    route({
      method: 'DELETE',
      path: `${path}/:id`,
      scope: 'write',
      status: 204,
      summary: `Removes a ${noun}, and cuts who passes it.`,
      run: ({ id, by }) => records.remove(id, by),
    }),
    route({
      method: 'POST',
      path: `${path}/:id/flow/reset`,
      scope: 'write',
      status: 204,
      summary: `Counts the flow of a ${noun} from 0 again.`,
      run: ({ id, by }) => records.resetFlow(id, by),
    }),
  ]
}

/** @throws ApiError RECORD_UNKNOWN */
const oneOf = <Record extends Kept>(all: readonly Record[], id: number, noun: string): Record => {
  const record = all.find((each) => each.id === id)
  if (record === undefined) throw new ApiError('RECORD_UNKNOWN', `there is no ${noun} ${id}`)
  return record
}
