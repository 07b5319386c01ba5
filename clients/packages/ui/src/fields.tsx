import { type ComponentPropsWithRef, type ReactNode, useId } from 'react'

const BOX =
  'w-full min-w-0 rounded-lg border bg-raised px-3 py-2.5 text-base text-ink placeholder:text-muted ' +
  'disabled:opacity-60 aria-invalid:border-danger border-edge'

/** What every field has: a visible label, and perhaps a hint and what is wrong with it. */
export interface FieldProps {
  label: ReactNode
  error?: string | undefined
  hint?: ReactNode
  /** Stands behind the label of a field that may stay empty. */
  optional?: string | undefined
}

/** Ties a label, a hint and an error to a control by their ids. */
function Field({
  label,
  error,
  hint,
  optional,
  id,
  children,
}: FieldProps & { id: string; children: ReactNode }) {
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
        {optional && <span className="font-normal text-muted"> ({optional})</span>}
      </label>
      {children}
      {hint && (
        <div id={`${id}-hint`} className="text-sm text-muted">
          {hint}
        </div>
      )}
      {error && (
        <p id={`${id}-error`} className="text-sm text-danger">
          {error}
        </p>
      )}
    </div>
  )
}

const described = (id: string, { error, hint }: FieldProps) =>
  [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined

/** A line of text. */
export function TextField({
  label,
  error,
  hint,
  optional,
  ...input
}: FieldProps & ComponentPropsWithRef<'input'>) {
  const made = useId()
  const id = input.id ?? made
  const field = { label, error, hint, optional }
  return (
    <Field {...field} id={id}>
      <input
        {...input}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(id, field)}
        className={BOX}
      />
    </Field>
  )
}

/** Several lines of text. */
export function TextArea({
  label,
  error,
  hint,
  optional,
  ...area
}: FieldProps & ComponentPropsWithRef<'textarea'>) {
  const made = useId()
  const id = area.id ?? made
  const field = { label, error, hint, optional }
  return (
    <Field {...field} id={id}>
      <textarea
        rows={3}
        {...area}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(id, field)}
        className={BOX}
      />
    </Field>
  )
}

/** One out of a list. The children are its options. */
export function SelectField({
  label,
  error,
  hint,
  optional,
  ...select
}: FieldProps & ComponentPropsWithRef<'select'>) {
  const made = useId()
  const id = select.id ?? made
  const field = { label, error, hint, optional }
  return (
    <Field {...field} id={id}>
      <select
        {...select}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(id, field)}
        className={`${BOX} min-h-[46px]`}
      />
    </Field>
  )
}

/** A box to tick, with its label beside it. */
export function CheckboxField({
  label,
  error,
  hint,
  optional,
  ...input
}: FieldProps & ComponentPropsWithRef<'input'>) {
  const made = useId()
  const id = input.id ?? made
  const field = { label, error, hint, optional }
  return (
    <div className="flex flex-col gap-1">
      <div className="flex items-start gap-2.5">
        <input
          {...input}
          type="checkbox"
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={described(id, field)}
          className="mt-0.5 size-5 shrink-0 accent-accent"
        />
        <label htmlFor={id} className="min-w-0 text-sm leading-6">
          {label}
          {optional && <span className="text-muted"> ({optional})</span>}
        </label>
      </div>
      {hint && (
        <div id={`${id}-hint`} className="pl-7.5 text-sm text-muted">
          {hint}
        </div>
      )}
      {error && (
        <p id={`${id}-error`} className="pl-7.5 text-sm text-danger">
          {error}
        </p>
      )}
    </div>
  )
}
