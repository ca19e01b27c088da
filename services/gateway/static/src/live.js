// One stream of changes per browser: a tab holds it and passes on to the others what it hears.
// A part of a page with data-live="topic" asks for itself anew when its topic changes, also when
// that was between the page's drawing (data-seen) and the stream's beginning.
const EVERYTHING = "all";
const channel = new BroadcastChannel("pregon-live");
let source = null;
let wait = 1000;

function refresh(topics) {
  for (const part of document.querySelectorAll("[data-live]")) {
    if (topics.includes(EVERYTHING) || topics.includes(part.dataset.live)) {
      window.htmx.trigger(part, "live");
    }
  }
}

function hear(topics) {
  refresh(topics);
  channel.postMessage(topics);
}

function connect() {
  source = new EventSource(`/vivo?desde=${document.body.dataset.seen}`);
  source.onopen = () => {
    wait = 1000;
  };
  source.onmessage = (event) => hear(JSON.parse(event.data));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) {
      setTimeout(reconnect, wait);
      wait = Math.min(wait * 2, 60000);
    }
  };
}

// What happened while nobody listened is not told again
function reconnect() {
  connect();
  source.addEventListener("open", () => hear([EVERYTHING]), { once: true });
}

channel.onmessage = (event) => refresh(event.data);

if (document.querySelector("[data-live]")) {
  if (navigator.locks) {
    let first = true;
    const hold = () => new Promise(() => (first ? connect() : reconnect()));
    navigator.locks.request("pregon-live", { ifAvailable: true }, (lock) => {
      if (lock) return hold();
      first = false;
      navigator.locks.request("pregon-live", hold);
      return undefined;
    });
  } else {
    connect();
  }
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    if (source) reconnect();
    refresh([EVERYTHING]);
  });
}
