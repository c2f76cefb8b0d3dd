import { closeSync, openSync } from 'node:fs'

/** Linux doubles its room, from 64 on: with one more than 4096 it is 8192. */
const FILES = 4097

/**
 * Each time that a program with threads comes to have twice as many files and sockets open, Linux stops it for some 10 ms
 * to make room for them. That would be felt by all who are here while thousands of ports are opened: so it is done before
 * anybody is.
 */
export const makeRoomForFiles = (): void => {
  if (process.platform !== 'linux') return
  const files: number[] = []
  try {
    while (files.length < FILES) files.push(openSync('/dev/null', 'r'))
  } catch {
    // No more are allowed, so no more will be needed.
  }
  for (const file of files) closeSync(file)
}
