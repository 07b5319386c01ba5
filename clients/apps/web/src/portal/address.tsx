import { countries, regionsOf } from '@polar-sh/i18n'
import { SelectField, TextField } from '@polar-sh/ui'
import { usePortalWords } from './context'
import type { Address } from './types'

const LINES = [
  ['line1', 'field.line1', 'address-line1'],
  ['line2', 'field.line2', 'address-line2'],
  ['postal_code', 'field.postal', 'postal-code'],
  ['city', 'field.city', 'address-level2'],
] as const

const PATH = 'billing_address'

/** What is sent of an address: an empty line is none. */
export const sentAddress = (address: Address): Address | null =>
  address.country
    ? {
        country: address.country,
        line1: address.line1 || null,
        line2: address.line2 || null,
        postal_code: address.postal_code || null,
        city: address.city || null,
        state: address.state || null,
      }
    : null

export function AddressFields({
  value,
  isCountryFixed = false,
  problems = {},
  onChange,
}: {
  value: Address
  /** Tax was charged by the country: it stays. */
  isCountryFixed?: boolean
  /** What the server refused, by the path of the field. */
  problems?: Readonly<Record<string, string>>
  onChange: (address: Address) => void
}) {
  const { p, locale } = usePortalWords()
  const regions = regionsOf(value.country)
  return (
    <>
      <SelectField
        id={`${PATH}.country`}
        error={problems[`${PATH}.country`] ?? problems[PATH]}
        label={p('field.country')}
        autoComplete="country"
        required
        disabled={isCountryFixed}
        value={value.country}
        onChange={(event) => onChange({ ...value, country: event.target.value, state: null })}
      >
        <option value="">{p('field.choose')}</option>
        {countries(locale).map(({ code, name }) => (
          <option key={code} value={code}>
            {name}
          </option>
        ))}
      </SelectField>
      {LINES.map(([name, label, hint]) => (
        <TextField
          key={name}
          id={`${PATH}.${name}`}
          error={problems[`${PATH}.${name}`]}
          label={p(label)}
          autoComplete={hint}
          value={value[name] ?? ''}
          onChange={(event) => onChange({ ...value, [name]: event.target.value })}
        />
      ))}
      {regions && (
        <SelectField
          id={`${PATH}.state`}
          error={problems[`${PATH}.state`]}
          label={p('field.state')}
          autoComplete="address-level1"
          required
          disabled={isCountryFixed && Boolean(value.state)}
          value={value.state ?? ''}
          onChange={(event) => onChange({ ...value, state: event.target.value })}
        >
          <option value="">{p('field.choose')}</option>
          {regions.map(({ code, name }) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </SelectField>
      )}
    </>
  )
}
