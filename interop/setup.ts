import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { missingPrograms, PYTHON } from './programs.ts'
import { installSingBox } from './sing-box.ts'

/** Before all tests: everything foreign is there, and the programs are those of the present source. */
export const setup = (): void => {
  const missing = missingPrograms()
  if (missing.length > 0) throw new Error(`these foreign programs are missing:\n  ${missing.join('\n  ')}`)
  installSingBox(PYTHON)
  const root = join(import.meta.dirname, '..')
  for (const app of ['remote-proxy', 'ss-node', 'relay', 'https-proxy', 'nps-server']) {
    execFileSync(process.execPath, [join(root, 'tools/bundle.mjs')], {
      cwd: join(root, 'apps', app),
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
}
