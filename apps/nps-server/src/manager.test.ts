import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from '@sluice/net/testing'
import { PasswordVerifier } from '@sluice/userstore'
import { formatAddress } from '@sluice/wire'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Manager, rememberBridge } from './manager.ts'
import { npcHash } from './secret-hash.ts'
import { RecordStore } from './store/record-store.ts'

let dir: string
let store: RecordStore
let manager: Manager
let made: number

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'manager-'))
  store = RecordStore.open(join(dir, 'tunnels.db'))
  made = 0
  manager = managerOf()
})
afterEach(() => {
  store.close()
  rmSync(dir, { recursive: true })
})

const managerOf = (more: object = {}): Manager =>
  new Manager({
    store,
    ports: () => [{ first: 8000, last: 8100 }],
    userIdOf: (name) => (name === 'ada' ? 'id-of-ada' : undefined),
    enrol: () => {
      made += 1
      const secret = `secret-${made}`
      return {
        publicKey: String(made).padEnd(43, 'k'),
        text: (server) => `enrol:${secret}@${server.map(formatAddress).join(',')}`,
      }
    },
    ...more,
  })
const coded = (code: string, message?: RegExp): unknown =>
  expect.objectContaining({ code, ...(message && { message: expect.stringMatching(message) as unknown }) })
const tcp = { clientId: 1, mode: 'tcp', host: '127.0.0.1', port: 8001, targets: ['80'] } as const

test('a client has a vkey and an enrolment that are told once, and of which the store has hashes alone', async () => {
  rememberBridge(store, '0.0.0.0:8025')
  const { client, vkey, enroll } = await manager.addClient({ remark: 'laptop', user: 'ada' }, 'cli')
  expect(vkey).toMatch(/^[\da-f]{32}$/)
  expect(enroll).toBe('enrol:secret-1@127.0.0.1:8025')
  expect(client).toMatchObject({
    userId: 'id-of-ada',
    vkeyHash: npcHash(vkey),
    publicKey: '1'.padEnd(43, 'k'),
  })
  expect(JSON.stringify([store.clients(), store.audit.list()])).not.toMatch(new RegExp(`${vkey}|secret-1`))
  expect((await manager.addClient({}, 'cli')).vkey).not.toBe(vkey)
})

test('a vkey may be brought along, and the hash is the one that npc’s MD5 leads to', async () => {
  const { client, vkey } = await manager.addClient({ vkey: 'abc' }, 'cli')
  expect(vkey).toBe('abc')
  // SHA-256 of the text 900150983cd24fb0d6963f7d28e17f72, which is MD5 of abc.
  expect(client.vkeyHash).toBe('2c89b7e560fb8c30d1c61408e91e4a84934ff0d24e68e51a6fdb744a1bb717fe')
  await expect(manager.addClient({ vkey: 'abc' }, 'cli')).rejects.toEqual(coded('RECORD_VALUE', /vkey/))
})

test('where the bridge is: as asked, as a server said last, as configured, or nobody knows', async () => {
  const there = { host: 'a.b', port: 1 }
  expect(await manager.addClient({}, 'cli')).not.toHaveProperty('enroll')
  expect((await manager.addClient({}, 'cli', [there, { host: '::1', port: 2 }])).enroll).toMatch(
    /@a\.b:1,\[::1\]:2$/,
  )
  manager = managerOf({ bridge: there })
  expect((await manager.newKey(1, 'cli')).enroll).toMatch(/@a\.b:1$/)
  rememberBridge(store, '[::]:9')
  expect((await manager.newKey(1, 'cli')).enroll).toMatch(/@\[::1\]:9$/)
})

test('a new key makes the old void', async () => {
  const { client, vkey } = await manager.addClient({}, 'cli')
  const keys = await manager.newKey(client.id, 'cli')
  const now = store.client(client.id)
  expect(keys.vkey).not.toBe(vkey)
  expect([now.vkeyHash, now.publicKey]).toEqual([npcHash(keys.vkey), '2'.padEnd(43, 'k')])
  await expect(manager.newKey(9, 'cli')).rejects.toEqual(coded('RECORD_UNKNOWN'))
})

test('passwords are hashed, and nobody may be named who is not there', async () => {
  await manager.addClient({ login: { name: 'guest', password: 'hunter2' } }, 'cli')
  const hash = store.client(1).login?.hash ?? ''
  expect(await new PasswordVerifier().verify(hash, Buffer.from('hunter2'))).toBe(true)
  await manager.patchClient(1, { login: null, user: 'ada' }, 'cli')
  expect(store.client(1)).toMatchObject({ userId: 'id-of-ada' })
  expect(store.client(1)).not.toHaveProperty('login')
  await expect(manager.patchClient(1, { user: 'eve' }, 'cli')).rejects.toEqual(coded('RECORD_VALUE', /eve/))
  await expect(manager.patchClient(1, { login: { name: 'a:b', password: 'x' } }, 'cli')).rejects.toEqual(
    coded('RECORD_VALUE', /login/),
  )
  await expect(manager.patchClient(1, { webLogin: { name: 'a', password: '' } }, 'cli')).rejects.toEqual(
    coded('RECORD_VALUE', /webLogin/),
  )
})

test('ports are those that are allowed, or any that is free', async () => {
  await manager.addClient({}, 'cli')
  await manager.addTunnel(tcp, 'cli')
  await manager.addTunnel({ ...tcp, port: 0 }, 'cli')
  await expect(manager.addTunnel({ ...tcp, port: 80 }, 'cli')).rejects.toEqual(coded('RECORD_VALUE', /80/))
  await expect(manager.patchTunnel(1, { port: 22 }, 'cli')).rejects.toEqual(coded('RECORD_VALUE', /22/))
  expect((await manager.patchTunnel(1, { port: 8002 }, 'cli')).port).toBe(8002)
})

