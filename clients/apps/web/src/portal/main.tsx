import '../styles.css'
import { mount } from '../shared/mount'
import { Portal } from './portal'
import { takeSession } from './session'

takeSession()
void mount(<Portal />)
