// Before a sign-up form is sent, the browser works for a moment if the site asks for it (a challenge of ALTCHA).
// Without this script, or without a secure connection, the form is sent as it is, and its mail comes later.
(() => {
  const FRESH = 15 * 60 * 1000; // a challenge is good for twenty minutes
  const PATIENCE = 45 * 1000; // then the form is sent without

  const solve = async ({ challenge, worker }) => {
    const answer = await fetch(challenge, { credentials: "omit", cache: "no-store" });
    if (answer.status !== 200 || !globalThis.isSecureContext) return "";
    const task = await answer.json();
    const helper = new Worker(worker);
    try {
      return await new Promise((resolve, reject) => {
        helper.onmessage = (event) => resolve(event.data);
        helper.onerror = reject;
        setTimeout(reject, PATIENCE);
        helper.postMessage(task);
      });
    } finally {
      helper.terminate();
    }
  };

  const look_after = (field) => {
    if (field.dataset.isWatched) return; // a page with two forms loads this script twice
    field.dataset.isWatched = "1";
    const form = field.form;
    const status = form.querySelector("[data-proof-status]");
    let work = null;
    let since = 0;
    let is_ready = false;

    const begin = () => {
      if (work && Date.now() - since < FRESH) return work;
      since = Date.now();
      is_ready = false;
      work = solve(field.dataset).catch(() => "").then((proof) => {
        field.value = proof;
        is_ready = true;
      });
      return work;
    };

    form.addEventListener("focusin", begin);
    form.addEventListener("submit", async (event) => {
      const done = begin();
      if (is_ready) return;
      event.preventDefault();
      if (form.getAttribute("aria-busy")) return;
      form.setAttribute("aria-busy", "true");
      if (status) status.textContent = status.dataset.proofStatus;
      await done;
      form.removeAttribute("aria-busy");
      if (status) status.textContent = "";
      form.requestSubmit(event.submitter);
    });
    addEventListener("pageshow", (event) => {
      if (event.persisted) work = null; // come back to: what was solved has been used up
    });
  };

  document.querySelectorAll('input[name="altcha"][data-challenge]').forEach(look_after);
})();
