import '../styles.css'
import { mount } from '../shared/mount'
import { App } from './app'

void mount(<App />)
