import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Route } from '../load.ts'
import { type Program, searchPath } from '../process.ts'

/** A program that can stand between the load's client and its origin. */
export interface Peer {
  name: string
  /** What the load speaks to it. */
  mode: Route['mode']
  /** `NAME:PASSWORD`, where it asks for one. */
  login?: string
  /** Measured where it can be had, and left out with a word where it cannot. */
  optional?: boolean
  /** Throws, saying what to do, where it cannot run here. */
  check(): void
  version(): string
  start(ground: Ground): Promise<Started>
}

/** What a peer is given for one measurement. */
export interface Ground {
  /** An existing folder for configuration and logs, the same for the whole run. */
  dir: string
  /** Where the origin will listen, for peers that must know it beforehand. */
  originPort: number
  /** Further flags of our own program. */
  flags: readonly string[]
}

export interface Started {
  program: Program
  port: number
}

/** Where a program is, or undefined where it is not. */
export function findProgram(command: string): string | undefined {
  const places = searchPath().split(':')
  return places.map((folder) => join(folder, command)).find((file) => existsSync(file))
}

/** Throws, with the hint, where a program is not in PATH. */
export function checkProgram(command: string, hint: string): void {
  if (findProgram(command) === undefined) throw new Error(`${command} is not in PATH. ${hint}`)
}

/** Throws where a Debian program is not installed. */
export function checkInstalled(command: string, debianPackage: string): void {
  if (findProgram(command) === undefined)
    throw new Error(`${command} is not installed: apt-get install ${debianPackage}`)
}

/** The version that Debian gives an installed package, or `unknown` where there is no dpkg. */
export function debianVersion(debianPackage: string): string {
  try {
    return execFileSync('dpkg-query', ['-W', '-f', '${Version}', debianPackage], { encoding: 'utf8' })
  } catch {
    return 'unknown'
  }
}
