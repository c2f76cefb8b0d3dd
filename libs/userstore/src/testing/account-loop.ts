// A program for tests to kill: books one batch after another and prints the seq of each that was answered.
import { openStore } from '../open-store.ts'

const [url = '', userId = '', first = ''] = process.argv.slice(2)
const store = await openStore(url)
for (let seq = Number(first); ; seq += 1) {
  await store.account({ node: 'loop', seq, at: Date.now(), entries: [{ userId, up: 1, down: 2 }] })
  console.log(seq)
}
