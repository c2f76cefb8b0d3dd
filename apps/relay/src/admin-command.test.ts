import { formatAddress } from '@sluice/wire'
import { RELAY_STATUS } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { adminCommand } from './admin-command.ts'
import { TestPeer } from './testing/test-peer.ts'
import { openTestRelay } from './testing/test-relay.ts'

const TOKEN = 'a-token-of-an-operator'

const run = async (...argv: string[]): Promise<{ code: number; out: string; error: string }> => {
  let [out, error] = ['', '']
  const command = adminCommand({
    env: { SLUICE_ADMIN_TOKEN: TOKEN },
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (error += text) },
  })
  return { code: await command.run(argv), out, error }
}

it('does what an operator says, and prints what the relay answers', async () => {
  await using relay = await openTestRelay([], '--admin-token', TOKEN)
  const ops = ['--ops', formatAddress(relay.ops)]
  using peer = await TestPeer.login(relay.at)
  await peer.reserve()
  const { id } = peer.identity
  expect(JSON.parse((await run('reservations', ...ops)).out)).toMatchObject([{ id }])
  expect(await run('ban', id, '--for', '1h', '--reason', 'noise', ...ops)).toMatchObject({
    code: 0,
    out: '{}\n',
  })
  expect(await peer.frame('goaway')).toMatchObject({ status: RELAY_STATUS.PERMISSION_DENIED })
  const [ban] = JSON.parse((await run('bans', ...ops)).out) as { expiresAt: number }[]
  expect(ban!.expiresAt - Date.now()).toBeGreaterThan(3_500_000)
  expect((await run('unban', id, ...ops)).code).toBe(0)
  const { code, error } = await run('close-circuit', 'none', ...ops)
  expect([code, error]).toEqual([1, expect.stringMatching(/^relay: the relay at .* refused with 404: .*\n$/)])
  expect((await run('drain', ...ops)).code).toBe(0)
  expect((await run('undrain', ...ops)).code).toBe(0)
})

it('says what it wants, and that nobody answers', async () => {
  await expect(run('dance')).rejects.toThrow('admin wants one of reservations, circuits')
  await expect(run('ban')).rejects.toThrow('usage: admin ban ID|CIDR')
  await expect(run('bans', 'all')).rejects.toThrow('usage: admin bans')
  expect((await run('--help')).out).toContain('relay admin COMMAND [flags]')
  const { code, error } = await run('bans', '--ops', '127.0.0.1:1')
  expect([code, error]).toEqual([1, 'relay: no relay answers at 127.0.0.1:1\n'])
})