test('a range of ports is a tunnel each, with targets port by port, and all of them or none', async () => {
  await manager.addClient({}, 'cli')
  const many = { clientId: 1, mode: 'tcp', host: '127.0.0.1' } as const
  const targets = ['10.0.0.1:9001-9003', '7']
  const added = await manager.addTunnels({ ...many, ports: '8001-8003', targets }, 'cli')
  expect(added.map(({ port, targets }) => [port, ...targets])).toEqual([
    [8001, '10.0.0.1:9001', '7'],
    [8002, '10.0.0.1:9002', '7'],
    [8003, '10.0.0.1:9003', '7'],
  ])
  await expect(manager.addTunnels({ ...many, ports: '8004-8005', targets }, 'cli')).rejects.toEqual(
    coded('RECORD_VALUE', /2 ports/),
  )
  const audited = store.audit.list().length
  await expect(manager.addTunnels({ ...many, ports: '8099-8101', targets: ['1'] }, 'cli')).rejects.toEqual(
    coded('RECORD_VALUE', /8101/),
  )
  for (const ports of ['', '9-8', '1-', '0-5', '99999', '1-60000'])
    await expect(manager.addTunnels({ ...many, ports, targets: ['1'] }, 'cli')).rejects.toEqual(
      coded('RECORD_VALUE'),
    )
  expect([store.tunnels().length, store.audit.list().length]).toEqual([3, audited])
})

test('secret tunnels are found by the hash of their password', async () => {
  await manager.addClient({}, 'cli')
  const secret = { clientId: 1, mode: 'secret', targets: ['22'] } as const
  const { passwordHash } = await manager.addTunnel({ ...secret, password: 'open sesame' }, 'cli')
  expect(passwordHash).toBe(npcHash('open sesame'))
  await expect(manager.addTunnel(secret, 'cli')).rejects.toEqual(coded('RECORD_VALUE', /password/))
  await expect(manager.addTunnel({ ...secret, password: '' }, 'cli')).rejects.toEqual(coded('RECORD_VALUE'))
})

test('the audit tells who changed what from what to what, and no secret', async () => {
  await manager.addClient({ login: { name: 'guest', password: 'hunter2' } }, 'token:ci')
  await manager.patchClient(1, { remark: 'new', limits: { up: 5 }, vkey: 'other' }, 'cli')
  await manager.addHost({ clientId: 1, host: 'a.b', targets: ['80'] }, 'cli')
  await manager.resetFlow('host', 1, 'cli')
  await manager.removeClient(1, 'cli')
  await expect(manager.removeClient(1, 'cli')).rejects.toEqual(coded('RECORD_UNKNOWN'))
  const entries = store.audit.list().toReversed()
  expect(entries.map(({ by, action, id }) => [by, action, id])).toEqual([
    ['token:ci', 'client.add', 1],
    ['cli', 'client.set', 1],
    ['cli', 'host.add', 1],
    ['cli', 'host.reset-flow', 1],
    ['cli', 'client.remove', 1],
  ])
  expect(entries[0]?.after).toMatchObject({ vkeyHash: '***', login: { name: 'guest', hash: '***' } })
  expect(entries[1]).toMatchObject({
    before: { remark: '', limits: {}, vkeyHash: '***' },
    after: { remark: 'new', limits: { up: 5 }, vkeyHash: '***' },
  })
  expect(entries[1]?.after).not.toHaveProperty('login')
  expect(entries[4]?.before).toMatchObject({ remark: 'new', hosts: [{ host: 'a.b' }] })
  expect(JSON.stringify(entries)).not.toContain('scrypt')
})

test('files of a certificate are looked at when they are set, and only then', async () => {
  await manager.addClient({}, 'cli')
  const authority = createAuthority()
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }
  const { cert, key } = authority.issue('a.example')
  const [certFile, keyFile] = [file('a.crt', cert), file('a.key', key)]
  const otherKey = file('b.key', authority.issue('b.example').key)
  const host = { clientId: 1, host: 'a.example', targets: ['80'] }
  const refusals: [object, RegExp][] = [
    [{ certFile: join(dir, 'gone'), keyFile }, /^host: certFile: cannot read .*gone \(ENOENT\)$/],
    [{ certFile: dir, keyFile }, /^host: certFile: .* is no file$/],
    [{ certFile, keyFile: otherKey }, /^host: certFile: .*the key does not belong/],
    [{ certFile }, /^host: certFile: wanted with keyFile/],
  ]
  for (const [files, message] of refusals)
    await expect(manager.addHost({ ...host, ...files }, 'cli')).rejects.toEqual(
      coded('RECORD_VALUE', message),
    )
  expect(store.hosts()).toEqual([])
  const { id } = await manager.addHost({ ...host, certFile, keyFile }, 'cli')
  await expect(manager.patchHost(id, { keyFile: otherKey }, 'cli')).rejects.toEqual(coded('RECORD_VALUE'))
  rmSync(certFile)
  expect(await manager.patchHost(id, { enabled: false }, 'cli')).toMatchObject({ certFile, keyFile })
  const cleared = await manager.patchHost(id, { certFile: null, keyFile: null }, 'cli')
  expect(cleared).not.toHaveProperty('certFile')
})
