// The button that lets the studio show notices of the desktop in this browser. Only a press may ask the browser.
const WANTED = "studio_desktop_notices";

export default function ({data, parentElement}) {
  const button = parentElement.querySelector("button"), line = parentElement.querySelector("span");
  const words = data.words;
  const draw = () => {
    const possible = "Notification" in window && window.isSecureContext;
    const allowed = possible && Notification.permission === "granted";
    const on = allowed && localStorage.getItem(WANTED) === "on";
    const refused = possible && Notification.permission === "denied";
    button.disabled = !possible || refused;
    button.textContent = on ? words.off : words.on;
    line.textContent = !possible ? words.impossible : refused ? words.refused : on ? words.isOn : words.isOff;
  };
  button.onclick = async () => {
    if (Notification.permission === "granted" && localStorage.getItem(WANTED) === "on") {
      localStorage.removeItem(WANTED);
    } else if (await Notification.requestPermission() === "granted") {
      localStorage.setItem(WANTED, "on");
      try { new Notification(words.trial); } catch { /* a browser that knows notices of service workers only */ }
    }
    draw();
  };
  draw();
}
