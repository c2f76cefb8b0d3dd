import { join } from 'node:path'

/** Where the relay keeps who it is. */
export const identityFile = ({ data }: { readonly data: string }): string => join(data, 'relay-identity.pem')
