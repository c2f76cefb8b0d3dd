import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SourceSample } from '@sluice/metrics'
import { ConfigError, type Program, type ProgramConfig } from '@sluice/service'
import { StoreError } from '@sluice/userstore'
import { BatchKeeper } from './batch-keeper.ts'
import { JsonSource } from './json-source.ts'
import { OwnerFeed } from './owner-feed.ts'
import { Panel } from './panel.ts'
import { PanelClient } from './panel-client.ts'
import { SourceStatus } from './source-status.ts'
import type { SourcesConfig } from './sources-config.ts'
import type { Presences } from './usage-batch.ts'
import { UsageReporter } from './usage-reporter.ts'

/** What sources need of a program. */
export type SourcesProgram = Pick<Program, 'store' | 'log' | 'directory' | 'metrics' | 'beforeClose'>

/** The sources of users of a running node. */
export interface Sources {
  /** How each fares, for metrics. */
  samples(): readonly SourceSample[]
  /** Ends all of them, a panel with a last post of at most 5 s. The program does so itself when it stops. */
  close(): Promise<void>
}

export const FILE_OWNER = 'file'
export const PANEL_OWNER = 'panel'
const NOBODY = 'write users into this file, set SS_API_ENDPOINT, or add one with "user add NAME"'
const GONE =
  'the file is not there: who was in it last is still served; write {"users":[]} into it to have nobody'
const USUAL_FILE = 'userconfigs.json'
const REQUEST_MS = 20_000
/** What the start waits for a panel; beyond that it goes on with the users that the store has. */
const FIRST_MS = 5000
const LAST_MS = 5000

/**
 * Follows the panel and the file of users, where there is one. Resolves when the users of both have been read once, or
 * after 5 s.
 * @throws ConfigError where there is a panel and a store that cannot keep its users
 */
export const openSources = async (
  program: SourcesProgram,
  config: Pick<ProgramConfig, 'data' | 'store'> & SourcesConfig,
): Promise<Sources> => {
  const { apiEndpoint, users } = config
  if (apiEndpoint !== undefined && config.store?.startsWith('json:')) {
    throw new ConfigError('CONFIG_INVALID', '--api-endpoint wants a SQLite store, and --store is another')
  }
  const statuses: SourceStatus[] = []
  const status = (source: string): SourceStatus => {
    const made = new SourceStatus({ source, log: program.log })
    statuses.push(made)
    return made
  }
  const panel = apiEndpoint === undefined ? undefined : panelOf(program, config, apiEndpoint, status)
  const isFileUsed = users !== undefined || panel === undefined
  const file = isFileUsed ? fileOf(program, config, status) : undefined
  if (panel === undefined) await forget(program, PANEL_OWNER)
  if (file === undefined) await forget(program, FILE_OWNER)
  const samples = (): SourceSample[] => statuses.map(({ sample }) => sample)
  let closing: Promise<unknown> | undefined
  const close = async (): Promise<void> => {
    closing ??= Promise.all([file?.close(), panel?.close(LAST_MS)])
    await closing
  }
  program.metrics.sources.userSources = samples
  program.beforeClose.push(close)
  const late = sleep(FIRST_MS, undefined, { ref: false })
  await Promise.all([file?.start(), Promise.race([panel?.start(), late])])
  return { samples, close }
}

type StatusOf = (source: string) => SourceStatus

const panelOf = (
  { store, log, directory }: SourcesProgram,
  { data, syncMs }: Pick<ProgramConfig, 'data'> & SourcesConfig,
  endpoint: string,
  statusOf: StatusOf,
): Panel => {
  const owner = PANEL_OWNER
  const status = { users: statusOf('panel'), usage: statusOf('usage') }
  const client = new PanelClient({ endpoint, timeoutMs: REQUEST_MS })
  const keeper = new BatchKeeper(join(data, 'panel-batch.json'), store.installId, client.place)
  const feed = new OwnerFeed({ owner, store, log, status: status.users })
  const presences: Presences = (userId) => directory.byId(userId)
  const reporter = new UsageReporter({ owner, store, client, keeper, presences })
  return new Panel({ client, feed, reporter, status, syncMs })
}

const fileOf = (
  program: SourcesProgram,
  { users, syncMs }: SourcesConfig,
  statusOf: StatusOf,
): JsonSource => {
  const { store, log, directory } = program
  const path = resolve(users ?? USUAL_FILE)
  const status = statusOf(FILE_OWNER)
  const feed = new OwnerFeed({ owner: FILE_OWNER, store, log, status })
  const onMissing = (): void => {
    if (directory.size === 0) log.warn({ file: path, hint: NOBODY }, 'users.none')
    else if (hasUsersOf(FILE_OWNER, directory)) log.warn({ file: path, hint: GONE }, 'users.kept')
  }
  return new JsonSource({ path, feed, status, syncMs, ...(users === undefined && { onMissing }) })
}

const hasUsersOf = (owner: string, directory: SourcesProgram['directory']): boolean =>
  [...directory.accounts()].some(({ user }) => user.id.startsWith(`${owner}:`))

/** Of a source that is not in use any more: its users would stand in the way of others, and nothing would change them. */
const forget = async ({ store, log }: SourcesProgram, owner: string): Promise<void> => {
  try {
    await store.sync(owner, [])
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'STORE_OWNERS')) {
      log.warn({ source: owner, err: error }, 'source.failed')
    }
  }
}
