import Theme from 'vitepress/theme-without-fonts';
import './kiel.css';

export default Theme;
