import { type schemas, unwrap } from '@polar-sh/client'
import { Badge, Button, Notice, SelectField, TextField } from '@polar-sh/ui'
import { type FormEvent, useState } from 'react'
import { usePortalWords, useSession } from './context'
import { Card, Failure, Loaded, Screen, Section, useAction } from './parts'
import { useMembers, useRefresh, useUser } from './queries'
import { type Role, roleOf } from './types'

type Member = schemas['CustomerPortalMember']

const GIVEN = ['member', 'billing_manager'] as const

/** The members of a team. The server decides by the same rules (`billing/members/operations.py`). */
export function TeamScreen() {
  const { p } = usePortalWords()
  const members = useMembers()
  return (
    <Screen title={p('nav.team')}>
      <p className="text-muted">{p('team.text')}</p>
      <Loaded query={members}>
        {({ items }) => (
          <ul className="flex flex-col gap-3">
            {items.map((member) => (
              <li key={member.id}>
                <Shown member={member} />
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <Section title={p('team.add')}>
        <AddMember />
      </Section>
    </Screen>
  )
}

function Shown({ member }: { member: Member }) {
  const { p } = usePortalWords()
  const { api } = useSession()
  const refresh = useRefresh()
  const user = useUser().data
  const [question, setQuestion] = useState<'remove' | 'owner' | null>(null)
  const { run, isBusy, error } = useAction()
  const params = { path: { id: member.id } }
  const name = member.name ?? member.email
  const role = roleOf(member.role)
  const isSelf = user?.member_id === member.id
  const passesOwnership = user?.type === 'customer' || user?.role === 'owner'
  const isChangeable = !isSelf && role !== 'owner'
  const change = (wanted: Role) =>
    run(async () => {
      await unwrap(api.PATCH('/v1/customer-portal/members/{id}', { params, body: { role: wanted } }))
      setQuestion(null)
      await refresh()
    })
  const remove = () =>
    run(async () => {
      await unwrap(api.DELETE('/v1/customer-portal/members/{id}', { params }))
      await refresh()
    })
  return (
    <Card>
      <div className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <span className="min-w-0 break-words font-medium">
          {name} {isSelf && <span className="font-normal text-muted">({p('team.you')})</span>}
        </span>
        <Badge tone="plain">{p(`role.${role}`)}</Badge>
      </div>
      {member.name && <p className="break-words text-sm text-muted">{member.email}</p>}
      <Failure text={error} />
      {isChangeable && question === null && (
        <div className="flex flex-wrap items-end gap-3">
          <SelectField
            label={p('team.roleOf', { name })}
            value={role}
            disabled={isBusy}
            onChange={(event) => {
              const wanted = roleOf(event.target.value)
              if (wanted === 'owner') setQuestion('owner')
              else void change(wanted)
            }}
          >
            {GIVEN.map((one) => (
              <option key={one} value={one}>
                {p(`role.${one}`)}
              </option>
            ))}
            {passesOwnership && <option value="owner">{p('role.owner')}</option>}
          </SelectField>
          <Button aria-label={p('team.remove', { name })} onClick={() => setQuestion('remove')}>
            {p('card.remove')}
          </Button>
        </div>
      )}
      {question !== null && (
        <div className="flex flex-col gap-3 text-sm">
          <p>{p(question === 'owner' ? 'team.makeOwner' : 'team.confirmRemove', { name })}</p>
          <div className="flex flex-wrap gap-3">
            <Button busy={isBusy} onClick={() => void (question === 'owner' ? change('owner') : remove())}>
              {p(question === 'owner' ? 'team.confirmOwner' : 'card.remove')}
            </Button>
            <Button onClick={() => setQuestion(null)}>{p('close')}</Button>
          </div>
        </div>
      )}
    </Card>
  )
}

function AddMember() {
  const { p } = usePortalWords()
  const { api } = useSession()
  const refresh = useRefresh()
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  const [role, setRole] = useState<(typeof GIVEN)[number]>('member')
  const [added, setAdded] = useState('')
  const { run, isBusy, error } = useAction()
  const add = (event: FormEvent) => {
    event.preventDefault()
    setAdded('')
    void run(async () => {
      const body = { email: email.trim(), role, ...(name.trim() && { name: name.trim() }) }
      await unwrap(api.POST('/v1/customer-portal/members/', { body }))
      setAdded(body.email)
      setEmail('')
      setName('')
      await refresh()
    })
  }
  return (
    <form onSubmit={add} className="flex max-w-md flex-col gap-4">
      <TextField
        label={p('login.email')}
        type="email"
        autoComplete="off"
        required
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <TextField
        label={p('field.name')}
        optional={p('sub.optional')}
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <SelectField
        label={p('team.role')}
        value={role}
        onChange={(event) => setRole(event.target.value === 'member' ? 'member' : 'billing_manager')}
      >
        {GIVEN.map((one) => (
          <option key={one} value={one}>
            {p(`role.${one}`)}
          </option>
        ))}
      </SelectField>
      <Failure text={error} />
      {added && (
        <Notice kind="notice">
          <p>{p('team.added', { email: added })}</p>
        </Notice>
      )}
      <Button kind="primary" type="submit" busy={isBusy}>
        {p('team.add')}
      </Button>
    </form>
  )
}
