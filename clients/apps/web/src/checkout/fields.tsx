import type { Problem } from '@polar-sh/client'
import { countries, regionsOf, type Translate } from '@polar-sh/i18n'
import { Button, CheckboxField, SelectField, TextArea, TextField } from '@polar-sh/ui'
import { useMemo } from 'react'
import { useWords } from '../shared/locale'
import { type Checkout, type Question, questionsOf } from './types'
import { type Answer, demandOf, suggestion, type Values, wordingOf } from './values'

type Errors = Readonly<Record<string, Problem>>
type Set = (part: Partial<Values>) => void

/** The words for what is wrong with a field. */
export function errorWords(t: Translate, errors: Errors, path: string): string | undefined {
  const problem = errors[path]
  if (!problem) return undefined
  if (path === 'customer_email') return t('field.emailInvalid')
  if (problem.type === 'missing') return t('field.required')
  // The server's own words are English: in another language they stand behind words of the page.
  if (document.documentElement.lang === 'en') return problem.msg
  return path === 'customer_tax_id' ? t('field.taxIdInvalid') : `${t('field.invalid')}: ${problem.msg}`
}

/** The e-mail address, with a better spelling where one is likely. */
export function EmailField({
  values,
  errors,
  set,
  onLeave,
  isFixed,
}: {
  values: Values
  errors: Errors
  set: Set
  onLeave: () => void
  isFixed: boolean
}) {
  const { t } = useWords()
  const better = isFixed ? null : suggestion(values.email)
  return (
    <TextField
      id="customer_email"
      label={t('field.email')}
      type="email"
      autoComplete="email"
      inputMode="email"
      spellCheck={false}
      required
      readOnly={isFixed}
      value={values.email}
      onChange={(event) => set({ email: event.target.value })}
      onBlur={onLeave}
      error={errorWords(t, errors, 'customer_email')}
      hint={
        better && (
          <Button kind="quiet" onClick={() => set({ email: better })}>
            {t('field.emailSuggestion', { email: better })}
          </Button>
        )
      }
    />
  )
}

/** The parts of a billing address that the server asks for, by country. */
export function AddressFields({
  checkout,
  values,
  errors,
  set,
}: {
  checkout: Checkout
  values: Values
  errors: Errors
  set: Set
}) {
  const { t, locale } = useWords()
  const list = useMemo(() => countries(locale), [locale])
  const error = (part: string) => errorWords(t, errors, `customer_billing_address.${part}`)
  const asks = (part: string) => demandOf(checkout, part) !== 'disabled'
  const optional = (part: string) =>
    demandOf(checkout, part) === 'optional' ? t('field.optional') : undefined
  const required = (part: string) => demandOf(checkout, part) === 'required'
  const text = (part: 'line1' | 'line2' | 'city' | 'postalCode' | 'state', name: string) => ({
    id: `customer_billing_address.${name}`,
    value: values[part],
    required: required(name),
    optional: optional(name),
    error: error(name),
    onChange: (event: { target: { value: string } }) => set({ [part]: event.target.value }),
  })
  const regions = regionsOf(values.country)
  const isUS = values.country === 'US'
  return (
    <>
      <SelectField
        id="customer_billing_address.country"
        label={t('field.country')}
        autoComplete="billing country"
        required
        value={list.some(({ code }) => code === values.country) ? values.country : ''}
        onChange={(event) => set({ country: event.target.value, state: '' })}
        error={error('country') ?? errorWords(t, errors, 'customer_billing_address')}
      >
        <option value="" disabled>
          {t('field.chooseCountry')}
        </option>
        {list.map(({ code, name }) => (
          <option key={code} value={code}>
            {name}
          </option>
        ))}
      </SelectField>
      {asks('line1') && (
        <TextField
          {...text('line1', 'line1')}
          label={t('field.line1')}
          autoComplete="billing address-line1"
        />
      )}
      {asks('line2') && (
        <TextField
          {...text('line2', 'line2')}
          label={t('field.line2')}
          autoComplete="billing address-line2"
        />
      )}
      {(asks('postal_code') || asks('city')) && (
        <div className="grid grid-cols-1 items-end gap-4 min-[360px]:grid-cols-2">
          {asks('postal_code') && (
            <TextField
              {...text('postalCode', 'postal_code')}
              label={t(isUS ? 'field.zip' : 'field.postalCode')}
              autoComplete="billing postal-code"
            />
          )}
          {asks('city') && (
            <TextField
              {...text('city', 'city')}
              label={t('field.city')}
              autoComplete="billing address-level2"
            />
          )}
        </div>
      )}
      {asks('state') &&
        (regions ? (
          <SelectField
            id="customer_billing_address.state"
            label={t(isUS ? 'field.state' : 'field.province')}
            autoComplete="billing address-level1"
            required={required('state')}
            optional={optional('state')}
            value={values.state}
            onChange={(event) => set({ state: event.target.value })}
            error={error('state')}
          >
            <option value="">{t('field.choose')}</option>
            {regions.map(({ code, name }) => (
              <option key={code} value={code}>
                {name}
              </option>
            ))}
          </SelectField>
        ) : (
          <TextField
            {...text('state', 'state')}
            label={t('field.region')}
            autoComplete="billing address-level1"
          />
        ))}
    </>
  )
}

