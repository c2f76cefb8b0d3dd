// A program for tests to kill: books one entry after another, adds a host now and then, and prints how many it has booked.
import { RecordStore } from '../record-store.ts'

const [file = '', name = ''] = process.argv.slice(2)
const store = RecordStore.open(file)
for (let booked = 1; ; booked += 1) {
  store.book([{ kind: 'client', id: 1, inlet: 1, export: 2 }], Date.now())
  if (booked % 10 === 0) store.addHost({ clientId: 1, host: `${name}${booked}.example`, targets: ['80'] })
  console.log(booked)
}
