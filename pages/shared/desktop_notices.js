// Shows a notice of the desktop for each job that has ended, once over all tabs of this browser, where a person
// has switched that on in the settings.
const WANTED = "studio_desktop_notices", TOLD = "studio_desktop_told", KEPT = 100;
const state = (window.studioDesktop ??= {seen: []});

const told = () => { try { return JSON.parse(localStorage.getItem(TOLD)) ?? []; } catch { return []; } };

function show(job) {
  const earlier = told();
  if (earlier.includes(job.key)) return;
  localStorage.setItem(TOLD, JSON.stringify([...earlier, job.key].slice(-KEPT)));
  try {
    const notice = new Notification(job.title, {body: job.text, tag: job.key});
    notice.onclick = () => { window.focus(); notice.close(); };
  } catch { /* a browser that knows notices of service workers only */ }
}

async function tell(job) {
  if (state.seen.includes(job.key)) return;
  if (localStorage.getItem(WANTED) === "on" && window.Notification?.permission === "granted") {
    // The lock is held by one tab at a time, so that two that hear of it together do not both look first.
    if (navigator.locks) await navigator.locks.request(TOLD, () => show(job)); else show(job);
  }
  state.seen.push(job.key);
}

export default function ({data}) { data.jobs.forEach(tell); }
