/** Asks for the token of a service that wants one. */

import { useEffect, useRef } from "preact/hooks";
import { keepToken } from "../api/client";
import { message, needsToken } from "../work/attempts";
import { start } from "../work/studio";

export function TokenDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="token-title" onClose={() => (needsToken.value = false)}>
      <form
        method="dialog"
        onSubmit={(event) => {
          keepToken(String(new FormData(event.currentTarget).get("token") ?? ""));
          needsToken.value = false;
          const again = message.value?.again;
          message.value = null;
          void (again ? again() : start());
        }}
      >
        <h2 id="token-title">A token is needed</h2>
        <p>This service was started with a token. It is kept until you close this tab.</p>
        <label class="field">
          Token
          <input name="token" type="password" autocomplete="current-password" required />
        </label>
        <div class="row end">
          <button type="submit" class="button primary">Go on</button>
        </div>
      </form>
    </dialog>
  );
}
