import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { run } from './process.ts'
import { temporaryFolder } from './sluice.ts'

const MAIN = join(import.meta.dirname, '../apps/remote-proxy/dist/main.mjs')

const folder = temporaryFolder()
afterAll(() => rmSync(folder, { recursive: true }))

/** What `completion SHELL` prints, in a file. */
const script = async (shell: string): Promise<string> => {
  const { status, stdout, stderr } = await run(process.execPath, [MAIN, 'completion', shell])
  expect([status, stderr]).toEqual([0, ''])
  const file = join(folder, shell)
  writeFileSync(file, stdout)
  return file
}

test.each(['bash', 'zsh', 'fish'])('%s can read its script', async (shell) => {
  const { status, stderr } = await run(shell, ['-n', await script(shell)])
  expect([status, stderr]).toEqual([0, ''])
})

test('fish completes commands, flags and their values', async () => {
  const file = await script('fish')
  const offered = async (line: string): Promise<string[]> => {
    const { stdout } = await run('fish', ['-c', `source ${file}; complete -C '${line}'`], '', {
      HOME: folder,
    })
    return String(stdout)
      .split('\n')
      .map((each) => each.split('\t', 1)[0]!)
  }
  expect(await offered('remote-proxy ')).toEqual(expect.arrayContaining(['serve', 'user', 'local', 'top']))
  expect(await offered('remote-proxy user add x --quo')).toContain('--quota')
  expect(await offered('remote-proxy --log-level ')).toContain('warn')
})
