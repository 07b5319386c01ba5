import '../styles.css'
import { mount } from '../shared/mount'
import { App } from './app'
import { host } from './embed'

host.begin()
void mount(<App />)
