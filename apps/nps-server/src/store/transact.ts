/** All that `write` does, or nothing where it throws; no other program writes meanwhile. @throws StoreError */
export type Transact = <T>(write: () => T) => T
