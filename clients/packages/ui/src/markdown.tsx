import { Fragment, type ReactNode } from 'react'

const INLINE =
  /\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|_([^_\s][^_]*)_|`([^`]+)`|\[([^\]]+)\]\((https?:\/\/[^\s)]+|mailto:[^\s)]+)\)/

/** Bold, italics, code and links of one line. Anything else, HTML too, is shown as the text that it is. */
function inline(text: string): ReactNode[] {
  const parts: ReactNode[] = []
  let rest = text
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    const [whole, bold, star, underscore, code, label, address] = found
    parts.push(rest.slice(0, found.index))
    if (bold) parts.push(<strong>{inline(bold)}</strong>)
    else if (star || underscore) parts.push(<em>{star || underscore}</em>)
    else if (code) parts.push(<code className="rounded bg-line px-1">{code}</code>)
    else
      parts.push(
        <a
          href={address}
          target="_blank"
          rel="noopener noreferrer nofollow"
          className="text-accent underline"
        >
          {label}
        </a>,
      )
    rest = rest.slice(found.index + whole.length)
  }
  return [...parts, rest].map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text have no other name, and never change places
    <Fragment key={index}>{part}</Fragment>
  ))
}

/** A seller's text: paragraphs, lists and headings, without any HTML and without pictures from elsewhere. */
export function Markdown({ text }: { text: string }) {
  const blocks = text.replace(/\r/g, '').split(/\n{2,}/)
  return (
    <div className="flex flex-col gap-3 break-words">
      {blocks.map((block, index) => {
        const lines = block.split('\n').filter((line) => line.trim())
        const isList = lines.length > 0 && lines.every((line) => /^\s*([-*+]|\d+[.)])\s/.test(line))
        const key = `${index}:${block.slice(0, 20)}`
        if (isList) {
          return (
            <ul key={key} className="list-disc pl-5">
              {lines.map((line) => (
                <li key={line}>{inline(line.replace(/^\s*([-*+]|\d+[.)])\s+/, ''))}</li>
              ))}
            </ul>
          )
        }
        const heading = /^#{1,6}\s+(.*)$/.exec(lines[0] ?? '')
        const text = (heading ? [heading[1] ?? '', ...lines.slice(1)] : lines).join(' ')
        return (
          <p key={key} className={heading ? 'font-semibold' : undefined}>
            {inline(text)}
          </p>
        )
      })}
    </div>
  )
}
