export { Button, ButtonLink, Notice, Spinner, Tick } from './elements'
export { CheckboxField, type FieldProps, SelectField, TextArea, TextField } from './fields'
export { Markdown } from './markdown'
export { applyBrand, applyTheme, onTheme, type Theme, textOn, themeOf } from './theme'
