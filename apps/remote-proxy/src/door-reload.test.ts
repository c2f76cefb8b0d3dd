import { ScriptedTarget, TestClient } from '@sluice/service/testing'
import { COMMAND } from '@sluice/wire'
import { afterEach, expect, test } from 'vitest'
import type { RemoteProxyConfig } from './config.ts'
import { type Asked, askSocks5 } from './testing/socks5-client.ts'
import { configOf, openTestProgram, type TestProgram } from './testing/test-program.ts'

const ADA = { name: 'ada', password: 'horse' }
const ANYBODY = { host: '0.0.0.0', port: 0 }

let running: TestProgram
afterEach(() => running[Symbol.asyncDispose]())

const open = async (...argv: string[]): Promise<void> => {
  running = await openTestProgram([ADA], '--allow', '127.0.0.0/8', ...argv)
}
const reload = (...argv: string[]): Promise<void> =>
  running.program.reload(configOf('--allow', '127.0.0.0/8', ...argv) satisfies RemoteProxyConfig)

const ask = (command: number): Promise<Asked> => askSocks5(running.door.socks, ADA, command, ANYBODY)

test.each([
  ['BIND', COMMAND.BIND, '--bind', '--no-bind'],
  ['UDP ASSOCIATE', COMMAND.UDP_ASSOCIATE, '--udp', '--no-udp'],
])('%s can be switched on and off, and who has it keeps it', async (_, command, on, off) => {
  await open(off)
  const first = await ask(command)
  expect(first.reply).toBe(7)
  await reload(on)
  const second = await ask(command)
  expect(second.reply).toBe(0)
  await reload(off)
  const third = await ask(command)
  expect([third.reply, second.client.over]).toEqual([7, false])
  for (const { client } of [first, second, third]) client.close()
})

test('plain HTTP goes on under the name of now, and the random one stays', async () => {
  using target = await ScriptedTarget.open()
  await open()
  const viaOf = async (): Promise<string | undefined> => {
    const client = await TestClient.connect(running.door.http)
    const login = Buffer.from('ada:horse').toString('base64')
    client.send(
      Buffer.from(
        `GET http://${target.authority}/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic ${login}\r\n\r\n`,
      ),
    )
    const conn = await target.next()
    const head = await conn.take()
    client.close()
    return /^Via: 1\.1 (.*)\r$/m.exec(head)?.[1]
  }
  const random = await viaOf()
  await reload('--via', 'other')
  expect(await viaOf()).toBe('other')
  await reload()
  expect([random, await viaOf()]).toEqual([random, random])
  expect(random).toMatch(/^sluice-/)
})
