// Mounts a component: its root element, its updates and clean-up, and when it may send.

import { element } from "./dom.js";

const REMOVAL_DELAY = 200; // ms
const NAVIGATION = 60_000; // ms within which the other page is shown, including the import of torch

/**
 * Call `listener(true)` when the visitor navigates to another page of the app, `listener(false)` on
 * the way back to this one.
 *
 * @param {(away: boolean) => void} listener
 * @param {AbortSignal} signal
 */
function onNavigation(listener, signal) {
  const { pathname, origin } = window.location;
  const options = { capture: true, signal };
  window.addEventListener("popstate", () => listener(window.location.pathname !== pathname), options);
  window.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest?.("a");
    const newTab = event.ctrlKey || event.metaKey || event.shiftKey || link?.target;
    if (link?.href && !newTab && link.origin === origin) listener(link.pathname !== pathname);
  }, options);
}

/**
 * The function that Streamlit calls for each change of a component's data.
 *
 * An instance is kept per parent element, because Streamlit calls again, with new functions, for
 * each change. Streamlit also calls the clean-up of an older call before or after the newer call, so
 * only the clean-up of the newest call removes the instance, and only if no other call follows:
 * otherwise a slider would be replaced during a drag.
 *
 * Nothing is sent after a navigation to another page. A message sent after the navigation names the
 * page that it comes from, and of two queued messages Streamlit shows the newer one's page: the
 * visitor would stay on the old page.
 *
 * @template Data
 * @param {string} name of the component, in the root element's data-latent-explorer
 * @param {string} style CSS
 * @param {(root: HTMLElement, signal: AbortSignal) => import("./types").Instance<Data>} create
 *   makes an instance; its clean-up listens to the signal
 * @returns {(component: import("./types").StreamlitComponent<Data>) => () => void}
 */
export function defineComponent(name, style, create) {
  const mounted = new WeakMap();

  /** @param {HTMLElement | ShadowRoot} parent */
  function mount(parent) {
    for (const old of parent.querySelectorAll("[data-latent-explorer]")) old.remove();
    const root = element("div", {}, element("style", { textContent: style }));
    root.dataset.latentExplorer = name;
    parent.append(root);
    const controller = new AbortController();
    const mine = {
      controller,
      instance: create(root, controller.signal),
      calls: 0,
      silentUntil: 0,
      removal: /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined),
    };
    onNavigation((away) => (mine.silentUntil = away ? performance.now() + NAVIGATION : 0), controller.signal);
    mounted.set(parent, mine);
    return mine;
  }

  return ({ parentElement, data, setStateValue }) => {
    /** @type {ReturnType<typeof mount>} */
    const mine = mounted.get(parentElement) ?? mount(parentElement);
    clearTimeout(mine.removal);
    const call = (mine.calls += 1);
    mine.instance.update(data[0], (state, value) => {
      if (performance.now() >= mine.silentUntil) setStateValue(state, value);
    });
    return () => {
      if (call !== mine.calls) return;
      mine.removal = setTimeout(() => {
        mounted.delete(parentElement);
        mine.controller.abort();
      }, REMOVAL_DELAY);
    };
  };
}
