// Passkeys: each form with data-passkey fetches options from data-begin, asks the
// browser for a passkey ("get") or to make one ("create"), puts the answer into
// the form's field "answer" and sends the form. A browser that cannot do this
// never sees the form.
"use strict";

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const create = form.dataset.passkey === "create";
  const parse = window.PublicKeyCredential &&
    (create ? PublicKeyCredential.parseCreationOptionsFromJSON : PublicKeyCredential.parseRequestOptionsFromJSON);
  if (!parse) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = form.querySelector("[role=alert]");
    failed.hidden = true;
    try {
      const response = await fetch(form.dataset.begin, { method: "POST" });
      if (!response.ok) throw new Error("status " + response.status);
      const publicKey = parse.call(PublicKeyCredential, await response.json());
      const credential = create
        ? await navigator.credentials.create({ publicKey })
        : await navigator.credentials.get({ publicKey });
      form.elements.answer.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (error) {
      failed.hidden = false;
    }
  });
}
