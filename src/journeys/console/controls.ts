/**
 * The controls of a form about something that is registered (a client, an API): made as drafts that name the pointers
 * they are about, and completed with their texts and the faults at those pointers. Texts are `console.<area>.field.…`.
 */
import type { ClientFault } from '../../domain/client/faults.ts'
import type { AdminMessageKey, AdminTranslate } from '../../http/locale.ts'

interface Common {
  id: string
  label: string
  hint: string | null
  faults: string[]
}

export type Control = Common &
  (
    | { type: 'text'; value: string; maximum: number }
    | { type: 'area'; value: string; rows: number }
    | { type: 'select'; value: string; options: Array<{ value: string; label: string }> }
    | { type: 'radios'; value: string; options: Array<{ value: string; label: string; hint: string }> }
    | { type: 'checks'; options: Array<{ id: string; label: string; checked: boolean }> }
  )

/** `at`: pointers of the members that it shows. */
export type Draft = Omit<Control, 'faults' | 'label' | 'hint'> & { at: string[]; label?: string; hint?: string | null }

export type Area = 'clients' | 'apis'

export function faultWords (
  t: AdminTranslate,
  { code, received, expected }: Pick<ClientFault, 'code' | 'received' | 'expected'>
): string {
  const words = t.code([`console.clients.fault.${code}`], 'console.clients.fault.other')
  return [
    words,
    received === '' ? '' : t('console.clients.fault.received', { value: received }),
    expected === '' ? '' : t('console.clients.fault.expected', { value: expected })
  ]
    .filter(Boolean)
    .join(' ')
}

/** What was typed into an area: a line each, without blanks around it and without empty ones. */
export const splitLines = (typed: string): string[] =>
  typed
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** Whatever was typed or stored, as a control shows it. */
export const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value)

/** Makers of drafts for one area. */
export function createDrafts (t: AdminTranslate, area: Area) {
  const valueLabel = (id: string, value: string): string =>
    t.code([`console.${area}.value.${id}.${value}`], 'console.clients.nothing') || value
  return {
    words: (id: string, value: unknown, { at, maximum }: { at: string; maximum: number }): Draft =>
      ({ id, type: 'text', value: text(value), maximum, at: [at] }) as Draft,
    area: (id: string, value: string, { at, rows = 4 }: { at: string[]; rows?: number }): Draft =>
      ({ id, type: 'area', value, rows, at }) as Draft,
    select: (id: string, value: string, { values, at }: { values: readonly string[]; at: string }): Draft =>
      ({
        id,
        type: 'select',
        value,
        options: values.map((one) => ({ value: one, label: valueLabel(id, one) })),
        at: [at]
      }) as Draft,
    checks: (id: string, values: ReadonlyArray<[string, boolean]>, at: string[]): Draft =>
      ({
        id,
        type: 'checks',
        options: values.map(([one, checked]) => ({ id: `${id}_${one}`, label: valueLabel(id, one), checked })),
        at
      }) as Draft
  }
}

/** Whether a fault is about what this draft shows. */
export const concerns = ({ at }: Pick<Draft, 'at'>, { field }: Pick<ClientFault, 'field'>): boolean =>
  at.some((pointer) => field === pointer || field.startsWith(`${pointer}/`))

/** `faults`: those of the whole. `values` fill the placeholders of hints. */
export const completeControls = (
  drafts: readonly Draft[],
  t: AdminTranslate,
  { area, faults, values = {} }: {
    area: Area
    faults: readonly ClientFault[]
    values?: Record<string, string | number>
  }
): Control[] =>
  drafts.map((draft) => {
    const { at: _at, ...shown } = draft
    const hint = t.code([`console.${area}.field.${draft.id}.hint`], 'console.clients.nothing', values)
    return {
      ...shown,
      label: draft.label ?? t(`console.${area}.field.${draft.id}` as AdminMessageKey),
      hint: draft.hint !== undefined ? draft.hint : hint === '' ? null : hint,
      faults: faults.filter((fault) => concerns(draft, fault)).map((fault) => faultWords(t, fault))
    } as Control
  })
