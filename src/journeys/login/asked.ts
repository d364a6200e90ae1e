import { askedRepresentation, type AskedRepresentation } from '../../domain/representation/representation-request.ts'
import type { LoginContext } from './context.ts'

/**
 * The organization, functions and capacities that the relying site asks for (RFC 9396); null: it leaves that to the
 * person.
 */
export const askedOf = ({ params }: Pick<LoginContext, 'params'>): AskedRepresentation | null =>
  askedRepresentation(params['authorization_details'])
