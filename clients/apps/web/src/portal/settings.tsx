import { unwrap } from '@polar-sh/client'
import { LOCALES } from '@polar-sh/i18n'
import { Button, Notice, SelectField, TextField } from '@polar-sh/ui'
import { type FormEvent, useState } from 'react'
import { AddressFields, sentAddress } from './address'
import { usePortalWords, useSession } from './context'
import { Failure, Loaded, Screen, Section, useAction } from './parts'
import { useCustomer, useManages, useRefresh, useSeller, useUser } from './queries'
import { type Address, allowedBy, type PortalCustomer } from './types'

export function SettingsScreen() {
  const { p } = usePortalWords()
  const customer = useCustomer()
  const user = useUser().data
  const allowed = allowedBy(useSeller().data?.seller)
  if (!useManages()) {
    return (
      <Screen title={p('nav.settings')}>
        <Section title={p('settings.you')}>
          {user?.name && <p className="break-words text-sm">{user.name}</p>}
          <p className="break-words text-sm text-muted">{user?.email}</p>
        </Section>
        <Language />
      </Screen>
    )
  }
  return (
    <Screen title={p('nav.settings')}>
      <Loaded query={customer}>
        {(me) => (
          <>
            <Section title={p('settings.you')}>
              <Profile customer={me} />
            </Section>
            <Section title={p('settings.email')}>
              <p className="break-words text-sm">{me.email}</p>
              {allowed.email && user?.role !== 'billing_manager' && <EmailChange />}
            </Section>
          </>
        )}
      </Loaded>
      <Language />
    </Screen>
  )
}

const PROFILE = ['name', 'billing_name', 'billing_address', 'tax_id']

function Profile({ customer }: { customer: PortalCustomer }) {
  const { p } = usePortalWords()
  const { api } = useSession()
  const refresh = useRefresh()
  const [name, setName] = useState(customer.name ?? '')
  const [billingName, setBillingName] = useState(customer.billing_name ?? '')
  const [address, setAddress] = useState<Address>(customer.billing_address ?? { country: '' })
  const first = customer.tax_id?.[0] ?? ''
  const [taxId, setTaxId] = useState(first)
  const [isSaved, setSaved] = useState(false)
  const { run, isBusy, error, problems } = useAction(PROFILE)
  const save = async (event: FormEvent) => {
    event.preventDefault()
    setSaved(false)
    const sent = sentAddress(address)
    const body = {
      name: name.trim() || null,
      billing_name: billingName.trim() || null,
      ...(sent && { billing_address: sent }),
      ...(taxId !== first && { tax_id: taxId.trim() || null }),
    }
    const isDone = await run(async () => {
      await unwrap(api.PATCH('/v1/customer-portal/customers/me', { body }))
      await refresh()
    })
    setSaved(isDone)
  }
  return (
    <form onSubmit={(event) => void save(event)} className="flex max-w-md flex-col gap-4">
      <TextField
        id="name"
        error={problems.name}
        label={p('field.name')}
        autoComplete="name"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <TextField
        id="billing_name"
        error={problems.billing_name}
        label={p('field.billingName')}
        autoComplete="organization"
        value={billingName}
        onChange={(event) => setBillingName(event.target.value)}
      />
      <AddressFields value={address} problems={problems} onChange={setAddress} />
      <TextField
        id="tax_id"
        error={problems.tax_id}
        label={p('field.taxId')}
        optional={p('sub.optional')}
        value={taxId}
        onChange={(event) => setTaxId(event.target.value)}
      />
      <Failure text={error} />
      {isSaved && (
        <Notice kind="notice">
          <p>{p('saved')}</p>
        </Notice>
      )}
      <Button kind="primary" type="submit" busy={isBusy}>
        {p('save')}
      </Button>
    </form>
  )
}

function EmailChange() {
  const { p } = usePortalWords()
  const { api } = useSession()
  const [email, setEmail] = useState('')
  const [sent, setSent] = useState('')
  const { run, isBusy, error, problems } = useAction(['email'])
  const request = (event: FormEvent) => {
    event.preventDefault()
    void run(async () => {
      const body = { email: email.trim() }
      await unwrap(api.POST('/v1/customer-portal/customers/me/email-update/request', { body }))
      setSent(body.email)
    })
  }
  if (sent) {
    return (
      <Notice kind="notice">
        <p>{p('settings.emailSent', { email: sent })}</p>
      </Notice>
    )
  }
  return (
    <form onSubmit={request} className="flex max-w-md flex-col gap-4">
      <TextField
        id="email"
        error={problems.email}
        label={p('settings.newEmail')}
        type="email"
        autoComplete="email"
        required
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <Failure text={error} />
      <Button type="submit" busy={isBusy}>
        {p('settings.changeEmail')}
      </Button>
    </form>
  )
}

function Language() {
  const { p, locale, choose } = usePortalWords()
  const { api } = useSession()
  const { run, error } = useAction()
  const manages = useManages()
  const change = (wanted: string) => {
    choose(wanted)
    // A plain member's language is that of the tab: they change nothing of the team.
    if (!manages) return
    void run(() => unwrap(api.PATCH('/v1/customer-portal/customers/me', { body: { locale: wanted } })))
  }
  return (
    <Section title={p('settings.language')}>
      <div className="max-w-md">
        <SelectField
          label={p('settings.language')}
          value={locale}
          onChange={(event) => change(event.target.value)}
        >
          {Object.entries(LOCALES).map(([code, name]) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </SelectField>
      </div>
      <Failure text={error} />
    </Section>
  )
}
