import type { Problem } from '@polar-sh/client'

const FIELDS = 'input, select, textarea'

/** The path of a refused field, as forms name it: `customer_billing_address.state`. */
export const pathOf = (problem: Problem): string =>
  problem.loc.slice(problem.loc[0] === 'body' ? 1 : 0).join('.')

/** Whether a path is a field's own, or that of a part of it. */
export const isWithin = (path: string, field: string): boolean =>
  path === field || path.startsWith(`${field}.`)

/** Whether a form on the page has a field for a path. */
export const hasField = (path: string): boolean => document.getElementById(path)?.matches(FIELDS) === true

/** Puts the reader at the first field that was refused, as soon as it is drawn. Fields have their paths as ids. */
export function focusFirst(paths: () => string[]): void {
  requestAnimationFrame(() => {
    const wrong = paths()
    const fields = [...document.querySelectorAll<HTMLElement>(FIELDS)]
    fields.find(({ id }) => id && wrong.some((path) => isWithin(id, path)))?.focus()
  })
}
