import { unwrap } from '@polar-sh/client'
import { Button, Notice, SelectField } from '@polar-sh/ui'
import { type FormEvent, useState } from 'react'
import { cardName } from './cards'
import { usePortalWords, useSession } from './context'
import { Failure, useAction } from './parts'
import { useCards, useRefresh } from './queries'

/** Chooses one of the saved cards for a subscription by name, which is also how one begun by others is taken over. */
export function ChargedCard({ subscription }: { subscription: string }) {
  const { p } = usePortalWords()
  const { api } = useSession()
  const refresh = useRefresh()
  const cards = useCards().data?.items ?? []
  const [chosen, setChosen] = useState('')
  const [isSaved, setSaved] = useState(false)
  const { run, isBusy, error } = useAction()
  if (cards.length < 2) return null
  const save = (event: FormEvent) => {
    event.preventDefault()
    setSaved(false)
    void run(async () => {
      const path = { id: subscription }
      const body = { payment_method_id: chosen }
      await unwrap(api.PATCH('/v1/customer-portal/subscriptions/{id}', { params: { path }, body }))
      setSaved(true)
      await refresh()
    })
  }
  return (
    <form onSubmit={save} className="flex flex-col gap-3">
      <div className="flex flex-wrap items-end gap-3">
        <SelectField
          label={p('sub.card')}
          required
          value={chosen}
          onChange={(event) => setChosen(event.target.value)}
        >
          <option value="">{p('field.choose')}</option>
          {cards.map((card) => (
            <option key={card.id} value={card.id}>
              {cardName(p, card)}
            </option>
          ))}
        </SelectField>
        <Button type="submit" busy={isBusy}>
          {p('sub.cardSave')}
        </Button>
      </div>
      <Failure text={error} />
      {isSaved && (
        <Notice kind="notice">
          <p>{p('sub.cardSaved')}</p>
        </Notice>
      )}
    </form>
  )
}
