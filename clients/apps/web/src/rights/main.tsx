import '../styles.css'
import { mount } from '../shared/mount'
import { RightsPage } from './page'

void mount(<RightsPage />)
