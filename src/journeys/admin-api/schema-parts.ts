/**
 * Small schemas from which the others are made. Answers are closed objects: a member that is not described is not sent.
 */
import Type, { type TObject, type TProperties, type TSchema } from 'typebox'

export const closed = <P extends TProperties>(members: P, options: Record<string, unknown> = {}): TObject<P> =>
  Type.Object(members, { ...options, additionalProperties: false })
export const nullable = <S extends TSchema>(schema: S, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })
export const text = (maxLength: number, description?: string) =>
  Type.String({ maxLength, ...(description === undefined ? {} : { description }) })
export const time = Type.String({ format: 'date-time' })
export const list = <S extends TSchema>(item: S) =>
  closed({
    items: Type.Array(item),
    next: nullable(Type.String(), 'Parameter `after` of the next page; null: this is the last.')
  })

/** Member `reason` of a body; the header Kora-Reason says the same. */
export const reason = Type.Optional(text(200, 'Why; or in the header Kora-Reason. Goes into the audit trail.'))

/** A page of the changes of something that is registered: who changed what and why. */
export const history = () =>
  list(
    closed({
      id: Type.Integer(),
      version: Type.Integer(),
      act: Type.String(),
      actor: Type.String(),
      reason: Type.String(),
      diff: Type.Array(Type.Unknown()),
      trace_id: nullable(Type.String()),
      at: time
    })
  )
