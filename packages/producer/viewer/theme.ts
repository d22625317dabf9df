import { byId, setText } from './dom.ts';

const themes = ['auto', 'light', 'dark'] as const;
type Theme = (typeof themes)[number];
const place = 'kiel-theme';

/** As the system has it, until the button says otherwise; what it says is remembered where that is allowed. */
export function setUpTheme(): void {
  const button = byId<HTMLButtonElement>('theme');
  let theme = remembered();
  const apply = () => {
    document.documentElement.dataset['theme'] = theme;
    const name = `${theme[0]!.toUpperCase()}${theme.slice(1)}`;
    setText(button, name);
    button.setAttribute('aria-label', `Colours: ${theme}`);
  };
  button.addEventListener('click', () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length]!;
    try {
      localStorage.setItem(place, theme);
    } catch {
      // Without storage it holds as long as the page.
    }
    apply();
  });
  apply();
}

function remembered(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(place)) ?? 'auto';
  } catch {
    return 'auto';
  }
}
