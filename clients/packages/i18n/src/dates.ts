/** An instant as a day in the reader's own time zone: `14 December 2026`. */
export const formatDate = (instant: string, locale: string): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'long' }).format(new Date(instant))

/** The same, short: `14/12/2026`. */
export const formatDay = (instant: string, locale: string): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(new Date(instant))

/** An instant as a day and a time in the reader's own time zone: `14 December 2026 at 15:04:05 CET`. */
export const formatInstant = (instant: string, locale: string): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'long' }).format(new Date(instant))
