import type { FeedMessage } from '../src/inspector/feed-format.ts';

export interface LiveEvents {
  message(message: FeedMessage): void;
  /** The stream stands, or has ended and is tried again. */
  connected(isConnected: boolean): void;
}

/** Listens to a producer. A stream that breaks is opened again by the browser, and begins with a hello. */
export function listen(events: LiveEvents): void {
  const source = new EventSource('events');
  source.addEventListener('open', () => events.connected(true));
  source.addEventListener('message', ({ data }: MessageEvent<string>) => {
    events.message(JSON.parse(data) as FeedMessage);
  });
  source.addEventListener('error', () => {
    events.connected(false);
    // Refused outright, the browser gives up; the process may come back at the same address.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(events), 3000);
  });
}

/** @throws Error with what the server said. */
export async function ask(action: 'flush' | 'close'): Promise<void> {
  const response = await fetch(action, { method: 'POST' });
  if (!response.ok) throw new Error((await response.text()).trim());
}
