import type { OpenDoor } from '@sluice/nps-server'

type Demo = Pick<OpenDoor, 'manager' | 'registry'>

export interface DemoTunnel {
  /** New at each start. */
  readonly enroll: string
  /** Where visitors come in. */
  readonly urls: readonly string[]
}

export interface DemoOptions {
  readonly user: string
  /** Port of the listener for hosts; undefined: there is none. */
  readonly http: number | undefined
  /** Of the tunnel. @default 8001 */
  readonly port?: number
}

const BY = 'start'
/** Of the machine that the client program runs on. */
const TARGET = '127.0.0.1:3000'
const LISTEN = '127.0.0.1'
/** Names below it are loopback to resolvers (RFC 6761 §6.3). */
const HOST = 'demo.localhost'

/**
 * A client of `user`, with keys that are new, and a tunnel and a host that lead to it; those of an earlier start are kept.
 * @throws RecordError where the places of tunnel or host belong to others; StoreError
 */
export const signUpClient = async (
  { manager, registry }: Demo,
  { user, http, port = 8001 }: DemoOptions,
): Promise<DemoTunnel> => {
  const known = [...registry.clients.values()].find(({ record }) => record.remark === user)
  const { id, enroll } =
    known === undefined
      ? await addClient(manager, user)
      : { id: known.record.id, enroll: (await manager.newKey(known.record.id, BY)).enroll }
  if (known !== undefined) await manager.patchClient(id, { user, enabled: true }, BY)
  if (enroll === undefined) throw new Error('the bridge is nowhere')
  const leading = { clientId: id, targets: [TARGET] }
  if (!known?.tunnels.size) await manager.addTunnel({ ...leading, host: LISTEN, port, mode: 'tcp' }, BY)
  if (!known?.hosts.size) await manager.addHost({ ...leading, host: HOST }, BY)
  const hosts = http === undefined ? [] : [`http://${HOST}:${http}/`]
  return { enroll, urls: [`http://${LISTEN}:${port}/`, ...hosts] }
}

const addClient = async (
  manager: OpenDoor['manager'],
  user: string,
): Promise<{ id: number; enroll: string | undefined }> => {
  const { client, enroll } = await manager.addClient({ user, remark: user }, BY)
  return { id: client.id, enroll }
}
