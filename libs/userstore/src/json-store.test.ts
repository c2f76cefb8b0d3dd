import { storeContract } from './testing/store-contract.ts'
import { storeSharing } from './testing/store-sharing.ts'

storeContract('json')
storeSharing('json')
