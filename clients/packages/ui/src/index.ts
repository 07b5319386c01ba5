export { Badge, Button, ButtonLink, Cross, Notice, Spinner, Tick, type Tone } from './elements'
export { CheckboxField, type FieldProps, SelectField, TextArea, TextField } from './fields'
export { Markdown } from './markdown'
export { applyBrand, applyTheme, onTheme, type Theme, textOn, themeOf } from './theme'