/** What a business says of itself. */
export function BusinessFields({ values, errors, set }: { values: Values; errors: Errors; set: Set }) {
  const { t } = useWords()
  return (
    <>
      <CheckboxField
        id="is_business_customer"
        label={t('field.business')}
        checked={values.isBusiness}
        onChange={(event) => set({ isBusiness: event.target.checked })}
      />
      {values.isBusiness && (
        <>
          <TextField
            id="customer_billing_name"
            label={t('field.billingName')}
            autoComplete="billing organization"
            required
            value={values.billingName}
            onChange={(event) => set({ billingName: event.target.value })}
            error={errorWords(t, errors, 'customer_billing_name')}
          />
          <TextField
            id="customer_tax_id"
            label={t('field.taxId')}
            autoComplete="off"
            spellCheck={false}
            optional={t('field.optional')}
            value={values.taxId}
            onChange={(event) => set({ taxId: event.target.value })}
            error={errorWords(t, errors, 'customer_tax_id')}
          />
        </>
      )}
    </>
  )
}

/** A consumer's consent to delivery at once, and to what becomes of the right of withdrawal by that. */
export function ConsentField({
  checkout,
  values,
  errors,
  set,
}: {
  checkout: Checkout
  values: Values
  errors: Errors
  set: Set
}) {
  const { t } = useWords()
  if (!wordingOf(checkout)) return null
  const text = checkout.product?.is_recurring ? 'consent.subscription' : 'consent.once'
  return (
    <CheckboxField
      id="immediate_delivery_consent"
      label={t(text, { organization: checkout.organization?.name ?? '' })}
      required
      checked={values.consents}
      onChange={(event) => set({ consents: event.target.checked })}
      error={errors.immediate_delivery_consent && t('field.mustTick')}
    />
  )
}

/** The seller's own questions. */
export function QuestionFields({
  checkout,
  values,
  errors,
  set,
}: {
  checkout: Checkout
  values: Values
  errors: Errors
  set: Set
}) {
  return questionsOf(checkout).map((question) => (
    <QuestionField
      key={question.custom_field.slug}
      question={question}
      answer={values.answers[question.custom_field.slug] ?? ''}
      errors={errors}
      set={(answer) => set({ answers: { ...values.answers, [question.custom_field.slug]: answer } })}
    />
  ))
}

const dayOf = (seconds: number | null | undefined) =>
  seconds === null || seconds === undefined ? undefined : new Date(seconds * 1000).toISOString().slice(0, 10)

/** `From 2 to 50`; undefined where a number has no limits at both ends. */
function rangeWords(t: Translate, locale: string, { ge, le }: Question['custom_field']['properties']) {
  if (ge === null || ge === undefined || le === null || le === undefined) return undefined
  const numbers = new Intl.NumberFormat(locale)
  return t('quantity.range', { min: numbers.format(ge), max: numbers.format(le) })
}

function QuestionField({
  question,
  answer,
  errors,
  set,
}: {
  question: Question
  answer: Answer
  errors: Errors
  set: (answer: Answer) => void
}) {
  const { t, locale } = useWords()
  const { type, slug, name, properties } = question.custom_field
  const path = `custom_field_data.${slug}`
  const missing = errors[path]?.type === 'missing'
  const range = type === 'number' ? rangeWords(t, locale, properties) : undefined
  const words = errorWords(t, errors, path)
  const common = {
    id: path,
    label: properties.form_label || name,
    hint: properties.form_help_text || undefined,
    required: question.required,
    optional: question.required ? undefined : t('field.optional'),
    error:
      missing && type === 'checkbox' ? t('field.mustTick') : words && !missing ? (range ?? words) : words,
  }
  if (type === 'checkbox') {
    return (
      <CheckboxField {...common} checked={answer === true} onChange={(event) => set(event.target.checked)} />
    )
  }
  const value = typeof answer === 'string' ? answer : ''
  const onChange = (event: { target: { value: string } }) => set(event.target.value)
  if (type === 'select') {
    return (
      <SelectField {...common} value={value} onChange={onChange}>
        <option value="">{t('field.choose')}</option>
        {properties.options?.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </SelectField>
    )
  }
  const placeholder = properties.form_placeholder ?? undefined
  const maxLength = properties.max_length ?? undefined
  if (type === 'text' && properties.textarea) {
    return <TextArea {...common} {...{ value, onChange, placeholder, maxLength }} />
  }
  if (type === 'date') {
    const range = { min: dayOf(properties.ge), max: dayOf(properties.le) }
    return <TextField {...common} {...range} type="date" value={value} onChange={onChange} />
  }
  const numeric = type === 'number' ? ({ inputMode: 'numeric' } as const) : {}
  return <TextField {...common} {...numeric} {...{ value, onChange, placeholder, maxLength }} />
}
