import '../styles.css'
import { loadConfig } from '../shared/config'
import { mount } from '../shared/mount'
import { secretOf } from './api'
import { App, open } from './app'
import { host } from './embed'

host.begin()
// The checkout is asked for at once, beside the texts: on a slow network each question after another costs.
const secret = secretOf(location.pathname)
const opened = secret ? open(secret) : null
// The card form asks again where this fails.
loadConfig().catch(() => {})

void mount(<App opened={opened} />)
