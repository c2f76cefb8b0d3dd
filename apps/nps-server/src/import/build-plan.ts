import {
  type NpcConf,
  type NpsFile,
  readNpcConf,
  readNpsAccounts,
  readNpsClients,
  readNpsConf,
  readNpsGlobal,
  readNpsHosts,
  readNpsTunnels,
  type IniProblem,
  type NpsGlobal,
} from '@sluice/wire/npc'
import type { PlainLogin } from '../manager-inputs.ts'
import { npcHash } from '../secret-hash.ts'
import { type ImportFile, type ImportFiles, pathFrom, readBeside } from './import-files.ts'
import { Plan } from './plan.ts'
import { planClients } from './plan-clients.ts'
import { planHosts } from './plan-hosts.ts'
import { planNpcConf } from './plan-npc-conf.ts'
import { planSettings } from './plan-settings.ts'
import { planTunnels } from './plan-tunnels.ts'

/** Reads all, and says what is to be made of it. */
export const buildPlan = async (files: ImportFiles): Promise<Plan> => {
  const plan = new Plan((path) => pathFrom(files, path))
  const nps = files.nps && readNpsConf(files.nps.text)
  if (files.nps !== undefined && nps !== undefined) {
    addProblems(plan, files.nps, nps.problems)
    planSettings(plan, nps.conf, nps.unknown)
  }
  const global = files.global && globalOf(plan, files.global)
  const clients = planClients(plan, recordsOf(plan, files.clients, readNpsClients), global)
  const tunnels = recordsOf(plan, files.tunnels, readNpsTunnels)
  const hosts = recordsOf(plan, files.hosts, readNpsHosts)
  planTunnels(plan, tunnels, clients)
  planHosts(plan, hosts, clients, nps?.conf.httpsJustProxy === true)
  if (files.clients === undefined && tunnels.length + hosts.length > 0) {
    plan.errors.push('tunnels and hosts are of clients, and there is no clients.json: name the folder')
  }
  if (files.npc !== undefined) await addNpcConf(plan, files.npc, files.clients !== undefined)
  return plan
}

/** All that can be read; what cannot is an error. */
const recordsOf = <T>(
  plan: Plan,
  file: ImportFile | undefined,
  read: (text: string) => NpsFile<T>,
): readonly T[] => {
  if (file === undefined) return []
  const { records, errors } = read(file.text)
  for (const { line, message } of errors) plan.errors.push(`${file.path}:${line}: ${message}`)
  return records
}

const globalOf = (plan: Plan, file: ImportFile): NpsGlobal | undefined => {
  try {
    return readNpsGlobal(file.text)
  } catch (error) {
    plan.errors.push(`${file.path}: ${(error as Error).message}`)
    return undefined
  }
}

/** @param isBeside it lies in a folder of nps, whose sources come with one that is an example with a key that all know */
const addNpcConf = async (plan: Plan, file: ImportFile, isBeside: boolean): Promise<void> => {
  const { conf, problems, unknown } = readNpcConf(file.text)
  if (isBeside && !hasOwner(plan, conf)) {
    plan.notes.push(
      'npc.conf: no client has its key, so it is left out; what is meant has to be named by itself',
    )
    return
  }
  addProblems(plan, file, problems)
  for (const { key, line } of unknown) {
    plan.notes.push(`npc.conf: line ${line}: nobody knows ${JSON.stringify(key.slice(0, 64))}`)
  }
  const accounts = new Map<string, readonly PlainLogin[]>()
  for (const { multiAccount } of conf.tunnels) {
    const beside = multiAccount === undefined ? undefined : await readBeside(file, multiAccount)
    if (multiAccount !== undefined && beside !== undefined) accounts.set(multiAccount, loginsOf(plan, beside))
  }
  planNpcConf(plan, conf, (name) => accounts.get(name))
}

const hasOwner = (plan: Plan, { common: { vkey } }: NpcConf): boolean =>
  vkey === undefined || plan.clients.some(({ record }) => record.vkeyHash === npcHash(vkey))

const loginsOf = (plan: Plan, file: ImportFile): PlainLogin[] => {
  const { accounts, problems } = readNpsAccounts(file.text)
  addProblems(plan, file, problems)
  return [...accounts].map(([name, password]) => ({ name, password }))
}

const addProblems = (plan: Plan, { path }: ImportFile, problems: readonly IniProblem[]): void => {
  for (const { line, message } of problems) plan.errors.push(`${path}:${line}: ${message}`)
}
